/** Journals as the publication of GAS takes and gives them: fields of screens, wherever it has them (x3.md facts, 4). */
import Big from 'big.js'
import { syncError } from '../../../../sync/contract/errors.ts'
import type { PostResult } from '../../../../sync/contract/posting.ts'
import { normalise } from '../../../../sync/values/money.ts'
import { type Fields, headerOf, type PublishedGroup, type X3Object } from '../soap/object.ts'
import { hold } from './hold.ts'
import type { Journal, JournalLine } from './journal.ts'
import type { PostingRules } from './rules.ts'
import type { SupplierInvoice } from './supplier-invoice.ts'

/** A publication, ready to be written. */
export interface Publication {
  readonly name: string
  readonly groups: readonly PublishedGroup[]
  /** The table of lines: the one that has ACC1. */
  readonly lines: PublishedGroup
  /** Of a supplier invoice: the table of its taxes, if there is one. */
  readonly taxes?: PublishedGroup | undefined
}

/** What is made in X3: a journal, or a supplier invoice by an operation of the customer's. */
export const DOCUMENTS = ['journal', 'invoice'] as const
export type Document = (typeof DOCUMENTS)[number]

/** Fields that none can do without: of the header, and of a line. */
const NEEDED: Readonly<Record<Document, readonly [header: readonly string[], line: readonly string[]]>> = {
  journal: [
    ['FCY', 'TYP', 'NUM', 'ACCDAT', 'STA', 'CUR'],
    ['ACC1', 'BPR', 'DEB', 'CDT'],
  ],
  invoice: [
    ['FCY', 'TYP', 'NUM', 'ACCDAT', 'STA', 'CUR', 'BPR', 'AMTATI'],
    ['ACC1', 'AMT'],
  ],
}

/** Fields that may carry the reference, the best one first. */
export const REFERENCE_FIELDS = ['REFINT', 'REF', 'BPRVCR'] as const

/** Throws `config` for a publication that lacks what no document can do without. */
export function publicationOf(
  name: string,
  groups: readonly PublishedGroup[],
  document: Document = 'journal',
): Publication {
  const [header, line] = NEEDED[document]
  const lines = groups.find(({ kind, fields }) => kind === 'TAB' && fields.some((field) => field.name === 'ACC1'))
  const missing = [
    ...header.filter((field) => !groupOf(groups, field)),
    ...line.filter((field) => !lines?.fields.some((one) => one.name === field)),
  ]
  const taxes = groups.find(({ kind, fields }) => kind === 'TAB' && fields.some((field) => field.name === 'AMTTAX'))
  if (lines && missing.length === 0) return { name, groups, lines, taxes }
  throw syncError(
    'config',
    'x3.publication',
    `${name} does not publish ${missing.join(', ')}, without which no ${document === 'journal' ? 'journal' : 'supplier invoice'} can be written`,
    {
      hint:
        document === 'journal'
          ? 'Publish the object GAS (function GESGAS) with these fields, and restart the pool.'
          : 'Say in the table of names of the node how the operation calls them.',
    },
  )
}

const groupOf = (groups: readonly PublishedGroup[], field: string): PublishedGroup | undefined =>
  groups.find(({ kind, fields }) => kind === 'GRP' && fields.some(({ name }) => name === field))

export const isPublished = ({ groups }: Publication, field: string): boolean => groupOf(groups, field) !== undefined

/** Throws `config` for a field of the journal that was chosen and is not published. */
export function checkPublished(publication: Publication, rules: PostingRules): void {
  const header = [rules.blockField, rules.dueDateField].filter(
    (field) => field !== '' && !isPublished(publication, field),
  )
  const line = rules.dimensions
    .map(({ field }) => field)
    .filter((field) => !publication.lines.fields.some(({ name }) => name === field))
  const missing = [...header, ...line]
  if (missing.length > 0)
    throw syncError(
      'config',
      'x3.publication',
      `${publication.name} does not publish ${missing.join(', ')}, which the node is to fill`,
      {
        hint: 'Publish these fields with the object GAS, or take them out of the node.',
      },
    )
}

export interface Writing {
  /** Field that carries the reference. */
  readonly reference: string
  readonly as: 'draft' | 'final'
  readonly rules: PostingRules
}

/** The object to save. Throws `data` where a tax code is needed and there is no field for it. */
export function objectOf(journal: Journal, publication: Publication, { reference, as, rules }: Writing): X3Object {
  const { number, description } = journal
  const isNumber = reference === 'BPRVCR'
  return written(
    publication,
    {
      ...{ FCY: journal.site, TYP: journal.entryType, NUM: '', ACCDAT: compact(journal.date) },
      ...{ JOU: journal.journal, CAT: '1', STA: as === 'final' ? '2' : '1' },
      DESVCR: isNumber ? [number, description].filter(Boolean).join(' ') : description || number,
      ...(isNumber ? {} : { BPRVCR: number }),
      ...{ BPRDATVCR: compact(journal.documentDate), RATDAT: compact(journal.date), CUR: journal.currency },
      ...(journal.paymentBlock ? { [rules.blockField]: rules.blockValue } : {}),
      ...(rules.dueDateField && journal.dueDate ? { [rules.dueDateField]: compact(journal.dueDate) } : {}),
      [reference]: journal.reference,
    },
    journal.lines.map((line) => lineOf(line, journal, publication)),
  )
}

/** The supplier invoice to save. Throws `data` where the operation has no parameter for what the invoice has. */
export function invoiceObjectOf(
  invoice: SupplierInvoice,
  publication: Publication,
  { reference, as, rules }: Writing,
): X3Object {
  const { scale, number, description, tax, taxes } = invoice
  const { lines, name } = publication
  const has = (field: string): boolean => lines.fields.some((one) => one.name === field)
  const isBare = invoice.rows.find((row) => !row.isTaxOptional && !has('TAX'))
  if (isBare && !publication.taxes)
    throw hold(
      'tax-field',
      'tax_code',
      `it has tax with the code ${isBare.tax}, and ${name} has no parameter for it`,
      'Give the operation a parameter for TAX of lines, and its name to the node.',
    )
  const size = (amount: Big): string => amount.toFixed(scale)
  return written(
    publication,
    {
      ...{ FCY: invoice.site, TYP: invoice.entryType, NUM: '', JOU: invoice.journal, ACCDAT: compact(invoice.date) },
      ...{ STA: as === 'final' ? '2' : '1', CUR: invoice.currency, RATDAT: compact(invoice.date) },
      ...{ BPR: invoice.supplier, BPRVCR: number, BPRDATVCR: compact(invoice.documentDate) },
      ...{ DESVCR: description || number, AMTNOT: size(invoice.net), AMTTAX: size(tax), AMTATI: size(invoice.gross) },
      ...(invoice.paymentBlock ? { [rules.blockField]: rules.blockValue } : {}),
      ...(rules.dueDateField && invoice.dueDate ? { [rules.dueDateField]: compact(invoice.dueDate) } : {}),
      [reference]: invoice.reference,
    },
    invoice.rows.map((row) => ({
      ...{ FCYLIN: invoice.site, ACC1: row.account, AMT: size(row.amount), DES: row.text },
      ...(row.tax ? { TAX: row.tax } : {}),
      ...(row.order ? { ORDER: row.order, ORDERLINE: row.orderLine } : {}),
      ...row.dimensions,
    })),
    taxes.map(({ code, base, amount }) => ({ TAX: code, BASTAX: size(base), AMTTAX: size(amount) })),
  )
}

function lineOf(line: JournalLine, { site, scale }: Journal, { name, lines }: Publication): Fields {
  const hasTax = lines.fields.some((field) => field.name === 'TAX')
  if (!hasTax && line.tax !== '' && !line.isTaxOptional)
    throw hold(
      'tax-field',
      'tax_code',
      `it has tax with the code ${line.tax}, and ${name} publishes no field TAX for it`,
      'Publish TAX with the lines of GAS, or tick "by account only" for this tax code in the node.',
    )
  const size = line.amount.abs().toFixed(scale)
  return {
    ...{ FCYLIN: site, ACC1: line.account, BPR: line.partner, DES: line.text },
    ...(line.amount.gt(0) ? { DEB: size } : { CDT: size }),
    ...(line.tax ? { TAX: line.tax } : {}),
    ...line.dimensions,
  }
}

/** Puts fields where they are published, texts cut to what fits. One that is not published is left out. */
export function written(
  { groups, lines, taxes }: Publication,
  header: Fields,
  rows: readonly Fields[],
  taxRows: readonly Fields[] = [],
): X3Object {
  const filled = (group: PublishedGroup, values: Fields): Fields =>
    Object.fromEntries(
      group.fields.flatMap(({ name, length }) => {
        const value = values[name]
        return value === undefined ? [] : [[name, TEXTS[name] ? cut(value, length ?? TEXTS[name]) : value]]
      }),
    )
  const parts = groups
    .filter(({ kind }) => kind === 'GRP')
    .map((group) => [group.id, filled(group, header)] as const)
    .filter(([, values]) => Object.keys(values).length > 0)
  return {
    groups: Object.fromEntries(parts),
    tables: {
      [lines.id]: rows.map((row) => filled(lines, row)),
      ...(taxes ? { [taxes.id]: taxRows.map((row) => filled(taxes, row)) } : {}),
    },
  }
}

/** Fields with a text for people, and the length that they have where the publication does not say. */
const TEXTS: Readonly<Record<string, number>> = { DESVCR: 30, BPRVCR: 20, DES: 30 }

/** One line, without characters that nobody sees, cut between two characters. */
function cut(text: string, length: number): string {
  const line = text.replace(/[\p{Cc}\p{Cf}\p{Cs}\s]+/gu, ' ').trim()
  let kept = ''
  for (const character of line) {
    if (kept.length + character.length > length) break
    kept += character
  }
  return kept.trim()
}

export const compact = (date: string): string => date.replaceAll('-', '')

/** A voucher as it stands in X3. */
export interface Voucher {
  readonly header: Fields
  readonly lines: readonly Fields[]
}

export const voucherOf = (object: X3Object, { lines }: Publication): Voucher => ({
  header: headerOf(object),
  lines: (object.tables[lines.id] ?? []).filter(({ ACC1 = '' }) => ACC1 !== ''),
})

const amountIn = (text: string | undefined): Big => {
  try {
    return new Big(text || 0)
  } catch {
    return new Big(0)
  }
}
const debitOf = ({ DEB, CDT }: Fields): Big => amountIn(DEB).minus(amountIn(CDT))

/** The field that a payment block stands in, and what it says then. */
export type Block = Pick<PostingRules, 'blockField' | 'blockValue'>

/** An invoice with a block is posted only where there is a field for it. */
function isBlocked({ header }: Voucher, { blockField, blockValue }: Block): { paymentBlock?: boolean } {
  if (blockField === '') return { paymentBlock: false }
  const value = header[blockField]
  return value === undefined ? {} : { paymentBlock: value === blockValue }
}

/** What it owes to its supplier, and to whom: as the facts of an invoice are said. */
export function resultOf(voucher: Voucher, block: Block, status?: PostResult['status']): PostResult {
  const { header, lines } = voucher
  const { NUM = '', TYP = '', STA = '', CUR = '' } = header
  const owed = lines.filter(({ BPR = '' }) => BPR !== '')
  const amount = owed.reduce((sum, line) => sum.minus(debitOf(line)), new Big(0))
  return {
    number: NUM,
    ...(TYP ? { type: TYP } : {}),
    status: status ?? (STA === '2' ? 'final' : 'draft'),
    ...isBlocked(voucher, block),
    ...(CUR ? { currency: CUR } : {}),
    ...(owed.length > 0 ? { amount: normalise(amount.toFixed()) } : {}),
    ...(owed.length > 0 ? { party: [...new Set(owed.map(({ BPR = '' }) => BPR))].sort().join(', ') } : {}),
  }
}

/** Whether one of two vouchers takes the other back: the same accounts and partners, with the sides turned. */
export function isReversal(one: Voucher, other: Voucher): boolean {
  const sides = ({ lines }: Voucher, sign: 1 | -1): string[] =>
    lines.map((line) => `${line.ACC1}|${line.BPR ?? ''}|${debitOf(line).times(sign).toFixed()}`).sort()
  return one.lines.length > 0 && JSON.stringify(sides(one, 1)) === JSON.stringify(sides(other, -1))
}
