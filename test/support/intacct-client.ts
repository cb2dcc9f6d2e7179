/** The Intacct client against the sandbox: connections to it and sources on them. */
import { createIntacctConnection, type IntacctConnection } from '../../nodes/intacct/client/connection.ts'
import type { IntacctOptions } from '../../nodes/intacct/client/options.ts'
import { createIntacctSource, type IntacctSourceOptions } from '../../nodes/intacct/client/poll.ts'
import { createIntacctSchema, type IntacctSchema } from '../../nodes/intacct/client/schema.ts'
import type { Source } from '../../sync/contract/source.ts'
import type { IntacctFixture } from './intacct.ts'

export const intacctEntities = [
  'supplier',
  'customer',
  'product',
  'employee',
  'gl_account',
  'dimension',
  'cost_centre',
  'supplier_invoice',
  'payment',
  'gl_entry',
] as const

/** Options that reach the fixture's company as its user. */
export const intacctOptions = (
  { intacct }: Pick<IntacctFixture, 'intacct'>,
  more: Partial<IntacctOptions> = {},
): IntacctOptions => ({
  gateway: intacct.url,
  allowedHosts: ['127.0.0.1'],
  senderId: intacct.senderId,
  senderPassword: intacct.senderPassword,
  company: intacct.companyId,
  user: intacct.userId,
  password: intacct.userPassword,
  retry: { attempts: 12, firstDelayMs: 1, maxDelayMs: 2 },
  ...more,
})

export const connectIntacct = (
  fixture: Pick<IntacctFixture, 'intacct'>,
  more: Partial<IntacctOptions> = {},
): IntacctConnection => createIntacctConnection(intacctOptions(fixture, more))

/** A source of one run; a schema that is given is shared, as on a connection node. */
export const intacctSource = (
  connection: IntacctConnection,
  more: Partial<IntacctSourceOptions> = {},
  schema: IntacctSchema = createIntacctSchema(connection),
): Source => createIntacctSource(connection, schema, { source: 'demo', entities: intacctEntities, ...more })
