/** Several sinks: what a sink holds of a record whose newest version went elsewhere. */
import assert from 'node:assert/strict'
import type { PollOptions, SinkRef } from '../../../../sync/contract/engine.ts'
import type { BatchMessage, DataRecord } from '../../../../sync/contract/message.ts'
import { entry, entrySchema } from '../../../support/fakes.ts'
import { type Rig, rig, sums, warehouse } from '../../../support/rig.ts'

const second: SinkRef = { id: 'write-2', name: 'snowflake-merge' }

describe('a record whose newest version went elsewhere', () => {
  let r: Rig
  let hour = 8
  /** Where a record goes; undefined: nowhere. */
  let route: (record: DataRecord) => 'first' | 'second' | undefined = () => 'first'
  beforeEach(async () => {
    hour = 8
    route = () => 'first'
    r = await rig({
      entities: { gl_entry: { schema: entrySchema } },
      flow: (message, self) => {
        const part = (to: string): BatchMessage => ({
          ...message,
          payload: message.payload.filter((record) => route(record) === to),
        })
        if (part('first').payload.length > 0) void self.deliver(part('first'))
        if (part('second').payload.length > 0) void self.deliver(part('second'), second, self.target('second'))
      },
    })
  })
  afterEach(() => r.close())
  const put = (number: string, amount: string) => {
    hour++
    r.source.clockIs(`2026-03-01T${String(hour).padStart(2, '0')}:00:00Z`)
    r.source.put('gl_entry', entry(number, amount, `-${amount}`))
  }
  const poll = (more: Partial<PollOptions> = {}) =>
    r.poll({
      sinks: () => [warehouse, second],
      targets: async () => [
        { ref: warehouse, target: r.target('gl_entry') },
        { ref: second, target: r.target('second') },
      ],
      mustReport: 'one',
      ...more,
    })

  it('is listed where an older version stands, with its amount, also at a sink that nothing came to', async () => {
    put('1', '10.50')
    put('2', '20.00')
    assert.equal((await poll()).verdict, 'ties')
    put('1', '11.00')
    route = ({ number }) => (number === '1' ? 'second' : 'first')
    const summary = await poll()
    assert.equal(summary.verdict, 'open')
    assert.deepEqual(sums(summary, 'gl_entry').open, ['1 of which an older version stands here, EUR 10.50'])
    assert.equal(sums(summary, 'gl_entry', second.name).verdict, 'ties')
    // It stays so in runs that read nothing.
    hour++
    r.source.clockIs(`2026-03-01T${hour}:00:00Z`)
    assert.equal((await poll()).verdict, 'open')
    // Back again: the newest version is in the first, an older one in the second.
    route = () => 'first'
    put('1', '12.00')
    const back = await poll()
    assert.deepEqual(sums(back, 'gl_entry').open, undefined)
    assert.deepEqual(sums(back, 'gl_entry', second.name).open, ['1 of which an older version stands here, EUR 11.00'])
  })

  it('says nothing of records that never were at the other sink', async () => {
    route = ({ number }) => (number === '1' ? 'first' : 'second')
    put('1', '10')
    put('2', '20')
    assert.equal((await poll()).verdict, 'ties')
    put('2', '21')
    assert.equal((await poll()).verdict, 'ties')
  })

  it('is listed where the flow filters it, a deletion too', async () => {
    put('1', '10')
    put('2', '20')
    await poll()
    route = ({ number }) => (number === '2' ? 'first' : undefined)
    put('1', '11')
    const filtering = { sinks: () => [warehouse], mustReport: 'every', mayFilter: true, receiptSeconds: 0.1 } as const
    const summary = await poll(filtering)
    assert.deepEqual(summary.open, ['gl_entry: 1 of which an older version stands here, EUR 10.00'])
    route = () => 'first'
    put('1', '12')
    assert.equal((await poll(filtering)).verdict, 'ties')
    route = ({ number }) => (number === '2' ? 'first' : undefined)
    r.source.remove('gl_entry', 'erp|1')
    r.source.onPage((_, { walk }) => (walk === 'empty' ? { gone: ['erp|1'] } : undefined))
    put('2', '21')
    assert.deepEqual((await poll(filtering)).open, ['gl_entry: 1 of which an older version stands here, EUR 12.00'])
  })
})
