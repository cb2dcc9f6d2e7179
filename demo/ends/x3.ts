import { expectedTables } from '../expected.ts'
import { mappedAccounts } from './accounts.ts'
import type { SourceEnd } from './end.ts'

/** Sage X3 as a source. */
export const x3: SourceEnd = {
  server: 'x3',
  environment: {
    X3_URL: 'url',
    X3_ENDPOINT: 'folder',
    X3_CLIENT_ID: 'clientId',
    X3_SECRET: 'secret',
    X3_USER: 'user',
  },
  fill: (node) => node,
  expected(books, flows) {
    const connection = flows.find((node) => node.type === 'x3-connection')
    const poll = flows.find((node) => node.type === 'x3-poll')
    return expectedTables(books, {
      source: String(connection?.source),
      entities: ((poll?.entities ?? []) as { entity: string }[]).map(({ entity }) => entity),
      transform: mappedAccounts(flows),
    })
  },
}
