import assert from 'node:assert/strict'
import { describe, it } from 'mocha'
import type { PollOptions } from '../../../../sync/contract/engine.ts'
import type { EntityPlan, Source } from '../../../../sync/contract/source.ts'
import type { Mark, Target } from '../../../../sync/contract/target.ts'
import { askingAhead, marksAhead, planAhead } from '../../../../sync/reading/prefetch.ts'
import { createQueue } from '../../../../sync/values/queue.ts'
import { waitFor } from '../../../support/wait.ts'

const signal = new AbortController().signal
const signals = { signal, waits: signal }

/** A source that notes which plans are asked for; `fails` says which of them fail once. */
function noting(fails: string[] = []): { source: Source; asked: string[] } {
  const asked: string[] = []
  const source: Source = {
    address: 'erp://here',
    clock: async () => '2026-01-01T00:00:00Z',
    requests: () => asked.length,
    async plan(entity) {
      asked.push(entity)
      const at = fails.indexOf(entity)
      if (at >= 0) throw new Error(`no ${fails.splice(at, 1)[0]} today`)
      return { entity } as EntityPlan
    },
  }
  return { source, asked }
}

describe('plans ahead', () => {
  it('asks for all entities with the first, each once', async () => {
    const { source, asked } = noting()
    const ahead = planAhead(source, ['a', 'b', 'c'], signals, createQueue())
    assert.deepEqual(asked, [], 'nothing before the run begins')
    assert.equal((await ahead.plan('a', signal)).entity, 'a')
    assert.deepEqual(asked, ['a', 'b', 'c'])
    assert.equal((await ahead.plan('b', signal)).entity, 'b')
    assert.equal((await ahead.plan('c', signal)).entity, 'c')
    assert.deepEqual(asked, ['a', 'b', 'c'])
  })

  it('makes a plan anew that failed ahead, so that a passing fault fails no entity', async () => {
    const { source, asked } = noting(['b'])
    const ahead = planAhead(source, ['a', 'b'], signals, createQueue())
    await ahead.plan('a', signal)
    await waitFor(() => asked.length === 2)
    assert.equal((await ahead.plan('b', signal)).entity, 'b')
    assert.deepEqual(asked, ['a', 'b', 'b'])
  })

  it('gives the error of a plan that fails in its own turn', async () => {
    const { source } = noting(['b', 'b'])
    const ahead = planAhead(source, ['a', 'b'], signals, createQueue())
    await ahead.plan('a', signal)
    await assert.rejects(ahead.plan('b', signal), /no b today/)
  })

  it('of many runs are asked for by few at a time; the others wait for no place when an entity is due', async () => {
    const places = createQueue()
    const slow = noting()
    const answers: (() => void)[] = []
    const waiting: Source = {
      ...slow.source,
      plan: (entity) =>
        new Promise((resolve) => {
          slow.asked.push(entity)
          answers.push(() => resolve({ entity } as EntityPlan))
        }),
    }
    const first = planAhead(waiting, ['a', 'b'], signals, places).plan('a', signal)
    const { source, asked } = noting()
    const begun: string[] = []
    const second = planAhead(source, ['a', 'b', 'c'], signals, places, async (names) => begun.push(...names))
    await second.plan('a', signal)
    await second.plan('b', signal)
    assert.deepEqual([slow.asked, asked, begun], [['a', 'b'], ['a', 'b'], []])
    for (const answer of answers) answer()
    await first
    await waitFor(() => asked.length === 3)
    assert.deepEqual([asked, begun], [['a', 'b', 'c'], ['c']], 'each once')
  })

  it('have a place until what goes with them is there, and give it back when the run is stopped', async () => {
    const places = createQueue()
    const marks = Promise.withResolvers<void>()
    const stop = new AbortController()
    const one = noting()
    await planAhead(one.source, ['a'], signals, places, () => marks.promise).plan('a', signal)
    const stopped = noting()
    await planAhead(stopped.source, ['a', 'b'], { signal: stop.signal, waits: stop.signal }, places).plan('a', signal)
    stop.abort()
    assert.equal(places.isBusy(), true)
    marks.resolve()
    await waitFor(() => !places.isBusy())
    assert.deepEqual(stopped.asked, ['a'])
  })
})

describe('a run that asks ahead', () => {
  it('asks nothing more when it has failed before it had a place', async () => {
    const places = createQueue()
    const busy = Promise.withResolvers<void>()
    const before = places.run(() => busy.promise)
    const { source, asked } = noting(['a', 'a'])
    const options = { source, entities: ['a', 'b'], signal } as unknown as PollOptions
    const run = askingAhead({ position: async () => undefined }, options, places, (ahead) =>
      ahead.source.plan('a', signal),
    )
    await assert.rejects(run, /no a today/)
    busy.resolve()
    await before
    await places.run(async () => undefined)
    assert.deepEqual(asked, ['a', 'a'])
  })
})

describe('marks ahead', () => {
  const context = { signal, waiting: () => undefined }
  const mark = (entity: string) => ({ entity }) as Mark
  const positions = (known: string[]) => ({
    position: async (_sync: string, entity: string) =>
      known.includes(entity) ? { identity: '', readThrough: null, window: null } : undefined,
  })
  /** Targets that note who is asked; `fails` says which of them fail once. */
  function marks(entities: string[], known: string[] = [], fails: string[] = []) {
    const asked: string[] = []
    const target = (entity: string) =>
      ({
        address: `test://${entity}`,
        async readMark() {
          asked.push(entity)
          const at = fails.indexOf(entity)
          if (at >= 0) throw new Error(`no ${fails.splice(at, 1)[0]} today`)
          return [mark(entity)]
        },
      }) as unknown as Target
    const options = { name: 's', signal, progress: () => undefined }
    const ahead = marksAhead(positions(known), options, async (entity) => [
      { ref: { id: 'w', name: 'w' }, target: target(entity) },
    ])
    const read = async (entity: string) => (await ahead.targets(entity))[0]?.target.readMark?.(context)
    return { asked, begin: () => ahead.begin(entities), read }
  }

  it('are read when the run begins, each once, where the ledger knows nothing of the entity', async () => {
    const { asked, begin, read } = marks(['a', 'b', 'c'], ['b'])
    assert.deepEqual(asked, [])
    begin()
    await waitFor(() => asked.length === 2)
    assert.deepEqual(asked, ['a', 'c'])
    assert.deepEqual(await read('a'), [mark('a')])
    assert.deepEqual(await read('c'), [mark('c')])
    assert.deepEqual(asked, ['a', 'c'])
    await read('a')
    assert.deepEqual(asked, ['a', 'c', 'a'], 'a second question is about what is there then')
  })

  it('are read anew when that failed', async () => {
    const { asked, begin, read } = marks(['a'], [], ['a'])
    begin()
    await waitFor(() => asked.length === 1)
    assert.deepEqual(await read('a'), [mark('a')])
    assert.deepEqual(asked, ['a', 'a'])
  })
})
