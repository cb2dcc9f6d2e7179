/** A full reading beside other sources in the same table. */
import assert from 'node:assert/strict'
import type { PollOptions } from '../../../../sync/contract/engine.ts'
import type { BatchMessage } from '../../../../sync/contract/message.ts'
import { fakeSource, supplier, supplierSchema } from '../../../support/fakes.ts'
import { mapping, type Rig, rig, sums } from '../../../support/rig.ts'

const suppliers = { supplier: { schema: supplierSchema } }

describe('a full reading', () => {
  let r: Rig
  afterEach(() => r.close())
  const sourceAt = (address: string) => {
    const source = fakeSource(suppliers, { address })
    for (const code of ['A', 'B']) source.put('supplier', supplier(code, `${address} ${code}`))
    return source
  }
  const named = (message: BatchMessage, source: (code: string) => string): BatchMessage =>
    mapping(r, message, (record) => ({ ...record, source: source(String(record.code)) }))

  it('forgets what was delivered of its own source names alone', async () => {
    r = await rig({ entities: suppliers })
    const other = (more: Partial<PollOptions> = {}) =>
      r.poll({
        name: 'other',
        source: sourceAt('fake://erp/OTHER'),
        send: (message) => void r.deliver(named(message, () => 'other')),
        ...more,
      })
    const own = (more: Partial<PollOptions> = {}) =>
      r.poll({ name: 'own', source: sourceAt('fake://erp/OWN'), ...more })
    assert.equal(sums(await own(), 'supplier').delivered, 2)
    assert.equal(sums(await other(), 'supplier').delivered, 2)
    assert.equal(sums(await own({ scope: { kind: 'full' } }), 'supplier').delivered, 2)
    assert.equal(
      sums(await other({ scope: { kind: 'keys', entity: 'supplier', keys: ['erp|A'] } }), 'supplier').unchanged,
      1,
    )
  })

  it('writes everything anew of all the source names that its flow makes, whichever batch they come in', async () => {
    r = await rig({ entities: suppliers, flow: (message) => void r.deliver(named(message, (code) => `erp-${code}`)) })
    const source = sourceAt('fake://erp/OWN')
    const poll = (more: Partial<PollOptions>) => r.poll({ source, limits: { batchRows: 1 }, ...more })
    await poll({})
    assert.equal(sums(await poll({ scope: { kind: 'full' } }), 'supplier').delivered, 2)
  })
})
