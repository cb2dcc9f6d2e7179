/** *Test connection*: what was reached, as whom, and what is missing, in the order in which a load would need it. */
import { randomUUID } from 'node:crypto'
import { isSyncError, syncError } from '../../../sync/contract/errors.ts'
import type { WriteContext } from '../../../sync/contract/target.ts'
import { createReport, fine, type ReportLine } from '../../../vendor/report.ts'
import { type Right, tryTables } from '../../../vendor/warehouse/try-tables.ts'
import type { Connection } from './connection.ts'
import { createDialect } from './dialect.ts'
import { literal, stored } from './sql.ts'
import { putFile, stagePath } from './stage.ts'

/**
 * Never throws for what it finds. Rights are tried (`tryTables`); a small file goes to the stage and is removed.
 */
export async function checkSnowflake(
  connection: Connection,
  stage: string,
  signal: AbortSignal,
): Promise<readonly ReportLine[]> {
  const context: WriteContext = { signal, waiting: () => undefined }
  const report = createReport()
  const { lines } = report
  const step = async (work: () => Promise<string>): Promise<boolean> => (await report.step(work, fine)) !== undefined
  const run = (sql: string, what: string) => connection.run({ sql, what }, context)
  const { warehouse, role, database, schema } = connection.options

  let there: Readonly<Record<string, unknown>> = {}
  const reached = await step(async () => {
    const [row] = await run(
      'SELECT CURRENT_USER() AS "user", CURRENT_ROLE() AS "role", CURRENT_WAREHOUSE() AS "warehouse", CURRENT_DATABASE() AS "database", CURRENT_SCHEMA() AS "schema"',
      'Who am I',
    )
    there = row ?? {}
    return `Signed in to ${connection.address.replace('snowflake://', '')} as ${String(there.user)} with the role ${String(there.role)}.`
  })
  if (!reached) return lines
  const grantee = `ROLE ${String(there.role)}`
  /** Whether the session has what was asked for: a login takes any name. */
  const has = (kind: string, asked: string, found: unknown, grant: string): Promise<boolean> =>
    step(async () => {
      if (asked === '') throw missing(`Choose a ${kind}.`)
      if (found === null || found === undefined || found === '')
        throw missing(
          `There is no ${kind} ${stored(asked)} that the role may use: correct the name, or ${grant} TO ${grantee}.`,
        )
      return `The ${kind} ${String(found)} is there.`
    })
  if (role && stored(role) !== String(there.role))
    lines.push({
      ok: false,
      text: `The role is ${String(there.role)} and not ${stored(role)}: GRANT ROLE ${role} TO USER ${String(there.user)}.`,
    })
  const ready = [
    await has('warehouse', warehouse, there.warehouse, `GRANT USAGE ON WAREHOUSE ${warehouse}`),
    await has('database', database, there.database, `GRANT USAGE ON DATABASE ${database}`),
  ]
  if (ready[1])
    ready.push(await has('schema', schema, there.schema, `GRANT USAGE, CREATE TABLE ON SCHEMA ${database}.${schema}`))
  if (ready.includes(false)) return lines

  await step(async () => {
    const place = `${String(there.database)}.${String(there.schema)}`
    const grants: Readonly<Record<Right, (table: string) => string>> = {
      create: () => `GRANT CREATE TABLE ON SCHEMA ${place} TO ${grantee}`,
      read: (table) => `GRANT SELECT ON TABLE ${table} TO ${grantee}`,
      change: (table) => `GRANT INSERT, UPDATE, DELETE ON TABLE ${table} TO ${grantee}`,
    }
    const chosen = { catalog: stored(database), schema: stored(schema) }
    await tryTables(createDialect(connection), chosen, context, (error, right, table) => {
      throw hinted(error, grants[right](table))
    })
    return `Tables can be created, read and changed in ${place} with the warehouse ${String(there.warehouse)}.`
  })
  await step(() => tryStage(connection, stagePath(stage || '@~'), grantee, context))
  return lines
}

async function tryStage(connection: Connection, root: string, grantee: string, context: WriteContext): Promise<string> {
  const path = `${root}/test-${randomUUID()}`
  const run = (sql: string, what: string) => connection.run({ sql, what }, context)
  const upload = { sql: putFile(path), file: Buffer.from('{}\n'), what: `Upload to ${root}` }
  await connection.run(upload, context).catch((error: unknown) => {
    throw hinted(error, `GRANT READ, WRITE ON STAGE ${root.slice(1)} TO ${grantee}`)
  })
  const files = await run(`LIST ${literal(`${path}/`)}`, `Files of ${root}`)
  if (files.length === 0) throw missing(`The file that was sent to ${root} is not there.`)
  await run(`REMOVE ${literal(`${path}/`)}`, `Removal from ${root}`)
  return `The stage ${root} takes files.`
}

const missing = (text: string) => syncError('config', 'snowflake.missing', text)

/** A refused right is answered with what to send to the administrator. */
const hinted = (error: unknown, grant: string): unknown =>
  isSyncError(error) && /^snowflake\.(003001|002003|002043)$/.test(error.code)
    ? syncError('config', error.code, `${error.message} ${grant}.`, error.cause)
    : error
