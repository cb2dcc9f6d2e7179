/** Targets as the version before left them (test/fixtures/before), put back into the sandboxes of today. */
import { gzipSync } from 'node:zlib'
import { upload, volumeOf } from '../../nodes/databricks/client/files.ts'
import { startDatabricksFixture } from './databricks.ts'
import { startPowerbiFixture } from './powerbi.ts'
import { startSnowflakeFixture } from './snowflake.ts'
import { writeContext } from './warehouse.ts'

/** JSON, a line each. */
export const linesOf = <T>(text: string): T[] =>
  text
    .split('\n')
    .filter((line) => line !== '')
    .map((line) => JSON.parse(line) as T)

/** Rows of each table as texts, in one order. */
export type Contents = Readonly<Record<string, readonly (readonly (string | null)[])[]>>

/** A target as it was, in a sandbox. */
export interface BeforeTarget {
  /** The variables that the flow names. */
  readonly env: Readonly<Record<string, string>>
  /** Puts in what the fixtures have, and gives what stands for their {{names}}. */
  restore(kept: string): Promise<Readonly<Record<string, string>>>
  /** Tables without that of marks. */
  contents(): Promise<Contents>
  /** Of each row of the tables of marks its entity and source name; null: it does not say. */
  marks(): Promise<readonly (readonly [entity: string, source: string | null])[]>
  /** Whatever wrote rows since `restore`, marks left out. */
  writes(): readonly string[]
  close(): Promise<void>
}

interface KeptTable {
  readonly table: string
  readonly create: string
  readonly columns: readonly (readonly [name: string, type: string])[]
}
type Cells = readonly (string | null)[]
type Kept = KeptTable | { readonly file: string; readonly text: string } | Cells

/** Tables with their rows, and staged files. */
function takenApart(kept: string) {
  const tables: { table: KeptTable; rows: Cells[] }[] = []
  const files: { file: string; text: string }[] = []
  for (const line of linesOf<Kept>(kept)) {
    if ('table' in line) tables.push({ table: line, rows: [] })
    else if ('file' in line) files.push(line)
    else tables.at(-1)?.rows.push(line)
  }
  return { tables, files }
}

const isMark = (table: string): boolean => /_tieout_mark\b/i.test(table)
const quoted = (value: string | null): string => (value === null ? 'NULL' : `'${value.replace(/['\\]/g, '\\$&')}'`)
const byText = (a: unknown, b: unknown): number => (JSON.stringify(a) < JSON.stringify(b) ? -1 : 1)

/** Every row of the tables of these names, but of that of marks. */
async function contentsOf(
  names: readonly (readonly [table: string, column: string])[],
  ask: (table: string, columns: readonly string[]) => Promise<readonly (readonly unknown[])[]>,
): Promise<Contents> {
  // Tables of versions get it, empty for what was there.
  const known = names.filter(([, column]) => !/^_contract$/i.test(column))
  const columns = Map.groupBy(known, ([table]) => table)
  const found: Record<string, Cells[]> = {}
  for (const [table, own] of columns) {
    if (isMark(table)) continue
    const rows = (await ask(
      table,
      own.map(([, column]) => column),
    )) as Cells[]
    found[table] = [...rows].sort(byText)
  }
  return found
}

export async function beforeDatabricks(): Promise<BeforeTarget> {
  const f = await startDatabricksFixture()
  const { sandbox } = f
  let from = 0
  return {
    env: {
      DATABRICKS_HOST: sandbox.host,
      DATABRICKS_PORT: String(sandbox.port),
      DATABRICKS_HTTP_PATH: sandbox.path,
      DATABRICKS_CATALOG: 'main',
      DATABRICKS_SCHEMA: 'finance',
      DATABRICKS_VOLUME: 'main.finance.staging',
      DATABRICKS_CLIENT_ID: sandbox.clientId,
      DATABRICKS_CLIENT_SECRET: sandbox.clientSecret,
      DATABRICKS_CA: sandbox.caPem,
    },
    async restore(kept) {
      const { tables, files } = takenApart(kept)
      for (const { table, rows } of tables) {
        await f.rows(table.create)
        const casts = table.columns.map(([name, type]) => `CAST(\`${name}\` AS ${type})`)
        const values = rows.map((row) => `(${row.map(quoted).join(', ')})`)
        const names = table.columns.map(([name]) => `\`${name}\``).join(', ')
        if (rows.length > 0)
          await f.rows(
            `INSERT INTO main.finance.\`${table.table}\` (${names}) SELECT ${casts.join(', ')} FROM (VALUES ${values.join(', ')}) AS v(${names})`,
          )
      }
      const connection = f.connect()
      for (const file of files)
        await upload(connection, volumeOf('main.finance.staging'), file.file, file.text, writeContext())
      from = sandbox.log().length
      return { port: String(sandbox.port) }
    },
    async contents() {
      const names = (await f.rows(
        "select table_name, column_name from main.information_schema.columns where table_schema = 'finance' order by table_name, ordinal_position",
      )) as [string, string][]
      return contentsOf(names, (table, columns) =>
        f.rows(`select ${columns.map((c) => `cast(\`${c}\` as string)`).join(', ')} from main.finance.\`${table}\``),
      )
    },
    marks: async () =>
      (await f.rows('select entity, source from main.finance._tieout_mark')) as [string, string | null][],
    writes: () =>
      sandbox
        .log()
        .slice(from)
        .filter(({ kind, text: sql }) => ['merge', 'copy', 'insert', 'change'].includes(kind) && !isMark(sql))
        .map(({ text: sql }) => sql),
    close: f.close,
  }
}

export async function beforeSnowflake(): Promise<BeforeTarget> {
  const f = await startSnowflakeFixture()
  const { sandbox } = f
  const { database, schema } = sandbox
  let from = 0
  return {
    env: {
      SNOWFLAKE_ACCOUNT: sandbox.account,
      SNOWFLAKE_HOST: sandbox.host,
      SNOWFLAKE_PORT: String(sandbox.port),
      SNOWFLAKE_USER: sandbox.user,
      SNOWFLAKE_ROLE: sandbox.role,
      SNOWFLAKE_WAREHOUSE: sandbox.warehouse,
      SNOWFLAKE_DATABASE: database,
      SNOWFLAKE_SCHEMA: schema,
      SNOWFLAKE_PRIVATE_KEY: sandbox.privateKeyPem,
      SNOWFLAKE_PASSPHRASE: sandbox.passphrase,
    },
    async restore(kept) {
      const { tables, files } = takenApart(kept)
      const connection = f.connect()
      const context = writeContext()
      for (const { table, rows } of tables) {
        await f.rows(table.create)
        const cells = table.columns.map(([, type], i) =>
          type === 'VARIANT' ? `PARSE_JSON(f.value[${i}]::VARCHAR)` : `CAST(f.value[${i}] AS VARCHAR)`,
        )
        const into = `"${database}"."${schema}"."${table.table}" (${table.columns.map(([name]) => `"${name}"`).join(', ')})`
        await connection.run(
          {
            sql: `INSERT INTO ${into} SELECT ${cells.join(', ')} FROM TABLE(FLATTEN(INPUT => PARSE_JSON(?))) AS f`,
            binds: [JSON.stringify(rows)],
            what: table.table,
          },
          context,
        )
      }
      for (const { file, text: content } of files) {
        const put = `PUT 'file://rows.json.gz' '@~/${file.replace('/rows.json.gz', '')}' SOURCE_COMPRESSION = GZIP AUTO_COMPRESS = FALSE OVERWRITE = TRUE`
        await connection.run({ sql: put, file: gzipSync(content), what: put }, context)
      }
      from = sandbox.log().length
      return {}
    },
    async contents() {
      const names = (await f.rows(
        `select table_name, column_name from ${database}.information_schema.columns where table_schema = '${schema}' order by table_name, ordinal_position`,
      )) as [string, string][]
      return contentsOf(names, (table, columns) =>
        f.rows(
          `select ${columns.map((c) => `cast("${c}" as varchar)`).join(', ')} from ${database}.${schema}."${table}"`,
        ),
      )
    },
    marks: async () =>
      (await f.rows(`select entity, source from ${database}.${schema}._tieout_mark`)) as [string, string | null][],
    writes: () =>
      sandbox
        .log()
        .slice(from)
        .filter(({ text: sql }) => /^\s*(MERGE|COPY|INSERT|UPDATE|DELETE)\b/i.test(sql) && !isMark(sql))
        .map(({ text: sql }) => sql),
    close: f.close,
  }
}

const WORKSPACE = '99999999-0000-4111-8222-333333333333'

export async function beforePowerbi(): Promise<BeforeTarget> {
  let posts: string[] = []
  const f = await startPowerbiFixture({
    workspaces: [{ id: WORKSPACE, name: 'Finance' }],
    onRequest({ method, path, body }) {
      if (method !== 'GET' && /\/rows$/.test(path) && !isMark(path)) posts.push(`${path} ${JSON.stringify(body)}`)
    },
  })
  const { sandbox } = f
  return {
    env: {
      POWERBI_TENANT: sandbox.tenant,
      POWERBI_CLIENT_ID: sandbox.clientId,
      POWERBI_CLIENT_SECRET: sandbox.clientSecret,
      POWERBI_WORKSPACE: WORKSPACE,
      POWERBI_API: sandbox.apiUrl,
      POWERBI_LOGIN: sandbox.authorityHost,
      POWERBI_CA: sandbox.caPem,
    },
    async restore(kept) {
      const connection = f.connect()
      const named = (path: string): string =>
        path.replaceAll(/\{\{(.*?)\}\}/g, (_, name) => sandbox.datasets().find((one) => one.name === name)?.id ?? '')
      for (const { method, path, body } of linesOf<{ method: 'POST'; path: string; body: unknown }>(kept))
        await connection.call(
          {
            method,
            path: named(path).replace('/v1.0/myorg', ''),
            ...(body === undefined ? {} : { body: JSON.stringify(body) }),
            what: path,
            kind: path.endsWith('/rows') ? 'rows' : 'call',
          },
          writeContext(),
        )
      posts = []
      return {
        port: new URL(sandbox.apiUrl).port,
        ...Object.fromEntries(sandbox.datasets().map(({ id, name }) => [name, id])),
      }
    },
    async contents() {
      const found: Record<string, Cells[]> = {}
      for (const { id, tables } of sandbox.datasets())
        for (const { name } of tables) {
          if (isMark(name)) continue
          const rows: Cells[] = []
          for await (const some of sandbox.rows(id, name))
            rows.push(...some.map((row) => row.map((cell) => (cell === null ? null : String(cell)))))
          found[name] = rows.sort(byText)
        }
      return found
    },
    async marks() {
      const rows = await Promise.all(sandbox.datasets().map(({ id }) => f.rows(id, '_tieout_mark')))
      return rows.flat().map(({ entity, source }) => [String(entity), source as string | null] as const)
    },
    writes: () => posts,
    close: f.close,
  }
}
