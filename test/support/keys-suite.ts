/** What every warehouse must tell of the keys that its tables hold, for a new ledger. */
import assert from 'node:assert/strict'
import { it } from 'mocha'
import type { Schema } from '../../sync/contract/message.ts'
import { storedKeys, storedVersions } from '../../vendor/warehouse/stored-keys.ts'
import type { SqlTarget } from '../../vendor/warehouse/warehouse.ts'
import { batchOf, entry, journal, writeContext } from './warehouse.ts'

const context = writeContext()

/** A target, and what is asked for the keys of its table. */
interface KeysOf {
  readonly target: SqlTarget
  readonly dialect: Parameters<typeof storedKeys>[0]
  readonly table: Parameters<typeof storedKeys>[1]
}

export interface KeysBench {
  merge(entity: string): KeysOf
  append(entity: string): KeysOf
}

/** To be called in a `describe`. */
export function keysSuite(bench: () => KeysBench): void {
  it('come page by page with stamp and read number, whatever they are made of, and only those of the source', async () => {
    const schema: Schema = { ...journal, key: ['source', 'status', 'number'] }
    const { target, ...stored } = bench().merge(schema.entity)
    await target.prepare(journal, context)
    const odd = ['plain', "it's|a\\key", '', 'ÄÖ "x"', 'z']
    const records = Array.from({ length: 23 }, (_, i) => {
      const record = entry(`${odd[i % 5]}${i}`, { read: 100 + i, status: i % 2 ? 'posted' : 'Draft' })
      return i === 22 ? { ...record, source: 'other' } : record
    })
    await target.write(batchOf('a', records), context)
    await target.write(batchOf('b', [entry(`${odd[0]}0`, { read: 200, delete: true })]), context)
    const pages: number[] = []
    const found: [string, string | null, number][] = []
    for await (const page of storedKeys(stored.dialect, stored.table, schema, 'x3', context, 4)) {
      pages.push(page.length)
      found.push(...page.map(({ key, stamp, read }): [string, string | null, number] => [key, stamp, read]))
    }
    assert.deepEqual(pages, [4, 4, 4, 4, 4, 1])
    const escaped = (text: string) => text.replace(/[|\\]/g, '\\$&')
    assert.deepEqual(
      found.sort(([, , a], [, , b]) => a - b),
      records
        .slice(1, 22)
        .map(({ status, number, _stamp, _read }) => [`x3|${status}|${escaped(String(number))}`, _stamp, _read]),
    )
    const all: string[] = []
    for await (const page of target.keys?.(journal, 'other', context) ?? []) all.push(...page.map(({ key }) => key))
    assert.deepEqual(all, [`other|${escaped(String(records[22]?.number))}`])
  })

  it('are none where a mapping has given the columns of the key other names', async () => {
    const { target } = bench().merge('renamed')
    await target.prepare({ ...journal, entity: 'renamed' }, context)
    const schema = { ...journal, key: ['source', 'document'] }
    const pages: unknown[] = []
    for await (const page of target.keys?.(schema, 'x3', context) ?? []) pages.push(page)
    assert.deepEqual(pages, [])
  })

  it('of a table that keeps every version: page by page, each key once', async () => {
    const { target, ...stored } = bench().append('gl_entry')
    await target.prepare(journal, context)
    const records = Array.from({ length: 10 }, (_, i) => entry(`N${i}`, { read: 1 }))
    await target.write(batchOf('a', records), context)
    await target.write(
      batchOf(
        'b',
        records.slice(3).map((record) => ({ ...record, _read: 2 })),
      ),
      context,
    )
    const pages: string[][] = []
    for await (const page of storedVersions(stored.dialect, stored.table, 'x3', context, 4))
      pages.push(page.map(({ key, read }) => `${key.slice(3)} ${read}`))
    assert.deepEqual(pages, [
      ['N0 1', 'N1 1', 'N2 1', 'N3 2'],
      ['N4 2', 'N5 2', 'N6 2', 'N7 2'],
      ['N8 2', 'N9 2'],
    ])
  })
}
