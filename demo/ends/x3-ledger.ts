import type { Books } from '../../sandbox/books/types.ts'
import { COMPANIES } from './basware.ts'
import type { End } from './end.ts'
import { x3 } from './x3.ts'

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
  fill(node, _flows, books) {
    if (node.type === 'x3-connection') return { ...node, timeoutSeconds: 2 }
    // seconds instead of minutes, and longer than the sandbox takes to commit what it no longer answers
    return node.type === 'x3-post' && books
      ? { ...node, ...tablesOf(books), lookMinutes: '0.02, 0.05', settleMinutes: 0.15, everyMinutes: 0.05 }
      : node
  },
}
