import assert from 'node:assert/strict'
import { syncError } from '../../../../sync/contract/errors.ts'
import type { WriteBatch } from '../../../../sync/contract/target.ts'
import { supplier } from '../../../support/fakes.ts'
import { readingRig, suppliers } from '../../../support/reading-rig.ts'
import { type Rig, rig, sums } from '../../../support/rig.ts'
import { waitFor } from '../../../support/wait.ts'

const keysOf = ({ records }: WriteBatch) => records.map(({ key }) => key.replace('erp|', '')).join()

describe('the rows of a batch that waits', () => {
  let r: Rig
  /** What became of batches, in order: by the keys of their records. */
  let told: string[]
  let failing: { stage: boolean; write: boolean }
  /** The first batch ends only after this. */
  let first: { readonly opened: Promise<void>; open(): void }
  const { same, fill } = readingRig(() => r)

  beforeEach(async () => {
    r = await rig({ entities: suppliers })
    told = []
    failing = { stage: false, write: false }
    let open = () => {}
    const opened = new Promise<void>((resolve) => {
      open = resolve
    })
    first = { opened, open: () => open() }
    const target = r.target('supplier')
    const { write } = target
    target.onWrite(async (batch) => {
      if (!told.includes('first')) {
        told.push('first')
        await first.opened
      }
      told.push(`write ${keysOf(batch)}`)
    })
    Object.assign(target, {
      async stage(batch: WriteBatch) {
        told.push(`stage ${keysOf(batch)}`)
        if (failing.stage) throw syncError('transient', 'fake.reset', 'the upload was cut')
        return {
          async write() {
            told.push(`staged ${keysOf(batch)}`)
            if (failing.write) throw syncError('transient', 'fake.reset', 'the connection was reset')
            told.push('through the staged rows')
            await write(batch, { signal: new AbortController().signal, waiting: () => undefined })
          },
          drop: () => told.push(`drop ${keysOf(batch)}`),
        }
      },
    })
  })
  afterEach(() => r.close())

  /** Runs until the second batch waits behind the first. */
  const run = async () => {
    const going = r.poll({ limits: { batchRows: 2 } })
    await waitFor(() => told.some((text) => text.startsWith('stage ')) || r.sent.length > 1)
    first.open()
    return going
  }
  const since = (text: string) => told.slice(told.indexOf(text))

  it('go up while the one before is written, and are what is written in its turn', async () => {
    fill(4)
    assert.equal((await run()).state, 'done')
    assert.ok(told.indexOf('stage S002,S003') < told.indexOf('write S000,S001'), told.join(' | '))
    assert.deepEqual(since('staged S002,S003'), [
      'staged S002,S003',
      'through the staged rows',
      'write S002,S003',
      'drop S002,S003',
    ])
    same('supplier')
  })

  it('are not used where the batch turns out to hold something else than what is to be written', async () => {
    fill(4)
    // One that the run reads twice: in the second batch it is unchanged.
    r.source.onPage((_, { cursor, walk }) => {
      if (walk !== 'empty' || cursor !== null) return undefined
      const again = supplier('S001', 'first')
      const fresh = supplier('S009', 'first')
      r.source.put('supplier', fresh)
      return { records: [again, fresh].map((row) => ({ ...row, _row: 0, _stamp: null })) }
    })
    const summary = await run()
    assert.equal(sums(summary, 'supplier').unchanged, 1)
    assert.ok(told.includes('stage S001,S009') && !told.includes('staged S001,S009'), told.join(' | '))
    assert.ok(told.includes('write S009') && told.includes('drop S001,S009'))
    same('supplier')
  })

  it('go up in its turn where that failed ahead', async () => {
    fill(4)
    failing.stage = true
    assert.equal((await run()).state, 'done')
    assert.deepEqual(since('write S000,S001'), ['write S000,S001', 'write S002,S003'])
    same('supplier')
  })

  it('go up anew where writing them failed', async () => {
    fill(4)
    failing.write = true
    assert.equal((await run()).state, 'done')
    assert.deepEqual(since('staged S002,S003'), ['staged S002,S003', 'write S002,S003', 'drop S002,S003'])
    same('supplier')
  })

  it('are taken away where the batch before failed', async () => {
    fill(4)
    r.target('supplier').onWrite(async () => {
      told.push('first')
      await first.opened
      throw syncError('config', 'fake.down', 'the table is gone')
    })
    assert.equal((await run()).state, 'failed')
    await waitFor(() => told.includes('drop S002,S003'))
    assert.ok(!told.includes('staged S002,S003'))
  })

  it('stay here in later runs, where much of what is read is known already', async () => {
    fill(2)
    first.open()
    await r.poll()
    r.source.clockIs('2026-03-01T09:00:00Z')
    for (const code of ['A', 'B', 'C', 'D']) r.source.put('supplier', supplier(code, 'second'))
    told = []
    await r.poll({ limits: { batchRows: 2 } })
    assert.deepEqual(
      told.filter((text) => text.startsWith('stage')),
      [],
    )
    same('supplier')
  })
})
