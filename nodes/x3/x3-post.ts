/** x3-post: approved invoices become journals in the general ledger of Sage X3, each exactly once. */
import type { NodeAPI } from 'node-red'
import { z } from 'zod'
import { syncError } from '../../sync/contract/errors.ts'
import type { DataRecord } from '../../sync/contract/message.ts'
import type { PostRules } from '../../sync/contract/posting.ts'
import { defineSink, field, handle, readConfig, wrongField } from '../kit/kit.ts'
import { sourceThrough } from './client/poll.ts'
import type { Asking } from './client/posting/look-up.ts'
import { dueReader } from './client/posting/open-item.ts'
import { createOperations, type OperationNames } from './client/posting/operation.ts'
import { ORDER_CODINGS, orderReader, type Recode, recoder } from './client/posting/order-coding.ts'
import { previewDocument } from './client/posting/preview.ts'
import { DOCUMENTS } from './client/posting/publication.ts'
import { type PostingRules, SIDES, TREATMENTS } from './client/posting/rules.ts'
import { voucherReader } from './client/posting/standing.ts'
import { createX3PostTarget, type X3PostOptions } from './client/posting/target.ts'
import type { WebServices } from './client/soap/client.ts'
import { type X3Client, x3Connection } from './x3-connection.ts'

/** What is posted: the approved invoice, whichever system it comes from (docs/entities.md). */
export const POSTED_ENTITY = 'basware_invoice'

const percent = (what: string) =>
  z.preprocess(
    (value) => (typeof value === 'number' ? String(value) : (value ?? '')),
    z.string().regex(/^$|^(100(\.0+)?|\d{1,2}(\.\d{1,4})?)$/, `${what} must be a percentage such as 20 or 5.5`),
  )

const taxRow = z.object({
  code: field.text('a tax code is missing'),
  x3Code: field.optional(),
  treatment: field.choice(TREATMENTS),
  account: field.optional(),
  owedAccount: field.optional(),
  rate: percent('the rate'),
  deductible: percent('the deductible part'),
  accountOnly: field.flag(),
})
const typeRow = z.object({
  type: field.optional(),
  entryType: field.text('an invoice type needs its entry type'),
  journal: field.optional(),
  sides: field.choice(SIDES),
})
const companyRow = z.object({
  company: field.text('a company is missing'),
  site: field.text('a company needs its site'),
  accrual: field.optional(),
  rounding: field.optional(),
})
const supplierRow = z.object({
  company: field.text('a control account needs its company; * stands for all others'),
  supplier: field.text('a supplier is missing; * stands for all others'),
  account: field.text('a supplier needs its control account'),
})
const dimensionRow = z.object({
  column: field.text('a dimension needs its column'),
  field: field.text('a dimension needs its field of X3'),
})
const orderAccountRow = z.object({
  company: field.text('a product needs its company; * stands for all others'),
  product: field.text('a product, or its accounting code, is missing; * stands for all others'),
  account: field.text('a product needs its account'),
})
const orderDimensionRow = z.object({
  axis: field.text("a dimension of X3's orders needs its type"),
  field: field.text('a dimension needs its field of X3'),
})
/** What a customer's own operation calls things: fields of X3's screens, and members of what it gives. */
const nameRow = z.object({
  part: field.choice(['header', 'line', 'reply', 'found', 'tax']),
  ours: field.text('a name of the operation needs what it is for'),
  theirs: field.text('a name of the operation is missing'),
})
const rows = <T extends z.ZodType>(row: T) => z.array(row, { error: 'must be a list' }).default([])

const config = z.object({
  door: field.choice(['services', 'operation']),
  /** What is made: a supplier invoice only by an operation. */
  document: field.choice(DOCUMENTS),
  postOperation: field.optional(),
  postInput: field.optional(),
  findOperation: field.optional(),
  findInput: field.optional(),
  deleteOperation: field.optional(),
  deleteInput: field.optional(),
  names: rows(nameRow),
  companies: rows(companyRow),
  types: rows(typeRow),
  taxes: rows(taxRow),
  suppliers: rows(supplierRow),
  dimensions: rows(dimensionRow),
  /** Account and dimensions of rows that were matched with an order which Basware does not have. */
  orderCoding: field.choice(ORDER_CODINGS),
  orderAccounts: rows(orderAccountRow),
  orderDimensions: rows(orderDimensionRow),
  date: field.choice(['voucher', 'invoice', 'today']),
  roundingUnits: field.number(2, 0, 1000),
  blockField: field.optional(),
  blockValue: field.optional(),
  dueDateField: field.optional(),
  notPosted: field.list(),
  /** Who finds journals again: the door that writes, or REST api1 of the connection. */
  lookUp: field.choice(['door', 'api1']),
  /** Field that carries the reference; empty: the first of REFINT, REF and BPRVCR that is found by. */
  referenceField: field.optional(),
  testSite: field.optional(),
  testEntryType: field.optional(),
  testCurrency: field.optional('EUR'),
  testDebit: field.optional(),
  testCredit: field.optional(),
  testDimension: field.optional(),
  /** Of a supplier invoice. */
  testSupplier: field.optional(),
  lookMinutes: field.optional('1, 5, 15'),
  settleMinutes: field.number(20, 0.01, 1440),
  everyMinutes: field.number(5, 0.01, 1440),
  whenAbsent: field.choice(['ask', 'again']),
  /** Words of X3's refusals that go back to the source without a person. */
  sendBackWhen: field.list(),
})
type Config = z.output<typeof config>

/** Tables and choices as a journal is built by them. Throws `config` for a row that says too little. */
export function rulesOf(values: Config): PostingRules {
  for (const { code, treatment, account, owedAccount } of values.taxes) {
    const missing =
      (treatment === 'tax' || treatment === 'reverse') && account === ''
        ? 'the account of the tax that is taken back'
        : treatment === 'reverse' && owedAccount === ''
          ? 'the account of the tax that is owed'
          : undefined
    if (missing) throw wrongField('taxes', `the tax code ${code} needs ${missing}`)
  }
  for (const name of ['companies', 'types', 'suppliers'] as const)
    if (values[name].length === 0) throw wrongField(name, 'the table is empty: no invoice could be posted')
  if (values.blockField !== '' && values.blockValue === '')
    throw wrongField('blockValue', 'say what is sent where a payment is blocked')
  const { date, roundingUnits, blockField, blockValue, dueDateField, notPosted } = values
  const { taxes, types, companies, suppliers, dimensions } = values
  return {
    ...{ taxes, types, companies, suppliers, dimensions, date, roundingUnits },
    ...{ blockField, blockValue, dueDateField, notPosted },
  }
}

function waitsOf({ lookMinutes, settleMinutes, everyMinutes, whenAbsent, sendBackWhen }: Config): PostRules {
  const minutes = lookMinutes
    .split(',')
    .map((part) => part.trim())
    .filter(Boolean)
    .map(Number)
  if (minutes.some((one) => !(one > 0 && one <= 1440)))
    throw wrongField('lookMinutes', 'write minutes with commas between them, such as 1, 5, 15')
  return {
    lookAgainSeconds: minutes.map((one) => one * 60),
    settleSeconds: settleMinutes * 60,
    everySeconds: everyMinutes * 60,
    whenAbsent,
    ...(sendBackWhen.length > 0 ? { sendBackWhen } : {}),
  }
}

function recodeOf(values: Config, { connection, door, source }: X3Client): Recode {
  const { orderCoding: from, orderAccounts: accounts, orderDimensions: dimensions } = values
  const types = dimensions.map(({ axis }) => axis)
  const read = orderReader((options) => sourceThrough(door(connection), connection, options), types, source)
  return recoder({ from, accounts, dimensions }, read)
}

function optionsOf(values: Config, client: X3Client): X3PostOptions {
  const { publication, connection } = client
  const [first] = values.dimensions
  return {
    rules: rulesOf(values),
    publication: values.door === 'operation' ? values.postOperation : publication,
    referenceField: values.referenceField,
    document: values.document,
    test: {
      ...(values.document === 'invoice' ? { supplier: values.testSupplier } : {}),
      site: values.testSite,
      entryType: values.testEntryType,
      journal: '',
      currency: values.testCurrency,
      debit: values.testDebit,
      credit: values.testCredit,
      dimensions: first && values.testDimension ? { [first.field]: values.testDimension } : {},
    },
    waits: waitsOf(values),
    recode: recodeOf(values, client),
    due: dueReader(connection, client.schema),
    read: voucherReader(
      (own) => sourceThrough(client.door(connection), connection, own),
      client.source,
      values.document,
    ),
    ...lookUpOf(values, client),
    ...(connection.retry ? { retry: connection.retry } : {}),
  }
}

/** Throws `config` for a look-up that could not find what is written. */
function lookUpOf({ lookUp, door }: Config, client: X3Client): { lookUp?: Asking } {
  if (lookUp === 'door') return {}
  if (door === 'operation')
    throw wrongField('lookUp', 'what an operation of your own has made is found by an operation: choose that')
  if (!client.lookUp) throw wrongField('lookUp', 'the connection reads by GraphQL: its Interface must be REST api1')
  return { lookUp: client.lookUp().ask }
}

/** The operation's own names. Throws `config` for one that journals cannot do without. */
function namesOf(values: Config): OperationNames {
  const of = (part: Config['names'][number]['part']): Record<string, string> =>
    Object.fromEntries(values.names.filter((row) => row.part === part).map(({ ours, theirs }) => [ours, theirs]))
  const { lines = 'lines', taxes, ...header } = of('header')
  const [reply, found] = [of('reply'), of('found')]
  const need = (part: Record<string, string>, where: string, name: string): string => {
    const given = part[name]
    if (given) return given
    throw wrongField('names', `name the member of ${where} that is the ${name}`)
  }
  const operation = (name: 'post' | 'find' | 'delete') => {
    const [path, input] = [values[`${name}Operation`], values[`${name}Input`]]
    if (path !== '' && input === '') throw wrongField(`${name}Input`, 'say the type of its parameters')
    return { path, input }
  }
  for (const name of ['post', 'find'] as const)
    if (values[`${name}Operation`] === '') throw wrongField(`${name}Operation`, 'write package, node and operation')
  return {
    ...{ post: operation('post'), find: operation('find'), header, line: of('line'), lines },
    ...(taxes ? { taxes, tax: of('tax') } : {}),
    ...(values.deleteOperation ? { remove: operation('delete') } : {}),
    reply: {
      number: need(reply, 'the reply', 'number'),
      ...{ type: reply.type ?? '', success: reply.success ?? '', message: reply.message ?? '' },
    },
    found: {
      list: need(found, 'what is found', 'list'),
      number: need(found, 'what is found', 'number'),
      type: need(found, 'what is found', 'type'),
      reference: need(found, 'what is found', 'reference'),
      status: need(found, 'what is found', 'status'),
      ...{ final: found.final ?? '2', currency: found.currency ?? '' },
      ...{ owed: found.owed ?? '', partner: found.partner ?? '' },
    },
  }
}

function servicesOf(values: Config, { services, connection }: X3Client): WebServices {
  if (values.document === 'invoice' && values.door === 'services')
    throw wrongField(
      'document',
      'a supplier invoice is made by an operation of your own: choose that under "Written by"',
    )
  if (values.door === 'operation') return createOperations(connection, namesOf(values))
  if (services) return services
  throw syncError(
    'config',
    'x3.no-pool',
    'The X3 connection names no pool of web services, and nothing can be posted',
    {
      field: 'soapPool',
      hint: 'Open the connection, and fill in "Web services (posting)".',
    },
  )
}

export default function (RED: NodeAPI): void {
  /** The last invoice that came to a node, for its preview. */
  const seen = new Map<string, DataRecord>()

  defineSink(RED, {
    type: 'x3-post',
    version: 1,
    config,
    connection: x3Connection,
    posts: true,
    seen: ({ payload }, { id }) => {
      const last = payload.at(-1)
      if (last) seen.set(id, last)
    },
    accepts: (_own, entity) => entity === POSTED_ENTITY,
    target: (own, client) => createX3PostTarget(client.connection, servicesOf(own, client), optionsOf(own, client)),
  })

  RED.httpAdmin.post(
    '/tieout/x3-post/:id/preview',
    RED.auth.needsPermission('flows.write'),
    handle(z.object({ config: z.record(z.string(), z.unknown()) }), async (body, { params }) => {
      const last = seen.get(params.id ?? '')
      if (!last)
        throw syncError('config', 'x3.post-preview', 'No invoice has come to this node since it was started', {
          hint: 'Deploy, run the sync once, and open the preview again. What is held comes here too.',
        })
      const values = readConfig({ config, version: 1 }, body.config)
      return previewDocument(values.document, last, rulesOf(values), new Date().toISOString().slice(0, 10))
    }),
  )
}
