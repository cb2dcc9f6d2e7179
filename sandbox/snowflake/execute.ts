import { setTimeout as delay } from 'node:timers/promises'
import { run, type Work } from '../sql/engine.ts'
import type { Account, Session } from './account.ts'
import { partsOf, type Table } from './catalog.ts'
import { change, insert } from './change.ts'
import { checkCopy, copyOutcome, filesToLoad, loadFiles, remember } from './copy.ts'
import { runDefinition } from './define.ts'
import { canceled, fromEngine, noPrivilege, noWarehouse, SqlError } from './errors.ts'
import { runMerge } from './merge.ts'
import { applyParameters, inherited, setForLevel, setParameter } from './parameters.ts'
import { counted, fromReader, type Outcome, status, TYPE_IDS, table } from './results.ts'
import { transact, use } from './session-sql.ts'
import { describeStage, describeTable, show } from './show.ts'
import type { Bind, Scope, SessionView } from './sql/cursor.ts'
import type { Copy } from './sql/dml.ts'
import { parseStatement, type Statement } from './sql/statement.ts'
import { abortTransaction, commit, inTransaction } from './transaction.ts'

export interface Request {
  sql: string
  queryId: string
  binds?: ReadonlyMap<string, Bind>
  signal?: AbortSignal
}

export function newScope(account: Account, session: SessionView, binds: ReadonlyMap<string, Bind> = new Map()): Scope {
  const { catalog, stages } = account
  return {
    session,
    catalog,
    stages,
    binds,
    bound: new Map(),
    uses: [],
    stageUses: [],
    staged: [],
    dollars: [],
    count: 0,
    ctes: new Set(),
    verb: 'SELECT',
  }
}

/** Runs one statement of Snowflake's SQL in a session. Every failure is a SqlError; what failed has left nothing behind. */
export async function execute(account: Account, session: Session, request: Request): Promise<Outcome> {
  const scope = newScope(account, session, request.binds)
  const statement = parseStatement(request.sql, scope)
  checkBinds(statement, scope)
  checkRights(account, statement, scope)
  if (needsWarehouse(statement, scope)) checkWarehouse(account, session)
  const { connection } = session
  const stop = () => connection.interrupt()
  request.signal?.addEventListener('abort', stop, { once: true })
  try {
    const work: Work = { connection, bound: scope.bound, signal: request.signal }
    return await perform({ account, session, work, scope, queryId: request.queryId }, statement)
  } catch (error) {
    throw request.signal?.aborted ? canceled() : fromEngine(error)
  } finally {
    request.signal?.removeEventListener('abort', stop)
  }
}

function checkBinds(statement: Statement, scope: Scope): void {
  const hasRows = [...scope.binds.values()].some(({ value }) => Array.isArray(value))
  if (hasRows && statement.kind !== 'insert')
    throw new SqlError(
      '002099',
      '0A000',
      'SQL compilation error: Array bind currently not supported for this query type',
    )
}

function checkRights({ rights }: Account, statement: Statement, scope: Scope): void {
  for (const { table, privilege } of scope.uses) {
    if (table.kind === 'TEMPORARY') continue
    rights.check(privilege, 'table', ...partsOf(table))
  }
  for (const { stage, privilege } of scope.stageUses) {
    if (rights.isDenied(privilege, ...partsOf(stage))) throw noPrivilege('stage', stage.name)
    // A table's own stage belongs to whoever owns the table.
    if (stage.name.startsWith('%'))
      rights.check('OWNERSHIP', 'table', stage.database, stage.schema, stage.name.slice(1))
  }
  if (statement.kind === 'copy') rights.check('INSERT', 'table', ...partsOf(statement.table))
}

function needsWarehouse(statement: Statement, scope: Scope): boolean {
  if (statement.kind === 'query')
    return (
      scope.uses.length > 0 ||
      scope.stageUses.length > 0 ||
      [...scope.bound.keys()].some((name) => name.startsWith('bound_info_'))
    )
  if (statement.kind === 'create-table') return statement.query !== undefined
  return ['insert', 'update', 'delete', 'merge', 'copy'].includes(statement.kind)
}

function checkWarehouse(account: Account, session: Session): void {
  if (session.warehouse === undefined) throw noWarehouse(undefined)
  if (account.suspended > 0) {
    account.suspended -= 1
    throw noWarehouse(session.warehouse)
  }
}

interface Step {
  account: Account
  session: Session
  work: Work
  scope: Scope
  queryId: string
}

async function perform(step: Step, statement: Statement): Promise<Outcome> {
  const { account, session, work, scope, queryId } = step
  const uses = scope.uses.map((use) => use.table)
  const within = <T>(action: () => Promise<T>, writes?: { table: Table; alone: boolean }) =>
    inTransaction({ account, session, work, queryId, uses, writes }, action)
  switch (statement.kind) {
    case 'query':
      return fromReader(await within(() => run(work, statement.sql)))
    case 'wait':
      await delay(statement.seconds * 1000, undefined, work.signal ? { signal: work.signal } : {}).catch(() => {
        throw new SqlError('000604', '57014', 'SQL execution canceled')
      })
      return table([`SYSTEM$WAIT(${statement.seconds})`], [[`waited ${statement.seconds} seconds`]], TYPE_IDS.select)
    case 'abort-transaction': {
      const aborted = await abortTransaction(account, statement.id, session)
      const text = aborted ? `Transaction ID ${statement.id} aborted.` : `Transaction ID ${statement.id} not found.`
      return table([statement.column], [[text]], TYPE_IDS.select)
    }
    case 'insert': {
      const inserted = await within(() => insert(work, queryId, statement), {
        table: statement.table,
        alone: statement.overwrite,
      })
      return counted({ 'number of rows inserted': inserted }, TYPE_IDS.insert)
    }
    case 'update':
    case 'delete': {
      const changed = await within(() => change(work, statement), { table: statement.table, alone: true })
      return statement.kind === 'update'
        ? counted({ 'number of rows updated': changed, 'number of multi-joined rows updated': 0 }, TYPE_IDS.update)
        : counted({ 'number of rows deleted': changed }, TYPE_IDS.delete)
    }
    case 'truncate':
      await within(() => run(work, `DELETE FROM ${statement.table.engine}`), { table: statement.table, alone: true })
      afterwards(session, () => {
        statement.table.loads = {}
      })
      return status('Statement executed successfully.', TYPE_IDS.ddl)
    case 'merge': {
      const strict = session.parameters.get('ERROR_ON_NONDETERMINISTIC_MERGE') !== 'false'
      const { inserted, updated, deleted } = await within(() => runMerge(work, statement, strict, queryId), {
        table: statement.table,
        alone: true,
      })
      const acts = new Set(statement.clauses.map((clause) => clause.act))
      return counted(
        {
          ...(acts.has('INSERT') ? { 'number of rows inserted': inserted } : {}),
          ...(acts.has('UPDATE') ? { 'number of rows updated': updated } : {}),
          ...(acts.has('DELETE') ? { 'number of rows deleted': deleted } : {}),
        },
        TYPE_IDS.merge,
      )
    }
    case 'copy':
      return await copyInto(step, statement, within)
    case 'list':
    case 'remove':
      return await stagedFiles(account, statement)
    case 'transaction':
      return await transact(account, session, statement.act)
    case 'set-session':
      for (const [name, value] of Object.entries(statement.values)) setParameter(session, name, value)
      await applyParameters(session)
      return status('Statement executed successfully.', TYPE_IDS.session)
    case 'unset-session':
      for (const name of statement.names) setParameter(session, name, inherited(account, name))
      await applyParameters(session)
      return status('Statement executed successfully.', TYPE_IDS.session)
    case 'set-level':
      // An account is for its administrators; a user may set what his own sessions begin with.
      if (statement.level === 'account' && session.role !== 'ACCOUNTADMIN') throw noPrivilege('account', account.name)
      setForLevel(account, statement.level, statement.values)
      return status('Statement executed successfully.', TYPE_IDS.ddl)
    case 'use':
      use(account, session, statement)
      return status('Statement executed successfully.', TYPE_IDS.use)
    case 'show':
      return show(account, session, scope, statement)
    case 'describe-table':
      return describeTable(statement.table)
    case 'describe-stage':
      return describeStage(account, session, statement.place)
    case 'nothing':
      return status('Statement executed successfully.', TYPE_IDS.session)
    default: {
      // A definition commits what was open, and cannot be rolled back itself.
      await commit(account, session)
      const turn = account.definitions.last
        .catch(() => undefined)
        .then(async () => {
          const outcome = await runDefinition({ account, session, work }, statement)
          await account.store.save(account.catalog.snapshot())
          return outcome
        })
      account.definitions.last = turn
      return await turn
    }
  }
}

async function copyInto(
  { account, session, work, scope }: Step,
  copy: Copy,
  within: <T>(action: () => Promise<T>, writes: { table: Table; alone: boolean }) => Promise<T>,
): Promise<Outcome> {
  checkCopy(copy)
  const files = filesToLoad(copy, account.stages)
  if (files.length === 0) return copyOutcome([], '')
  const recover = async () => {
    // What the transaction did before is not lost with the try that failed.
    await session.connection.run('ROLLBACK').catch(() => undefined)
    await session.connection.run('BEGIN TRANSACTION')
    for (const action of session.transaction?.actions ?? []) await action()
    await session.connection.run('DROP TABLE IF EXISTS temp.copy_rows')
  }
  const loaded = await within(() => loadFiles({ work, copy, scope, recover }, files), {
    table: copy.table,
    alone: false,
  })
  const done = files.filter((file) =>
    loaded.some(
      (one) => one.file === file.path && one.loaded + one.errors === one.parsed && (one.loaded > 0 || one.errors === 0),
    ),
  )
  afterwards(session, () => remember(copy.table, done))
  if (copy.table.kind !== 'TEMPORARY') await account.store.save(account.catalog.snapshot())
  if (copy.options.PURGE === 'TRUE') for (const file of done) await account.stages.remove(file)
  return copyOutcome(
    loaded,
    copy.from.stage.name.startsWith('~') || copy.from.stage.name.startsWith('%')
      ? ''
      : `${copy.from.stage.name.toLowerCase()}/`,
  )
}

async function stagedFiles(
  { stages }: Account,
  { kind, from, pattern }: Extract<Statement, { kind: 'list' | 'remove' }>,
): Promise<Outcome> {
  const { stage, path } = from
  const wanted = pattern === undefined ? undefined : new RegExp(`^(?:${pattern})$`)
  const files = stages.files(stage.id, path).filter((file) => wanted?.test(file.path) ?? true)
  const name = (file: { path: string }) =>
    /^[~%]/.test(stage.name) ? file.path : `${stage.name.toLowerCase()}/${file.path}`
  if (kind === 'list')
    return table(
      ['name', 'size', 'md5', 'last_modified'],
      files.map((file) => [name(file), file.size, file.etag, new Date(file.modified).toUTCString()]),
      TYPE_IDS.select,
      ['size'],
    )
  for (const file of files) await stages.remove(file)
  return table(
    ['name', 'result'],
    files.map((file) => [name(file), 'removed']),
    TYPE_IDS.select,
  )
}

/** Does something when what the session has done is committed: now, or with its transaction. */
function afterwards({ transaction }: Session, action: () => void): void {
  if (transaction) transaction.after.push(action)
  else action()
}
