import { setTimeout as delay } from 'node:timers/promises'
import { run, type Work } from '../sql/engine.ts'
import { quote } from '../sql/reader.ts'
import type { Account } from './account.ts'
import { partsOf, type Table } from './catalog.ts'
import { checkCopy, copyOutcome, filesToLoad, loadFiles, remember } from './copy.ts'
import { runDefinition } from './define.ts'
import { setAside, unfit } from './error-log.ts'
import { fromEngine, noOperation, noPrivilege, noWarehouse, SqlError } from './errors.ts'
import { runMerge, typesOf } from './merge.ts'
import { counted, fromReader, type Outcome, status, TYPE_IDS, table } from './results.ts'
import { PARAMETERS, type Session } from './session.ts'
import { describeStage, describeTable, show } from './show.ts'
import type { Bind, Scope, SessionView } from './sql/cursor.ts'
import { type Change, type Copy, column, type Insert } from './sql/dml.ts'
import { parseStatement, type Statement } from './sql/statement.ts'
import { assignTo } from './sql/types.ts'
import { begin, commit, inTransaction, rollback } from './transaction.ts'

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
    throw fromEngine(error)
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
    case 'insert': {
      const inserted = await within(() => insert(step, statement), {
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
      statement.table.loads = {}
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
      return status('Statement executed successfully.', TYPE_IDS.session)
    case 'unset-session':
      for (const name of statement.names) setParameter(session, name, PARAMETERS[name] ?? '')
      return status('Statement executed successfully.', TYPE_IDS.session)
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

async function insert({ work, queryId }: Step, { table: target, columns, query, overwrite }: Insert): Promise<number> {
  if (overwrite) await run(work, `DELETE FROM ${target.engine}`)
  const names = columns.map((_, index) => quote(`v${index}`))
  let from = `(${query}) AS source(${names.join(', ')})`
  const width = (await run(work, `SELECT * FROM (${query}) LIMIT 0`)).columnCount
  if (width !== columns.length)
    throw new SqlError(
      '002020',
      '21S01',
      `SQL compilation error:\nInsert value list does not match column list expecting ${columns.length} but got ${width}`,
    )
  if (target.errorLogging) {
    await run(work, `CREATE TEMPORARY TABLE insert_source AS ${query}`)
    from = `temp.insert_source AS source(${names.join(', ')})`
    await withoutBadRows(work, target, columns, names, from, queryId)
  }
  const types = await typesOf(work, names, from)
  const values = columns.map((one, index) => assignTo(names[index] ?? '', one.type, types[index]))
  const { rowsChanged } = await run(
    work,
    `INSERT INTO ${target.engine} (${columns.map((one) => column(one.name)).join(', ')}) SELECT ${values.join(', ')} FROM ${from}`,
  )
  if (target.errorLogging) await run(work, 'DROP TABLE temp.insert_source')
  return rowsChanged
}

async function withoutBadRows(
  work: Work,
  target: Table,
  columns: Insert['columns'],
  names: readonly string[],
  from: string,
  queryId: string,
): Promise<void> {
  const types = await typesOf(work, names, from)
  const reason = unfit(columns.map((one, index) => ({ column: one, raw: names[index] ?? '', from: types[index] })))
  if (reason === undefined) return
  await run(
    work,
    `CREATE TEMPORARY TABLE insert_unfit AS SELECT * FROM (SELECT source.rowid AS id, ${reason} AS reason, to_json(source) AS content FROM ${from}) WHERE reason IS NOT NULL`,
  )
  await setAside(work, target, 'temp.insert_unfit', queryId)
  await run(work, 'DELETE FROM temp.insert_source WHERE rowid IN (SELECT id FROM temp.insert_unfit)')
  await run(work, 'DROP TABLE temp.insert_unfit')
}

async function change(work: Work, { kind, table: target, alias, set, from, where }: Change): Promise<number> {
  const named = `${target.engine} AS ${quote(alias)}`
  const condition = where === undefined ? '' : ` WHERE ${where}`
  if (kind === 'delete') {
    const using = from === undefined ? '' : ` USING ${from}`
    return (await run(work, `DELETE FROM ${named}${using}${condition}`)).rowsChanged
  }
  const types = await typesOf(
    work,
    set.map(({ value }) => value),
    from === undefined ? named : `${named}, ${from}`,
  )
  const assigned = set.map(
    (one, index) => `${column(one.column.name)} = ${assignTo(one.value, one.column.type, types[index])}`,
  )
  const source = from === undefined ? '' : ` FROM ${from}`
  return (await run(work, `UPDATE ${named} SET ${assigned.join(', ')}${source}${condition}`)).rowsChanged
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
  if (session.transaction) session.transaction.after.push(() => remember(copy.table, done))
  else {
    remember(copy.table, done)
    if (copy.table.kind !== 'TEMPORARY') await account.store.save(account.catalog.snapshot())
  }
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

async function transact(account: Account, session: Session, act: 'BEGIN' | 'COMMIT' | 'ROLLBACK'): Promise<Outcome> {
  // A BEGIN within a transaction is ignored.
  if (act === 'BEGIN' && !session.transaction) await begin(account, session, true)
  if (act === 'COMMIT') await commit(account, session)
  if (act === 'ROLLBACK') await rollback(account, session)
  return status('Statement executed successfully.', TYPE_IDS.transaction)
}

export function setParameter(session: Session, name: string, value: string): void {
  const known = PARAMETERS[name]
  if (known === undefined) throw new SqlError('001008', '22023', `SQL compilation error:\ninvalid parameter '${name}'`)
  const isBoolean = /^(true|false)$/.test(known)
  const text = isBoolean ? value.toLowerCase() : value
  if ((isBoolean && !/^(true|false)$/.test(text)) || (/^\d+$/.test(known) && !/^\d+$/.test(text)))
    throw new SqlError('001008', '22023', `SQL compilation error:\ninvalid value [${value}] for parameter '${name}'`)
  session.parameters.set(name, text)
}

function use(account: Account, session: Session, { what, parts }: Extract<Statement, { kind: 'use' }>): void {
  const [name = '', database] = [...parts].reverse()
  const { catalog, rights, warehouses, roles } = account
  switch (what) {
    case 'WAREHOUSE':
      if (!warehouses.includes(name) || rights.isDenied('USAGE', name)) throw noOperation()
      session.warehouse = name
      return
    case 'ROLE':
      if (!roles.includes(name))
        throw new SqlError(
          '003013',
          '42501',
          `SQL access control error:\nRequested role '${name}' is not assigned to the executing user. Specify another role to activate.`,
        )
      session.role = name
      return
    case 'DATABASE':
      if (name !== catalog.database || rights.isDenied('USAGE', name)) throw noOperation()
      session.database = name
      session.schema = 'PUBLIC'
      return
    case 'SCHEMA': {
      const within = database ?? session.database
      if (within !== catalog.database || !catalog.schemas.has(name) || rights.isDenied('USAGE', within, name))
        throw noOperation()
      session.database = within
      session.schema = name
    }
  }
}
