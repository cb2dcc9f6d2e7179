import type { Books } from '../../sandbox/books/types.ts'
import type { Door } from '../options.ts'
import { COMPANIES } from './basware.ts'
import type { End } from './end.ts'
import { x3, x3By } from './x3.ts'

/** Accounts that the demo's tables name, of one company's chart. */
export interface ChartAccounts {
  readonly tax: string
  readonly owed: string
  readonly control: string
  readonly rounding: string
}

const CHARTS: Readonly<Record<string, string>> = { FR10: 'FRA', GB10: 'ENG' }

/** The same accounts for whoever asks: of each chart those that follow its first active one. */
export function chartAccounts(books: Books): (company: string) => ChartAccounts {
  return (company) => {
    const own = [...books.tables.account.walk()].filter(({ chart, active }) => active && chart === CHARTS[company])
    const [, tax = '', owed = '', control = '', rounding = ''] = own.map(({ code }) => code)
    return { tax, owed, control, rounding }
  }
}

/** Tables of the demo company. A code of a tax begins with its country. */
function tablesOf(books: Books): object {
  const countries = COMPANIES.map((company) => ({
    company,
    country: company.slice(0, 2),
    own: chartAccounts(books)(company),
  }))
  const tax = { owedAccount: '', rate: '', deductible: '100', accountOnly: false, treatment: 'tax', x3Code: 'NOR' }
  return {
    companies: countries.map(({ company, country, own }) => ({
      company,
      site: `${country}011`,
      accrual: '',
      rounding: own.rounding,
    })),
    suppliers: countries.map(({ company, own }) => ({ company, supplier: '*', account: own.control })),
    taxes: countries.flatMap(({ country, own }) => [
      { ...tax, code: `${country}-S20`, account: own.tax },
      { ...tax, code: `${country}-R05`, account: own.tax, x3Code: 'RED' },
      { ...tax, code: `${country}-E00`, account: '', treatment: 'none', x3Code: 'EXO' },
      { ...tax, code: `${country}-RC20`, account: own.tax, owedAccount: own.owed, treatment: 'reverse', rate: '20' },
      { ...tax, code: `${country}-PD20`, account: own.tax, deductible: '50' },
    ]),
    types: [
      { type: 'INVOICE', entryType: 'BPSIN', journal: '', sides: 'invoice' },
      { type: 'CREDIT', entryType: 'BPSIN', journal: '', sides: 'credit-negative' },
    ],
    dimensions: [{ column: 'cost_centre', field: 'CCE1' }],
    testSite: 'FR011',
    testEntryType: 'BPSIN',
    testDebit: countries[0]?.own.control,
    testCredit: countries[0]?.own.rounding,
  }
}

/** The general ledger of Sage X3, which is posted to. */
export const x3Ledger: End = {
  server: 'x3',
  environment: { ...x3.environment, X3_POOL: 'pool' },
  ...(x3.settings ? { settings: x3.settings } : {}),
  fill(node, _flows, books) {
    if (node.type === 'x3-connection') return { ...node, timeoutSeconds: 2 }
    // seconds instead of minutes, and longer than the sandbox takes to commit what it no longer answers
    return node.type === 'x3-post' && books
      ? { ...node, ...tablesOf(books), lookMinutes: '0.02, 0.05', settleMinutes: 0.15, everyMinutes: 0.05 }
      : node
  },
}

/** Operations that the sandbox's customer has made for journals, as they are typed into the node. */
const OPERATIONS = {
  ...{ door: 'operation', postOperation: 'zTieout.journal.postJournal', postInput: 'ZJournal_Input' },
  ...{ findOperation: 'zTieout.journal.findJournal', findInput: 'ZFind_Input' },
  ...{ deleteOperation: 'zTieout.journal.deleteJournal', deleteInput: 'ZDelete_Input' },
  names: Object.entries({
    header: {
      ...{ FCY: 'site', TYP: 'entryType', NUM: 'number', ACCDAT: 'date', JOU: 'journal', STA: 'status' },
      ...{ CUR: 'currency', RATDAT: 'rateDate', REFINT: 'reference', DESVCR: 'description' },
      ...{ BPRVCR: 'sourceDocument', BPRDATVCR: 'sourceDate', lines: 'lines' },
    },
    line: {
      ...{ FCYLIN: 'site', ACC1: 'account', BPR: 'partner', DEB: 'debit', CDT: 'credit', DES: 'text', TAX: 'tax' },
      ...{ CCE1: 'costCentre', CCE3: 'project' },
    },
    reply: { number: 'journalNumber', type: 'journalType', success: 'created', message: 'message' },
    found: {
      ...{ list: 'journals', number: 'journalNumber', type: 'journalType', reference: 'reference', status: 'status' },
      ...{ final: 'final', currency: 'currency', owed: 'owed', partner: 'partner' },
    },
  }).flatMap(([part, names]) => Object.entries(names).map(([ours, theirs]) => ({ part, ours, theirs }))),
}

/**
 * Posting where X3 is read by a door: web services beside api1, the customer's own operations in the cloud. `post`: further fields
 * of x3-post.
 */
export function x3LedgerBy(door: Door, post: object = {}): End {
  if (door === 'graphql') return x3Ledger
  const source = x3By(door)
  const isCloud = door === 'cloud'
  return {
    server: 'x3',
    environment: { ...source.environment, ...(isCloud ? {} : { X3_POOL: 'pool' }) },
    fill(node, flows, books) {
      const filled = x3Ledger.fill(source.fill(node, flows, books), flows, books)
      if (!isCloud) return node.type === 'x3-post' ? { ...filled, ...post } : filled
      if (node.type === 'x3-connection') return { ...filled, soapPool: '' }
      return node.type === 'x3-post' ? { ...filled, ...OPERATIONS } : filled
    },
    ...(source.settings ? { settings: source.settings } : {}),
    ...(source.begin ? { begin: source.begin } : {}),
  }
}

/** The sandbox's name of the door whose faults a flow that posts meets. */
export const postingDoor = (door: Door): string =>
  door === 'cloud' ? 'operation' : door === 'api1' ? 'services-api1' : 'services'

/** The same of one that reads and posts. */
export const twoWayDoor = (door: Door): string => (door === 'graphql' ? 'both' : `both-${door}`)
