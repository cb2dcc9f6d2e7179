import assert from 'node:assert/strict'
import type { Engine } from '../../../../sync/contract/engine.ts'
import { syncError } from '../../../../sync/contract/errors.ts'
import type { BatchMessage, DataRecord } from '../../../../sync/contract/message.ts'
import { supplier, supplierSchema } from '../../../support/fakes.ts'
import { type Rig, rig, sums, warehouse } from '../../../support/rig.ts'
import { waitFor } from '../../../support/wait.ts'

const suppliers = { supplier: { schema: { ...supplierSchema, columns: supplierSchema.columns } } }
const mapping = { id: 'map-1', name: 'map-gl' }

describe('held records', () => {
  let r: Rig
  /** Codes that the mapping does not know. */
  let unmapped: Set<string>
  afterEach(() => r.close())
  const signal = new AbortController().signal

  /** The flow: a mapping that holds what it does not know, then the sink. */
  const map = async (message: BatchMessage) => {
    const bad = message.payload.filter((record) => unmapped.has(String(record.code)))
    await r.engine.hold({
      ref: mapping,
      sinks: [warehouse],
      message,
      stage: 'map',
      records: bad.map((record) => ({
        record,
        cause: { class: 'data', code: 'map.unmapped', message: `${record.code} is not mapped` },
      })),
    })
    const payload = message.payload.filter((record) => !bad.includes(record))
    if (payload.length > 0) await r.deliver({ ...message, payload })
  }
  const replay = (more: Partial<Parameters<Engine['replay']>[0]> = {}) =>
    r.engine.replay({
      name: 'replay',
      ref: { id: 'replay-1', name: 'replay' },
      filter: { sync: 's' },
      sinks: () => [warehouse],
      receiptSeconds: 45,
      send: (to, message) => {
        const copy = structuredClone(message)
        if (to === 'map') void map(copy)
        else void r.deliver(copy)
      },
      progress: () => undefined,
      signal,
      ...more,
    })
  const states = async () =>
    (await r.ledger.held({ states: ['open', 'replaying', 'delivered', 'superseded', 'discarded'] }))
      .map((h) => `${h.key} ${h.state}`)
      .sort()
  const name = (key: string) => r.target('supplier').stored.get(key)?.record.name

  beforeEach(async () => {
    unmapped = new Set()
    r = await rig({ entities: suppliers, flow: (message) => void map(message) })
    for (const code of ['A', 'B', 'C']) r.source.put('supplier', supplier(code, 'first'))
  })

  describe('before the sink', () => {
    it('count as held at the sinks behind, and the position moves over them', async () => {
      unmapped = new Set(['B'])
      const { read, delivered, held, verdict, open, ties } = sums(await r.poll(), 'supplier')
      assert.deepEqual({ read, delivered, held }, { read: 3, delivered: 2, held: 1 })
      assert.deepEqual({ verdict, open, ties }, { verdict: 'open', open: ['1 held'], ties: false })
      assert.equal((await r.ledger.position('s', 'supplier'))?.readThrough, '2026-03-01T08:00:00Z')
      const [held1] = await r.ledger.held({})
      assert.deepEqual([held1?.heldBy, held1?.key, held1?.cause.message], ['map:map-1', 'erp|B', 'B is not mapped'])
    })

    it('are replayed through the mapping, and carry the number of the read that found them', async () => {
      unmapped = new Set(['B'])
      await r.poll()
      const [held] = await r.ledger.held({})
      unmapped = new Set()
      const summary = await replay()
      assert.deepEqual([summary.mode, summary.state, summary.ties], ['replay', 'done', true])
      assert.equal(sums(summary, 'supplier').delivered, 1)
      assert.equal(r.target('supplier').stored.get('erp|B')?.read, held?.read)
      assert.deepEqual(await states(), ['erp|B delivered'])
    })

    it('that are still not mapped are open again', async () => {
      unmapped = new Set(['B'])
      await r.poll()
      const summary = await replay()
      assert.equal(sums(summary, 'supplier').held, 1)
      assert.deepEqual(await states(), ['erp|B open'])
      assert.equal((await r.ledger.held({}))[0]?.attempts, 1)
    })
  })

  describe('at the source', () => {
    const incomplete = { code: 'fake.incomplete', message: 'only 2 of 3 lines were read' }
    const readAgain = (sync: string, entity: string, keys: readonly string[]) =>
      r.poll({ name: sync, entities: [entity], scope: { kind: 'keys', entity, keys } })

    it('are read again, never sent as they are: a document without its lines would empty those in the target', async () => {
      r.source.refuse('supplier', 'erp|B', incomplete)
      assert.equal(sums(await r.poll(), 'supplier').held, 1)
      r.source.refuse('supplier', 'erp|B', undefined)
      const summary = await replay({ send: () => assert.fail('nothing of it may be sent'), readAgain })
      assert.deepEqual([summary.state, sums(summary, 'supplier').delivered], ['done', 1])
      assert.equal(name('erp|B'), 'first')
      assert.deepEqual(await states(), ['erp|B superseded'])
    })

    it('are open again when the source still has them incomplete', async () => {
      r.source.refuse('supplier', 'erp|B', incomplete)
      await r.poll()
      await replay({ readAgain })
      assert.deepEqual(await states(), ['erp|B open', 'erp|B superseded'])
      assert.equal(name('erp|B'), undefined)
    })

    it('say what to do where nothing can read them again, and stay held', async () => {
      r.source.refuse('supplier', 'erp|B', incomplete)
      await r.poll()
      const summary = await replay()
      assert.match(summary.errors[0]?.hint ?? '', /polling node read them again/)
      assert.deepEqual(await states(), ['erp|B open'])
    })

    it('are sent once a person has put them right', async () => {
      r.source.refuse('supplier', 'erp|B', incomplete)
      await r.poll()
      const [held] = await r.ledger.held({})
      assert.ok(held)
      await r.ledger.editHeld(held.id, { ...held.record, name: 'by hand' } as DataRecord, {
        by: 'mary',
        reason: 'the name was wrong',
      })
      assert.equal((await replay()).state, 'done')
      assert.equal(name('erp|B'), 'by hand')
    })
  })

  describe('at a sink', () => {
    const reject = (...keys: string[]) => {
      const target = Object.assign(r.target('supplier'), {
        findRejected: async (batch: { records: readonly { key: string }[] }) =>
          batch.records.flatMap(({ key }, index) =>
            keys.includes(key) ? [{ index, code: 'test.cast', message: `${key} does not fit`, field: 'name' }] : [],
          ),
      })
      target.onWrite((batch) => {
        if (batch.records.some(({ key }) => keys.includes(key)))
          throw syncError('data', 'test.cast', 'a value does not fit')
      })
    }

    it('are sent to the sink that holds them, past the mapping', async () => {
      reject('erp|B')
      assert.equal(sums(await r.poll(), 'supplier').held, 1)
      reject()
      const sent: string[] = []
      await replay({
        send: (to, message) => {
          sent.push(`${to} ${message.sync.to}`)
          void r.deliver(structuredClone(message))
        },
      })
      assert.deepEqual(sent, ['sink fakedb://host/main.finance.supplier'])
      assert.equal(name('erp|B'), 'first')
      assert.deepEqual(await states(), ['erp|B delivered'])
    })

    it('an edit is what is sent; reading the same original again does not undo it, a later change does', async () => {
      reject('erp|B')
      await r.poll()
      const [held] = await r.ledger.held({})
      assert.ok(held)
      await r.ledger.editHeld(held.id, { ...held.record, name: 'corrected' } as DataRecord, {
        by: 'mary',
        reason: 'the name was wrong',
      })
      reject()
      assert.equal((await replay()).state, 'done')
      assert.equal(name('erp|B'), 'corrected')
      r.source.clockIs('2026-03-01T08:10:00Z')
      r.source.put('supplier', supplier('B', 'first'))
      assert.equal(sums(await r.poll(), 'supplier').delivered, 0)
      assert.equal(name('erp|B'), 'corrected')
      r.source.clockIs('2026-03-01T08:20:00Z')
      r.source.put('supplier', supplier('B', 'second'))
      await r.poll()
      assert.equal(name('erp|B'), 'second')
    })

    it('a later read that came through supersedes the held one, and a replay has nothing left to do', async () => {
      reject('erp|B')
      await r.poll()
      reject()
      r.source.clockIs('2026-03-01T08:10:00Z')
      r.source.put('supplier', supplier('B', 'second'))
      await r.poll()
      assert.deepEqual(await states(), ['erp|B superseded'])
      const summary = await replay()
      assert.deepEqual([summary.state, summary.entities.length], ['done', 0])
      assert.equal(name('erp|B'), 'second')
    })

    it('a change that comes while the replay is under way is not undone by it', async () => {
      reject('erp|B')
      await r.poll()
      reject()
      const gate = Promise.withResolvers<void>()
      const running = replay({
        send: (_, message) => void gate.promise.then(() => r.deliver(structuredClone(message))),
        receiptSeconds: 60,
      })
      await waitFor(async () => (await states()).includes('erp|B replaying'))
      r.source.clockIs('2026-03-01T08:10:00Z')
      r.source.put('supplier', supplier('B', 'second'))
      await r.poll()
      gate.resolve()
      assert.equal(sums(await running, 'supplier').superseded, 1)
      assert.equal(name('erp|B'), 'second')
      assert.deepEqual(await states(), ['erp|B superseded'])
    })

    it('are given back when the warehouse is down', async () => {
      reject('erp|B')
      await r.poll()
      r.target('supplier').onWrite(() => {
        throw syncError('transient', 'test.down', 'The warehouse is down.')
      })
      const summary = await replay()
      assert.equal(summary.state, 'failed')
      assert.deepEqual(await states(), ['erp|B open'])
    })

    it('are given back when the flow drops them, and when the replay is stopped', async () => {
      reject('erp|B')
      await r.poll()
      const dropped = await replay({ receiptSeconds: 0.3, send: () => undefined })
      assert.match(dropped.errors[0]?.message ?? '', /1 record of batch 0 never reached a sink/)
      assert.deepEqual(await states(), ['erp|B open'])
      const stop = new AbortController()
      const running = replay({ send: () => stop.abort(), signal: stop.signal })
      assert.equal((await running).state, 'stopped')
      assert.deepEqual(await states(), ['erp|B open'])
    })

    it('a replay that can reach no sink says so, and gives back', async () => {
      reject('erp|B')
      await r.poll()
      const summary = await replay({ sinks: () => [] })
      assert.match(summary.errors[0]?.message ?? '', /can reach no sink/)
      assert.deepEqual(await states(), ['erp|B open'])
    })
  })
})
