/** executeQueries: DAX on what is visible. */
import { DuckDBDecimalValue, DuckDBTimestampValue, type DuckDBValue } from '@duckdb/node-api'
import { z } from 'zod'
import type { Reply } from '../http.ts'
import type { Dataset } from './api.ts'
import { columnId, type ModelTable } from './dax/model.ts'
import { type Node, parseQuery, type Query } from './dax/parser.ts'
import { type Outcome, runQuery } from './dax/run.ts'
import { DaxError, jsonText, type Value } from './dax/values.ts'
import { badRequest, notAuthorized, queryFailed, refuse, throttled } from './errors.ts'
import { jsonBody } from './models.ts'
import { type Call, datasetOf, type Service } from './service.ts'

const requestSchema = z.object({
  queries: z.array(z.object({ query: z.string() })),
  serializerSettings: z.object({ includeNulls: z.boolean().optional() }).optional(),
  impersonatedUserName: z.string().optional(),
})

const MINUTE = 60_000

/** `POST .../executeQueries`: one query, one table of results. */
export async function executeQueries(service: Service, workspace: string, id: string, { body }: Call): Promise<Reply> {
  const { tuning } = service
  if (!tuning.executeQueries) throw refuse(notAuthorized())
  const dataset = datasetOf(service, workspace, id)
  const wait = service.queries.wait(service.now(), MINUTE, tuning.limits.queriesPerMinute)
  if (wait > 0) throw refuse(throttled({ 'retry-after': String(wait) }))
  service.queries.add(service.now())
  const parsed = requestSchema.safeParse(jsonBody(body))
  if (!parsed.success) throw refuse(badRequest('The body must have one query.', 'queries'))
  const [first, second] = parsed.data.queries
  if (!first || second) throw refuse(badRequest('Only one query is supported.', 'queries'))
  try {
    const outcome = await run(service, dataset, first.query)
    return answer(outcome, parsed.data.serializerSettings?.includeNulls === true, service)
  } catch (error) {
    if (error instanceof DaxError) return queryFailed(error.message)
    throw error
  }
}

async function run(service: Service, dataset: Dataset, text: string): Promise<Outcome> {
  const query = parseQuery(text)
  const measures = dataset.tables.flatMap((table) => table.measures ?? [])
  const needed = neededColumns(query, dataset)
  const now = service.now()
  const tables: ModelTable[] = []
  for (const { name, columns } of dataset.tables) {
    const wanted = needed(name)
    const rows: Value[][] = []
    if (wanted) {
      const names = columns
        .filter((column) => wanted === 'all' || wanted.has(column.name.toLowerCase()))
        .map((column) => column.name)
      const places = columns.map((column) => names.indexOf(column.name))
      for await (const part of service.store.read(dataset.id, name, names, now)) {
        for (const row of part) rows.push(places.map((place) => (place < 0 ? null : daxValue(row[place] ?? null))))
      }
    }
    tables.push({
      name,
      columns: columns.map((column) => ({ id: columnId(name, column.name), name: column.name, table: name })),
      rows,
    })
  }
  const relationships = dataset.relationships.map(({ fromTable, fromColumn, toTable, toColumn }) => ({
    ...{ from: columnId(fromTable, fromColumn), to: columnId(toTable, toColumn) },
  }))
  return runQuery(query, { tables, relationships }, measures)
}

function daxValue(value: DuckDBValue): Value {
  if (value instanceof DuckDBDecimalValue) return { fixed: value.value }
  if (value instanceof DuckDBTimestampValue) return { micros: value.micros }
  return value as Value
}

/** Functions that look at nothing but the columns that are named; everything else may see whole rows. */
const PLAIN = new Set([
  'ROW',
  'COUNTROWS',
  'FILTER',
  'AND',
  'OR',
  'SUM',
  'SUMX',
  'MIN',
  'MAX',
  'MINX',
  'MAXX',
  'COUNT',
  'COUNTX',
  'COUNTBLANK',
  'DISTINCTCOUNT',
  'ISBLANK',
  'TRUE',
  'FALSE',
  'BLANK',
])

/**
 * Which columns a query can see of each table, so that a count over a big table need not read all of it: for a ROW of plain
 * functions the columns that are named, for anything else every column of every table.
 */
function neededColumns(query: Query, { tables }: Dataset): (table: string) => ReadonlySet<string> | 'all' | undefined {
  const named = new Map<string, Set<string>>()
  const of = (table: string): Set<string> => {
    const known = named.get(table.toLowerCase()) ?? new Set()
    named.set(table.toLowerCase(), known)
    return known
  }
  const plain = (node: Node): boolean => {
    switch (node.kind) {
      case 'literal':
        return true
      case 'name':
        of(node.name)
        return true
      case 'column':
        of(node.table).add(node.name.toLowerCase())
        return true
      case 'binary':
        return plain(node.left) && plain(node.right)
      case 'not':
      case 'negate':
        return plain(node.operand)
      case 'call':
        return PLAIN.has(node.name) && node.args.every(plain)
      default:
        return false
    }
  }
  const { evaluate } = query
  const simple = evaluate.kind === 'call' && evaluate.name === 'ROW' && query.variables.length === 0 && plain(evaluate)
  if (!simple) return () => 'all'
  // One table only: a filter on another would come over a relationship.
  return named.size > 1 || tables.length === 0 ? () => 'all' : (table) => named.get(table.toLowerCase())
}

/** The answer's JSON, written here so that decimals and 64-bit numbers keep their digits. */
function answer({ names, rows }: Outcome, includeNulls: boolean, { tuning: { limits } }: Service): Reply {
  const most = Math.min(
    limits.queryRows ?? Number.POSITIVE_INFINITY,
    Math.floor((limits.queryValues ?? Number.POSITIVE_INFINITY) / Math.max(1, names.length)),
  )
  const keys = names.map((name) => JSON.stringify(name))
  const text = rows.slice(0, most).map((row) => {
    const cells = row.flatMap((value, at) =>
      value === null && !includeNulls ? [] : [`${keys[at]}:${jsonText(value)}`],
    )
    return `{${cells.join(',')}}`
  })
  const error =
    rows.length > most
      ? `,"error":${JSON.stringify({ code: 'DatasetExecuteQueriesError', message: `More than ${most} rows: the result is cut.` })}`
      : ''
  const body = Buffer.from(`{"results":[{"tables":[{"rows":[${text.join(',')}]${error}}]}]}`)
  return { status: 200, headers: { 'content-type': 'application/json' }, body }
}
