import { expectedTables } from '../expected.ts'
import type { ExpectedTable } from '../expected-table.ts'
import type { Door } from '../options.ts'
import { mappedAccounts } from './accounts.ts'
import { type SourceEnd, sourceName } from './end.ts'

const settings = { X3_SOURCE: 'x3' }

const expected: SourceEnd['expected'] = (books, flows) => {
  const poll = flows.find((node) => node.type === 'x3-poll')
  return expectedTables(books, {
    source: sourceName(flows, 'x3-connection', settings),
    entities: ((poll?.entities ?? []) as { entity: string }[]).map(({ entity }) => entity),
    transform: mappedAccounts(flows),
  })
}

/** Sage X3 as a source, by GraphQL. */
export const x3: SourceEnd = {
  server: 'x3',
  environment: {
    X3_URL: 'url',
    X3_ENDPOINT: 'folder',
    X3_CLIENT_ID: 'clientId',
    X3_SECRET: 'secret',
    X3_USER: 'user',
  },
  settings,
  fill: (node) => node,
  expected,
}

/** By REST api1: with the classes that the sandbox publishes. */
const api1: SourceEnd = {
  ...x3,
  environment: {
    X3_URL: 'url',
    X3_ENDPOINT: 'folder',
    X3_USER: 'basicUser',
    X3_PASSWORD: 'basicPassword',
    X3_CLASSES: 'classes',
    X3_CLIENT_ID: 'clientId',
  },
  fill: (node) =>
    node.type === 'x3-connection'
      ? {
          ...node,
          ...{ door: 'api1', login: 'basic', classes: '${X3_CLASSES}' },
          ...{ secretFrom: '', passwordFrom: 'X3_PASSWORD' },
        }
      : node,
}

/** In the cloud: paired with a refresh token that is pasted. */
const cloud: SourceEnd = {
  ...x3,
  environment: {
    X3_GATEWAY: 'gateway',
    X3_ENDPOINT: 'folder',
    X3_CUSTOMER: 'customer',
    X3_USER: 'user',
    X3_CLIENT_ID: 'cloudClientId',
    X3_SECRET: 'cloudSecret',
  },
  fill: (node, flows = []) =>
    node.type === 'x3-connection'
      ? {
          ...node,
          ...{ login: 'cloud', url: '${X3_GATEWAY}', customer: '${X3_CUSTOMER}' },
          ledger: flows.find(({ type }) => type === 'sync-ledger')?.id,
        }
      : node,
  async begin(flows, { refreshToken }, post) {
    const connection = flows.find((node) => node.type === 'x3-connection')
    if (!connection) throw new Error('the template has no x3-connection')
    await post('/tieout/connections/x3-connection/actions/paste', {
      ...{ id: connection.id, config: connection, credentials: {} },
      query: { text: String(refreshToken) },
    })
  },
}

/** What suppliers and customers of 2021 say of their partner stands on the partner alone, which is not led to. */
const NOT_IN_2021 = ['vat_number', 'country', 'language']

/** The form of 2021 says it on the connection. */
const oldest: SourceEnd = {
  ...x3,
  expected: (books, flows) =>
    expected(books, flows).map((table) =>
      ['supplier', 'customer'].includes(table.name) ? without(table, NOT_IN_2021) : table,
    ),
  fill: (node) => (node.type === 'x3-connection' ? { ...node, form: 'sage' } : node),
}

function without(table: ExpectedTable, columns: readonly string[]): ExpectedTable {
  const kept = <T>(of: Readonly<Record<string, T>>): Record<string, T> =>
    Object.fromEntries(Object.entries(of).filter(([name]) => !columns.includes(name)))
  return {
    ...table,
    types: kept(table.types),
    *rows() {
      for (const row of table.rows()) yield kept(row)
    },
  }
}

const BY_DOOR: Readonly<Record<Door, SourceEnd>> = {
  graphql: x3,
  'graphql-2022': x3,
  'graphql-2021': oldest,
  api1,
  cloud,
}

/** Sage X3 as a source, by one of its doors. */
export const x3By = (door: Door): SourceEnd => BY_DOOR[door]

/** The generation of GraphQL that the sandbox speaks for a door. */
export const generationOf = (door: Door): string =>
  (({ 'graphql-2022': '2021', 'graphql-2021': 'sage' }) as Partial<Record<Door, string>>)[door] ?? 'current'
