import { mkdir, mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import path from 'node:path'
import type { Work } from '../sql/engine.ts'
import { createSchema, createVolume } from './define.ts'
import type { Warehouse } from './execute.ts'
import { createRights } from './rights.ts'
import { openStore } from './store.ts'
import { openVolumes } from './volumes.ts'

export interface WarehouseOptions {
  /** Keeps everything in this file, the volumes beside it; in memory and a temporary folder without. */
  file: string | undefined
  catalog: string
  schemas: readonly string[]
  /** Default collation of the catalog, which schemas made now get. */
  collation: string | undefined
  /** Whether the runtime knows collations. */
  collations: boolean
}

/** Opens the warehouse with its schemas, each with a volume `staging`. */
export async function openWarehouse(
  options: WarehouseOptions,
): Promise<{ warehouse: Warehouse; close(): Promise<void> }> {
  const { file, catalog, schemas, collation, collations } = options
  const folder = file === undefined ? await mkdtemp(path.join(tmpdir(), 'tieout-volumes-')) : `${file}.volumes`
  await mkdir(folder, { recursive: true })
  const instance = await openStore(file, catalog)
  const volumes = openVolumes(folder)
  const connection = await instance.connect()
  const work: Work = { connection, bound: new Map() }
  for (const schema of new Set(['default', ...schemas])) {
    await createSchema(work, schema, { ifNotExists: true, comment: null, collation })
    const staging = { catalog, schema, name: 'staging' }
    if (schema === 'default') continue
    await createVolume(work, staging, true, 'Files on their way into tables')
    volumes.create(staging)
  }
  connection.closeSync()
  return {
    warehouse: {
      catalog,
      instance,
      collations,
      volumes,
      rights: createRights(),
      copies: new Set(),
      commits: new Map(),
      definitions: { last: Promise.resolve() },
    },
    async close() {
      instance.closeSync()
      if (file === undefined) await rm(folder, { recursive: true, force: true })
    },
  }
}
