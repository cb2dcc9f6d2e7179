import { DuckDBInstance } from '@duckdb/node-api'
import { literal } from '../sql/reader.ts'
import type { Snapshot } from './catalog.ts'
import { MACROS } from './sql/types.ts'

export interface Store {
  instance: DuckDBInstance
  /** The catalogue as it was when the file was last written. */
  saved: Snapshot | undefined
  /** Writes the catalogue into the file, if there is one. */
  save(snapshot: Snapshot): Promise<void>
  close(): void
}

/** Opens the database: in memory, or in `file`, where tables and catalogue stay. */
export async function openStore(file: string | undefined): Promise<Store> {
  const instance = await DuckDBInstance.create(':memory:')
  const connection = await instance.connect()
  const setup = [
    `SET GLOBAL TimeZone = 'UTC'`,
    // In memory there is nothing to write back; a checkpoint would only stall a statement.
    ...(file ? [] : [`SET GLOBAL checkpoint_threshold = '64GB'`]),
    `ATTACH ${literal(file ?? ':memory:')} AS lake`,
    ...MACROS,
    'CREATE SCHEMA IF NOT EXISTS lake._sandbox',
    'CREATE TABLE IF NOT EXISTS lake._sandbox.catalog (content VARCHAR)',
  ]
  for (const sql of setup) await connection.run(sql)
  const [[content] = []] = (await connection.runAndReadAll('SELECT content FROM lake._sandbox.catalog')).getRowsJson()
  let last = Promise.resolve()
  return {
    instance,
    saved: typeof content === 'string' ? (JSON.parse(content) as Snapshot) : undefined,
    save(snapshot) {
      if (file === undefined) return Promise.resolve()
      last = last.then(async () => {
        await connection.run('BEGIN TRANSACTION')
        await connection.run('DELETE FROM lake._sandbox.catalog')
        await connection.run('INSERT INTO lake._sandbox.catalog VALUES ($1)', [JSON.stringify(snapshot)])
        await connection.run('COMMIT')
      })
      return last
    },
    close() {
      connection.closeSync()
      instance.closeSync()
    },
  }
}
