import { type Draw, pick } from '../../books/random.ts'
import type { Twist } from './cases.ts'
import type { Draft, DraftRow } from './draft.ts'
import { type Ground, idOf, UNMAPPED } from './ground.ts'

/** Texts that have broken somebody's import before. */
const HOSTILE = [
  "=cmd|' /C calc'!A0",
  '"quoted"; semi, comma\ttab',
  'two\r\nlines',
  '<Result><PARAM/></Result>]]>',
  "'); DROP TABLE GACCENTRY;--",
  '\u202eevil right to left',
  '𝟙𝟚𝟛 🚚 東京 Żółć',
  'null\u0000byte and \u0007bell',
  ' leading and trailing ',
  '{"success": true}',
] as const

const first = (rows: readonly DraftRow[], change: Partial<DraftRow>): DraftRow[] =>
  rows.map((row, k) => (k === 0 ? { ...row, ...change } : row))

const again = (rows: readonly DraftRow[], count: number): DraftRow[] =>
  Array.from({ length: count }, (_, k) => {
    const row = rows[k % rows.length] as DraftRow
    return { ...row, net: row.net + k }
  })

/** What each twist changes of a draft. */
export const TWISTS: Readonly<Record<Twist, (draft: Draft, draw: Draw, ground: Ground) => Partial<Draft>>> = {
  negativeRow: ({ rows }) => {
    const [row] = rows as [DraftRow]
    return {
      rows: [
        { ...row, net: row.net + 500 },
        { ...row, net: -Math.ceil(row.net / 4), text: 'Discount' },
      ],
    }
  },
  centOff: (_, draw) => ({ centsOff: pick(draw, [1, -1]) }),
  otherCoding: ({ rows, company }, draw, ground) => {
    const other = pick(draw, ground.accounts(company.code).active)
    const centre = pick(draw, ground.dimensions('CCT').active)
    return { rows: first(rows, { account: other.code, accountName: other.title, costCentre: centre.code }) }
  },
  unknownCentre: ({ rows }) => ({ rows: first(rows, { costCentre: '99999-X' }) }),
  inactiveCentre: ({ rows }, draw, ground) => {
    const { inactive, active } = ground.dimensions('CCT')
    return { rows: first(rows, { costCentre: pick(draw, inactive.length > 0 ? inactive : active).code }) }
  },
  inactiveAccount: ({ rows, company }, draw, ground) => {
    const { inactive, active } = ground.accounts(company.code)
    const account = pick(draw, inactive.length > 0 ? inactive : active)
    return { rows: first(rows, { account: account.code, accountName: account.title }) }
  },
  noAccount: ({ rows }) => ({ rows: first(rows, { account: '', accountName: '' }) }),
  hostileText: ({ rows }, draw) => ({
    number: pick(draw, HOSTILE),
    description: pick(draw, HOSTILE),
    rows: rows.map((row) => ({ ...row, text: pick(draw, HOSTILE) })),
  }),
  longest: ({ rows, index }) => ({
    number: `${index}-`.padEnd(100, '9'),
    description: 'Ä'.repeat(250),
    rows: rows.map((row) => ({ ...row, text: '界'.repeat(250) })),
    header: { referenceNumber: '7'.repeat(50), supplierName: 'W'.repeat(250) },
  }),
  manyRows: ({ rows }, draw) => ({ rows: again(rows, 150 + draw(200)) }),
  unmappedCompany: () => ({ company: UNMAPPED, currency: UNMAPPED.currency }),
  paymentBlock: () => ({ header: { paymentBlock: true } }),
  noVoucherDate: () => ({ header: { voucherDate: null } }),
  oldPeriod: () => ({ age: 400 }),
  sameNumber: (_, __, ground) => ({
    number: 'INV-1001',
    supplier: ground.suppliers[0]?.code ?? '',
    header: { supplierName: 'Twin' },
  }),
  unreadOrder: () => ({}),
  twoOrders: () => ({}),
  great: ({ rows }, draw) => ({ rows: first(rows, { net: 1e14 + draw(1e9) }) }),
  prebooked: ({ index }) => ({
    header: {
      prebooked: true,
      prebookResponses: [answer(index, 'Prebooked', `PRE${index}`)],
      voucherNumber2: `PRE${index}`,
    },
  }),
  typedVoucher: ({ index }) => ({ header: { voucherNumber1: `BPSIN-${String(index).padStart(8, '0')}` } }),
  enrichment: () => ({ header: { p2pProcessingMode: 'InvoiceEnrichment' } }),
  mixedTax: ({ rows }) => {
    const kinds = ['normal', 'reduced', 'exempt', 'reverse', 'partial'] as const
    return { rows: again(rows, 5).map((row, k) => ({ ...row, tax: kinds[k] ?? 'normal' })) }
  },
  nothingToPay: ({ rows }) => {
    const [row] = rows as [DraftRow]
    return { rows: [row, { ...row, net: -row.net }] }
  },
}

const answer = (index: number, responseMessage: string, voucherNumber2: string): object => ({
  externalCode: idOf(`answer ${index}`),
  success: true,
  responseMessage,
  voucherNumber2,
  paymentBlock: false,
})
