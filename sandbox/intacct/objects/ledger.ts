import { accountNature } from '../../books/payables.ts'
import type { JournalEntry, JournalLine } from '../../books/types.ts'
import { type Entry, type FieldList, fieldsOf, type ObjectSpec, statusCodes } from '../model.ts'
import { createRecords, seconds, secondsOrNull, visibleOf } from '../records.ts'
import { type CompanyView, locationNo, object, users } from './company.ts'
import { userDimension, userDimensionId } from './dimensions.ts'
import { lineNo, plain } from './payable-fields.ts'

interface Batch {
  readonly no: number
  readonly entry: JournalEntry
}

interface EntryRow extends Batch {
  readonly line: JournalLine
}

/** The charts that together are the company's one chart: those of the legal ledgers. */
export const charts: readonly string[] = ['FRA', 'ENG']
/** The one ledger of the books that is the accrual book here. */
const ledger = 'legal'
const modules: Readonly<Record<string, string>> = { BPCIN: '4.AR', BPSIN: '3.AP', GEN: '2.GL', STK: '7.INV' }

const state = ({ entry }: Batch): string => (entry.status === 'final' ? 'Posted' : 'Draft')
const states = {
  ...{ Draft: 'D', Submitted: 'S', 'Partially Approved': 'PA', Approved: 'A', Posted: 'P', Declined: 'R' },
  ...{ 'Reversal pending': 'L', Reversed: 'Z' },
}

const batchFields = ({ books }: CompanyView): FieldList<Batch> => ({
  RECORDNO: ['INTEGER', ({ no }) => no, { readOnly: true, index: 'no', label: 'Record number' }],
  BATCHNO: ['INTEGER', ({ entry }) => BigInt(entry.number.replace(/\D/g, '')).toString()],
  BATCH_TITLE: ['TEXT', ({ entry }) => `${entry.entryType} ${entry.number}`, { required: true }],
  JOURNAL: ['TEXT', ({ entry }) => entry.journal, { required: true }],
  'JOURNAL.SYMBOL': ['TEXT', ({ entry }) => entry.journal],
  ADJ: ['BOOLEAN', () => 'F'],
  BATCH_DATE: ['DATE', ({ entry }) => entry.accountingDate, { required: true }],
  MODULE: ['TEXT', ({ entry }) => modules[entry.entryType] ?? '2.GL'],
  USERKEY: ['INTEGER', () => users.buyer.no],
  'USERINFO.LOGINID': ['TEXT', () => users.buyer.login],
  REFERENCENO: ['TEXT', ({ entry }) => entry.number],
  BASELOCATION: ['INTEGER', ({ entry }) => locationNo(entry.company)],
  BASELOCATION_NO: ['TEXT', ({ entry }) => entry.company, { index: 'entity' }],
  BASELOCATION_NAME: ['TEXT', ({ entry }) => books.codes.company?.[entry.company]],
  MODIFIED: ['TIMESTAMP', ({ entry }) => entry.updated, { readOnly: true }],
  MODIFIEDBYID: ['TEXT', () => users.buyer.login],
  WHENCREATED: ['TIMESTAMP', ({ entry }) => entry.created, { readOnly: true, index: 'created' }],
  WHENMODIFIED: ['TIMESTAMP', ({ entry }) => entry.updated, { readOnly: true, index: 'modified' }],
  CREATEDBY: ['INTEGER', () => users.buyer.no],
  MODIFIEDBY: ['INTEGER', () => users.buyer.no],
  STATE: ['ENUM', state, { codes: states, required: true }],
  MEGAENTITYID: ['TEXT', ({ entry }) => entry.company, { index: 'entity' }],
  MEGAENTITYNAME: ['TEXT', ({ entry }) => books.codes.company?.[entry.company]],
})

/** A line stands on its one analytical split; where there are several, on none. */
const split = ({ line }: EntryRow, type: string): string | undefined =>
  line.analytical.length === 1 ? line.analytical[0]?.dimensions[type] : undefined
const vendor = ({ entry, line }: EntryRow): string | null => (entry.entryType === 'BPSIN' ? line.businessPartner : null)
const customer = ({ entry, line }: EntryRow): string | null =>
  entry.entryType === 'BPCIN' ? line.businessPartner : null

function lineFields(company: CompanyView): FieldList<EntryRow> {
  const { books } = company
  const dimension = (type: string, code: string | undefined) =>
    code === undefined ? undefined : company.thing('dimension', `${type}|${code}`)
  return {
    RECORDNO: ['INTEGER', ({ no, line }) => lineNo(no, line.line), { readOnly: true, index: 'no' }],
    BATCHNO: ['INTEGER', ({ no }) => no, { readOnly: true, index: 'parent', label: 'Batch key' }],
    BATCHTITLE: ['TEXT', ({ entry }) => `${entry.entryType} ${entry.number}`],
    LINE_NO: ['INTEGER', ({ line }) => line.line],
    ENTRY_DATE: ['DATE', ({ line }) => line.accountingDate, { required: true }],
    TR_TYPE: ['INTEGER', ({ line }) => line.sign, { required: true }],
    AMOUNT: ['CURRENCY', ({ line }) => plain(line.ledgerAmount)],
    TRX_AMOUNT: ['CURRENCY', ({ line }) => plain(line.amount), { required: true }],
    CURRENCY: ['TEXT', ({ line }) => line.currency],
    BASECURR: ['TEXT', ({ line }) => line.ledgerCurrency],
    ACCOUNTNO: ['TEXT', ({ line }) => line.account, { required: true }],
    ACCOUNTTITLE: ['TEXT', ({ line }) => company.thing('account', `${line.chart}|${line.account}`)?.title],
    DESCRIPTION: ['TEXT', ({ line }) => line.description],
    DOCUMENT: ['TEXT', ({ entry }) => entry.number],
    DEPARTMENT: ['TEXT', (row) => split(row, 'CCT')],
    DEPARTMENTTITLE: ['TEXT', (row) => dimension('CCT', split(row, 'CCT'))?.title],
    LOCATION: ['TEXT', ({ line }) => line.site],
    LOCATIONKEY: ['INTEGER', ({ line }) => locationNo(line.site)],
    LOCATIONNAME: ['TEXT', ({ line }) => books.codes.site?.[line.site]],
    VENDORID: ['TEXT', vendor],
    CUSTOMERID: ['TEXT', customer],
    PROJECTID: ['TEXT', (row) => split(row, 'PRO')],
    PROJECTNAME: ['TEXT', (row) => dimension('PRO', split(row, 'PRO'))?.title],
    CLASSID: ['TEXT', ({ line }) => line.tax],
    CLASSNAME: ['TEXT', ({ line }) => (line.tax === null ? null : books.codes.tax?.[line.tax])],
    [`GLDIM${userDimension.toUpperCase()}`]: ['INTEGER', (row) => userDimensionId(books, split(row, 'PRD'))],
    CLEARED: ['BOOLEAN', ({ line }) => (line.matchingCode === null ? 'F' : 'T')],
    CLRDATE: ['DATE', ({ line }) => line.matchingDate],
    STATISTICAL: ['BOOLEAN', () => 'F'],
    ADJ: ['BOOLEAN', () => 'F'],
    STATE: ['TEXT', state],
    USERNO: ['INTEGER', () => users.buyer.no],
    WHENCREATED: ['TIMESTAMP', ({ line }) => line.created, { readOnly: true, index: 'created' }],
    WHENMODIFIED: ['TIMESTAMP', ({ line }) => line.updated, { readOnly: true, index: 'modified' }],
    MEGAENTITYID: ['TEXT', ({ entry }) => entry.company, { index: 'entity' }],
  }
}

function recordsOf({ books }: CompanyView) {
  return createRecords(books, 'journalEntry', ['batch', 'entry'], (entry, no, key) => {
    const base = { key, entity: entry.company, visible: visibleOf(entry), created: seconds(entry.created) }
    return {
      batch: [{ ...base, no, sub: 0, modified: secondsOrNull(entry.updated), parent: 0 }],
      entry: entry.lines
        .filter((line) => line.ledger === ledger)
        .map((line) => ({
          ...{ ...base, no: lineNo(no, line.line), sub: line.line, modified: secondsOrNull(line.updated), parent: no },
          created: seconds(line.created),
        })),
    }
  })
}

export function ledgers(company: CompanyView): ObjectSpec[] {
  const records = recordsOf(company)
  const batchOf = (one: Entry): Batch | undefined => {
    const entry = company.thing('journalEntry', one.key)
    return entry && { no: one.parent || one.no, entry }
  }
  return [
    object({
      name: 'GLBATCH',
      label: 'Journal entry',
      fields: fieldsOf(
        batchFields(company),
        'BALANCE:CURRENCY JOURNALKEY:INTEGER JOURNAL_BILLABLE:BOOLEAN CHILDENTITY REVERSED:DATE REVERSEDKEY:INTEGER REVERSEDFROM:DATE TEMPLATEKEY:INTEGER PRBATCHKEY:INTEGER PRBATCHRECTYPE SCHOPKEY:INTEGER LOCATIONKEY:INTEGER SUPDOCID',
      ),
      entries: () => records.of('batch'),
      load: batchOf,
      owned: { list: 'ENTRIES', line: 'glentry', object: 'GLENTRY' },
      auditKey: 'number--rec',
    }),
    object({
      name: 'GLENTRY',
      label: 'Journal entry line',
      fields: fieldsOf(
        lineFields(company),
        'EXCH_RATE_DATE:DATE EXCH_RATE_TYPE_ID EXCHANGE_RATE:DECIMAL ITEMID EMPLOYEEID TASKID CONTRACTID WAREHOUSEID RECON_DATE:DATE TIMEPERIOD:INTEGER ALLOCATION BILLABLE:BOOLEAN BILLED:BOOLEAN',
      ),
      relations: [{ path: 'GLBATCH', object: 'GLBATCH', by: 'BATCHNO' }],
      entries: () => records.of('entry'),
      ofParents: (parents) => records.ofThings('entry', parents),
      load(entry) {
        const one = batchOf(entry)
        const found = one?.entry.lines.find((each) => each.ledger === ledger && each.line === entry.sub)
        return one && found && { ...one, line: found }
      },
    }),
    accounts(company),
  ]
}

function accounts(company: CompanyView): ObjectSpec {
  const { books } = company
  interface Row {
    readonly no: number
    readonly code: string
    readonly title: string
    readonly active: boolean
    readonly created: string
    readonly updated: string | null
  }
  const records = createRecords(books, 'account', ['account'], (account, no, key) =>
    charts.includes(account.chart)
      ? {
          account: [
            {
              ...{ no, key, sub: 0, modified: secondsOrNull(account.updated), created: seconds(account.created) },
              ...{ entity: null, parent: 0, visible: visibleOf(account) },
            },
          ],
        }
      : undefined,
  )
  const nature = ({ code }: Row) => accountNature(code)
  const fields: FieldList<Row> = {
    RECORDNO: ['INTEGER', ({ no }) => no, { readOnly: true, index: 'no' }],
    ACCOUNTNO: ['TEXT', ({ code }) => code, { required: true }],
    TITLE: ['TEXT', ({ title }) => title, { required: true }],
    ACCOUNTTYPE: ['TEXT', (row) => (nature(row).balanceSheet ? 'balancesheet' : 'incomestatement')],
    NORMALBALANCE: ['TEXT', (row) => (nature(row).debit ? 'debit' : 'credit')],
    CLOSINGTYPE: ['TEXT', (row) => (nature(row).balanceSheet ? 'non-closing account' : 'closing account')],
    STATUS: ['ENUM', ({ active }) => (active ? 'active' : 'inactive'), { codes: statusCodes }],
    REQUIREDEPT: ['BOOLEAN', () => false],
    REQUIRELOC: ['BOOLEAN', () => true],
    WHENCREATED: ['TIMESTAMP', ({ created }) => created, { readOnly: true, index: 'created' }],
    WHENMODIFIED: ['TIMESTAMP', ({ updated }) => updated, { readOnly: true, index: 'modified' }],
    CREATEDBY: ['INTEGER', () => users.admin.no],
    MODIFIEDBY: ['INTEGER', () => users.admin.no],
  }
  return object({
    name: 'GLACCOUNT',
    label: 'Account',
    fields: fieldsOf(
      fields,
      'CATEGORY TAXCODE MRCCODE ALTERNATIVEACCOUNT MEGAENTITYKEY:INTEGER MEGAENTITYID MEGAENTITYNAME',
    ),
    keyField: 'ACCOUNTNO',
    entries: () => records.of('account'),
    load: (entry) => {
      const account = company.thing('account', entry.key)
      return account && { ...account, no: entry.no }
    },
  })
}
