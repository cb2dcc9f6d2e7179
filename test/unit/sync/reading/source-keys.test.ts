import assert from 'node:assert/strict'
import { syncError } from '../../../../sync/contract/errors.ts'
import type { BatchMessage } from '../../../../sync/contract/message.ts'
import type { Source } from '../../../../sync/contract/source.ts'
import { fakeSource, supplier, supplierSchema } from '../../../support/fakes.ts'
import { mapping as declared, type Rig, rig, warehouse } from '../../../support/rig.ts'
import { waitFor } from '../../../support/wait.ts'

const suppliers = { supplier: { schema: supplierSchema } }
const mapping = { id: 'map-1', name: 'map-gl' }

describe("the source's own key of a record, behind a mapping", () => {
  let r: Rig
  afterEach(() => r.close())
  const signal = new AbortController().signal
  /** Codes that the mapping holds. */
  let unmapped: string[] = []

  /** The flow: a mapping that writes other keys, then the sink. */
  const map = async (message: BatchMessage) => {
    const bad = message.payload.filter(({ code }) => unmapped.includes(String(code)))
    const cause = { class: 'data', code: 'map.unmapped', message: 'not mapped' } as const
    const records = bad.map((record) => ({ record, cause }))
    await r.engine.hold({ ref: mapping, sinks: [warehouse], message, stage: 'map', records })
    const good = message.payload.filter((record) => !bad.includes(record))
    await r.deliver(declared(r, { ...message, payload: good }, (record) => ({ ...record, code: `new ${record.code}` })))
  }
  const begin = async (...codes: string[]) => {
    unmapped = []
    r = await rig({ entities: suppliers, flow: (message) => void map(message) })
    for (const code of codes) r.source.put('supplier', supplier(code, 'name'))
  }
  /** Key written and source's key, in order. */
  const written = () =>
    r
      .target('supplier')
      .batches.flatMap(({ records }) => records.map(({ key, sourceKey }) => [key, sourceKey]))
      .sort()
  const replay = () =>
    r.engine.replay({
      name: 'replay',
      ref: { id: 'replay-1', name: 'replay' },
      filter: { sync: 's' },
      sinks: () => [warehouse],
      receiptSeconds: 45,
      send: (to, message) => void (to === 'map' ? map(structuredClone(message)) : r.deliver(structuredClone(message))),
      progress: () => undefined,
      signal,
    })

  it('comes with every record that a poll run delivers, whatever the order of its rows', async () => {
    await begin()
    for (let i = 10; i < 35; i++) r.source.put('supplier', supplier(`S${i}`, 'name'))
    const flow = (message: BatchMessage) => void map({ ...message, payload: message.payload.reverse() })
    assert.equal((await r.poll({ limits: { batchRows: 10 }, send: flow })).state, 'done')
    const pairs = Array.from({ length: 25 }, (_, i) => [`erp|new S${i + 10}`, `erp|S${i + 10}`])
    assert.deepEqual(written(), pairs)
  })

  it('also where the source lists no keys for a sweep, and then the ledger keeps none', async () => {
    await begin()
    const source: Source = fakeSource(suppliers)
    const listless: Source = {
      ...source,
      plan: async (entity, stop) => {
        const { list: _, ...plan } = await source.plan(entity, stop)
        return plan
      },
    }
    ;(source as ReturnType<typeof fakeSource>).put('supplier', supplier('A', 'name'))
    assert.equal((await r.poll({ source: listless })).state, 'done')
    assert.deepEqual(written(), [['erp|new A', 'erp|A']])
    assert.equal((await r.ledger.countUnseen('s', 'supplier', Number.MAX_SAFE_INTEGER)).known, 0)
  })

  it('comes again with what was held before the mapping and is sent again', async () => {
    await begin('A', 'B')
    unmapped = ['B']
    await r.poll()
    unmapped = []
    const known = await r.ledger.countUnseen('s', 'supplier', Number.MAX_SAFE_INTEGER)
    assert.equal((await replay()).state, 'done')
    assert.deepEqual(written(), [
      ['erp|new A', 'erp|A'],
      ['erp|new B', 'erp|B'],
    ])
    assert.deepEqual(await r.ledger.countUnseen('s', 'supplier', Number.MAX_SAFE_INTEGER), known)
  })

  it('comes again with what was held at the sink and is sent again', async () => {
    await begin('A', 'B')
    let refuses = true
    r.target('supplier').onWrite(({ records }) => {
      if (refuses && records.some(({ key }) => key === 'erp|new B')) throw syncError('data', 'fake.22001', 'too long')
    })
    await r.poll()
    refuses = false
    assert.equal((await replay()).state, 'done')
    await waitFor(() => written().length === 2)
    assert.deepEqual(written(), [
      ['erp|new A', 'erp|A'],
      ['erp|new B', 'erp|B'],
    ])
  })
})
