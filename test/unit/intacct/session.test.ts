import assert from 'node:assert/strict'
import { serverClock } from '../../../nodes/intacct/client/clock.ts'
import { createSession } from '../../../nodes/intacct/client/session.ts'
import { syncError } from '../../../sync/contract/errors.ts'

const never = new AbortController().signal
const start = Date.parse('2026-03-10T09:00:00Z')

describe('a session of Intacct', () => {
  let ticks: number
  let signIns: number
  let fail: Error | undefined
  let ends: string | undefined
  const open = (minutes = 50) => {
    const clock = serverClock(Date.now, () => ticks)
    clock.learn(new Date(start).toUTCString())
    return createSession({
      clock,
      minutes,
      ticks: () => ticks,
      async signIn() {
        signIns++
        await null
        if (fail) throw fail
        return { id: `s${signIns}`, endpoint: new URL('https://api.intacct.com/x'), ends }
      },
    })
  }
  beforeEach(() => {
    ticks = 0
    signIns = 0
    fail = undefined
    ends = '2026-03-10T15:00:00+00:00'
  })

  it('is opened once for all that ask, and kept for its life', async () => {
    const session = open()
    const all = await Promise.all([session.get(never), session.get(never), session.get(never)])
    assert.deepEqual([...new Set(all.map(({ id }) => id))], ['s1'])
    ticks = 49 * 60_000
    assert.equal((await session.get(never)).id, 's1')
    ticks = 50 * 60_000
    assert.equal((await session.get(never)).id, 's2')
  })

  it('is never used past the end that Intacct sets, a minute ahead of it, and each answer moves that end', async () => {
    ends = '2026-03-10T01:10:00-08:00'
    const session = open()
    const current = await session.get(never)
    ticks = 8 * 60_000
    session.lasts(current, '2026-03-10T01:18:00-08:00')
    ticks = 16 * 60_000
    assert.equal((await session.get(never)).id, 's1')
    ticks = 17 * 60_000
    assert.equal((await session.get(never)).id, 's2')
  })

  it('that was forgotten is opened anew, but one that another call renewed meanwhile is kept', async () => {
    const session = open()
    const old = await session.get(never)
    session.forget(old)
    const renewed = await session.get(never)
    session.forget(old)
    assert.equal((await session.get(never)).id, renewed.id)
    assert.equal(signIns, 2)
  })

  it('whose sign-in is refused for good is not tried again at once, since failures lock the user', async () => {
    const session = open()
    fail = syncError('config', 'intacct.login', 'refused')
    for (let times = 0; times < 10; times++) await assert.rejects(session.get(never), /refused/)
    assert.equal(signIns, 1)
    ticks = 61_000
    fail = undefined
    assert.equal((await session.get(never)).id, 's2')
  })

  it('whose sign-in fails for a passing reason is tried again by whoever asks next', async () => {
    const session = open()
    fail = syncError('transient', 'intacct.503', 'down')
    await assert.rejects(session.get(never), /down/)
    fail = undefined
    assert.equal((await session.get(never)).id, 's2')
  })

  it('gives nothing to who was stopped', async () => {
    await assert.rejects(open().get(AbortSignal.abort(new Error('stopped'))), /stopped/)
    assert.equal(signIns, 0)
  })
})
