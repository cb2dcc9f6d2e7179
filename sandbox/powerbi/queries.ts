/** executeQueries: DAX on what is visible. */
import { DuckDBDecimalValue, DuckDBTimestampValue, type DuckDBValue } from '@duckdb/node-api'
import { z } from 'zod'
import type { Reply } from '../http.ts'
import type { Dataset, Measure, Table } from './api.ts'
import { columnId, type ModelTable } from './dax/model.ts'
import { neededColumns, needsOf } from './dax/needs.ts'
import { type Node, parseExpression, parseQuery } from './dax/parser.ts'
import { type Outcome, runQuery } from './dax/run.ts'
import { DaxError, jsonText, type Value } from './dax/values.ts'
import { badRequest, notAuthorized, queryFailed, refuse, throttled } from './errors.ts'
import { jsonBody } from './models.ts'
import { type Call, datasetOf, type Service } from './service.ts'
import { type Sum, sumOf } from './sums.ts'

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
    // A measure that asks for itself, or brackets in brackets without end.
    if (error instanceof RangeError) return queryFailed('The query is too deep: a measure may depend on itself.')
    throw error
  }
}

type Place = Pick<Service, 'store' | 'now'>
type Model = Pick<Dataset, 'id' | 'tables' | 'relationships'>

/** Runs a query on what of a dataset is visible. */
export async function run(service: Place, dataset: Model, text: string): Promise<Outcome> {
  try {
    return await attempt(service, dataset, text, (node) => sumOf(node, dataset.tables))
  } catch (error) {
    if (error instanceof DaxError || error instanceof RangeError) throw error
    // A number was too large for the store's sums.
    return await attempt(service, dataset, text, () => undefined)
  }
}

async function attempt(
  service: Place,
  dataset: Model,
  text: string,
  left: (node: Node) => Sum | undefined,
): Promise<Outcome> {
  const query = parseQuery(text)
  const measures = dataset.tables.flatMap((table) => table.measures ?? [])
  const relationships = dataset.relationships.map(({ fromTable, fromColumn, toTable, toColumn }) => ({
    ...{ from: columnId(fromTable, fromColumn), to: columnId(toTable, toColumn) },
  }))
  const sums = new Map<Node, Sum>()
  const needs = needsOf(query, parsedMeasures(measures), relationships, (node) => {
    const sum = left(node)
    if (sum) sums.set(node, sum)
    return sum?.table.toLowerCase()
  })
  const tables: ModelTable[] = []
  for (const table of dataset.tables) {
    const { name, columns } = table
    const names = neededColumns(
      needs,
      name,
      columns.map((column) => column.name),
    )
    const alike = needs.alike.get(name.toLowerCase())?.flatMap((node) => sums.get(node) ?? [])
    tables.push({
      name,
      columns: columns.map((column) => ({ id: columnId(name, column.name), name: column.name, table: name })),
      rows: names === undefined ? [] : await rowsOf(service, dataset.id, table, names, alike),
      alike: alike && placesOf(columns.length, alike),
    })
  }
  return runQuery(query, { tables, relationships }, measures)
}

/** Behind the columns: how many alike rows a row is, then the sums over them. */
function placesOf(columns: number, sums: readonly Sum[]): ModelTable['alike'] {
  return { count: columns, sums: new Map(sums.map(({ node }, nth) => [node, columns + 1 + nth])) }
}

/** The rows that are visible, a place for each column of the table, empty for those that were not asked for; alike ones once, where there are sums. */
async function rowsOf(
  { store, now }: Place,
  dataset: string,
  { name, columns }: Table,
  names: readonly string[],
  sums: readonly Sum[] | undefined,
): Promise<Value[][]> {
  const rows: Value[][] = []
  const empty = Array<Value>(columns.length + (sums ? 1 + sums.length : 0)).fill(null)
  const places = names.map((column) => columns.findIndex((one) => one.name === column))
  for (let place = columns.length; place < empty.length; place++) places.push(place)
  const asked = { columns: names, sums: sums?.map(({ sql }) => sql) }
  for await (const part of store.read(dataset, name, asked, now())) {
    const first = rows.length
    for (let row = part[0]?.length ?? 0; row > 0; row--) rows.push(empty.slice())
    for (const [nth, place] of places.entries()) {
      const inUnits = sums?.[place - columns.length - 1]?.units === true
      for (const [row, value] of (part[nth] ?? []).entries())
        (rows[first + row] as Value[])[place] = inUnits && value !== null ? { fixed: value as bigint } : daxValue(value)
    }
  }
  return rows
}

function parsedMeasures(measures: readonly Measure[]): (name: string) => Node | undefined {
  const known = new Map(measures.map(({ name, expression }) => [name.toLowerCase(), expression]))
  return (name) => {
    const expression = known.get(name)
    return expression === undefined ? undefined : parseExpression(expression)
  }
}

function daxValue(value: DuckDBValue): Value {
  if (value instanceof DuckDBDecimalValue) return { fixed: value.value }
  if (value instanceof DuckDBTimestampValue) return { micros: value.micros }
  return value as Value
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
