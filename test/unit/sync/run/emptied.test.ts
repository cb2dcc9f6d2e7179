/** Tables that somebody emptied or dropped are read again by the sweep. */
import assert from 'node:assert/strict'
import { syncError } from '../../../../sync/contract/errors.ts'
import type { FakeTarget as StoringTarget } from '../../../support/fakes.ts'
import { entry, entrySchema } from '../../../support/fakes.ts'
import { type Rig, type RigOptions, rig, sums } from '../../../support/rig.ts'

const gone = syncError('config', 'fake.missing', 'the table does not exist')

describe('what was emptied is read again', () => {
  let r: Rig
  let minute = 0
  afterEach(() => r.close())
  const start = async (options: RigOptions = {}) => {
    minute = 0
    r = await rig({ entities: { gl_entry: { schema: entrySchema, overlapSeconds: 60 } }, ...options })
    for (const n of [1, 2, 3, 4]) r.source.put('gl_entry', entry(`J${n}`, '1.00', '-1.00'))
  }
  const later = () => {
    minute += 5
    r.source.clockIs(`2026-03-01T10:${String(minute).padStart(2, '0')}:00Z`)
  }
  const change = (number: string) => {
    later()
    r.source.put('gl_entry', entry(number, `${minute}.00`, `-${minute}.00`))
  }
  /** Daily, and today's was. */
  const nightly = { since: '2026-03-01T00:00:00Z' }
  const target = () => r.target('gl_entry') as StoringTarget
  const same = () => {
    const lines = (row: object) => JSON.stringify((row as { lines: unknown }).lines)
    const stored = [...target().stored].map(([key, { record }]) => [key, lines(record)])
    assert.deepEqual(stored.sort(), [...r.source.all('gl_entry')].map(([key, row]) => [key, lines(row)]).sort())
  }
  const emptyLines = () => {
    for (const stored of target().stored.values()) stored.record.lines = []
  }
  const alerts = async () =>
    (await r.ledger.alerts({ open: true })).map(({ kind, message }) => `${kind} ${message}`).join('\n')

  for (const [what, empty] of [
    ['the header', () => target().stored.clear()],
    ['a list beside an intact header', emptyLines],
  ] as const)
    it(`${what}: by the sweep of the same run, which is due at once, and once`, async () => {
      await start()
      await r.poll({ sweep: nightly })
      change('J1')
      await r.poll({ sweep: nightly })
      empty()
      change('J2')
      const summary = await r.poll({ sweep: nightly })
      assert.deepEqual([summary.state, summary.ties], ['done', true], JSON.stringify(summary, null, 1))
      same()
      assert.match(summary.notices.join('\n'), /gl_entry(_lines)? is empty, though records were delivered there before/)
      assert.match(summary.notices.join('\n'), /the sweep has read again what was not in the target any more/)
      assert.equal(sums(summary, 'gl_entry').sweep?.missed, 4)
      assert.equal(await alerts(), '')
      change('J3')
      const next = await r.poll({ sweep: nightly })
      assert.deepEqual([sums(next, 'gl_entry').sweep, next.notices], [undefined, []], 'nothing is left to do')
    })

  it('found while the sweep of the night delivers: another one follows in the same run', async () => {
    await start()
    await r.poll({ sweep: nightly })
    later()
    await r.poll({ sweep: { since: null } })
    target().stored.clear()
    later()
    // A change that moved no stamp: only the sweep finds it.
    r.source.put('gl_entry', entry('J1', '7.00', '-7.00'), '2026-02-01T00:00:00Z')
    const summary = await r.poll({ sweep: { since: null } })
    assert.equal(summary.state, 'done')
    same()
    assert.equal(await r.ledger.lostRows('s', 'gl_entry'), undefined)
  })

  it('a sync that never sweeps says in every run what to do, and raises an alert, until a full refresh', async () => {
    await start()
    await r.poll()
    change('J1')
    await r.poll()
    target().stored.clear()
    for (const number of ['J1', 'J2']) {
      change(number)
      const summary = await r.poll()
      assert.match(summary.notices.join('\n'), /main\.finance\.gl_entry is empty.*run a full refresh/s)
      assert.match(await alerts(), /^lost-rows gl_entry: main\.finance\.gl_entry is empty.*full refresh/)
    }
    later()
    const quiet = await r.poll()
    assert.deepEqual([quiet.statements, quiet.state, quiet.verdict], [0, 'done', 'open'])
    assert.match(quiet.notices.join('\n'), /run a full refresh/)
    later()
    const full = await r.poll({ scope: { kind: 'full' } })
    assert.equal(full.state, 'done')
    same()
    assert.equal(await alerts(), '')
    assert.doesNotMatch(full.notices.join('\n'), /is empty/)
  })

  it('a run that fails before its sweep leaves it to the next one', async () => {
    await start()
    await r.poll({ sweep: nightly })
    change('J1')
    await r.poll({ sweep: nightly })
    target().stored.clear()
    change('J2')
    r.source.onKeys(() => {
      throw syncError('transient', 'erp.503', 'the ERP is down')
    })
    const failed = await r.poll({ sweep: nightly })
    assert.equal(failed.state, 'failed')
    assert.match(failed.notices.join('\n'), /The next sweep reads everything again/)
    assert.match(await alerts(), /lost-rows/)
    r.source.onKeys(() => undefined)
    later()
    const next = await r.poll({ sweep: nightly })
    assert.equal(next.state, 'done')
    same()
    assert.doesNotMatch(await alerts(), /lost-rows/)
  })

  it('lost in mid-run and read again in the same run, it is no difference that stays', async () => {
    await start()
    await r.poll({ sweep: nightly })
    const mine = target()
    mine.isLost = (error) => error === gone
    const writes = mine.batches.length
    mine.onWrite(() => {
      if (mine.batches.length === writes) return
      mine.onWrite(() => undefined)
      mine.stored.clear()
      throw gone
    })
    later()
    for (const n of [1, 2, 3]) r.source.put('gl_entry', entry(`J${n}`, '8.00', '-8.00'))
    const summary = await r.poll({ sweep: nightly, limits: { batchRows: 3 } })
    assert.deepEqual([summary.state, summary.verdict], ['done', 'ties'], JSON.stringify(summary, null, 1))
    same()
    assert.deepEqual(await r.ledger.differences({ sync: 's' }), [])
    assert.equal(await alerts(), '')
  })

  it('a full refresh in which a table is lost has not brought everything back: its first batches are lost too', async () => {
    await start()
    await r.poll()
    const mine = target()
    mine.isLost = (error) => error === gone
    mine.onWrite(() => {
      if (mine.batches.length !== 3) return
      mine.onWrite(() => undefined)
      mine.stored.clear()
      throw gone
    })
    later()
    const full = await r.poll({ scope: { kind: 'full' }, limits: { batchRows: 3 } })
    assert.ok(mine.stored.size < 4)
    assert.match(full.notices.join('\n'), /gl_entry is empty.*run a full refresh/s)
    later()
    await r.poll({ scope: { kind: 'full' } })
    same()
    assert.equal(await r.ledger.lostRows('s', 'gl_entry'), undefined)
  })

  it('as long as something is lost the mark does not say that it is in', async () => {
    await start()
    await r.poll()
    assert.notEqual(target().marks[0]?.floor, null)
    target().stored.clear()
    change('J1')
    await r.poll()
    assert.equal(target().marks[0]?.floor, null)
  })

  it('for every sync that delivered into the table, whichever finds it', async () => {
    await start()
    await r.poll({ sweep: nightly })
    await r.ledger.saveFilled(target().address, [{ list: '', sync: 'other', entity: 'gl_entry' }])
    await r.ledger.saveSwept('other', 'gl_entry', '2026-03-01T00:00:00Z')
    target().stored.clear()
    change('J1')
    await r.poll({ sweep: nightly })
    assert.match((await r.ledger.lostRows('other', 'gl_entry')) ?? '', /gl_entry is empty/)
    assert.equal(await r.ledger.sweptAt('other', 'gl_entry'), undefined)
  })
})
