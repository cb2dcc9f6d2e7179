import assert from 'node:assert/strict'
import fc from 'fast-check'
import { syncError } from '../../../../sync/contract/errors.ts'
import { checkAlike, statementsPerBatch, writeIsolating } from '../../../../sync/delivering/isolate-bad-records.ts'
import type { Entry } from '../../../../sync/run/entry.ts'
import { refusal } from '../../../support/fake-target.ts'

const entries = (count: number): Entry[] =>
  Array.from({ length: count }, (_, row) => {
    return {
      record: { _row: row },
      key: `k${row}`,
      read: 1,
      hash: `${row}`,
      row,
      sound: true,
      origin: undefined,
      contribution: '',
    }
  })

/** A target that refuses a write with a bad row in it, naming the first. */
function target(bad: ReadonlySet<number>) {
  const state = { statements: 0, written: [] as number[] }
  const write = async (some: readonly Entry[]) => {
    state.statements++
    const first = some.find(({ row }) => bad.has(row))
    if (first !== undefined) throw refusal(`row ${first.row} is bad`)
    state.written.push(...some.map(({ row }) => row))
  }
  return { state, write }
}

describe('isolate', () => {
  it('writes every good record and refuses every bad one, each in its own words, within the statements', async () => {
    const few = fc
      .integer({ min: 1, max: 3000 })
      .chain((size) => fc.tuple(fc.constant(size), fc.uniqueArray(fc.nat({ max: size - 1 }), { maxLength: 5 })))
    await fc.assert(
      fc.asyncProperty(few, async ([size, badRows]) => {
        const bad = new Set(badRows)
        const { state, write } = target(bad)
        const refused = await writeIsolating(entries(size), { entity: 'e', total: 1_000_000, write })
        assert.ok(state.statements <= statementsPerBatch, `${state.statements} statements`)
        const held = new Set(refused.map(({ entry }) => entry.row))
        for (const row of bad) assert.ok(held.has(row), `row ${row} was lost`)
        assert.equal(new Set(state.written).size, state.written.length)
        assert.equal(held.size + state.written.length, size)
        for (const row of state.written) assert.ok(!held.has(row) && !bad.has(row))
        for (const { entry, error } of refused) {
          assert.equal(error.cause.key, entry.key)
          if (held.size === bad.size && !/could not be told apart/.test(error.message))
            assert.match(error.message, new RegExp(`row ${entry.row} is bad`))
        }
      }),
      { numRuns: 60 },
    )
  })

  it('tells one bad row of 10,000 apart wherever it stands', async () => {
    for (const row of [0, 1, 4999, 5000, 6180, 9999]) {
      const { state, write } = target(new Set([row]))
      const refused = await writeIsolating(entries(10_000), { entity: 'e', total: 10_000, write })
      assert.deepEqual(
        refused.map(({ entry }) => entry.row),
        [row],
      )
      assert.ok(state.statements <= 30, `${state.statements} statements`)
    }
  })

  it('says so of records that it could not tell apart', async () => {
    const bad = new Set(Array.from({ length: 12 }, (_, i) => i * 800))
    const { state, write } = target(bad)
    const refused = await writeIsolating(entries(10_000), { entity: 'e', total: 1_000_000, write })
    assert.ok(state.statements <= 40)
    assert.ok(refused.length > bad.size && refused.length < 10_000)
    assert.match(refused.map(({ error }) => error.message).join(), /one of \d+ records that could not be told apart/)
  })

  it('holds a record that only fails in company when it fails alone too, and delivers it when it does not', async () => {
    let calls = 0
    const refused = await writeIsolating(entries(2), {
      entity: 'e',
      total: 2,
      write: async () => {
        if (++calls === 1) throw refusal('a passing fault')
      },
    })
    assert.deepEqual(refused, [])
    assert.equal(calls, 3)
  })

  it('goes on by halving when the question which do not fit is refused itself', async () => {
    const { state, write } = target(new Set([3]))
    const refused = await writeIsolating(entries(8), {
      entity: 'e',
      total: 8,
      write,
      findRejected: async () => {
        throw refusal('the question failed')
      },
    })
    assert.deepEqual(
      refused.map(({ entry }) => entry.row),
      [3],
    )
    assert.equal(state.written.length, 7)
  })

  it('halves what the target still refuses after its own answer', async () => {
    const { write } = target(new Set([3, 5]))
    const refused = await writeIsolating(entries(8), {
      entity: 'e',
      total: 8,
      write,
      findRejected: async () => [
        { index: 3, field: 'amount', code: 'v.1', message: 'too wide' },
        { index: 99, code: 'v.1', message: 'no such row' },
      ],
    })
    assert.deepEqual(
      refused.map(({ entry }) => entry.row),
      [3, 5],
    )
    assert.match(refused[0]?.error.message ?? '', /e k3, field amount: too wide/)
  })

  it('throws at once what is no matter of data', async () => {
    const fault = syncError('config', 'v.42501', 'no right')
    const write = async () => {
      throw fault
    }
    await assert.rejects(writeIsolating(entries(9), { entity: 'e', total: 9, write }), fault)
  })

  it('counts alike by code: 60 of one and 60 of another are records, 101 of one are configuration', () => {
    const refused = (codes: [string, number][]) =>
      codes.flatMap(([code, count]) => entries(count).map((entry) => ({ entry, error: refusal('bad', code) })))
    checkAlike(
      refused([
        ['a', 60],
        ['b', 60],
      ]),
      { entity: 'e', total: 200 },
    )
    checkAlike(refused([['a', 101]]), { entity: 'e', total: 2020 })
    assert.throws(
      () =>
        checkAlike(
          refused([
            ['b', 3],
            ['a', 101],
          ]),
          { entity: 'e', total: 2019 },
        ),
      (error: unknown) => {
        assert.equal((error as { cause: { class: string } }).cause.class, 'config')
        assert.match(String(error), /101 of 2019 records of a batch fail alike \(a\)/)
        return true
      },
    )
  })
})
