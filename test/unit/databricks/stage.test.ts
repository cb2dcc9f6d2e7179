import assert from 'node:assert/strict'
import { describe, it } from 'mocha'
import type { Connection } from '../../../nodes/databricks/client/connection.ts'
import { createStager } from '../../../nodes/databricks/client/stage.ts'
import type { DataRecord, Schema } from '../../../sync/contract/message.ts'
import type { WriteBatch } from '../../../sync/contract/target.ts'

const schema: Schema = { entity: 'doc', key: ['code'], columns: [{ name: 'code', type: 'string' }] }
const batch: WriteBatch = {
  id: 'r1-doc-0-x',
  sync: 's',
  run: 'r1',
  entity: 'doc',
  schema,
  records: [{ record: { _row: 0, code: 'A' } as DataRecord, key: 'A', read: 1, hash: 'ab'.repeat(16) }],
  at: '2026-01-01T00:00:00Z',
}
const context = { signal: new AbortController().signal, waiting: () => undefined }

/** A volume that removes files only when it is told to, as one does that answers 429 to a removal. */
function slowVolume() {
  const files = new Set<string>()
  const removals: (() => void)[] = []
  const rest = async ({ method, path }: { method: string; path: string }) => {
    const name = path.replace(/\?.*/, '')
    if (method === 'PUT') files.add(name)
    else await new Promise<void>((resolve) => removals.push(() => resolve(void files.delete(name))))
    return { status: 200 }
  }
  return { files, removals, connection: { rest } as unknown as Connection }
}

describe('databricks: rows on their way', () => {
  it("the late removal of one attempt's files leaves those of the next attempt alone", async () => {
    const { files, removals, connection } = slowVolume()
    const stager = createStager(connection, schema, { list: '', columns: schema.columns }, 'main.finance.doc', {
      volume: { path: '/Volumes/main/finance/staging' },
      maxParameterBytes: 0,
      rowsPerFile: 1000,
    })
    const first = await stager.stage(batch, context)
    first.drop()
    const second = await stager.stage(batch, context)
    for (const remove of removals) remove()
    assert.equal(files.size, 1)
    assert.ok([...files].every((file) => second.select.includes(file.replace(/^.*\//, ''))))
  })
})
