/** What an x3-connection is set to. */
import { z } from 'zod'
import { field, quietFields, routeFields, routeSecrets } from '../kit/kit.ts'

export const config = z.object({
  url: field.text('Server URL is missing'),
  folder: field.optional(),
  /** Value of the `source` column. */
  source: field.text('Source name is missing: a short name such as x3, chosen once'),
  /** By which of X3's interfaces it is read. */
  door: field.choice(['graphql', 'api1']),
  /** Form of GraphQL: with `query`, as since 2022, or that of 2021. */
  form: field.choice(['query', 'sage']),
  /** Of api1: `supplier = CLASS.REPRESENTATION`, a line each. */
  classes: field.optional(),
  /** Of api1: a JSON file with the names of classes and fields, in the place of what is built in. */
  fieldsFile: field.optional(),
  api1PageSize: field.number(20, 1, 1000),
  /** Sessions of X3 that are held at the same time, and documents that are read at a time. */
  api1Sessions: field.number(4, 1, 16),
  /** Of api1: days of documents that are read again where no stamp can be compared. */
  dateDays: field.number(35, 1, 3660),
  login: field.choice(['jwt', 'basic', 'cloud', 'cloudClient']),
  clientId: field.optional(),
  user: field.optional(),
  audience: field.choice(['registered', 'empty', 'word']),
  audienceText: field.optional(),
  issuer: field.optional(),
  lifetimeSeconds: field.number(300, 30, 86_400),
  backdateSeconds: field.number(30, 0, 3600),
  /** Of the cloud: the customer's own X3 URL, by which what is read is known. */
  customer: field.optional(),
  /** Empty: every business domain, by GraphQL. */
  scope: field.optional(),
  /** Where the pairing comes back to; empty: this editor's address. */
  redirectUri: field.optional(),
  pkce: field.flag(),
  /** Further hosts that a pairing may come back with. */
  gatewayHosts: field.list(),
  /** Id of the sync-ledger that keeps the pair of tokens. */
  ledger: field.optional(),
  ...routeFields({ value: 120, min: 1, max: 3600 }),
  requestsPerSecond: field.number(0, 0, 1000),
  concurrency: field.number(2, 1, 16),
  /** Minutes after which a run gives up on a server that cannot be reached or does not answer with data. */
  retryMinutes: field.number(10, 0.01, 1440),
  ...quietFields,
  /** Web services (SOAP), for posting: the pool's alias; empty: they are not used. */
  soapPool: field.optional(),
  /** Name under which journals (object GAS) are published. */
  soapPublication: field.optional('WSGAS'),
  soapUrl: field.optional(),
  soapLanguage: field.optional('ENG'),
  soapUser: field.optional(),
  soapConfig: field.optional(),
})
export const secrets = z.object({
  ...routeSecrets,
  secret: field.secret(),
  password: field.secret(),
  soapPassword: field.secret(),
})
export type Config = z.output<typeof config>
export type Secrets = z.output<typeof secrets>
