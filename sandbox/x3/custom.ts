/**
 * Operations that a customer has made (function GESAPIOPE) and published in a package of his own, beside Sage's: each takes
 * `parameters` and gives an object whose members its author chose. Journals by the names that this customer likes.
 */
import { buildSchema, GraphQLError, type GraphQLFormattedError, graphqlSync } from 'graphql'
import type { Journals } from './soap/journals.ts'
import type { Fields, X3Object } from './soap/object.ts'
import { Refused } from './soap/vouchers.ts'

/** How a refusal is told: by a member of the object, or as an error whose diagnoses are severe. */
export type CustomRefusal = 'member' | 'diagnoses'

export interface CustomOptions {
  readonly refusal?: CustomRefusal
  /** The number is left out of the answer. */
  readonly noNumber?: boolean
  /** Accounts that a supplier invoice is posted to by itself: of the tax and of what is owed. */
  readonly invoices?: {
    readonly tax: string
    readonly control: string /** Type of credit memos, whose sides are turned. */
    readonly credit?: string
  }
}

const schema = buildSchema(`
  input ZJournalLine_Input { site: String account: String partner: String debit: String credit: String text: String tax: String costCentre: String project: String }
  input ZJournal_Input {
    site: String entryType: String journal: String date: String status: String currency: String rateDate: String
    reference: String description: String sourceDocument: String sourceDate: String dueDate: String lines: [ZJournalLine_Input!]
  }
  input ZInvoiceLine_Input { site: String account: String! amount: String! text: String taxCode: String orderNumber: String orderLine: String costCentre: String }
  input ZInvoiceTax_Input { code: String! base: String! amount: String! }
  input ZInvoice_Input {
    site: String! invoiceType: String! date: String! status: String! currency: String! supplier: String! reference: String! description: String
    supplierNumber: String supplierDate: String dueDate: String withoutTax: String tax: String withTax: String!
    lines: [ZInvoiceLine_Input!]! taxes: [ZInvoiceTax_Input!]
  }
  input ZFind_Input { reference: String! }
  input ZDelete_Input { entryType: String! number: String! }
  input ZDeleteInvoice_Input { invoiceType: String! number: String! }
  type ZPosted { created: Int message: String journalNumber: String journalType: String }
  type ZFoundJournal { journalNumber: String journalType: String status: String reference: String currency: String owed: String partner: String }
  type ZFound { journals: [ZFoundJournal!] }
  type ZJournal {
    postJournal(parameters: ZJournal_Input!): ZPosted
    postInvoice(parameters: ZInvoice_Input!): ZPosted
    findJournal(parameters: ZFind_Input!): ZFound
    deleteJournal(parameters: ZDelete_Input!): ZPosted
    deleteInvoice(parameters: ZDeleteInvoice_Input!): ZPosted
  }
  type ZTieout { journal: ZJournal }
  type Mutation { zTieout: ZTieout }
  type Query { nothing: String }
`)

const HEADER: Readonly<Record<string, readonly [group: string, field: string]>> = {
  site: ['HAE0_1', 'FCY'],
  entryType: ['HAE0_1', 'TYP'],
  date: ['HAE0_1', 'ACCDAT'],
  journal: ['HAE0_2', 'JOU'],
  status: ['HAE0_2', 'STA'],
  description: ['HAE1_1', 'DESVCR'],
  reference: ['HAE1_2', 'REFINT'],
  dueDate: ['HAE1_2', 'DUDDAT'],
  sourceDocument: ['HAE1_3', 'BPRVCR'],
  sourceDate: ['HAE1_3', 'BPRDATVCR'],
  rateDate: ['HAE1_5', 'RATDAT'],
  currency: ['HAE1_5', 'CUR'],
}
const LINE: Readonly<Record<string, string>> = {
  ...{ site: 'FCYLIN', account: 'ACC1', partner: 'BPR', debit: 'DEB', credit: 'CDT', text: 'DES', tax: 'TAX' },
  ...{ costCentre: 'CCE1', project: 'CCE3' },
}

type Input = Readonly<Record<string, string | null>> & { readonly lines?: readonly Readonly<Record<string, string>>[] }

/** Answers a request whose text is a mutation. `journals` is of the wide shape. */
export function createCustom(
  journals: Journals,
  { refusal = 'member', noNumber = false, invoices = { tax: '', control: '' } }: CustomOptions,
) {
  const save = (object: X3Object): object => {
    const { HAE0_1: { TYP = '', NUM = '' } = {} } = journals.save(object).groups
    return { created: 1, message: 'Created', journalType: TYP, journalNumber: noNumber ? '' : NUM }
  }
  const remove = (TYP: string, NUM: string): object => {
    journals.remove(new Map(Object.entries({ TYP, NUM })))
    return { created: 1, message: 'Deleted' }
  }
  const refused = (error: unknown): object => {
    if (!(error instanceof Refused)) throw error
    if (refusal === 'member') return { created: 0, message: error.message, journalNumber: '' }
    const diagnoses = [{ severity: 3, message: error.message }]
    throw new GraphQLError(error.message, { extensions: { diagnoses } })
  }
  const attempt = (work: () => object): object => {
    try {
      return work()
    } catch (error) {
      return refused(error)
    }
  }
  const journal = {
    postJournal: ({ parameters }: { parameters: Input }) => attempt(() => save(objectOf(parameters))),
    postInvoice: ({ parameters }: { parameters: InvoiceInput }) =>
      attempt(() => save(journalOfInvoice(parameters, invoices))),
    findJournal: ({ parameters }: { parameters: { reference: string } }) => ({
      journals: journals.query(new Map([['REFINT', parameters.reference]]), 20).map((line) => foundOf(journals, line)),
    }),
    deleteJournal: ({ parameters }: { parameters: { entryType: string; number: string } }) =>
      attempt(() => remove(parameters.entryType, parameters.number)),
    deleteInvoice: ({ parameters }: { parameters: { invoiceType: string; number: string } }) =>
      attempt(() => remove(parameters.invoiceType, parameters.number)),
  }
  return (request: { readonly query: string; readonly variables?: Record<string, unknown> | null | undefined }) => {
    const rootValue = { zTieout: { journal } }
    const { data, errors } = graphqlSync({
      schema,
      source: request.query,
      variableValues: request.variables,
      rootValue,
    })
    // Sage's gateway answers 400 to what does not fit the schema, and 200 to what an operation refuses.
    const isUnfit = errors !== undefined && data === undefined
    // A refusal leaves no data behind.
    const body = errors
      ? { data: null, errors: errors.map(formatted), extensions: {} }
      : { data, extensions: { diagnoses: [] } }
    return { status: isUnfit ? 400 : 200, body: JSON.stringify(body) }
  }
}

const formatted = (error: GraphQLError): GraphQLFormattedError => error.toJSON()

function objectOf({ lines = [], ...header }: Input): X3Object {
  const groups: Record<string, Record<string, string>> = {}
  for (const [name, value] of Object.entries(header)) {
    const place = HEADER[name]
    if (place && typeof value === 'string') groups[place[0]] = { ...groups[place[0]], [place[1]]: value }
  }
  const line = (given: Readonly<Record<string, string>>): Fields =>
    Object.fromEntries(Object.entries(given).map(([name, value]) => [LINE[name] ?? name, value ?? '']))
  return { groups, tables: { HAE2_1: lines.map(line) } }
}

interface InvoiceInput {
  readonly [name: string]: unknown
  readonly supplier: string
  readonly withTax: string
  readonly lines: readonly Readonly<Record<string, string>>[]
  readonly taxes?: readonly Readonly<Record<string, string>>[]
}

/** What X3 makes of a supplier invoice when it is posted: its costs, its tax, and what is owed. All sums must agree. */
function journalOfInvoice(input: InvoiceInput, accounts: NonNullable<CustomOptions['invoices']>): X3Object {
  const { supplier, withTax, lines, taxes = [], ...header } = input
  if (withTax.startsWith('-')) throw new Refused('AMTATI: Negative amount not authorized')
  const isCredit = accounts.credit !== undefined && input.invoiceType === accounts.credit
  const [own, other] = isCredit ? (['CDT', 'DEB'] as const) : (['DEB', 'CDT'] as const)
  const sided = (amount: string): Fields => (amount.startsWith('-') ? { [other]: amount.slice(1) } : { [own]: amount })
  const costs = lines.map(({ account = '', amount = '0', text = '', taxCode = '', costCentre = '' }) => ({
    ...{ ACC1: account, DES: text, ...sided(amount) },
    ...(taxCode ? { TAX: taxCode } : {}),
    ...(costCentre ? { CCE1: costCentre } : {}),
  }))
  const taxed = taxes
    .filter(({ amount }) => Number(amount) !== 0)
    .map(({ code = '', amount = '0' }) => ({ ACC1: accounts.tax, TAX: code, ...sided(amount) }))
  const names = { invoiceType: 'entryType', supplierNumber: 'sourceDocument', supplierDate: 'sourceDate' }
  const known = Object.entries(header).map(([name, value]) => [names[name as keyof typeof names] ?? name, value])
  const { groups } = objectOf(Object.fromEntries(known) as Input)
  const owed = { ACC1: accounts.control, BPR: supplier, [other]: withTax }
  return { groups, tables: { HAE2_1: [...costs, ...taxed, owed] } }
}

function foundOf(journals: Journals, { TYP = '', NUM = '', STA = '', CUR = '', REFINT = '' }: Fields): object {
  const lines = journals.read(new Map(Object.entries({ TYP, NUM })))?.tables.HAE2_1 ?? []
  const owed = lines.filter(({ BPR = '' }) => BPR !== '')
  const sum = owed.reduce((all, { DEB = '', CDT = '' }) => all + scaled(CDT) - scaled(DEB), 0n)
  return {
    ...{ journalType: TYP, journalNumber: NUM, status: STA === '2' ? 'final' : 'temporary', currency: CUR },
    ...{ reference: REFINT, owed: written(sum), partner: owed[0]?.BPR ?? '' },
  }
}

const SCALE = 8

/** An amount in units of its eighth decimal. */
function scaled(text: string): bigint {
  const [, sign = '', whole = '', fraction = ''] = /^(-?)(\d*)(?:\.(\d*))?$/.exec(text.trim()) ?? []
  const units = BigInt(`${whole || '0'}${fraction.padEnd(SCALE, '0').slice(0, SCALE)}`)
  return sign ? -units : units
}

function written(units: bigint): string {
  const digits = (units < 0n ? -units : units).toString().padStart(SCALE + 1, '0')
  const fraction = digits.slice(-SCALE).replace(/0+$/, '')
  return `${units < 0n ? '-' : ''}${digits.slice(0, -SCALE)}${fraction ? `.${fraction}` : ''}`
}
