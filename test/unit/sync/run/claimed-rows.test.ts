import assert from 'node:assert/strict'
import fc from 'fast-check'
import { isSyncError } from '../../../../sync/contract/errors.ts'
import type { BatchMessage, DataRecord } from '../../../../sync/contract/message.ts'
import { supplier, supplierSchema } from '../../../support/fakes.ts'
import { type Rig, rig, sums } from '../../../support/rig.ts'

const suppliers = { supplier: { schema: supplierSchema } }

describe('rows of a batch at a sink', () => {
  let r: Rig
  afterEach(() => r.close())
  /** Messages that the flow makes of one; each goes to the sink when the one before is through. */
  const begin = async (flow: (message: BatchMessage) => BatchMessage[], count = 2) => {
    r = await rig({
      entities: suppliers,
      async flow(message) {
        for (const one of flow(message)) await r.deliver(structuredClone(one))
      },
    })
    for (let i = 0; i < count; i++) r.source.put('supplier', supplier(`S${i}`, `name ${i}`))
  }
  const of = (message: BatchMessage, ...payload: DataRecord[]): BatchMessage => ({ ...message, payload })
  const stored = () => [...r.target('supplier').stored].map(([key, { record }]) => `${key} ${record.name}`)
  /** The run fails, and the messages that were refused say why. */
  const refused = async (words: RegExp) => {
    const summary = await r.poll()
    assert.deepEqual([summary.state, summary.ties], ['failed', false])
    const [error] = summary.errors
    assert.deepEqual([error?.class, error?.code, error?.entity], ['config', 'sync.rows', 'supplier'])
    assert.match(error?.message ?? '', words)
    assert.match(error?.hint ?? '', /copied a record.*"_row"/)
    assert.ok(r.thrown.length > 0 && r.thrown.every(isSyncError))
    return summary
  }

  it('a copy with the row of another record: refused before anything of its message is written', async () => {
    await begin((message) => [of(message, ...message.payload, { ...(message.payload[0] as DataRecord), code: 'S9' })])
    await refused(/row 0 of batch 0 \(erp\|S0 in the source\) came as erp\|S0 too, and now comes as erp\|S9/)
    assert.deepEqual(stored(), [])
    assert.equal((await r.ledger.position('s', 'supplier'))?.readThrough, null)
  })

  it('the same copy in a message of its own: what came first stays, the copy is not written', async () => {
    await begin((message) => [message, of(message, { ...(message.payload[0] as DataRecord), code: 'S9' })])
    r.source.onPage(() => undefined)
    const summary = await r.poll({ limits: { batchRows: 1 } })
    assert.equal(stored().includes('erp|S9 name 0'), false)
    assert.match(
      JSON.stringify(r.thrown.map(String)),
      /row 0 of batch 0.* came with another key before, and now comes as erp\|S9/,
    )
    assert.equal(summary.state, 'failed')
  })

  it('one row twice in a message, alike or not', async () => {
    for (const name of ['name 0', 'other']) {
      await begin((message) => [of(message, ...message.payload, { ...(message.payload[0] as DataRecord), name })])
      await refused(/row 0 of batch 0 \(erp\|S0\) stands twice in one message/)
      assert.deepEqual(stored(), [])
      if (name === 'name 0') await r.close()
    }
  })

  it('a row that the batch does not have', async () => {
    await begin((message) => [
      of(message, ...message.payload, { ...(message.payload[0] as DataRecord), code: 'S9', _row: 2 }),
    ])
    await refused(/erp\|S9 says that it is row 2 of batch 0, which has 2 records/)
    assert.deepEqual(stored(), [])
  })

  it('a batch and an entity that the run does not have', async () => {
    for (const forged of [{ batch: 7 }, { entity: 'customer' }]) {
      await begin((message) => [{ ...message, sync: { ...message.sync, ...forged } }, message])
      const summary = await r.poll()
      assert.match(String(r.thrown[0]), /has no batch \d of (supplier|customer)\. Nothing of this message was written/)
      assert.equal(summary.state, 'batch' in forged ? 'failed' : 'done')
      assert.equal(sums(summary, 'supplier').delivered, 'batch' in forged ? 0 : 2)
      if ('batch' in forged) await r.close()
    }
  })

  it('a message that comes again is counted once and written once', async () => {
    await begin((message) => [message, message, of(message, message.payload[1] as DataRecord)])
    const summary = await r.poll()
    assert.deepEqual([summary.state, sums(summary, 'supplier').delivered], ['done', 2])
    assert.deepEqual(stored(), ['erp|S0 name 0', 'erp|S1 name 1'])
    assert.equal(r.target('supplier').batches.length, 1)
    assert.deepEqual(r.thrown, [])
  })

  it('a record that comes again with other content is not taken for the first, under whatever number', async () => {
    for (const ahead of [0, 1]) {
      await begin((message) => {
        const [first, ...others] = message.payload as [DataRecord, ...DataRecord[]]
        return [
          of(message, first),
          of(message, { ...first, name: 'dear', _read: (first._read ?? 0) + ahead }),
          of(message, ...others),
        ]
      })
      await refused(/erp\|S0 came a second time with other content; what came first is written/)
      assert.deepEqual(stored(), ['erp|S0 name 0'])
      if (ahead === 0) await r.close()
    }
  })

  it('one that was as before comes again: still unchanged, and other content is still refused', async () => {
    let flow = (message: BatchMessage): BatchMessage[] => [message]
    await begin((message) => flow(message))
    await r.poll()
    flow = (message) => [message, message]
    assert.equal(
      sums(await r.poll({ scope: { kind: 'keys', entity: 'supplier', keys: ['erp|S0'] } }), 'supplier').unchanged,
      1,
    )
    assert.deepEqual(r.thrown, [])
    flow = (message) => [message, of(message, { ...(message.payload[0] as DataRecord), name: 'other' })]
    const summary = await r.poll({ scope: { kind: 'keys', entity: 'supplier', keys: ['erp|S0'] } })
    assert.match(String(r.thrown), /came a second time with other content/)
    assert.equal(summary.entities[0]?.unchanged, 1)
  })

  it('a copy that comes when the run has ended, too', async () => {
    let late: BatchMessage | undefined
    await begin((message) => {
      late = of(message, { ...(message.payload[0] as DataRecord), code: 'S9' })
      return [message]
    })
    assert.equal((await r.poll()).state, 'done')
    await r.deliver(late as BatchMessage)
    assert.match(String(r.thrown), /came with another key before, and now comes as erp\|S9/)
    assert.deepEqual(stored(), ['erp|S0 name 0', 'erp|S1 name 1'])
  })

  it('whatever order, parts and repeats: every row counts once, and a stranger among them is refused', async () => {
    const plan = fc.record({
      cuts: fc.array(fc.nat(11), { maxLength: 4 }),
      order: fc.shuffledSubarray([...Array(12).keys()], { minLength: 12 }),
      again: fc.array(fc.nat(11), { maxLength: 3 }),
      /** Row of a record that the flow made; undefined: it makes none. */
      stranger: fc.option(fc.nat(14), { nil: undefined }),
    })
    await fc.assert(
      fc.asyncProperty(plan, async ({ cuts, order, again, stranger }) => {
        await begin((message) => {
          const records = order.map((row) => message.payload[row] as DataRecord)
          const ends = [...new Set([...cuts, 12])].sort((a, b) => a - b)
          const parts = ends.map((end, i) => of(message, ...records.slice(ends[i - 1] ?? 0, end)))
          const repeated = again.map((row) => of(message, message.payload[row] as DataRecord))
          const odd = { ...(message.payload[0] as DataRecord), _row: stranger ?? 0, code: 'X' }
          const all = [...parts, ...repeated]
          return stranger === undefined ? all : [...all.slice(0, -1), of(message, ...(all.at(-1)?.payload ?? []), odd)]
        }, 12)
        const summary = await r.poll()
        const wrong = r.thrown.length > 0
        if (stranger === undefined)
          assert.deepEqual([wrong, summary.state, sums(summary, 'supplier').delivered], [false, 'done', 12])
        else {
          assert.ok(wrong)
          assert.ok(!stored().some((row) => row.startsWith('erp|X')))
        }
        await r.close()
      }),
      { numRuns: 60 },
    )
    await begin((message) => [message])
  })
})
