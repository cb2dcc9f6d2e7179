import { expectedIntacctTables } from '../expected-intacct.ts'
import { mappedAccounts } from './accounts.ts'
import { type SourceEnd, sourceName } from './end.ts'

const settings = { INTACCT_SOURCE: 'intacct', INTACCT_HOSTS: '127.0.0.1, localhost' }

/** Sage Intacct as a source; the hosts of the sandbox are no hosts of Intacct and are named. */
export const intacct: SourceEnd = {
  server: 'intacct',
  environment: {
    INTACCT_GATEWAY: 'url',
    INTACCT_SENDER_ID: 'senderId',
    INTACCT_SENDER_PASSWORD: 'senderPassword',
    INTACCT_COMPANY: 'companyId',
    INTACCT_USER: 'userId',
    INTACCT_PASSWORD: 'userPassword',
  },
  settings,
  fill(node) {
    // These books have fewer lines than X3's: so that files are uploaded now and then, and their faults met.
    return node.type === 'databricks-write' ? { ...node, maxParameterKb: 300 } : node
  },
  expected(books, flows) {
    const query = flows.find((node) => node.type === 'intacct-query')
    return expectedIntacctTables(books, {
      source: sourceName(flows, 'intacct-connection', settings),
      entities: ((query?.entities ?? []) as { entity: string }[]).map(({ entity }) => entity),
      transform: mappedAccounts(flows),
    })
  },
}
