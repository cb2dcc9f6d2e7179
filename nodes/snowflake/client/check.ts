/** *Test connection*: what was reached, as whom, and what is missing, in the order in which a load would need it. */
import { randomUUID } from 'node:crypto'
import { isSyncError, syncError } from '../../../sync/contract/errors.ts'
import type { WriteContext } from '../../../sync/contract/target.ts'
import { createReport, fine, type ReportLine } from '../../../vendor/report.ts'
import { markTable, wantedMarks } from '../../../vendor/warehouse/tables.ts'
import type { Connection } from './connection.ts'
import { TEXT } from './dialect.ts'
import { literal, plainTable, quote, quoteTable, stored } from './sql.ts'
import { putFile, stagePath } from './stage.ts'
import { createTable } from './tables.ts'

/**
 * Never throws for what it finds. Rights come through roles and their parents, so each is tried: the table of marks, which the
 * first load needs anyway, is created where it is missing, read, and a DELETE that meets no row is run on it; a small file
 * goes to the stage and is removed.
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

  const chosen = { catalog: stored(database), schema: stored(schema), table: '' }
  const table = markTable(TEXT, chosen)
  await step(async () => {
    const name = plainTable(table)
    const place = `${String(there.database)}.${String(there.schema)}`
    await hinting(
      () => run(createTable(wantedMarks(TEXT, chosen)), `CREATE TABLE ${name}`),
      `GRANT CREATE TABLE ON SCHEMA ${place} TO ${grantee}`,
    )
    await hinting(
      () => run(`SELECT 1 AS "found" FROM ${quoteTable(table)} LIMIT 1`, `SELECT from ${name}`),
      `GRANT SELECT ON TABLE ${name} TO ${grantee}`,
    )
    await hinting(
      () => run(`DELETE FROM ${quoteTable(table)} WHERE ${quote('TABLE_NAME')} IS NULL`, `DELETE from ${name}`),
      `GRANT INSERT, UPDATE, DELETE ON TABLE ${name} TO ${grantee}`,
    )
    return `Tables can be created, read and changed in ${place} with the warehouse ${String(there.warehouse)}.`
  })
  await step(async () => {
    const root = stagePath(stage || '@~')
    const path = `${root}/test-${randomUUID()}`
    const file = Buffer.from('{}\n')
    await hinting(
      () => connection.run({ sql: putFile(path), file, what: `Upload to ${root}` }, context),
      `GRANT READ, WRITE ON STAGE ${root.slice(1)} TO ${grantee}`,
    )
    const files = await run(`LIST ${literal(`${path}/`)}`, `Files of ${root}`)
    if (files.length === 0) throw missing(`The file that was sent to ${root} is not there.`)
    await run(`REMOVE ${literal(`${path}/`)}`, `Removal from ${root}`)
    return `The stage ${root} takes files.`
  })
  return lines
}

const missing = (text: string) => syncError('config', 'snowflake.missing', text)

/** A refused right is answered with what to send to the administrator. */
async function hinting<T>(work: () => Promise<T>, grant: string): Promise<T> {
  try {
    return await work()
  } catch (error) {
    if (!isSyncError(error) || !/^snowflake\.(003001|002003|002043)$/.test(error.code)) throw error
    throw syncError('config', error.code, `${error.message} ${grant}.`, error.cause)
  }
}
