/** The floor's writing: the file and statements of the flow through the vendor's driver, and nothing else. */
import { randomUUID } from 'node:crypto'
import { promisify } from 'node:util'
import { gzip } from 'node:zlib'
import type { Address } from '../demo/ends/end.ts'
import { type DriverSession, openDriverSession } from '../nodes/snowflake/client/driver.ts'
import { headerMerge, listMerge, type MergeTable, rangeColumns } from '../nodes/snowflake/client/merge.ts'
import { foundType, sqlType } from '../nodes/snowflake/client/sql.ts'
import {
  copyFile,
  createStaging,
  insertStaged,
  putFile,
  type StagingTable,
  stagingName,
} from '../nodes/snowflake/client/stage.ts'
import { createTable } from '../nodes/snowflake/client/tables.ts'
import { listTable, type Schema, type TableSchema } from '../sync/contract/message.ts'
import type { FindColumn } from '../vendor/warehouse/dialect.ts'
import { stagedFields } from '../vendor/warehouse/staged-rows.ts'
import { HEADER_COLUMNS, LIST_COLUMNS } from '../vendor/warehouse/technical-columns.ts'
import type { FloorWriter } from './floor-parts.ts'

/** As in the flow: more than this goes by file. */
const MAX_BIND_BYTES = 50_000
const compress = promisify(gzip)
const RUN = 'floor'

/** What is written for one entity. */
interface Part {
  readonly staging: Omit<StagingTable, 'checked'>
  readonly lists: readonly string[]
  /** In the order in which they are sent; the header last. */
  readonly merges: readonly string[]
  /** Positions of the range columns in the rows of the header. */
  readonly ranged: readonly number[]
}

const typed =
  (table: TableSchema, own: typeof LIST_COLUMNS): FindColumn =>
  (name) => {
    const column = [...table.columns, ...own].find((one) => one.name === name)
    if (column === undefined) return undefined
    const declared = sqlType(column.type)
    return { name: name.toUpperCase(), declared, type: foundType(declared), nullable: true, comment: '' }
  }

export async function openWriter(address: Address): Promise<FloorWriter> {
  const texts = address as Readonly<Record<string, string>>
  const { account = '', warehouse = '', role = '', database = '', schema: schemaName = '', url = '' } = texts
  const { user = '', privateKeyPem = '', passphrase = '' } = texts
  const options = {
    account,
    accessUrl: url,
    warehouse,
    role,
    database,
    schema: schemaName,
    timeoutMs: 60_000,
    totalMs: 600_000,
  }
  const login = {
    authenticator: 'SNOWFLAKE_JWT',
    username: user,
    privateKey: privateKeyPem.trim(),
    privateKeyPass: passphrase,
  }
  const open = () => openDriverSession({ ...options, route: {}, log: () => undefined }, login)
  const sessions: DriverSession[] = []
  const idle: DriverSession[] = []
  const { signal } = new AbortController()
  const parts = new Map<string, Part>()
  let files = 0

  /** A session has one transaction: each entity that is being written has one to itself. */
  async function inSession<T>(work: (run: Run) => Promise<T>): Promise<T> {
    const session = idle.pop() ?? (await open())
    if (!sessions.includes(session)) sessions.push(session)
    const result = await work((sql, more = {}) => session.execute({ sql, requestId: randomUUID(), signal, ...more }))
    idle.push(session)
    return result
  }

  return {
    async create(schemas) {
      await inSession(async (run) => {
        for (const schema of schemas) {
          const tables: MergeTable[] = []
          for (const [list, table] of Object.entries<TableSchema>({ '': schema, ...schema.lists })) {
            const own = list === '' ? HEADER_COLUMNS : LIST_COLUMNS
            const entity = list === '' ? schema.entity : listTable(schema.entity, list)
            const name = { catalog: database, schema: schemaName, table: entity.toUpperCase() }
            const kind = list === '' ? 'header' : 'list'
            const { key, columns } = table
            tables.push({ name, key, columns, find: typed(table, own), tag: String(tables.length) })
            await run(createTable({ kind, name, comment: '', columns: [...columns, ...own], key }))
          }
          parts.set(schema.entity, partOf(schema, tables))
        }
      })
    },
    async write({ entity, tables }) {
      const part = parts.get(entity)
      if (part === undefined) throw new Error(`no table for ${entity}`)
      const header = tables[''] ?? []
      // the header's rows stand for the documents
      const rows = part.lists.flatMap((list, tag) =>
        (tables[list] ?? [])
          .filter((row) => tag === 0 || !row.includes('","x":"'))
          .map((row) => `{"t":"${tag}",${row.slice(1)}`),
      )
      const binds = [RUN, new Date().toISOString(), ...bounds(header, part.ranged)]
      await inSession(async (run) => {
        await run(createStaging(part.staging))
        const array = `[${rows.join(',')}]`
        if (Buffer.byteLength(array) <= MAX_BIND_BYTES) await run(insertStaged(part.staging), { binds: [array] })
        else {
          const path = `@~/floor/${files++}`
          await run(putFile(path), { file: await compress(rows.join('\n'), { level: 1 }) })
          await run(copyFile(part.staging.name, path, true))
        }
        await run('BEGIN TRANSACTION')
        for (const sql of part.merges) await run(sql, { binds })
        await run('COMMIT')
      })
    },
    async close() {
      await Promise.all(sessions.map((session) => session.close()))
    },
  }
}

type Run = (
  sql: string,
  more?: { readonly binds?: readonly string[]; readonly file?: Buffer },
) => Promise<readonly Readonly<Record<string, unknown>>[]>

function partOf(schema: Schema, tables: readonly MergeTable[]): Part {
  const header = tables[0] as MergeTable
  const widest = tables.reduce((a, b) => (b.columns.length > a.columns.length ? b : a))
  const staging = { name: stagingName(header.name), fields: ['t', ...stagedFields(widest.columns)] }
  const ranged = rangeColumns(tables)
  return {
    staging,
    lists: ['', ...Object.keys(schema.lists ?? {})],
    merges: [
      ...tables.slice(1).map((list) => listMerge(list, header, staging.name, ranged)),
      headerMerge(header, staging.name, ranged),
    ],
    ranged: ranged.map((name) => schema.columns.findIndex((column) => column.name === name)),
  }
}

/** Lowest and highest value of each range column. */
function bounds(header: readonly string[], ranged: readonly number[]): readonly string[] {
  const rows = header.map((row) => JSON.parse(row) as Readonly<Record<string, string>>)
  return ranged.flatMap((i) => {
    const values = rows.map((row) => row[`c${i}`] ?? '').sort()
    return [values[0] ?? '', values.at(-1) ?? '']
  })
}
