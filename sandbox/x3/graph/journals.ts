import type { AnalyticalLine, JournalEntry, JournalLine } from '../../books/types.ts'
import { enums } from '../enums.ts'
import type { Context, NodeSpec } from '../model.ts'
import { decimal, emptyDate, node } from '../model.ts'
import { type LineOf, linesOf } from './lines.ts'

type Line = LineOf<JournalEntry, JournalLine>
interface Split extends Line {
  readonly split: AnalyticalLine
}
/** One place for a dimension on a split; X3 has as many as the folder has axes, filled or not. */
interface Place extends Split {
  readonly index: number
  readonly axis: string
  readonly code: string | null
}

/** The ledger's number (LEDTYP), part of a line's key. */
const ledgerNumbers: ReadonlyMap<string, number> = new Map(enums.GeneralLedgerTypes.map((name, i) => [name, i + 1]))
const ledgerNumber = (line: JournalLine): number => ledgerNumbers.get(line.ledger) ?? 0

const entryKey = (doc: JournalEntry): string => `${doc.entryType}|${doc.number}`
const lines = (doc: JournalEntry): readonly Line[] => linesOf(doc, (l) => l.line * 100 + ledgerNumber(l))
const splits = ({ doc, line }: Line): readonly Split[] => line.analytical.map((split) => ({ doc, line, split }))

function places({ doc, line, split }: Split, context: Context): readonly Place[] {
  const axes = Object.keys(context.books.codes.dimensionType ?? {})
  return axes.map((axis, i) => ({ doc, line, split, index: i + 1, axis, code: split.dimensions[axis] ?? null }))
}

const positionOf = ({ doc, line }: Line): (string | number)[] => [entryKey(doc), line.line, ledgerNumber(line)]

const lineStamps: NodeSpec['stamps'] = {
  _updateStamp: { table: 'journalEntry', part: 'lines' },
  'journalEntry._updateStamp': { table: 'journalEntry', part: 'own' },
}

export function journalNodes(): NodeSpec[] {
  return [
    node<JournalEntry>(
      {
        type: 'JournalEntry',
        package: 'x3Finance',
        table: 'journalEntry',
        position: (e) => [entryKey(e)],
        stamped: (e) => e,
        keys: [['journalEntryType._id', 'journalEntryNumber']],
        stamps: { _updateStamp: { table: 'journalEntry', part: 'own' } },
      },
      {
        journalEntryType: ['EntryType_node', (e, c) => c.code('entryType', e.entryType)],
        journalEntryNumber: ['String', (e) => e.number],
        company: ['Company_node', (e, c) => c.code('company', e.company)],
        site: ['Site_node', (e, c) => c.code('site', e.site)],
        journal: ['Journal_node', (e, c) => c.code('journal', e.journal)],
        accountingDate: ['Date', (e) => e.accountingDate],
        journalEntryStatus: ['AccountingJournalStatus', (e) => e.status],
        journalEntryTransaction: ['JournalEntryTransaction_node', (e, c) => c.code('transaction', e.transaction)],
        transactionCurrency: ['Currency_node', (e, c) => c.code('currency', e.currency)],
        journalEntryLines: ['JournalEntryLine_Collection', (e) => lines(e)],
      },
    ),
    node<Line>(
      {
        type: 'JournalEntryLine',
        package: 'x3Finance',
        table: 'journalEntry',
        rows: lines,
        position: positionOf,
        stamped: ({ line }) => line,
        keys: [
          ['journalEntry._id'],
          ['journalEntryType._id', 'journalEntry.journalEntryNumber'],
          ['journalEntry.journalEntryType._id', 'journalEntry.journalEntryNumber'],
        ],
        stamps: lineStamps,
        sortValue: ({ line }) => line.line,
      },
      {
        journalEntryType: ['EntryType_node', ({ doc }, c) => c.code('entryType', doc.entryType)],
        journalEntry: ['JournalEntry_node', ({ doc }) => doc],
        lineNumber: ['Int', ({ line }) => line.line],
        ledgerTypeNumber: ['GeneralLedgerTypes', ({ line }) => line.ledger],
        site: ['Site_node', ({ line }, c) => c.code('site', line.site)],
        accountingDate: ['Date', ({ line }) => line.accountingDate],
        chartOfAccounts: ['ChartOfAccounts_node', ({ line }, c) => c.code('chartOfAccounts', line.chart)],
        controlAccount: ['String', ({ line }) => line.controlAccount ?? ''],
        account: ['Account_node', ({ line }, c) => c.ref('account', `${line.chart}|${line.account}`)],
        businessPartner: ['BusinessPartner_node', ({ line }, c) => c.ref('businessPartner', line.businessPartner)],
        sign: ['Int', ({ line }) => line.sign],
        transactionCurrency: ['Currency_node', ({ line }, c) => c.code('currency', line.currency)],
        transactionAmount: ['Decimal', ({ line }) => decimal(line.amount)],
        ledgerCurrency: ['Currency_node', ({ line }, c) => c.code('currency', line.ledgerCurrency)],
        ledgerAmount: ['Decimal', ({ line }) => decimal(line.ledgerAmount)],
        quantity: ['Decimal', ({ line }) => decimal(line.quantity)],
        lineDescription: ['String', ({ line }) => line.description],
        matchingCode: ['String', ({ line }) => line.matchingCode ?? ''],
        matchingDate: ['Date', ({ line }) => line.matchingDate],
        maximumMatchingDate: ['Date', ({ line }) => line.matchingDate ?? emptyDate],
        tax: ['Tax_node', ({ line }, c) => c.code('tax', line.tax)],
        analyticalLines: ['JournalEntryAnalyticalLine_Collection', (source) => splits(source)],
      },
    ),
    node<Split>(
      {
        type: 'JournalEntryAnalyticalLine',
        package: 'x3Finance',
        table: 'journalEntry',
        rows: (doc: JournalEntry) => lines(doc).flatMap(splits),
        position: (source) => [...positionOf(source), source.split.split],
        stamped: ({ line }) => line,
        keys: [['journalEntryLine._id']],
        stamps: {
          _updateStamp: { table: 'journalEntry', part: 'lines' },
          'journalEntryLine._updateStamp': { table: 'journalEntry', part: 'own' },
        },
        sortValue: ({ split }) => split.split,
      },
      {
        journalEntryType: ['EntryType_node', ({ doc }, c) => c.code('entryType', doc.entryType)],
        // So on Sage's page: the field named after the line leads to the entry.
        journalEntryLine: ['JournalEntry_node', ({ doc }) => doc],
        lineNumber: ['Int', ({ line }) => line.line],
        ledgerTypeNumber: ['GeneralLedgerTypes', ({ line }) => line.ledger],
        analyticalLineNumber: ['Int', ({ split }) => split.split],
        site: ['Site_node', ({ split }, c) => c.code('site', split.site)],
        transactionAmount: ['Decimal', ({ split }) => decimal(split.amount)],
        quantity: ['Decimal', ({ split }) => decimal(split.quantity)],
        dimensions: ['JournalEntryAnalyticalLineDimensions_Collection', (source, c) => places(source, c)],
      },
    ),
    node<Place>(
      {
        type: 'JournalEntryAnalyticalLineDimensions',
        package: 'x3Finance',
        table: 'journalEntry',
        rows: (doc: JournalEntry, context) =>
          lines(doc).flatMap((line) => splits(line).flatMap((split) => places(split, context))),
        position: (source) => [...positionOf(source), source.split.split, source.index],
        stamped: ({ line }) => line,
        stamps: { _updateStamp: { table: 'journalEntry', part: 'lines' } },
        sortValue: ({ index }) => index,
      },
      {
        denormalizedIndex: ['Int', ({ index }) => index],
        journalEntryType: ['String', ({ doc }) => doc.entryType],
        journalEntryLine: ['String', ({ doc }) => doc.number],
        lineNumber: ['Int', ({ line }) => line.line],
        ledgerTypeNumber: ['GeneralLedgerTypes', ({ line }) => line.ledger],
        analyticalLineNumber: ['Int', ({ split }) => split.split],
        dimensionType: ['DimensionType_node', ({ axis, code }, c) => (code ? c.code('dimensionType', axis) : null)],
        dimension: ['Dimension_node', ({ axis, code }, c) => (code ? c.ref('dimension', `${axis}|${code}`) : null)],
      },
    ),
  ]
}
