import { setTimeout as delay } from 'node:timers/promises'
import { gzipSync } from 'node:zlib'
import type { FaultKind } from '../faults.ts'
import { json, type Reply } from '../http.ts'
import type { Session } from './account.ts'
import { readBinds } from './bind-stage.ts'
import { canceled, lockTimeout, SqlError, statementTimeout } from './errors.ts'
import { execute } from './execute.ts'
import { isTransfer, planTransfer } from './put.ts'
import type { Outcome } from './results.ts'
import type { Query, Running, Ticket } from './running.ts'
import { newQueryId } from './session.ts'
import type { Bind } from './sql/cursor.ts'
import { statementKind } from './sql/statement.ts'
import { inTurn } from './turn.ts'

/** The body of a statement request. */
export interface QueryBody {
  sqlText?: string
  bindings?: Record<string, Bind>
  bindStage?: string
  asyncExec?: boolean
  parameters?: Record<string, unknown>
}

const CHUNK_ROWS = 10_000
const KEPT = 200
const LOG_LENGTH = 500
const LOG_TEXT = 2000
const TEXT_BYTES = 128 * 1024 * 1024

/** Starts a statement, or finds the one that this request has started before: a repeated request is not run again. */
export function startQuery(
  running: Running,
  ticket: Ticket,
  requestId: string,
  body: QueryBody,
  fault: FaultKind | undefined,
): Query {
  const before = ticket.requests.get(requestId)
  if (before && before.state !== 'failed') return before
  running.statements += 1
  const query: Query = {
    id: newQueryId(),
    requestId,
    state: 'running',
    abort: new AbortController(),
    started: Date.now(),
    ended: 0,
    text: body.sqlText ?? '',
    done: Promise.resolve(),
    body: {},
    chunks: [],
    error: undefined,
    isNew: !running.texts.has(body.sqlText ?? ''),
  }
  running.texts.add(query.text)
  query.done = inTurn(ticket.session, () => perform(running, ticket, query, body, fault))
  keep(ticket.requests, requestId, query)
  keep(running.queries, query.id, query)
  return query
}

function keep(queries: Map<string, Query>, key: string, query: Query): void {
  queries.set(key, query)
  for (const [oldest, { state }] of queries) {
    if (queries.size <= KEPT) return
    if (state !== 'running') queries.delete(oldest)
  }
}

async function perform(
  running: Running,
  ticket: Ticket,
  query: Query,
  body: QueryBody,
  fault: FaultKind | undefined,
): Promise<void> {
  const { account, tuning } = running
  const { session } = ticket
  const started = performance.now()
  const seconds = Number(session.parameters.get('STATEMENT_TIMEOUT_IN_SECONDS') ?? 0)
  let late = false
  const timer = setTimeout(
    () => {
      late = true
      query.abort.abort()
    },
    Math.min(seconds > 0 ? seconds * 1000 : Number.POSITIVE_INFINITY, 2 ** 31 - 1),
  )
  let rows = 0
  let failure: SqlError | undefined
  try {
    if (tuning.latencyMs > 0) await delay(tuning.latencyMs, undefined, { signal: query.abort.signal })
    if (query.abort.signal.aborted) throw canceled()
    if (Buffer.byteLength(query.text) > TEXT_BYTES)
      throw new SqlError('001003', '42000', 'SQL compilation error:\nThe statement is too long.')
    checkCount(body, session)
    if (fault === 'lock-timeout') throw lockTimeout('of this statement', '1000000', query.id)
    if (isTransfer(query.text)) query.body = answered(planTransfer(running, session, query.text, query.id))
    else {
      const binds =
        body.bindStage === undefined
          ? new Map(Object.entries(body.bindings ?? {}))
          : await readBinds(running, session, body.bindStage)
      const outcome = await execute(account, session, {
        sql: query.text,
        queryId: query.id,
        binds,
        signal: query.abort.signal,
      })
      const most = Number(session.parameters.get('ROWS_PER_RESULTSET') ?? 0)
      if (most > 0) outcome.rows = outcome.rows.slice(0, most)
      rows = outcome.modified ?? outcome.rows.length
      query.body = succeeded(running, ticket, query, outcome)
    }
    query.state = 'succeeded'
  } catch (error) {
    failure = late ? statementTimeout(seconds) : error instanceof SqlError ? error : canceled()
    query.error = failure.message
    query.state = 'failed'
    query.body = failed(query, failure)
  } finally {
    clearTimeout(timer)
    // One that is no SQL is left out of what others shall be able to read.
    if (query.isNew && failure?.code !== '001003') running.onText(query.text)
    query.ended = Date.now()
    if (statementKind(query.text) !== 'session') session.lastQueryId = query.id
    running.log.push({
      kind: statementKind(query.text),
      text: query.text.slice(0, LOG_TEXT),
      rows,
      ms: Math.round(performance.now() - started),
      session: session.id,
      requestId: query.requestId,
      queryTag: String(body.parameters?.QUERY_TAG ?? session.parameters.get('QUERY_TAG') ?? ''),
      ...(query.error === undefined ? {} : { error: query.error }),
    })
    if (running.log.length > LOG_LENGTH) running.log.shift()
  }
}

/** A request has one statement here; MULTI_STATEMENT_COUNT, of the statement or else of the session, may ask for more. */
function checkCount({ parameters }: QueryBody, session: Session): void {
  const count = Number(parameters?.MULTI_STATEMENT_COUNT ?? session.parameters.get('MULTI_STATEMENT_COUNT') ?? 1)
  if (count > 1)
    throw new SqlError(
      '000008',
      '0A000',
      `Actual statement count 1 did not match the desired statement count ${count}.`,
    )
}

const answered = (data: object): object => ({ data, code: null, message: null, success: true })

/** The result as the driver reads it: the first rows at once, more of them in chunks. */
function succeeded(running: Running, { session }: Ticket, query: Query, outcome: Outcome): object {
  const { inlineRows, bindThreshold } = running.tuning
  const isLarge = outcome.rows.length > inlineRows
  const rowset = isLarge ? outcome.rows.slice(0, inlineRows) : outcome.rows
  for (let from = rowset.length; from < outcome.rows.length; from += CHUNK_ROWS)
    query.chunks.push(outcome.rows.slice(from, from + CHUNK_ROWS))
  const rowtype = outcome.columns.map(({ name, type, nullable }) => ({
    name,
    database: '',
    schema: '',
    table: '',
    type: type.kind,
    nullable,
    precision: type.kind === 'fixed' ? type.precision : null,
    scale: type.kind === 'text' || type.kind === 'variant' ? null : type.scale,
    length: type.kind === 'text' || type.kind === 'binary' ? type.length : null,
    byteLength: type.kind === 'text' ? Math.min(4 * type.length, 16_777_216) : null,
    collation: null,
  }))
  const chunks = query.chunks.map((rows, index) => ({
    url: `${running.url}/chunks/${query.id}/${index}`,
    rowCount: rows.length,
    uncompressedSize: rows.length * 100,
    compressedSize: rows.length * 20,
  }))
  return answered({
    parameters: parametersOf(session.parameters, bindThreshold),
    rowtype,
    rowset,
    total: outcome.rows.length,
    returned: outcome.rows.length,
    queryId: query.id,
    sqlState: '00000',
    databaseProvider: null,
    finalDatabaseName: session.database ?? null,
    finalSchemaName: session.schema ?? null,
    finalWarehouseName: session.warehouse ?? null,
    finalRoleName: session.role,
    numberOfBinds: 0,
    arrayBindSupported: false,
    statementTypeId: outcome.typeId,
    version: 1,
    sendResultTime: Date.now(),
    queryResultFormat: 'json',
    queryContext: { entries: [] },
    ...(isLarge ? { chunks, chunkHeaders: { 'x-sandbox-chunk': '1' } } : {}),
  })
}

/** Session parameters as the driver is told them with every answer. */
export function parametersOf(
  parameters: ReadonlyMap<string, string>,
  bindThreshold: number,
): { name: string; value: unknown }[] {
  const typed = (value: string) =>
    /^(true|false)$/.test(value) ? value === 'true' : /^\d+$/.test(value) ? Number(value) : value
  return [
    ...[...parameters].map(([name, value]) => ({ name, value: typed(value) })),
    { name: 'CLIENT_STAGE_ARRAY_BINDING_THRESHOLD', value: bindThreshold },
    { name: 'QUERY_CONTEXT_CACHE_SIZE', value: 5 },
  ]
}

function failed(query: Query, { code, sqlState, message, place }: SqlError): object {
  const data = {
    internalError: false,
    unredactedFromSecureObject: false,
    errorCode: code,
    age: 0,
    sqlState,
    queryId: query.id,
    line: place.line ?? -1,
    pos: place.pos ?? -1,
    type: message.startsWith('SQL compilation error') ? 'COMPILATION' : 'EXECUTION',
  }
  return { data, code, message, success: false, headers: null }
}

/** Waits a while for the end of a statement; where it takes longer, the answer says that it is running and where to ask. */
export async function answer(query: Query, waitMs: number, isAsync: boolean): Promise<Reply> {
  const timer = new AbortController()
  if (!isAsync)
    await Promise.race([query.done, delay(waitMs, undefined, { signal: timer.signal }).catch(() => undefined)])
  timer.abort()
  if (query.state !== 'running' && !isAsync) return json(200, query.body)
  const data = {
    queryId: query.id,
    getResultUrl: `/queries/${query.id}/result`,
    queryAbortsAfterSecs: 300,
    progressDesc: null,
  }
  const code = isAsync ? '333334' : '333333'
  const message = isAsync ? 'Query executing asynchronously.' : 'Query execution in progress.'
  return json(200, { data, code, message, success: true })
}

/** `GET /chunks/<query>/<n>`: rows separated by commas, without brackets around them. */
export function chunk(query: Query | undefined, index: number): Reply {
  const rows = query?.chunks[index]
  if (!rows)
    return {
      status: 404,
      headers: { 'content-type': 'application/xml' },
      body: Buffer.from('<Error><Code>NoSuchKey</Code></Error>'),
    }
  const text = rows.map((row) => JSON.stringify(row)).join(',')
  return {
    status: 200,
    headers: { 'content-type': 'application/octet-stream', 'content-encoding': 'gzip' },
    body: gzipSync(text, { level: 1 }),
  }
}

/** `GET /monitoring/queries/<id>`. */
export function monitored(query: Query | undefined): object {
  const states = { running: 'RUNNING', succeeded: 'SUCCESS', failed: 'FAILED_WITH_ERROR' }
  const queries = query
    ? [
        {
          id: query.id,
          status: states[query.state],
          state: states[query.state],
          sqlText: query.text.slice(0, LOG_TEXT),
          startTime: query.started,
          endTime: query.ended,
          totalDuration: (query.ended || Date.now()) - query.started,
          errorCode: null,
          errorMessage: query.error ?? null,
        },
      ]
    : []
  return { queries }
}
