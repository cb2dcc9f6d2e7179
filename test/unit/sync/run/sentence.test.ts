import assert from 'node:assert/strict'
import { sentence } from '../../../../sync/run/sentence.ts'

const at = new Date(2026, 2, 1, 3, 12).toISOString()

describe('what is said of a run', () => {
  for (const [parts, said] of [
    [
      { verdict: 'ties', by: ['sums of this run', 'counts of the whole tables'] },
      'ties: sums of this run and counts of the whole tables, 03:12',
    ],
    [{ verdict: 'ties', by: ['sums of this run'] }, 'ties: sums of this run, 03:12'],
    [
      { verdict: 'ties', by: ['sums of this run'], allowed: ['3 record(s) filtered in the flow, allowed'] },
      'ties: sums of this run, 03:12; 3 record(s) filtered in the flow, allowed',
    ],
    [{ verdict: 'open', open: ['52 held, EUR 468,962.42'] }, 'open: 52 held, EUR 468,962.42'],
    [{ verdict: 'open', open: ['1 held', '2 in doubt', '3 left out'] }, 'open: 1 held; 2 in doubt and 1 more'],
    [{ verdict: 'differs', problem: 'supplier: 3 delivered, 2 stored' }, 'differs: supplier: 3 delivered, 2 stored'],
    [{ verdict: 'failed', problem: 'X3 is away', open: ['1 held'] }, 'failed: X3 is away'],
    [{ verdict: 'nothing new' }, 'nothing new'],
  ] as const)
    it(said, () => assert.equal(sentence({ ...parts, at }), said))
})
