/** *Test connection*: what was reached, as whom, and what is missing, in the order in which a load would need it. */
import { randomUUID } from 'node:crypto'
import { syncError } from '../../../sync/contract/errors.ts'
import type { WriteContext } from '../../../sync/contract/target.ts'
import { createReport, fine, type ReportLine } from '../../../vendor/report.ts'
import { tryTables } from '../../../vendor/warehouse/try-tables.ts'
import type { Connection } from './connection.ts'
import { createDialect } from './dialect.ts'
import { filePath, volumeOf } from './files.ts'
import { quote } from './sql.ts'

export interface CheckOptions {
  readonly catalog: string
  readonly schema: string
  readonly volume: string
}

/**
 * Never throws for what it finds. Rights are tried (`tryTables`); a small file goes into the volume, is read and removed.
 */
export async function checkDatabricks(
  connection: Connection,
  options: CheckOptions,
  signal: AbortSignal,
): Promise<readonly ReportLine[]> {
  const context: WriteContext = { signal, waiting: () => undefined }
  const report = createReport()
  const { lines } = report
  const step = async (work: () => Promise<string>): Promise<boolean> => (await report.step(work, fine)) !== undefined
  const read = (sql: string, what: string, parameters: Record<string, string> = {}) =>
    connection.run({ sql, what, parameters, kind: 'read' }, context)

  let who = 'the principal'
  const reached = await step(async () => {
    const [row] = await read('SELECT current_user() AS who', `Warehouse ${connection.path} on ${connection.address}`)
    who = String(row?.who)
    return `Reached the warehouse ${connection.path} as ${who}.`
  })
  if (!reached) return lines

  if (options.catalog && options.schema) {
    if (await step(() => checkSchema(options, who, read))) {
      await step(async () => {
        const place = { catalog: options.catalog.toLowerCase(), schema: options.schema.toLowerCase() }
        await tryTables(createDialect(connection, 'string'), place, context)
        return `Tables can be created, read and changed in ${options.catalog}.${options.schema}.`
      })
    }
  } else lines.push({ ok: false, text: 'Choose a catalog and a schema: the tables are made there.' })

  if (!options.volume) {
    lines.push({
      ok: false,
      text: 'No staging volume is chosen: append, and every batch of more than about 900 kB, needs one.',
    })
    return lines
  }
  await step(() => checkVolume(connection, options.volume, context))
  return lines
}

type Read = (
  sql: string,
  what: string,
  parameters?: Record<string, string>,
) => Promise<readonly Readonly<Record<string, unknown>>[]>

async function checkSchema({ catalog, schema }: CheckOptions, who: string, read: Read): Promise<string> {
  const rows = await read(
    `SELECT s.schema_name AS schema_name FROM ${quote(catalog)}.information_schema.schemata AS s WHERE s.schema_name = :schema`,
    `Schema ${catalog}.${schema}`,
    { schema: schema.toLowerCase() },
  )
  if (rows.length > 0) return `Schema ${catalog}.${schema} is there.`
  throw syncError(
    'config',
    'databricks.schema',
    `There is no schema ${catalog}.${schema} that ${who} can see. Create it (CREATE SCHEMA ${catalog}.${schema}), or: GRANT USE CATALOG ON CATALOG ${catalog} TO \`${who}\`; GRANT USE SCHEMA, CREATE TABLE ON SCHEMA ${catalog}.${schema} TO \`${who}\`.`,
  )
}

async function checkVolume(connection: Connection, name: string, context: WriteContext): Promise<string> {
  const volume = volumeOf(name)
  const path = filePath(volume, `tieout-test-${randomUUID()}.json`)
  await connection.rest(
    {
      method: 'PUT',
      path: `${path}?overwrite=true`,
      body: Buffer.from('{}\n'),
      what: `Writing a file to ${volume.path}`,
    },
    context,
  )
  await connection.rest({ method: 'GET', path, what: `Reading a file of ${volume.path}` }, context)
  await connection.rest({ method: 'DELETE', path, what: `Removing a file of ${volume.path}` }, context)
  return `Volume ${volume.path} takes and gives files.`
}
