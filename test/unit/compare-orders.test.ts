import { deepStrictEqual, match, ok, strictEqual } from 'node:assert/strict'
import { type Codes, codesIn, compareOrders, type Layer } from '../../demo/compare-orders.ts'
import { type ExpectedKind, expectedOrders, type Fields } from '../../demo/expected-orders.ts'

type Json = Readonly<Record<string, unknown>>

const options = { seed: 1, size: 'small', today: '2026-03-10', days: 2 } as const

/** A record of P2P that is as expected; `gone` ones are marked. */
const MAKERS: Readonly<Record<string, (key: string, fields: Fields, gone: boolean) => Json>> = {
  vendors: (vendorCode, { name, active }, gone) => ({
    ...{ vendorCode, name, processingStatus: { active: !gone && active === 'yes' } },
    companies: [{ companyCode: 'GB10' }, { companyCode: 'FR10' }],
  }),
  accounts: (key, { name, active }) => ({
    accountCode: key.slice(5),
    accountNames: [{ language: 'en-US', translation: name || '..' }],
    companies: [{ companyCode: key.slice(0, 4), active: active === 'yes' }],
  }),
  costCenters: (costCenterCode, fields) => ({
    ...{ costCenterCode, costCenterNames: [{ language: 'en-US', translation: fields.name || '..' }] },
    companies: active(fields),
  }),
  matchingOrders: (key, { supplier, currency, created, closed }, gone) => ({
    ...{ companyCode: key.slice(0, 4), orderNumber: key.slice(5), organizationElementCode: key.slice(0, 4) },
    ...{ supplierCode: supplier, currencyCode: currency, created: `${created}T00:00:00Z` },
    isClosed: gone || closed === 'yes',
  }),
  matchingOrderLines: (key, fields, gone) => {
    const [company, order, lineNumber] = key.split(' ')
    const [accountCode, costCenterCode, dimCode1, dimCode2] = fields.coding?.split(' ') ?? []
    return {
      ...{ orderExternalCode: `o${company}${order}`, lineNumber, matchingMode: fields.mode, isDeleted: gone },
      ...{ quantity: Number(fields.quantity), netPrice: Number(fields.netPrice), netSum: Number(fields.netSum) },
      ...{ buyerProductCode: fields.product, isClosed: fields.closed === 'yes' },
      orderLineCoding: [
        {
          ...{ externalCode: `c${order}${lineNumber}`, accountCode, costCenterCode },
          ...Object.fromEntries(Object.entries({ dimCode1, dimCode2 }).filter(([, code]) => code !== '-')),
          ...{ allocatedQuantity: Number(fields.quantity), netTotal: Number(fields.netSum) },
        },
      ],
      goodsReceipts: (fields.receipts || undefined)?.split(', ').map((one, k) => ({
        ...{ externalCode: `g${order}${lineNumber}${k}`, goodsReceiptNumber: one.split(' ')[0] },
        ...{ quantity: Number(one.split(' ')[1]), netPrice: 1 },
      })),
    }
  },
}

const active = (fields: Fields): Json[] =>
  ['FR10', 'GB10'].map((companyCode) => ({ companyCode, active: fields.active?.includes(`${companyCode} yes`) }))

const listItem = (text_1: string, fields: Fields): Json => ({
  ...{ text_1, text_2: fields.name || '..', companies: active(fields) },
})

/** P2P as it should be. */
function p2pOf(expected: readonly ExpectedKind[]): Record<string, readonly Json[]> {
  const some = expected
    .find(({ kind }) => kind === 'matchingOrderLines')
    ?.records.values()
    .next().value as Fields
  return Object.fromEntries(
    expected.map(({ kind, records, gone }) => {
      const make = MAKERS[kind] ?? listItem
      const codeOf = (key: string): string => (kind === 'matchingOrders' ? 'o' : '') + key.replaceAll(' ', '')
      const whole = (key: string, fields: Fields, isGone: boolean): Json => ({
        ...make(key, fields, isGone),
        externalCode: codeOf(key),
      })
      return [
        kind,
        [
          ...[...records].map(([key, fields]) => whole(key, fields, false)),
          ...[...gone]
            .filter(([, must]) => must)
            .map(([key]) => whole(key, { ...some, receipts: '', coding: '' }, true)),
        ],
      ]
    }),
  )
}

describe('the comparer of orders', () => {
  const expected = expectedOrders(options)
  const p2p = p2pOf(expected)
  const kinds = expected.map(({ kind }) => kind)

  function compared(layer: Layer, more: Partial<Parameters<typeof compareOrders>[0]> = {}) {
    const { missing, extra, different, marked, held, examples } = compareOrders({
      ...{ expected, p2p: layer, typed: {}, days: [codesIn(layer, kinds)], isHeld: () => false, ...more },
    })
    return { counts: { missing, extra, different, marked, held }, examples }
  }
  const changed = (kind: string, at: number, fields: Json): Layer => ({
    ...p2p,
    [kind]: (p2p[kind] ?? []).map((record, k) => (k === at ? { ...record, ...fields } : record)),
  })
  const without = (kind: string, at: number): Layer => ({
    ...p2p,
    [kind]: (p2p[kind] ?? []).filter((_, k) => k !== at),
  })
  const goneAt = (kind: string): number => expected.find((one) => one.kind === kind)?.records.size ?? 0
  const goneLines = [...(expected.find(({ kind }) => kind === 'matchingOrderLines')?.gone ?? [])].filter(
    ([, must]) => must,
  ).length
  const goneOrders = [...(expected.find(({ kind }) => kind === 'matchingOrders')?.gone ?? [])].filter(
    ([, must]) => must,
  ).length
  const good = { missing: 0, extra: 0, different: 0, marked: goneLines + goneOrders, held: 0 }

  it('finds nothing where all is there, and what is gone is marked', () => {
    ok(goneLines > 0 && goneOrders > 0, 'orders and lines are deleted within two days')
    deepStrictEqual(compared(p2p), { counts: good, examples: [] })
  })

  it('knows the books: a discounted price, receipts in the unit of the order, coding', () => {
    const lines = expectedOrders({ ...options, days: 0 }).find(({ kind }) => kind === 'matchingOrderLines')?.records
    const { coding = '', ...others } = lines?.get('FR10 POFR0120004 23000') ?? {}
    // 768.073 litres at 509.4017 less 5 %; 25 metres in stock are a litre, and twice 62.328 metres came.
    deepStrictEqual(others, {
      ...{ quantity: '768.073', netPrice: '483.931615', netSum: '371694.81' },
      ...{ mode: 'Standard', product: 'SER002', closed: 'yes' },
      receipts: 'RECFR01200041 2.49312, RECFR01200042 2.49312',
    })
    match(coding, /^10\d{4} 00050 P20-001 00060 768\.073 371694\.81$/)
  })

  it('finds what is missing, held or not', () => {
    for (const kind of kinds) {
      const { counts, examples } = compared(without(kind, 0))
      ok(counts.missing >= 1, kind)
      match(examples[0] ?? '', new RegExp(`^${kind} .*is not in P2P`))
    }
    const isHeld = (kind: string): boolean => kind === 'vendors'
    deepStrictEqual(compared(without('vendors', 0), { isHeld }).counts, { ...good, held: 1 })
    const gone = compared(without('matchingOrderLines', goneAt('matchingOrderLines')))
    deepStrictEqual([gone.counts.missing, gone.counts.marked], [1, good.marked - 1])
  })

  it('finds what is there twice, or in no book', () => {
    const [vendor] = p2p.vendors ?? []
    const twice = { ...p2p, vendors: [...(p2p.vendors ?? []), { ...vendor, externalCode: 'again' }] }
    deepStrictEqual(compared(twice, { days: [] }).counts, { ...good, extra: 1 })
    const strange = { ...p2p, vendors: [...(p2p.vendors ?? []), { ...vendor, vendorCode: 'X', externalCode: 'X' }] }
    deepStrictEqual(compared(strange).counts, { ...good, extra: 1 })
  })

  it('finds each field that differs', () => {
    const wrong: readonly (readonly [string, Json, RegExp])[] = [
      ['vendors', { name: 'Other' }, /name Other, not/],
      ['vendors', { processingStatus: { active: false } }, /active no, not yes/],
      ['vendors', { companies: [{ companyCode: 'FR10' }] }, /companies FR10, not/],
      ['matchingOrders', { supplierCode: 'X' }, /supplier X/],
      ['matchingOrders', { currencyCode: 'X' }, /currency X/],
      ['matchingOrders', { isClosed: true }, /closed yes/],
      ['matchingOrders', { created: '2001-01-01' }, /created 2001-01-01/],
      ['matchingOrderLines', { quantity: 1 }, /quantity 1, not/],
      ['matchingOrderLines', { netPrice: 1 }, /netPrice 1, not/],
      ['matchingOrderLines', { netSum: 1 }, /netSum 1, not/],
      ['matchingOrderLines', { matchingMode: 'Blanket' }, /mode Blanket/],
      ['matchingOrderLines', { isDeleted: true }, /is marked as deleted/],
      ['matchingOrderLines', { orderLineCoding: [] }, /coding /],
      ['matchingOrderLines', { goodsReceipts: [] }, /receipts /],
    ]
    for (const [kind, fields, why] of wrong) {
      const { counts, examples } = compared(changed(kind, 0, fields))
      strictEqual(counts.different, 1, `${kind} ${JSON.stringify(fields)}`)
      match(examples[0] ?? '', why)
    }
  })

  it('finds a deleted line, order or supplier that is not marked', () => {
    const line = compared(changed('matchingOrderLines', goneAt('matchingOrderLines'), { isDeleted: false }))
    match(line.examples[0] ?? '', /gone in the ERP and not marked/)
    const order = compared(changed('matchingOrders', goneAt('matchingOrders'), { isClosed: false }))
    deepStrictEqual([order.counts.different, order.counts.marked], [1, good.marked - 1])
  })

  it("knows that lines which people typed are not the flow's to delete, in an order that is gone too", () => {
    const at = goneAt('matchingOrderLines')
    const open = changed('matchingOrderLines', at, { isDeleted: false })
    const typed = {
      matchingOrders: p2p.matchingOrders ?? [],
      matchingOrderLines: [open.matchingOrderLines?.[at] ?? {}],
    }
    const { counts } = compared(changed('matchingOrderLines', at, { isDeleted: false, quantity: 7 }), { typed })
    deepStrictEqual(counts, { ...good, marked: good.marked })
  })

  it('finds a code that changed, is not safe, or comes twice below lines', () => {
    const codes: Codes = new Map([...codesIn(p2p, kinds)].slice(0, 1).map(([name]) => [name, 'before']))
    match(compared(p2p, { days: [codes] }).examples[0] ?? '', /had the code before, now/)
    match(compared(changed('vendors', 0, { externalCode: 'A/1' })).examples[0] ?? '', /no safe code/)
    match(compared(changed('vendors', 0, { externalCode: 'A'.repeat(37) })).examples[0] ?? '', /no safe code/)
    const [, second] = p2p.matchingOrderLines ?? []
    const { orderLineCoding } = second ?? {}
    const [row] = orderLineCoding as readonly Json[]
    const twice = compared(changed('matchingOrderLines', 0, { orderLineCoding: [row] })).examples
    ok(twice.some((text) => /comes twice/.test(text)))
  })

  it('finds what people typed and the flow took away', () => {
    const [vendor] = p2p.vendors ?? []
    const bank = { paymentMeans: [{ paymentMeansCode: 'TRF' }] }
    const own = { externalCode: 'MAN', vendorCode: 'BW', name: 'Of Basware alone' }
    const typed = { vendors: [{ ...vendor, ...bank }, own] }
    const kept = changed('vendors', 0, bank)
    const all = { ...kept, vendors: [...(kept.vendors ?? []), own] }
    deepStrictEqual(compared(all, { typed }).counts, good)
    match(
      compared({ ...p2p, vendors: [...(p2p.vendors ?? []), own] }, { typed }).examples[0] ?? '',
      /paymentMeans is not/,
    )
    match(compared(kept, { typed }).examples[0] ?? '', /which somebody typed, is gone/)
    const renamed = { ...kept, vendors: [...(kept.vendors ?? []), { ...own, name: 'Taken' }] }
    match(compared(renamed, { typed }).examples[0] ?? '', /name is not as somebody typed it/)
  })
})
