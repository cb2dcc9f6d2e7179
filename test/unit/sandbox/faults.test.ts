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
      const { plan } = play('hostile', seed, 400)
      const met = plan.met()
      const expected = Object.entries(SITES).flatMap(([site, { kinds }]) => kinds.map((kind) => [`${site}/${kind}`, 3]))
      assert.deepEqual(met, Object.fromEntries(expected))
      assert.deepEqual(plan.pending(), [])
    })

    it(`let a fourth attempt through, whatever the first three met, seed ${seed}`, () => {
      // The hardest case: each attempt needs a request at every site, one after the other.
      const sites = ['token', 'open', 'execute', 'poll', 'columns', 'rows']
      const plan = createFaults('hostile', seed, Object.fromEntries(sites.map((site) => [site, { kinds: KINDS }])))
      const fails = (site: string) => ![undefined, 'slow'].includes(plan.next(site))
      do {
        let attempts = 1
        while (sites.some(fails)) attempts += 1
        assert.ok(attempts <= 4, `${attempts} attempts`)
      } while (plan.pending().length > 0)
    })
  }

  it('meet all that comes at the beginning only, however many other requests come between: a table is defined once', () => {
    const kinds: readonly FaultKind[] = [...KINDS, 'server-error', 'unavailable', 'cut-body', 'broken-body']
    const others = ['read', 'write', 'poll', 'fetch', 'open', 'close', 'columns', 'put']
    for (let seed = 1; seed <= 20; seed += 1) {
      const plan = createFaults('hostile', seed, {
        define: { kinds: ['unavailable', 'reset-after', 'broken-body', 'session-lost', 'cold-start'], scarce: true },
        ...Object.fromEntries(others.map((site) => [site, { kinds }])),
      })
      const work = (site: string) => {
        while (![undefined, 'slow'].includes(plan.next(site)));
      }
      // The first load of so many tables that a thousand requests have been before the last of them is there.
      for (let table = 0; table < 13; table += 1) {
        for (let definition = 0; definition < 2; definition += 1) for (const site of ['define', 'poll']) work(site)
        for (let batch = 0; batch < 12; batch += 1) for (const site of others) work(site)
      }
      const left = plan.pending().filter(({ site }) => site === 'define')
      assert.deepEqual(left, [], `seed ${seed}`)
    }
  })

  it('play what provokes a rare request until that has met all of its own', () => {
    const sites = {
      token: { kinds: KINDS, provokedBy: 'token-expired' as const },
      read: { kinds: ['token-expired'] as const },
    }
    const plan = createFaults('hostile', 1, sites)
    const work = (site: string) => {
      let fault = plan.next(site)
      for (; fault !== undefined && fault !== 'slow'; fault = plan.next(site))
        if (fault === 'token-expired') work('token')
    }
    for (let read = 0; read < 600; read += 1) work('read')
    assert.deepEqual(plan.pending(), [])
    assert.ok(KINDS.every((kind) => plan.met()[`token/${kind}`] === 3))
    assert.ok((plan.met()['read/token-expired'] ?? 0) > 3)
  })

  it('provoke a rare request only where that makes a client send it, so that no other request uses it up', () => {
    const plan = createFaults('hostile', 1, {
      close: { kinds: KINDS, provokedBy: 'reset-after', provokedAt: ['write'] },
      write: { kinds: ['reset-after'] },
      poll: { kinds: ['reset-after'] },
    })
    for (let round = 0; round < 100; round += 1) {
      for (let poll = 0; poll < 20; poll += 1) plan.next('poll')
      while (plan.next('write') === 'reset-after') plan.next('close')
    }
    assert.deepEqual(plan.pending(), [])
    assert.equal(plan.met()['poll/reset-after'], 3)
  })

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
