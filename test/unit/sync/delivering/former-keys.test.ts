/** A mapping that gives a record another key than before: the old row goes with it. */
import assert from 'node:assert/strict'
import type { PollOptions } from '../../../../sync/contract/engine.ts'
import { syncError } from '../../../../sync/contract/errors.ts'
import type { BatchMessage } from '../../../../sync/contract/message.ts'
import { entry, entrySchema, type FakeTarget, fakeTarget, supplier, supplierSchema } from '../../../support/fakes.ts'
import { mapping, type Rig, rig, sums, warehouse } from '../../../support/rig.ts'

describe('a record that comes under another key than before', () => {
  let r: Rig
  afterEach(() => r.close())
  /** The key that the mapping writes, by the record's code. */
  let keys: Record<string, string> = {}
  const mapped = (message: BatchMessage): BatchMessage =>
    mapping(r, message, (record) => ({ ...record, code: keys[String(record.code)] ?? String(record.code) }))
  const begin = async (target = fakeTarget({ address: 'fakedb://host/main.finance.supplier' })) => {
    keys = {}
    hour = 8
    r = await rig({
      entities: { supplier: { schema: supplierSchema } },
      targets: new Map([['supplier', target]]),
      flow: (message) => void r.deliver(mapped(message)),
    })
    return target
  }
  let hour = 8
  const put = (...records: [code: string, name: string][]) => {
    hour++
    r.source.clockIs(`2026-03-01T${String(hour).padStart(2, '0')}:00:00Z`)
    for (const [code, name] of records) r.source.put('supplier', supplier(code, name))
  }
  const poll = (more: Partial<PollOptions> = {}) => r.poll(more)
  const versions = ({ batches }: FakeTarget) => batches.flatMap(({ records }) => records)
  const stored = () => [...r.target('supplier').stored].map(([key, { record }]) => `${key} ${record.name}`).sort()

  it('leaves no row behind, with one deletion in the same batch', async () => {
    await begin()
    put(['A', 'one'], ['B', 'two'])
    keys = { A: 'X', B: 'Y' }
    await poll()
    assert.deepEqual(stored(), ['erp|X one', 'erp|Y two'])
    put(['A', 'uno'])
    keys = { A: 'Z', B: 'Y' }
    const before = r.target('supplier').batches.length
    const summary = await poll()
    assert.deepEqual(stored(), ['erp|Y two', 'erp|Z uno'])
    assert.equal(r.target('supplier').batches.length, before + 1)
    const sum = sums(summary, 'supplier')
    assert.deepEqual([summary.verdict, sum.delivered, sum.unchanged, sum.rows], ['ties', 1, 1, 1])
  })

  it('from its own key to a mapped one, and back', async () => {
    await begin()
    put(['A', 'one'], ['B', 'two'])
    await poll()
    put(['A', 'uno'])
    keys = { A: 'X' }
    await poll()
    assert.deepEqual(stored(), ['erp|B two', 'erp|X uno'])
    put(['A', 'eins'])
    keys = {}
    assert.equal((await poll()).verdict, 'ties')
    assert.deepEqual(stored(), ['erp|A eins', 'erp|B two'])
  })

  it('two that swap keys in one batch stay two', async () => {
    await begin()
    put(['A', 'one'], ['B', 'two'])
    keys = { A: 'X', B: 'Y' }
    await poll()
    put(['A', 'uno'], ['B', 'due'])
    keys = { A: 'Y', B: 'X' }
    const summary = await poll()
    assert.deepEqual([summary.verdict, summary.errors], ['ties', []])
    assert.deepEqual(stored(), ['erp|X due', 'erp|Y uno'])
  })

  it('the key that it leaves may go to another one in a later batch of the run', async () => {
    await begin()
    put(['A', 'one'])
    keys = { A: 'X' }
    await poll()
    put(['A', 'uno'], ['B', 'due'])
    keys = { A: 'Y', B: 'X' }
    // Both come in one answer, so that they have one read number.
    const summary = await poll({ limits: { batchRows: 1 } })
    assert.deepEqual([summary.verdict, summary.errors], ['ties', []])
    assert.deepEqual(stored(), ['erp|X due', 'erp|Y uno'])
  })

  it('takes along what equals the version before, and a deletion takes the old row', async () => {
    await begin()
    put(['A', 'one'])
    keys = { A: 'X' }
    await poll()
    // Its own content again: only the key is another.
    put(['A', 'one'])
    keys = { A: 'Z' }
    await poll()
    assert.deepEqual(stored(), ['erp|Z one'])
    r.source.remove('supplier', 'erp|A')
    hour++
    r.source.clockIs(`2026-03-01T${hour}:00:00Z`)
    keys = { A: 'W' }
    r.source.onPage((_, { walk }) => (walk === 'empty' ? { gone: ['erp|A'] } : undefined))
    assert.equal((await poll()).state, 'done')
    assert.deepEqual(stored(), [])
  })

  it('stays where it is while its new version is held', async () => {
    const target = await begin()
    put(['A', 'one'])
    keys = { A: 'X' }
    await poll()
    put(['A', 'uno'])
    keys = { A: 'Z' }
    target.onWrite(({ records }) => {
      if (records.some(({ record }) => record.name === 'uno')) throw syncError('data', 'fake.22001', 'too long')
    })
    const summary = await poll()
    assert.equal(summary.verdict, 'open')
    put(['A', 'eins'])
    assert.equal((await poll()).verdict, 'ties')
    assert.deepEqual(stored(), ['erp|Z eins'])
  })

  const replay = () =>
    r.engine.replay({
      name: 'replay',
      ref: { id: 'replay-1', name: 'replay' },
      filter: {},
      sinks: () => [warehouse],
      receiptSeconds: 60,
      send: (_, message) => void r.deliver(structuredClone(message)),
      progress: () => undefined,
      signal: new AbortController().signal,
    })

  it('a version that was held is not sent beside a later one under another key', async () => {
    const target = await begin()
    target.onWrite(() => {
      throw syncError('data', 'fake.22001', 'too long')
    })
    put(['A', 'one'])
    keys = { A: 'X' }
    await poll()
    target.onWrite(() => undefined)
    put(['A', 'uno'])
    keys = { A: 'Z' }
    await poll()
    await replay()
    assert.deepEqual(stored(), ['erp|Z uno'])
    assert.deepEqual(await r.ledger.held({}), [])
  })

  it('of two versions that were held under two keys only the newer one is sent', async () => {
    const target = await begin()
    target.onWrite(() => {
      throw syncError('data', 'fake.22001', 'too long')
    })
    put(['A', 'one'])
    keys = { A: 'X' }
    await poll()
    put(['A', 'uno'])
    keys = { A: 'Z' }
    await poll()
    target.onWrite(() => undefined)
    await replay()
    assert.deepEqual(stored(), ['erp|Z uno'])
    assert.deepEqual(await r.ledger.held({}), [])
    put(['A', 'eins'])
    keys = { A: 'W' }
    await poll()
    assert.deepEqual(stored(), ['erp|W eins'])
  })

  it('that is read again after a crash between the write and the ledger', async () => {
    const target = await begin()
    put(['A', 'one'])
    keys = { A: 'X' }
    await poll()
    put(['A', 'uno'])
    keys = { A: 'Z' }
    const write = target.write.bind(target)
    target.write = async (...given) => {
      await write(...given)
      throw syncError('config', 'fake.dead', 'the process ended')
    }
    await poll()
    target.write = write
    await poll()
    assert.deepEqual(stored(), ['erp|Z uno'])
  })

  it('of what only appends the old key ends with a version that says it is deleted', async () => {
    const target = await begin(fakeTarget({ address: 'fakedb://host/main.finance.supplier', mode: 'append' }))
    put(['A', 'one'])
    keys = { A: 'X' }
    await poll()
    put(['A', 'uno'])
    keys = { A: 'Z' }
    const summary = await poll()
    assert.deepEqual([summary.state, sums(summary, 'supplier').delivered], ['done', 1])
    const [first, ...rest] = versions(target)
    assert.deepEqual(
      rest.map(({ key, record }) => [key, record._op, record.name]),
      [
        ['erp|Z', undefined, 'uno'],
        ['erp|X', 'delete', undefined],
      ],
    )
    assert.ok((rest[1]?.read ?? 0) > (first?.read ?? 0))
  })

  it('where nothing can be taken back it is listed, until a person says that it stays', async () => {
    const target = Object.assign(fakeTarget({ address: 'fakedb://host/main.finance.supplier', mode: 'append' }), {
      deletes: false as const,
    })
    await begin(target)
    put(['A', 'one'])
    keys = { A: 'X' }
    await poll()
    put(['A', 'uno'])
    keys = { A: 'Z' }
    const summary = await poll()
    assert.equal(summary.verdict, 'open')
    assert.deepEqual(summary.open, ['supplier: 1 of which an older version stands here'])
    const [held] = await r.ledger.held({ states: ['open'] })
    assert.match(held?.cause.message ?? '', /erp\|A was delivered as erp\|X before and is erp\|Z now/)
    assert.deepEqual(
      versions(target).map(({ key }) => key),
      ['erp|X', 'erp|Z'],
    )
    await r.ledger.discardHeld([held?.id ?? ''], { by: 'anna', reason: 'cleared next month' }, 'stays')
    put(['A', 'eins'])
    assert.deepEqual((await poll()).open, ['supplier: 1 too many in the target'])
    assert.deepEqual(await r.ledger.held({ states: ['open'] }), [])
  })

  it('the running sums lose what the old row had', async () => {
    r = await rig({
      entities: { gl_entry: { schema: entrySchema } },
      flow: (message) =>
        void r.deliver(
          mapping(r, message, (record) => {
            const number = keys[String(record.number)] ?? String(record.number)
            const lines = (record.lines as object[]).map((line) => ({ ...line, number }))
            return { ...record, number, lines }
          }),
        ),
    })
    keys = { 1: 'X' }
    r.source.put('gl_entry', entry('1', '10', '-10'))
    await r.poll()
    const { address } = r.target('gl_entry')
    const once = await r.ledger.groupSums(address)
    keys = { 1: 'Z' }
    r.source.clockIs('2026-03-01T10:00:00Z')
    r.source.put('gl_entry', entry('1', '10', '-10'))
    assert.equal((await r.poll()).verdict, 'ties')
    assert.deepEqual([...r.target('gl_entry').stored.keys()], ['erp|Z'])
    assert.deepEqual(await r.ledger.groupSums(address), once)
    assert.equal(warehouse.name, 'databricks-write')
  })
})
