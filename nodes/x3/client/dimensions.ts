/** The axes of analytical accounting that a folder has, and the columns they become. */
import { syncError } from '../../../sync/contract/errors.ts'
import type { X3Connection } from './connection.ts'
import type { X3Schema } from './schema.ts'
import { pageQuery } from './select.ts'

/** Codes of all dimension types, sorted. */
export async function readDimensionTypes(
  connection: X3Connection,
  schema: X3Schema,
  entity: string,
  signal: AbortSignal,
): Promise<string[]> {
  const nodes = await schema.find('FinanceData', 'dimensionType', signal)
  if (!nodes) return []
  const codes: string[] = []
  let after: string | null = null
  do {
    const reply = await connection.query(
      pageQuery(nodes, {}, 'code'),
      { first: 200, after, orderBy: '{"_id":1}' },
      { what: `${entity}: the dimension types`, signal },
    )
    const page = pageOf(reply.data, nodes.root, nodes.node)
    codes.push(...page.edges.map((edge) => String(edge.node?.code ?? '')).filter((code) => code !== ''))
    after = page.pageInfo?.hasNextPage ? (page.pageInfo.endCursor ?? null) : null
  } while (after !== null)
  return codes.sort()
}

/** `dim_<type>`: lower case, other characters than letters and digits become `_`. Two types of one column are refused. */
export function dimensionColumns(types: readonly string[], entity: string): Map<string, string> {
  const columns = new Map<string, string>()
  for (const type of types) {
    const column = `dim_${type.toLowerCase().replace(/[^a-z0-9]/g, '_')}`
    const other = [...columns].find(([, name]) => name === column)
    if (other) {
      throw syncError(
        'config',
        'x3.dimension-names',
        `${entity}: the dimension types ${other[0]} and ${type} would both be the column ${column}`,
        {
          entity,
          hint: 'Choose the dimension types on the node, only one of these two.',
        },
      )
    }
    columns.set(type, column)
  }
  return columns
}

/** One page of `query`, wherever it stands in a reply. */
export interface QueryPage {
  readonly totalCount?: number
  readonly edges: { cursor?: string; node?: Record<string, unknown> | null }[]
  readonly pageInfo?: { endCursor?: string | null; hasNextPage?: boolean }
}

export function pageOf(data: Readonly<Record<string, unknown>>, root: string, node: string): QueryPage {
  const query = (data[root] as Record<string, { query?: QueryPage | null } | undefined> | null | undefined)?.[node]
    ?.query
  if (!query || !Array.isArray(query.edges)) {
    throw syncError('transient', 'x3.shape', `X3 answered without ${root}.${node}`, {
      hint: 'If it stays: look at the log of X3.',
    })
  }
  return query
}
