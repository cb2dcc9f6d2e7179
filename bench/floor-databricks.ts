/** The floor's writing: the files and statements of the flow through the vendor's driver, and nothing else. */
import { promisify } from 'node:util'
import { gzip } from 'node:zlib'
import { DBSQLClient } from '@databricks/sql'
import { Agent, request } from 'undici'
import type { Address } from '../demo/ends/end.ts'
import { headerMerge, listMerge, type MergeTable } from '../nodes/databricks/client/merge.ts'
import { literal, quoteTable } from '../nodes/databricks/client/sql.ts'
import { createTable } from '../nodes/databricks/client/tables.ts'
import { listTable } from '../sync/contract/message.ts'
import { stagedFields } from '../vendor/warehouse/staged-rows.ts'
import { HEADER_COLUMNS, LIST_COLUMNS } from '../vendor/warehouse/technical-columns.ts'
import type { FloorWriter, Script } from './floor-parts.ts'
import type { Recorded } from './recorded.ts'

/** As in the flow: more than this goes by file. */
const MAX_PARAMETER_BYTES = 900_000
const compress = promisify(gzip)
const RUN = 'floor'

export async function openWriter(address: Address, { statements }: Script): Promise<FloorWriter> {
  const {
    host,
    path,
    token,
    caPem,
    catalog,
    schema: schemaName,
  } = address as Readonly<Record<'host' | 'path' | 'token' | 'caPem' | 'catalog' | 'schema', string>>
  const port = Number(address.port)
  const agent = new Agent({ connect: { ca: caPem } })
  const client = new DBSQLClient({ logger: { log: () => undefined } })
  await client.connect({ host, port, path, token, customCaCert: caPem, telemetryEnabled: false })
  const session = await client.openSession({ configuration: { ANSI_MODE: 'true', TIMEZONE: 'UTC' } })
  const known = new Map<string, ReadonlyMap<string, MergeTable>>()
  let files = 0

  const run = async (sql: string, namedParameters?: Record<string, string>): Promise<void> => {
    const operation = await session.executeStatement(sql, namedParameters === undefined ? {} : { namedParameters })
    await operation.finished()
    await operation.close()
  }
  const ask = async ({ sql, parameters }: Recorded): Promise<void> => {
    const operation = await session.executeStatement(sql, { namedParameters: { ...parameters } })
    await operation.finished()
    if (sql.startsWith('SELECT')) await operation.fetchAll()
    await operation.close()
  }
  const others = [...statements]
  let asked = Promise.resolve()
  let merges = 0
  /** Sends what the flow had sent when it came as far, one after the other beside the merges. */
  const catchUp = (): void => {
    // Some fail here as they did there: the table of marks is missing at first.
    for (let next = others[0]; next !== undefined && next.after <= merges; next = others[0]) {
      others.shift()
      asked = asked.then(() => ask(next)).catch(() => undefined)
    }
  }
  const rest = async (method: 'PUT' | 'DELETE', file: string, body?: Buffer): Promise<void> => {
    const reply = await request(`https://${host}:${port}/api/2.0/fs/files${file}?overwrite=true`, {
      method,
      dispatcher: agent,
      headers: { authorization: `Bearer ${token}` },
      ...(body && { body }),
    })
    await reply.body.dump()
    if (reply.statusCode >= 300) throw new Error(`${method} ${file}: HTTP ${reply.statusCode}`)
  }
  const nameOf = (entity: string) => ({ catalog, schema: schemaName, table: entity })

  /** A SELECT of the rows, its parameter, and the file to take away afterwards. */
  const stage = async (rows: readonly string[], columns: MergeTable['columns']) => {
    const fields = stagedFields(columns)
    const array = `[${rows.join(',')}]`
    if (Buffer.byteLength(array) <= MAX_PARAMETER_BYTES) {
      const struct = literal(`array<struct<${fields.map((field) => `${field}:string`).join(',')}>>`)
      const select = `SELECT ${fields.map((field) => `j.${field} AS ${field}`).join(', ')} FROM (SELECT explode(from_json(:rows, ${struct}, map('mode', 'FAILFAST'))) AS j) AS p`
      return { select, parameters: { rows: array } }
    }
    const file = `/Volumes/${catalog}/${schemaName}/staging/floor-${files++}.json.gz`
    await rest('PUT', file, await compress(rows.join('\n'), { level: 1 }))
    const shape = literal(fields.map((field) => `${field} STRING`).join(', '))
    const select = `SELECT ${fields.join(', ')} FROM read_files(${literal(file)}, format => 'json', schema => ${shape}, mode => 'FAILFAST')`
    return { select, parameters: {}, file }
  }

  return {
    async create(schemas) {
      for (const schema of schemas) {
        const parts = new Map<string, MergeTable>()
        for (const [list, table] of Object.entries({ '': schema, ...schema.lists })) {
          const name = nameOf(list === '' ? schema.entity : listTable(schema.entity, list))
          parts.set(list, { table: quoteTable(name), key: table.key, columns: table.columns })
          const own = list === '' ? HEADER_COLUMNS : LIST_COLUMNS
          const kind = list === '' ? 'header' : 'list'
          const columns = [...table.columns, ...own]
          await run(createTable({ kind, name, comment: '', columns, key: table.key }, 'string', ''))
        }
        known.set(schema.entity, parts)
      }
      catchUp()
    },
    async write({ entity, tables }) {
      const parts = known.get(entity)
      const header = parts?.get('')
      if (parts === undefined || header === undefined) throw new Error(`no table for ${entity}`)
      const at = new Date().toISOString()
      const staged = await Promise.all(
        [...parts].map(async ([list, part]) => ({ list, part, ...(await stage(tables[list] ?? [], part.columns)) })),
      )
      const merge = ({ list, part, select, parameters }: (typeof staged)[number]): Promise<void> => {
        merges++
        catchUp()
        return run(list === '' ? headerMerge(part, select, 'string') : listMerge(part, header, select, 'string'), {
          ...parameters,
          run: RUN,
          at,
        })
      }
      await Promise.all(staged.filter(({ list }) => list !== '').map(merge))
      await Promise.all(staged.filter(({ list }) => list === '').map(merge))
      for (const { file } of staged) if (file !== undefined) rest('DELETE', file).catch(() => undefined)
    },
    async finish() {
      merges = Number.POSITIVE_INFINITY
      catchUp()
      await asked
    },
    async close() {
      await session.close()
      await client.close()
      await agent.close()
    },
  }
}
