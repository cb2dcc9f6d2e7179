/**
 * The floor: what any programme must spend that moves these records. The same requests, parsed and flattened, the same files
 * and statements through the same driver, reading and writing at the same time. No Node-RED, no ledger, no hash, no checks.
 */
import type { Address } from '../demo/ends/end.ts'
import type { Schema } from '../sync/contract/message.ts'
import { serve } from './child.ts'
import type { FloorBatch, FloorReader, FloorWriter, Script } from './floor-parts.ts'
import { type Cost, measure, peakRssMb } from './measure.ts'
import type { Addresses, Systems } from './sandbox.ts'

/** By server of the sandbox. A target's driver is loaded when it is used, as in the flow. */
const READERS: Readonly<Record<string, () => Promise<{ openReader(address: Address): Promise<FloorReader> }>>> = {
  x3: () => import('./floor-x3.ts'),
  intacct: () => import('./floor-intacct.ts'),
}
const WRITERS: Readonly<
  Record<string, () => Promise<{ openWriter(address: Address, script: Script): Promise<FloorWriter> }>>
> = {
  databricks: () => import('./floor-databricks.ts'),
  powerbi: () => import('./floor-powerbi.ts'),
  snowflake: () => import('./floor-snowflake.ts'),
}

export interface FloorOrder {
  readonly systems: Systems
  readonly addresses: Addresses
  readonly script: Script
  readonly schemas: readonly Schema[]
  /** `read`: nothing is written. `write`: only the writing is timed. */
  readonly what: 'both' | 'read' | 'write'
}

export interface OrderOrder extends Pick<FloorOrder, 'systems' | 'addresses'> {
  readonly requests: readonly string[]
}

export interface FloorResult extends Cost {
  readonly peakRssMb: number
  readonly records: number
  readonly rows: number
}

/** Rows that may be on their way, as in the flow. */
const WINDOW = 30_000

const commands = {
  /** The flow's requests as one reading after another would send them. */
  async order({ systems: { source }, addresses, requests }: OrderOrder): Promise<readonly string[]> {
    const readers = READERS[source]
    if (!readers) throw new Error(`the floor has no part for ${source}`)
    const reader = await (await readers()).openReader(addresses[source] ?? {})
    const ordered = (await reader.inOrder?.(requests)) ?? requests
    await reader.close()
    return ordered
  },

  async run({ systems: { source, target }, addresses, script, schemas, what }: FloorOrder): Promise<FloorResult> {
    const [readers, writers] = [READERS[source], WRITERS[target]]
    if (!readers || !writers) throw new Error(`the floor has no part for ${source} or ${target}`)
    const reader = await (await readers()).openReader(addresses[source] ?? {})
    const batches = what === 'write' ? await all(reader.batches(script)) : reader.batches(script)
    const end = measure()
    // The flow loads the driver and logs in on first use: the floor does so in measured time too.
    const writer = await (await writers()).openWriter(addresses[target] ?? {}, script)
    let records = 0
    let rows = 0
    let onTheWay = 0
    let failed: unknown
    const turns = new Map<string, Promise<void>>()
    if (what !== 'read') await writer.create(schemas)
    for await (const batch of batches) {
      records += batch.records
      rows += batch.rows
      if (what === 'read') continue
      while (onTheWay > 0 && onTheWay + batch.rows > WINDOW) await Promise.race(turns.values())
      if (failed !== undefined) throw failed
      onTheWay += batch.rows
      const { entity } = batch
      const turn = (turns.get(entity) ?? Promise.resolve())
        .then(() => writer.write(batch))
        .catch((error: unknown) => {
          failed ??= error
        })
        .then(() => {
          onTheWay -= batch.rows
          if (turns.get(entity) === turn) turns.delete(entity)
        })
      turns.set(entity, turn)
    }
    await Promise.all(turns.values())
    if (failed !== undefined) throw failed
    if (what !== 'read') await writer.finish?.()
    const cost = end()
    await writer.close()
    await reader.close()
    return { ...cost, peakRssMb: peakRssMb(), records, rows }
  },
}

export type FloorCommands = typeof commands

async function all(batches: AsyncIterable<FloorBatch>): Promise<FloorBatch[]> {
  const found: FloorBatch[] = []
  for await (const batch of batches) found.push(batch)
  return found
}

serve(commands)
