import { thrift as driver } from '@databricks/sql'
import Int64 from 'node-int64'
import thrift from 'thrift'
import { arrowOf } from './arrow.ts'
import { columnsOf, schemaOf } from './columns.ts'
import { SqlError } from './errors.ts'
import type { Outcome, Session } from './execute.ts'
import { createSessions, type Handle, type Operation } from './operations.ts'
import type { Parameter } from './sql/cursor.ts'

const t = driver.TCLIService_types
const V8 = t.TProtocolVersion.SPARK_CLI_SERVICE_PROTOCOL_V8

/** What the Thrift service does for one request; `before` may refuse it, drop it or name a special fault. */
export interface Service {
  before(site: string, text?: string): Promise<string | undefined>
  /** How the session begins; raises for a catalog or setting there is not. */
  session(catalog: string | undefined, schema: string | undefined, settings: Record<string, string>): Promise<Session>
  /** Refuses what the front end refuses before SQL is looked at, and says which site the statement is. */
  admit(sql: string, parameters: readonly { value?: { stringValue?: string } }[]): string
  run(
    session: Session,
    sql: string,
    parameters: ReadonlyMap<string, Parameter>,
    fault: string | undefined,
    signal: AbortSignal,
  ): Promise<Outcome>
  /** How long a statement may take before the client is told to poll. */
  directMs(): number
}

export interface ThriftServer {
  /** Answers one binary message. Rejects with what `service` threw. */
  serve(body: Buffer, service: Service): Promise<Buffer>
  /** Ends all sessions and stops their statements. */
  close(): Promise<void>
}

const OK = () => new t.TStatus({ statusCode: t.TStatusCode.SUCCESS_STATUS })

function badHandle(what: string) {
  return new t.TStatus({
    statusCode: t.TStatusCode.INVALID_HANDLE_STATUS,
    errorMessage: `Invalid ${what}: it does not exist or has been closed`,
    sqlState: '08003',
    errorCode: 0,
  })
}

/** What a stopped warehouse answers to statements although the session was opened. */
function coldStart(session: string) {
  const text = `requirement failed: Session handle ${session} has not been initialized or had already closed.`
  return new t.TStatus({
    statusCode: t.TStatusCode.ERROR_STATUS,
    infoMessages: [`*java.lang.IllegalArgumentException:${text}`],
    errorMessage: text,
    sqlState: '08000',
    errorCode: 0,
  })
}

function refused(error: SqlError) {
  const { message, sqlState } = error
  return new t.TStatus({
    statusCode: t.TStatusCode.ERROR_STATUS,
    errorMessage: message,
    displayMessage: message,
    sqlState,
    errorCode: 0,
  })
}

function statusOf(operation: Operation) {
  const base = { status: OK(), hasResultSet: true }
  const { error, outcome } = operation
  switch (operation.state) {
    case 'running':
      return new t.TGetOperationStatusResp({ ...base, operationState: t.TOperationState.RUNNING_STATE })
    case 'cancelled':
      return new t.TGetOperationStatusResp({
        ...base,
        operationState: t.TOperationState.CANCELED_STATE,
        hasResultSet: false,
      })
    case 'failed':
      return new t.TGetOperationStatusResp({
        ...base,
        hasResultSet: false,
        operationState: t.TOperationState.ERROR_STATE,
        errorCode: 0,
        ...(error && {
          sqlState: error.sqlState,
          errorMessage: `org.apache.hive.service.cli.HiveSQLException: Error running query: ${error.message}`,
          displayMessage: error.message,
        }),
      })
    case 'finished':
      return new t.TGetOperationStatusResp({
        ...base,
        operationState: t.TOperationState.FINISHED_STATE,
        ...(outcome?.modified !== undefined && { numModifiedRows: new Int64(outcome.modified) }),
      })
  }
}

function metadataOf({ useArrow }: Operation, { rows }: Outcome) {
  return new t.TGetResultSetMetadataResp({
    status: OK(),
    schema: schemaOf(rows),
    resultFormat: useArrow ? t.TSparkRowSetType.ARROW_BASED_SET : t.TSparkRowSetType.COLUMN_BASED_SET,
    ...(useArrow && { arrowSchema: arrowOf(rows, 0, 0).schema }),
    lz4Compressed: false,
    isStagingOperation: false,
  })
}

function fetchFrom(operation: Operation, { rows }: Outcome, maxRows: number) {
  const from = operation.fetched
  const total = rows.columns[0]?.length ?? 0
  const to = Math.min(total, from + maxRows)
  operation.fetched = to
  const results = new t.TRowSet({ startRowOffset: new Int64(from), rows: [] })
  if (!operation.useArrow) results.columns = columnsOf(rows, from, to)
  else if (to > from) {
    const { batch } = arrowOf(rows, from, to)
    results.arrowBatches = [new t.TSparkArrowBatch({ batch, rowCount: new Int64(to - from) })]
  } else results.arrowBatches = []
  return new t.TFetchResultsResp({ status: OK(), hasMoreRows: to < total, results })
}

function parametersOf(given: readonly InstanceType<typeof t.TSparkParameter>[]): Map<string, Parameter> {
  return new Map(
    given.map(({ name, ordinal, type, value }, index) => [
      name ?? String(ordinal || index + 1),
      { type, value: value?.stringValue ?? null },
    ]),
  )
}

type Sessions = ReturnType<typeof createSessions>

/** What the driver may call. */
function callsOf(sessions: Sessions, service: Service) {
  const find = (handle: { operationId: Handle } | undefined): Operation | undefined =>
    sessions.operation(handle?.operationId)
  return {
    async OpenSession(req: InstanceType<typeof t.TOpenSessionReq>) {
      await service.before('open-session')
      const { catalogName, schemaName } = req.initialNamespace ?? {}
      let session: Session
      try {
        session = await service.session(catalogName || undefined, schemaName || undefined, req.configuration ?? {})
      } catch (error) {
        if (!(error instanceof SqlError)) throw error
        return new t.TOpenSessionResp({ status: refused(error), serverProtocolVersion: V8 })
      }
      const sessionId = new t.THandleIdentifier(sessions.open(session))
      return new t.TOpenSessionResp({
        status: OK(),
        serverProtocolVersion: V8,
        sessionHandle: new t.TSessionHandle({ sessionId }),
        configuration: {},
        canUseMultipleCatalogs: true,
      })
    },

    async CloseSession(req: InstanceType<typeof t.TCloseSessionReq>) {
      await service.before('close-session')
      await sessions.close(req.sessionHandle.sessionId)
      return new t.TCloseSessionResp({ status: OK() })
    },

    async ExecuteStatement(req: InstanceType<typeof t.TExecuteStatementReq>) {
      const fault = await service.before(service.admit(req.statement, req.parameters ?? []), req.statement)
      const id = req.sessionHandle.sessionId
      if (fault === 'session-lost') await sessions.close(id)
      if (fault === 'cold-start') return new t.TExecuteStatementResp({ status: coldStart(id.guid.toString('hex')) })
      const session = sessions.find(id)
      if (!session) return new t.TExecuteStatementResp({ status: badHandle('SessionHandle') })
      const parameters = parametersOf(req.parameters ?? [])
      const operation = sessions.start(id, (signal) => service.run(session, req.statement, parameters, fault, signal))
      operation.useArrow = req.canReadArrowResult === true
      const direct = req.getDirectResults
      const directMs = service.directMs()
      // Without a wait the statement is answered as running, however quick it was.
      if (direct && directMs > 0) await Promise.race([operation.done, elapsed(directMs)])
      const seen = direct && directMs > 0 ? operation : { ...operation, state: 'running' as const }
      return executed(sessions, seen, Number(direct?.maxRows ?? 0))
    },

    async GetOperationStatus(req: InstanceType<typeof t.TGetOperationStatusReq>) {
      await service.before('status-poll')
      const operation = find(req.operationHandle)
      return operation ? statusOf(operation) : new t.TGetOperationStatusResp({ status: badHandle('OperationHandle') })
    },

    async GetResultSetMetadata(req: InstanceType<typeof t.TGetResultSetMetadataReq>) {
      await service.before('metadata')
      const operation = find(req.operationHandle)
      return operation?.outcome
        ? metadataOf(operation, operation.outcome)
        : new t.TGetResultSetMetadataResp({ status: badHandle('OperationHandle') })
    },

    async FetchResults(req: InstanceType<typeof t.TFetchResultsReq>) {
      await service.before('fetch')
      const operation = find(req.operationHandle)
      if (!operation?.outcome) return new t.TFetchResultsResp({ status: badHandle('OperationHandle') })
      if (req.orientation === t.TFetchOrientation.FETCH_FIRST) operation.fetched = 0
      return fetchFrom(operation, operation.outcome, Number(req.maxRows))
    },

    async CloseOperation(req: InstanceType<typeof t.TCloseOperationReq>) {
      await service.before('close-operation')
      await sessions.forget(req.operationHandle.operationId)
      return new t.TCloseOperationResp({ status: OK() })
    },

    async CancelOperation(req: InstanceType<typeof t.TCancelOperationReq>) {
      await service.before('cancel')
      await find(req.operationHandle)?.cancel()
      return new t.TCancelOperationResp({ status: OK() })
    },
  }
}

/** With everything in the direct results the operation is closed at once and the driver asks no more. */
function executed(sessions: Sessions, operation: Operation, maxRows: number) {
  const operationHandle = new t.TOperationHandle({
    operationId: new t.THandleIdentifier(operation.handle),
    operationType: t.TOperationType.EXECUTE_STATEMENT,
    hasResultSet: true,
  })
  const { outcome } = operation
  const direct = new t.TSparkDirectResults({ operationStatus: statusOf(operation) })
  if (operation.state === 'finished' && outcome && maxRows > 0) {
    direct.resultSetMetadata = metadataOf(operation, outcome)
    direct.resultSet = fetchFrom(operation, outcome, maxRows)
    if (!direct.resultSet.hasMoreRows) {
      direct.closeOperation = new t.TCloseOperationResp({ status: OK() })
      void sessions.forget(operation.handle)
    }
  }
  return new t.TExecuteStatementResp({ status: OK(), operationHandle, directResults: direct })
}

/** The Thrift service of a SQL warehouse, as far as the driver asks for it. */
export function createThriftServer(): ThriftServer {
  const sessions = createSessions()

  return {
    close: () => sessions.end(),
    serve: (body, service) =>
      new Promise((resolve, reject) => {
        const output = new thrift.TBufferedTransport(undefined, (reply) => resolve(reply ?? Buffer.alloc(0)))
        const handler = Object.fromEntries(
          Object.entries(callsOf(sessions, service)).map(([name, call]) => [name, guarded(call, reject)]),
        )
        const processor = new driver.TCLIService.Processor(handler)
        const receive = thrift.TBufferedTransport.receiver((input) => {
          processor.process(new thrift.TBinaryProtocol(input), new thrift.TBinaryProtocol(output))
        }, 0)
        receive(body)
      }),
  }
}

/** A failed call rejects the request as a whole; the processor, which would answer it by itself, never hears of it. */
function guarded(call: (req: never) => Promise<unknown>, reject: (error: unknown) => void) {
  return (req: never) =>
    call(req).catch((error: unknown) => {
      reject(error)
      return new Promise<never>(() => undefined)
    })
}

function elapsed(ms: number): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, ms).unref())
}
