import assert from 'node:assert/strict'
import { createFaults, type FaultKind, type Profile } from '../../../sandbox/faults.ts'

const KINDS: readonly FaultKind[] = ['unauthorized', 'throttled', 'timeout', 'reset-before', 'reset-after', 'slow']
const SITES = { token: { kinds: ['unavailable', 'slow'] as const }, read: { kinds: KINDS }, write: { kinds: KINDS } }

/** Plays a run of requests at the sites in turn and gives what was met at each. */
function play(profile: Profile, seed: number, requests: number) {
  const plan = createFaults(profile, seed, SITES)
  const sites = ['token', 'read', 'write']
  const seen = Array.from({ length: requests }, (_, index) => plan.next(sites[index % 3] ?? ''))
  return { plan, seen }
}

describe('fault plans', () => {
  it('give the same faults for the same seed, and others for another', () => {
    assert.deepEqual(play('hostile', 7, 200).seen, play('hostile', 7, 200).seen)
    assert.notDeepEqual(play('hostile', 7, 200).seen, play('hostile', 8, 200).seen)
  })

  it('play nothing when calm', () => {
    assert.deepEqual(play('calm', 1, 100).plan.met(), {})
  })

  for (const seed of [1, 2, 3, 4, 5]) {
    it(`meet each kind once or twice within a few dozen requests when rough, seed ${seed}`, () => {
      const { plan } = play('rough', seed, 60)
      const counts = new Map<string, number>()
      for (const [name, count] of Object.entries(plan.met())) {
        const kind = name.split('/')[1] ?? ''
        counts.set(kind, (counts.get(kind) ?? 0) + count)
      }
      assert.deepEqual([...counts.keys()].sort(), [...KINDS, 'unavailable'].sort())
      assert.ok([...counts.values()].every((count) => count === 1 || count === 2))
      assert.deepEqual(plan.pending(), [])
    })

    it(`meet each kind three times at every site when hostile, seed ${seed}`, () => {
      const { plan } = play('hostile', seed, 240)
      const met = plan.met()
      const expected = Object.entries(SITES).flatMap(([site, { kinds }]) => kinds.map((kind) => [`${site}/${kind}`, 3]))
      assert.deepEqual(met, Object.fromEntries(expected))
      assert.deepEqual(plan.pending(), [])
    })

    it(`never fail a client that tries six times, seed ${seed}`, () => {
      const plan = createFaults('hostile', seed, SITES)
      const fails = (site: string) => ![undefined, 'slow'].includes(plan.next(site))
      for (let work = 0; work < 100; work += 1) {
        let attempts = 1
        // The hardest case: each attempt needs a new token before it can read.
        while (fails('token') || fails('read')) attempts += 1
        assert.ok(attempts <= 6, `${attempts} attempts`)
      }
    })
  }

  it('name what a site has not met yet, but not the sites that no request has reached', () => {
    const plan = createFaults('hostile', 1, SITES)
    while (Object.keys(plan.met()).length === 0) plan.next('token')
    const missing = plan.pending().reduce((sum, fault) => sum + fault.missing, 0)
    assert.equal(missing, 5)
    assert.ok(plan.pending().every(({ site }) => site === 'token'))
  })

  it('play a forced fault next, in any profile, and nothing after stop', () => {
    const plan = createFaults('calm', 1, SITES)
    plan.force('write', 'throttled', 2)
    assert.deepEqual(
      [plan.next('read'), plan.next('write'), plan.next('write'), plan.next('write')],
      [undefined, 'throttled', 'throttled', undefined],
    )
    plan.force('write', 'throttled')
    plan.stop()
    assert.equal(plan.next('write'), undefined)
  })
})
