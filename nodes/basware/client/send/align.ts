/** The report of what the ERP and Basware's API layer do not have alike. It changes nothing. */
import type { Reading } from '../invoices.ts'
import { type Book, type Books, keysOf } from './book.ts'
import type { Place } from './resources.ts'
import { baswareCode, type SendRules } from './rules.ts'
import { factsOf, hashOf, type Sent, type SentBook } from './sent.ts'

export interface AlignmentRow {
  readonly place: Place
  /**
   * `missing`: sent, and not there. `differs`: there, and otherwise than it was sent. `open`: an order that is open there and closed
   * in the ERP. `only-there`: it was never sent. `twice`: what was sent is there under another code too.
   */
  readonly kind: 'missing' | 'differs' | 'open' | 'only-there' | 'twice'
  readonly code: string
  readonly externalCode: string
  /** What differs, in words. */
  readonly text: string
}

export interface Aligning {
  readonly rules: SendRules
  readonly books: Books
  readonly sent: SentBook
  readonly reading: Reading
  readonly columns: (place: Place) => { readonly code: string; readonly name: string }
}

/** Differences of a place, by code. Basware is asked anew. */
export async function alignmentOf(place: Place, aligning: Aligning): Promise<readonly AlignmentRow[]> {
  const { rules, books, sent, reading, columns } = aligning
  const names = columns(place)
  books.turn()
  const [all, book] = [await sent.all(place), await books.of(place, names.code, reading)]
  const rows = [...all].flatMap(([externalCode, one]) => ofSent(place, externalCode, one, book, names) ?? [])
  const ours = new Set(rules.companies.map(baswareCode))
  const codes = new Set([...all.values()].map(([code]) => code))
  for (const [externalCode, copy] of book.copies) {
    const { code, active } = factsOf(place, copy, names)
    if (all.has(externalCode) || !active || !isOfCompanies(place, names.code, copy, ours)) continue
    const kind = codes.has(code) ? 'twice' : 'only-there'
    const text = kind === 'twice' ? 'what was sent is there under another code too' : 'it was never sent'
    rows.push({ place, kind, code, externalCode, text })
  }
  return rows.sort((a, b) => (a.kind === b.kind ? (a.code < b.code ? -1 : 1) : a.kind < b.kind ? -1 : 1))
}

function ofSent(
  place: Place,
  externalCode: string,
  [code, name, active]: Sent,
  book: Book,
  names: { readonly code: string; readonly name: string },
): AlignmentRow | undefined {
  const copy = book.copies.get(externalCode)
  const row = { place, code, externalCode }
  if (!copy) return active ? { ...row, kind: 'missing', text: 'it was sent, and is not there' } : undefined
  const facts = factsOf(place, copy, names)
  if (place === 'matchingOrders' && facts.active && !active)
    return { ...row, kind: 'open', text: 'it is open there, and closed in the ERP' }
  const text = [
    facts.code === code ? '' : `its code there is ${facts.code || '(none)'}`,
    hashOf(facts.name) === name ? '' : `its name there is ${facts.name || '(none)'}`,
    facts.active === active
      ? ''
      : `it is ${facts.active ? 'active' : 'not active'} there, and ${active ? 'active' : 'not active'} in the ERP`,
  ].filter(Boolean)
  return text.length > 0 ? { ...row, kind: 'differs', text: text.join('; ') } : undefined
}

/** Whether a record there is of one of the companies that are sent. */
function isOfCompanies(
  place: Place,
  codeColumn: string,
  copy: Readonly<Record<string, unknown>>,
  ours: ReadonlySet<string>,
) {
  const companies =
    place === 'vendors'
      ? ((copy.companies as readonly { companyCode?: unknown }[] | undefined) ?? []).map(({ companyCode }) =>
          String(companyCode),
        )
      : keysOf(place, codeColumn, copy).map((key) => key.slice(key.lastIndexOf('|') + 1))
  return companies.some((code) => ours.has(code))
}
