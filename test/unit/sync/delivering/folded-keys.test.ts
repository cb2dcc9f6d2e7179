import assert from 'node:assert/strict'
import fc from 'fast-check'
import type { PollOptions } from '../../../../sync/contract/engine.ts'
import { syncError } from '../../../../sync/contract/errors.ts'
import type { BatchMessage, DataRecord } from '../../../../sync/contract/message.ts'
import type { RunSummary } from '../../../../sync/contract/summary.ts'
import { fakeTarget, supplier, supplierSchema } from '../../../support/fakes.ts'
import { mapping, type Rig, rig, sums, warehouse } from '../../../support/rig.ts'

const suppliers = { supplier: { schema: supplierSchema } }
const accounts = Array.from({ length: 60 }, (_, i) => String(600000 + i))

describe('a mapping that gives one key to several records', () => {
  let r: Rig
  afterEach(() => r.close())
  /** The key that the mapping writes. */
  let group = (code: string): string => code
  const mapped = (message: BatchMessage): BatchMessage =>
    mapping(r, message, (record) => ({ ...record, code: group(String(record.code)) }))
  const begin = async (more: Parameters<typeof rig>[0] = {}) => {
    group = (code) => code
    r = await rig({ entities: suppliers, flow: (message) => void r.deliver(mapped(message)), ...more })
  }
  const put = (...codes: string[]) => {
    for (const code of codes) r.source.put('supplier', supplier(code, `name ${code}`))
  }
  const poll = (more: Partial<PollOptions> = {}) => r.poll(more)
  const stored = () => [...r.target('supplier').stored].map(([key, { record }]) => `${key} ${record.name}`).sort()
  const refused = (summary: RunSummary) => {
    assert.equal(summary.state, 'failed')
    const [error] = summary.errors
    assert.deepEqual([error?.class, error?.code, error?.entity], ['config', 'sync.keys-folded', 'supplier'])
    return error
  }

  it('60 accounts to 6 keys: the entity fails with the keys and the way out, and nothing is written', async () => {
    await begin()
    put(...accounts)
    group = (code) => `${code.slice(0, 5)}`
    const error = refused(await poll())
    assert.match(error?.message ?? '', /^supplier: the flow gives one key to several records of the source/)
    assert.match(
      error?.message ?? '',
      /erp\|60000 \(erp\|600000, erp\|600001, erp\|600002, erp\|600003, erp\|600004, and 5 more\); erp\|60001 \(/,
    )
    assert.match(error?.hint ?? '', /Keep the ERP's code in the key, and map into another column/)
    assert.deepEqual(stored(), [])
    assert.equal((await r.ledger.position('s', 'supplier'))?.readThrough, null)
    group = (code) => code
    assert.equal(sums(await poll(), 'supplier').delivered, 60)
  })

  it('over batches too: the one that gives a key again fails, and nothing of it is written', async () => {
    await begin()
    put('A1', 'B1', 'A2', 'C1')
    group = (code) => code.slice(0, 1)
    const error = refused(await poll({ limits: { batchRows: 1 } }))
    assert.match(error?.message ?? '', /: erp\|A \(erp\|A2, a record before it\)\.$/)
    assert.deepEqual(
      stored().filter((row) => row.startsWith('erp|A')),
      ['erp|A name A1'],
    )
  })

  it('also one that is as it was delivered before, or that gets the key of another as it stands', async () => {
    await begin()
    put('A1')
    group = () => 'A'
    assert.equal((await poll()).state, 'done')
    r.source.clockIs('2026-03-01T09:00:00Z')
    put('A1', 'A2')
    const summary = await poll({ limits: { batchRows: 1 } })
    refused(summary)
    assert.equal(sums(summary, 'supplier').unchanged, 1)
    await r.close()
    await begin()
    put('A', 'B')
    group = () => 'A'
    refused(await poll({ limits: { batchRows: 1 } }))
    assert.deepEqual(stored(), ['erp|A name A'])
  })

  it('a record that is read twice in one run is one record, and so is one that is renamed from run to run', async () => {
    await begin()
    put('A1')
    group = () => 'A'
    r.source.onPage((_, { walk }) => {
      if (walk === 'empty') return undefined
      const again = { ...supplier('A1', 'later'), _row: 0, _stamp: null } as DataRecord
      return { records: [{ ...supplier('A1', 'first'), _row: 0, _stamp: null } as DataRecord, again] }
    })
    assert.equal((await poll({ limits: { batchRows: 1 } })).state, 'done')
    r.source.onPage(() => undefined)
    r.source.remove('supplier', 'erp|A1')
    r.source.clockIs('2026-03-01T09:00:00Z')
    put('A2')
    assert.equal((await poll()).state, 'done')
    assert.deepEqual(stored(), ['erp|A name A2'])
  })

  it('counts what was held at the sink: the next record with its key does not take its place', async () => {
    await begin()
    put('A1', 'A2')
    group = () => 'A'
    r.target('supplier').onWrite(({ records }) => {
      if (records.some(({ record }) => record.name === 'name A1')) throw syncError('data', 'fake.22001', 'too long')
    })
    refused(await poll({ limits: { batchRows: 1 } }))
    assert.deepEqual(stored(), [])
    assert.deepEqual(
      (await r.ledger.held({})).map(({ record }) => record.name),
      ['name A1'],
    )
  })

  it('and what is in doubt at a sink that only appends', async () => {
    const target = fakeTarget({ address: 'fakedb://host/main.finance.supplier', mode: 'append' })
    await begin({ targets: new Map([['supplier', target]]) })
    put('A1', 'A2')
    group = () => 'A'
    target.resolve = async () => 'in-doubt'
    target.onWrite(() => {
      throw syncError('unknown-outcome', 'fake.reset', 'the connection was reset')
    })
    refused(await poll({ limits: { batchRows: 1 } }))
    assert.equal((await r.ledger.doubtful()).flatMap(({ records }) => records).length, 1)
  })

  it('the deletion of one does not take away what another has under the key in the same run', async () => {
    for (const batchRows of [1, 10]) {
      await begin()
      put('A1')
      group = () => 'A'
      assert.equal((await poll()).state, 'done')
      r.source.remove('supplier', 'erp|A1')
      r.source.clockIs('2026-03-01T09:00:00Z')
      put('A2')
      r.source.onPage((_, { walk }) => (walk === 'empty' ? { gone: ['erp|A1'] } : undefined))
      const summary = await poll({ limits: { batchRows } })
      assert.deepEqual([summary.state, summary.errors], ['done', []])
      assert.deepEqual(stored(), ['erp|A name A2'])
      assert.equal(sums(summary, 'supplier').superseded, 1)
      if (batchRows === 1) await r.close()
    }
  })

  it('a record may follow one under its key that was deleted in the same run', async () => {
    await begin()
    put('A1')
    group = () => 'A'
    assert.equal((await poll()).state, 'done')
    r.source.remove('supplier', 'erp|A1')
    r.source.clockIs('2026-03-01T09:00:00Z')
    put('A2')
    r.source.onPage((_, { walk, cursor }) => {
      // The second page goes on behind this cursor, before every key.
      if (walk === 'empty' || cursor === 'a') return undefined
      return { records: [], gone: ['erp|A1'], cursor: 'a' }
    })
    const summary = await poll({ limits: { batchRows: 1 } })
    assert.deepEqual([summary.state, summary.errors], ['done', []])
    assert.deepEqual(stored(), ['erp|A name A2'])
  })

  it('records that were held in the flow and are sent again: one of them is not closed for the sake of another', async () => {
    await begin({
      flow: (message) =>
        void r.engine.hold({
          ref: { id: 'dead-1', name: 'dead-letter' },
          sinks: [warehouse],
          message,
          stage: 'flow',
          records: message.payload.map((record) => ({
            record,
            cause: { class: 'data', code: 'flow.thrown', message: 'no' },
          })),
        }),
    })
    put('A1', 'A2')
    assert.equal(sums(await poll(), 'supplier').held, 2)
    group = () => 'A'
    const summary = await r.engine.replay({
      name: 'replay',
      ref: { id: 'replay-1', name: 'replay' },
      filter: { sync: 's' },
      sinks: () => [warehouse],
      receiptSeconds: 45,
      send: (_, message) => void r.deliver(mapped(structuredClone(message))),
      progress: () => undefined,
      signal: new AbortController().signal,
    })
    refused(summary)
    assert.equal((await r.ledger.held({ states: ['open'] })).length, 2)
    assert.deepEqual(stored(), [])
  })

  it('whatever the mapping and the batches: a run is done only where every record has a row of its own', async function () {
    this.timeout(120_000)
    const codes = fc.uniqueArray(fc.integer({ min: 0, max: 30 }), { minLength: 1, maxLength: 12 })
    const runs = fc.record({
      codes,
      groups: fc.integer({ min: 1, max: 40 }),
      batchRows: fc.integer({ min: 1, max: 5 }),
    })
    await fc.assert(
      fc.asyncProperty(runs, async ({ codes, groups, batchRows }) => {
        await begin()
        put(...codes.map(String))
        group = (code) => String((Number(code) * 7) % groups)
        const summary = await poll({ limits: { batchRows } })
        const keys = new Set(codes.map((code) => group(String(code))))
        assert.equal(summary.state, keys.size === codes.length ? 'done' : 'failed')
        if (summary.state === 'done') assert.equal(stored().length, codes.length)
        else refused(summary)
        await r.close()
      }),
      { numRuns: 30 },
    )
    await begin()
  })
})
