/** intacct-connection: one company of Sage Intacct, and how to sign in there. */
import type { NodeAPI } from 'node-red'
import { z } from 'zod'
import { limiter } from '../../vendor/limiter.ts'
import {
  boundedInAll,
  type ConnectionSpec,
  defineConnection,
  field,
  named,
  type OpenContext,
  onlyItsCa,
  quietFields,
  quietHours,
  routeFields,
  routeLine,
  routeOf,
  routeSecrets,
  type Values,
} from '../kit/kit.ts'
import { checkIntacct } from './client/check.ts'
import { createIntacctConnection, type IntacctConnection } from './client/connection.ts'
import { listNames, readList } from './client/lists.ts'
import { GATEWAY, type IntacctOptions } from './client/options.ts'
import { createIntacctSchema, type IntacctSchema } from './client/schema.ts'

const config = z.object({
  senderId: field.text('Sender ID is missing'),
  company: field.text('Company ID is missing'),
  user: field.text('User ID is missing'),
  /** Location ID of an entity; empty: the top level. */
  entity: field.optional(),
  /** Value of the `source` column. */
  source: field.text('Source name is missing: a short name such as intacct, chosen once'),
  timeZone: field.optional('auto'),
  gateway: field.optional(),
  /** Hosts besides those under intacct.com. */
  allowedHosts: field.list(),
  sessionMinutes: field.number(50, 1, 1440),
  concurrency: field.number(1, 1, 16),
  requestsPerSecond: field.number(0, 0, 1000),
  ...routeFields({ value: 300, min: 1, max: 3600 }),
  /** Minutes after which a run gives up on a gateway that cannot be reached or does not answer with data. */
  retryMinutes: field.number(10, 0.01, 1440),
  /** Calls a month that the plan of the company allows; 0: not known. */
  allowance: field.number(0, 0, 1_000_000_000),
  alertPercent: field.number(80, 1, 1000),
  ...quietFields,
})
const secrets = z.object({
  ...routeSecrets,
  senderPassword: field.secret('Sender password is missing'),
  password: field.secret('Password is missing'),
})
type Config = z.output<typeof config>
type Secrets = z.output<typeof secrets>

/** What the nodes of a connection share: the line to Intacct, and what is known of its fields. */
export interface IntacctClient {
  readonly connection: IntacctConnection
  readonly schema: IntacctSchema
  /** Value of the `source` column. */
  readonly source: string
  readonly budget: { readonly allowance: number; readonly alertShare: number }
}

export const intacctConnection: ConnectionSpec<typeof config, typeof secrets, IntacctClient> = {
  type: 'intacct-connection',
  version: 4,
  migrations: { 1: boundedInAll, 2: onlyItsCa, 3: named(madeName) },
  config,
  credentials: secrets,
  async open(values, credentials, context) {
    const connection = createIntacctConnection(await optionsOf(values, credentials, context))
    return {
      connection,
      schema: createIntacctSchema(connection),
      source: values.source,
      budget: { allowance: values.allowance, alertShare: values.alertPercent / 100 },
    }
  },
  close: (client) => client.connection.close(),
  async test(values, credentials, context) {
    const options = await optionsOf(values, credentials, context)
    const connection = createIntacctConnection(options)
    try {
      return await checkIntacct(connection, () => createIntacctConnection({ ...options, entity: '' }), context.signal)
    } finally {
      await connection.close()
    }
  },
  way: async (values, credentials) => routeLine(await routeOf(values, credentials), values.gateway || GATEWAY),
  lists: Object.fromEntries(
    listNames.map((name) => [
      name,
      (client: IntacctClient, query: Readonly<Record<string, string>>, signal: AbortSignal) =>
        readList(client.connection, name, query, signal),
    ]),
  ),
}

/** The name that was made where none was given: product, company, entity. */
function madeName({ company, entity }: Values): string {
  return ['intacct', company, entity]
    .map((text) => String(text ?? '').trim())
    .filter(Boolean)
    .join(':')
}

async function optionsOf(
  values: Config,
  credentials: Secrets,
  context: Pick<OpenContext, 'once'>,
): Promise<IntacctOptions> {
  const quiet = quietHours(values)
  const { company, concurrency } = values
  return {
    senderId: values.senderId,
    senderPassword: credentials.senderPassword,
    company,
    user: values.user,
    password: credentials.password,
    entity: values.entity,
    gateway: values.gateway,
    allowedHosts: values.allowedHosts,
    timeZone: values.timeZone,
    sessionMinutes: values.sessionMinutes,
    // Intacct counts requests by company, whichever connection or entity they come from.
    line: context.once(`intacct ${company} ${concurrency}`, () => limiter({ concurrency, now: Date.now })),
    retry: { totalMs: values.retryMinutes * 60_000 },
    ...(await routeOf(values, credentials)),
    ...(values.requestsPerSecond > 0 ? { requestsPerSecond: values.requestsPerSecond } : {}),
    ...(quiet ? { quietHours: quiet } : {}),
  }
}

export default function (RED: NodeAPI): void {
  defineConnection(RED, intacctConnection)
}
