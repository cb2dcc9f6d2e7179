/** What is owed by a journal's line, as Sage's reference page of `openItem` has it. */
import type { JournalEntry, JournalLine } from '../../books/types.ts'
import { decimal, type Generation, isOld, type NodeSpec, node } from '../model.ts'
import type { LineOf } from './lines.ts'

/** `text`: the type of the journal is a text, not a reference; `undated`: no due date; `none`: there is no such node. */
export type OpenItems = 'dated' | 'text' | 'undated' | 'none'

type Item = LineOf<JournalEntry, JournalLine>

/** Days until what is owed falls due, where nobody has entered the day. */
const TERM_DAYS = 45

/** Lines that somebody owes, or is owed. */
const items = (doc: JournalEntry): readonly Item[] =>
  doc.lines
    .filter(({ ledger, businessPartner }) => ledger === 'legal' && businessPartner !== null)
    .map((line) => ({ doc, line }))

const dueOf = ({ dueDate, accountingDate }: JournalEntry): string =>
  dueDate ?? new Date(Date.parse(accountingDate) + TERM_DAYS * 86_400_000).toISOString().slice(0, 10)

export function openItemNodes(generation: Generation, published: OpenItems): NodeSpec[] {
  if (published === 'none') return []
  return [
    node<Item>(
      {
        type: 'OpenItem',
        package: isOld(generation) ? 'x3Finance' : 'x3FinanceData',
        table: 'journalEntry',
        rows: items,
        position: ({ doc, line }) => [`${doc.entryType}|${doc.number}`, line.line, 1],
        stamped: ({ line }) => line,
        keys: [],
      },
      {
        documentType:
          published === 'text'
            ? ['String', ({ doc }) => doc.entryType]
            : ['EntryType_node', ({ doc }, c) => c.code('entryType', doc.entryType)],
        documentNumber: ['String', ({ doc }) => doc.number],
        lineNumber: ['Int', ({ line }) => line.line],
        openItemLineNumber: ['Int', () => 1],
        company: ['Company_node', ({ doc }, c) => c.code('company', doc.company)],
        site: ['Site_node', ({ line }, c) => c.code('site', line.site)],
        businessPartner: ['BusinessPartner_node', ({ line }, c) => c.ref('businessPartner', line.businessPartner)],
        currency: ['Currency_node', ({ line }, c) => c.code('currency', line.currency)],
        amountInCurrency: ['Decimal', ({ line }) => decimal(line.amount)],
        sign: ['Int', ({ line }) => line.sign],
        controlAccount: ['String', ({ line }) => line.controlAccount ?? ''],
        ...(published === 'undated' ? {} : { dueDate: ['Date', ({ doc }: Item) => dueOf(doc)] as const }),
      },
    ),
  ]
}
