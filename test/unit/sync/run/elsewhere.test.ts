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

  describe('where the sync says that it is deleted there', () => {
    const keys = (name: string) => [...r.target(name).stored.keys()].sort()
    const taking = (more: Partial<PollOptions> = {}) => poll({ takesOlder: true, ...more })
    const later = () => r.source.clockIs(`2026-03-01T${String(++hour).padStart(2, '0')}:00:00Z`)

    it('goes in the same run, also at a sink that nothing came to, and comes back with a later version', async () => {
      put('1', '10.50')
      put('2', '20.00')
      await taking()
      put('1', '11.00')
      route = ({ number }) => (number === '1' ? 'second' : 'first')
      const summary = await taking()
      assert.equal(summary.verdict, 'ties')
      assert.deepEqual([keys('gl_entry'), keys('second')], [['erp|2'], ['erp|1']])
      assert.match(
        summary.notices?.join() ?? '',
        /gl_entry: 1 older version\(s\) were deleted at databricks-write, since the newest went elsewhere/,
      )
      assert.equal((await taking()).verdict, 'nothing new')
      route = () => 'first'
      put('1', '12.00')
      assert.equal((await taking()).verdict, 'ties')
      assert.deepEqual([keys('gl_entry'), keys('second')], [['erp|1', 'erp|2'], []])
      assert.equal(r.thrown.length, 0)
    })

    it('goes where the flow filters it, and where a version before has written it', async () => {
      put('1', '10')
      put('2', '20')
      await poll()
      route = ({ number }) => (number === '2' ? 'first' : undefined)
      put('1', '11')
      const filtering = { mayFilter: true, receiptSeconds: 0.1 }
      assert.equal((await poll(filtering)).verdict, 'open')
      later()
      // A version before wrote it: its shape is known from the next batch on.
      const { note } = r.ledger
      Object.assign(r.ledger, { note: async () => undefined })
      const first = await taking(filtering)
      Object.assign(r.ledger, { note })
      assert.match(first.notices?.join() ?? '', /1 older version\(s\) at databricks-write are deleted once something/)
      put('2', '21')
      assert.equal((await taking(filtering)).verdict, 'ties')
      assert.deepEqual(keys('gl_entry'), ['erp|2'])
    })

    it('says nothing of what was pushed there', async () => {
      put('2', '20.00')
      await taking()
      await r.engine.deliver({
        ref: warehouse,
        target: r.target('gl_entry'),
        message: { payload: [{ ...entry('9', '1'), _row: 0 }], schema: entrySchema },
        progress: () => undefined,
        signal: new AbortController().signal,
      })
      put('2', '21.00')
      const summary = await taking()
      assert.deepEqual([summary.open, summary.notices], [['gl_entry: 1 pushed, EUR 1.00'], []])
      assert.deepEqual(keys('gl_entry'), ['erp|2', 'erp|9'])
    })

    it('stays where the target cannot take it back, and is listed', async () => {
      Object.assign(r.target('gl_entry'), { deletes: false })
      put('1', '10.50')
      await taking()
      put('1', '11.00')
      route = () => 'second'
      const summary = await taking()
      assert.deepEqual(sums(summary, 'gl_entry').open, ['1 of which an older version stands here, EUR 10.50'])
      assert.deepEqual(await r.ledger.held({}), [])
      assert.deepEqual(keys('gl_entry'), ['erp|1'])
    })

    it('is not believed where it is more than 100 and 5 per cent, until a person confirms it', async () => {
      for (let n = 0; n < 101; n++) r.source.put('gl_entry', entry(`${n}`, '1', '-1'))
      later()
      await taking()
      for (let n = 0; n < 101; n++) r.source.put('gl_entry', entry(`${n}`, '2', '-2'))
      later()
      route = () => 'second'
      const summary = await taking()
      assert.equal(summary.verdict, 'open')
      assert.equal(keys('gl_entry').length, 101)
      const [alert] = await r.ledger.alerts({ sync: 's', open: true })
      assert.equal(alert?.kind, 'sweep')
      assert.match(
        alert?.message ?? '',
        /^gl_entry: 101 of \d+ records at .* nothing was deleted there\. .*"confirm": "gl_entry"/,
      )
      later()
      await taking({ sweep: { since: null, confirm: ['gl_entry'] } })
      assert.deepEqual([keys('gl_entry').length, keys('second').length], [0, 101])
      assert.deepEqual(await r.ledger.alerts({ sync: 's', open: true }), [])
      assert.deepEqual(await r.ledger.openItems('s'), [])
    })
  })
})
