/** The object GAS as a publication: journal entries are saved, read, found, and deleted as long as they are temporary. */
import type { Books, JournalEntry } from '../../books/types.ts'
import { stampText } from '../../books/world.ts'
import { headerFields, type JournalShape, journalGroups, LINES } from './journal-fields.ts'
import type { Fields, FieldType, GroupType, X3Object } from './object.ts'
import { checkFields, entryOf, Refused, type Voucher } from './vouchers.ts'

export interface JournalOptions {
  readonly books: Books
  /** The ERP's clock in ms. */
  readonly now: () => number
  /** Fields that the publication has. */
  readonly shape: JournalShape
  /** Fields that `query` takes as a condition and gives: the columns of the object's list, which each site sets. */
  readonly listed: readonly string[]
  /** `terms`: what is owed falls due by the terms of the partner, whatever was entered. */
  readonly dueDates?: 'entered' | 'terms'
}

/** Journal entries as an accountant of the demo company sees and changes them; keys are `entryType|number`. */
export interface Accountant {
  /** Entries that came through the web service, temporary ones among them, with what was sent. */
  posted(): readonly { readonly key: string; readonly status: JournalEntry['status']; readonly header: Fields }[]
  /** Makes a temporary entry final. */
  finalise(key: string): void
  /** Deletes a temporary entry. */
  remove(key: string): void
  /** Enters the opposite of an entry; its key. */
  reverse(key: string): string
  /** Entries dated before this day are refused from now on. */
  closeBefore(date: string): void
}

export interface Journals {
  readonly groups: readonly GroupType[]
  readonly listed: readonly FieldType[]
  readonly accountant: Accountant
  /** Throws Refused. */
  save(object: X3Object): X3Object
  /** Undefined where there is none. */
  read(keys: ReadonlyMap<string, string>): X3Object | undefined
  query(conditions: ReadonlyMap<string, string>, most: number): readonly Fields[]
  /** Throws Refused. */
  remove(keys: ReadonlyMap<string, string>): void
}

export function createJournals({ books, now, shape, listed, dueDates = 'entered' }: JournalOptions): Journals {
  const groups = journalGroups(shape)
  const header = headerFields(groups)
  const vouchers = new Map<string, Fields>()
  const { journalEntry } = books.tables
  let closedBefore = ''
  let count = 0

  const post = (voucher: Voucher): JournalEntry => {
    const stamp = stampText(Math.floor(now() / 1000))
    count += 1
    const entry = entryOf(books, voucher, { number: `WS${String(count).padStart(7, '0')}`, stamp })
    if (entry.accountingDate < closedBefore) throw new Refused(`ACCDAT: Period closed ${entry.accountingDate}`)
    const { dueDate: _, ...byTerms } = entry
    books.post(dueDates === 'terms' ? byTerms : entry)
    vouchers.set(journalEntry.keyOf(entry), voucher.header)
    return entry
  }
  const entryAt = (key: string): JournalEntry => {
    const entry = journalEntry.get(key)
    if (!entry) throw new Refused('Record does not exist')
    return entry
  }
  const removeTemporary = (key: string): void => {
    if (entryAt(key).status === 'final') throw new Refused('Final entry: deletion not authorized')
    books.unpost(key, stampText(Math.floor(now() / 1000)))
  }
  const objectAt = (entry: JournalEntry): X3Object =>
    objectOf(groups, entry, vouchers.get(journalEntry.keyOf(entry)) ?? {})

  return {
    groups,
    listed: header.filter(({ name }) => listed.includes(name)),
    accountant: {
      posted: () =>
        [...vouchers].flatMap(([key, values]) => {
          const entry = journalEntry.get(key)
          return entry ? [{ key, status: entry.status, header: values }] : []
        }),
      finalise: (key) => books.post({ ...entryAt(key), status: 'final', updated: stampText(Math.floor(now() / 1000)) }),
      remove: removeTemporary,
      reverse: (key) => journalEntry.keyOf(post(opposite(groups, objectAt(entryAt(key))))),
      closeBefore(date) {
        closedBefore = date
      },
    },
    save: (object) => objectAt(post(voucherOf(groups, object))),
    read(keys) {
      const entry = journalEntry.get(keyOf(keys))
      return entry && objectAt(entry)
    },
    query(conditions, most) {
      for (const name of conditions.keys())
        if (!listed.includes(name)) throw new Refused(`Field ${name} is not in the list of the object`)
      const found: Fields[] = []
      for (const entry of journalEntry.walk()) {
        if (found.length >= most) break
        const values = headerOf(entry, vouchers.get(journalEntry.keyOf(entry)) ?? {})
        if ([...conditions].every(([name, wanted]) => fits(values[name] ?? '', wanted)))
          found.push(Object.fromEntries(listed.map((name) => [name, values[name] ?? ''])))
      }
      return found
    },
    remove: (keys) => removeTemporary(keyOf(keys)),
  }
}

const keyOf = (keys: ReadonlyMap<string, string>): string => `${keys.get('TYP') ?? ''}|${keys.get('NUM') ?? ''}`

/** `*` stands for anything. */
function fits(value: string, wanted: string): boolean {
  const [head = '', ...rest] = wanted.split('*')
  if (rest.length === 0) return value === wanted
  const tail = rest.at(-1) ?? ''
  return value.startsWith(head) && value.endsWith(tail) && value.length >= head.length + tail.length
}

function voucherOf(groups: readonly GroupType[], object: X3Object): Voucher {
  let header: Fields = {}
  for (const [id, values] of Object.entries(object.groups)) {
    const group = groups.find((one) => one.id === id && one.kind === 'GRP')
    if (!group) throw new Refused(`Group ${id} unknown`)
    checkFields(values, group.fields, id)
    header = { ...header, ...values }
  }
  const table = groups.find(({ kind }) => kind === 'TAB')
  const foreign = Object.keys(object.tables).find((id) => id !== LINES)
  if (foreign) throw new Refused(`Table ${foreign} unknown`)
  const lines = object.tables[LINES] ?? []
  for (const [k, line] of lines.entries()) checkFields(line, table?.fields ?? [], `${LINES}(${k + 1})`)
  if (header.NUM) throw new Refused('NUM: Numbered by the system')
  return { header, lines }
}

const compact = (date: string): string => date.replaceAll('-', '')

/** The header as X3 tells it: what was entered, and what X3 gave to it. */
const headerOf = (entry: JournalEntry, entered: Fields): Fields => ({
  ...entered,
  FCY: entry.site,
  TYP: entry.entryType,
  NUM: entry.number,
  ACCDAT: compact(entry.accountingDate),
  JOU: entry.journal,
  CAT: '1',
  STA: entry.status === 'final' ? '2' : '1',
  DACDIA: entry.transaction,
  CUR: entry.currency,
})

function objectOf(groups: readonly GroupType[], entry: JournalEntry, entered: Fields): X3Object {
  const values = headerOf(entry, entered)
  const legal = entry.lines.filter(({ ledger }) => ledger === 'legal')
  const pick = (fields: readonly FieldType[], from: Fields): Fields =>
    Object.fromEntries(fields.map(({ name }) => [name, from[name] ?? '']))
  return {
    groups: Object.fromEntries(
      groups.filter(({ kind }) => kind === 'GRP').map(({ id, fields }) => [id, pick(fields, values)]),
    ),
    tables: Object.fromEntries(
      groups
        .filter(({ kind }) => kind === 'TAB')
        .map(({ id, fields }) => [id, legal.map((line) => pick(fields, screenLine(line)))]),
    ),
  }
}

const screenLine = (line: JournalEntry['lines'][number]): Fields => ({
  FCYLIN: line.site,
  ACC1: line.account,
  BPR: line.businessPartner ?? '',
  DEB: line.sign === 1 ? line.amount : '',
  CDT: line.sign === -1 ? line.amount : '',
  DES: line.description,
  TAX: line.tax ?? '',
  ...Object.fromEntries(
    ['CCT', 'PRD', 'PRO'].map((type, k) => [`CCE${k + 1}`, line.analytical[0]?.dimensions[type] ?? '']),
  ),
})

/** The same entry with debit and credit changed. */
function opposite(groups: readonly GroupType[], object: X3Object): Voucher {
  const { header, lines } = voucherOf(groups, {
    groups: { ...object.groups, HAE0_1: { ...object.groups.HAE0_1, NUM: '' } },
    tables: object.tables,
  })
  return { header, lines: lines.map((line) => ({ ...line, DEB: line.CDT ?? '', CDT: line.DEB ?? '' })) }
}
