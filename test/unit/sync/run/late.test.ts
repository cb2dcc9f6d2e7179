import assert from 'node:assert/strict'
import type { Progress } from '../../../../sync/contract/engine.ts'
import type { BatchMessage } from '../../../../sync/contract/message.ts'
import { newBatch } from '../../../../sync/run/progress.ts'
import { newEntity } from '../../../../sync/run/state.ts'
import { lateText } from '../../../../sync/run/watch.ts'
import { bench, ref } from '../../../support/deliveries.ts'
import { supplier, supplierSchema } from '../../../support/fakes.ts'
import { type Rig, rig, sums } from '../../../support/rig.ts'
import { waitFor } from '../../../support/wait.ts'

const named = (entity: string) => ({ schema: { ...supplierSchema, entity } })
const mapping = { id: 'map-1', name: 'map accounts' }

describe('records that have not come', () => {
  let r: Rig
  let told: Progress[]
  const make = async (flow: (message: BatchMessage) => void, ...entities: string[]) => {
    r = await rig({ entities: Object.fromEntries(entities.map((one) => [one, named(one)])), flow: (m) => flow(m) })
    told = []
    for (const entity of entities) for (const code of ['A', 'B']) r.source.put(entity, supplier(code, entity))
  }
  const poll = (receiptSeconds: number) => r.poll({ receiptSeconds, progress: (progress) => void told.push(progress) })
  const waiting = () => told.flatMap(({ waiting: text }) => text ?? [])
  afterEach(() => r.close())

  it('are told long before they fail, with the last of our nodes that had them, and no more once they came', async () => {
    let kept: BatchMessage | undefined
    await make((message) => {
      r.engine.declare({ ref: mapping, message, mapped: message })
      kept = message
    }, 'supplier')
    const ended = poll(4)
    await waitFor(() => r.engine.running()[0]?.late !== undefined)
    const text =
      /^supplier: 2 records of batch 0 have not come to databricks-write for \d s\. The last of our nodes that had it is map accounts\.$/
    assert.match(r.engine.running()[0]?.late ?? '', text)
    assert.match(waiting()[0] ?? '', text)
    await r.deliver(kept as BatchMessage)
    const summary = await ended
    assert.equal(summary.state, 'done', JSON.stringify(summary.errors))
    assert.equal(sums(summary, 'supplier').delivered, 2)
  })

  it('are told after 30 s, or half of a shorter limit', async () => {
    await make(() => undefined, 'supplier')
    const b = await bench()
    const run = await b.begin('r1')
    const entity = newEntity(run, { name: 'supplier', sinks: [ref] })
    entity.batches.push(newBatch({ index: 0, count: 1, rows: 1, bytes: 0, sentAt: 0, segments: [] }))
    for (const [receiptMs, at] of [
      [600_000, 30_000],
      [120_000, 30_000],
      [10_000, 5_000],
    ] as const) {
      const text = (now: number) => lateText({ ...run, receiptMs }, entity, now)
      assert.equal(text(at - 1), undefined)
      assert.match(text(at) ?? '', new RegExp(`1 record of batch 0 have not come to warehouse for ${at / 1000} s`))
    }
    await b.ledger.close()
  })

  it('fail the run once, not each entity in its turn, where nothing comes to any sink', async () => {
    await make(() => undefined, 'supplier', 'customer', 'product')
    const { errors } = await poll(0.5)
    assert.deepEqual(
      errors.map(({ code, message }) => [code, message === errors[0]?.message]),
      ['supplier', 'customer', 'product'].map(() => ['sync.not-received', true]),
    )
    assert.match(errors[0]?.message ?? '', /2 records of batch 0 never reached a sink .*None of our nodes had it/)
  })

  it('a node of ours that has them is a sign of life', async () => {
    let signs = 0
    await make((message) => {
      const timer = setInterval(() => {
        r.engine.declare({ ref: mapping, message, mapped: message })
        if (++signs < 6) return
        clearInterval(timer)
        void r.deliver(message)
      }, 150)
    }, 'supplier')
    const summary = await poll(0.5)
    assert.equal(summary.state, 'done', JSON.stringify(summary.errors))
  })

  it('of one entity fail that one; the others tie', async () => {
    await make(
      (message) => void (message.topic === 'customer' ? undefined : r.deliver(message)),
      'supplier',
      'customer',
      'product',
    )
    const summary = await poll(0.4)
    assert.deepEqual(
      summary.entities.map(({ entity, verdict }) => [entity, verdict]),
      [
        ['supplier', 'ties'],
        ['customer', 'failed'],
        ['product', 'ties'],
      ],
    )
  })
})
