import assert from 'node:assert/strict'
import { describe, it } from 'mocha'
import { planAhead } from '../../../sync/ahead.ts'
import type { EntityPlan, Source } from '../../../sync/source.ts'
import { waitFor } from '../../support/wait.ts'

const signal = new AbortController().signal

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
  it('asks for the next entity as soon as one is planned, each once, and for none behind the last', async () => {
    const { source, asked } = noting()
    const ahead = planAhead(source, ['a', 'b', 'c'], signal)
    assert.equal((await ahead.plan('a', signal)).entity, 'a')
    await waitFor(() => asked.length === 2)
    assert.deepEqual(asked, ['a', 'b'])
    assert.equal((await ahead.plan('b', signal)).entity, 'b')
    assert.equal((await ahead.plan('c', signal)).entity, 'c')
    assert.deepEqual(asked, ['a', 'b', 'c'])
  })

  it('makes a plan anew that failed ahead, so that a passing fault fails no entity', async () => {
    const { source, asked } = noting(['b'])
    const ahead = planAhead(source, ['a', 'b'], signal)
    await ahead.plan('a', signal)
    await waitFor(() => asked.length === 2)
    assert.equal((await ahead.plan('b', signal)).entity, 'b')
    assert.deepEqual(asked, ['a', 'b', 'b'])
  })

  it('gives the error of a plan that fails in its own turn', async () => {
    const { source } = noting(['b', 'b'])
    const ahead = planAhead(source, ['a', 'b'], signal)
    await ahead.plan('a', signal)
    await assert.rejects(ahead.plan('b', signal), /no b today/)
  })
})
