import { expectedTables } from '../expected.ts'
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
    const tables = flows.find((node) => node.type === 'gl-mapping')?.tables as
      | { rows: { from: string; to: string }[] }[]
      | undefined
    const groups = new Map((tables ?? []).flatMap((table) => table.rows.map(({ from, to }) => [from, to] as const)))
    return expectedTables(books, {
      source: String(connection?.source),
      entities: ((poll?.entities ?? []) as { entity: string }[]).map(({ entity }) => entity),
      transform: (table, row) => {
        if (table !== 'gl_entry_line') return row
        const account = row.account as string
        return { ...row, account: groups.get(account) ?? account, account_source: account }
      },
    })
  },
}
