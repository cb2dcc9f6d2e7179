import { deepStrictEqual, strictEqual } from 'node:assert'
import { decisionsIn, scopeOf, sourceOrder } from '../../../nodes/kit/order.ts'

describe('what a message asks of a source', () => {
  it('emptying what cannot take back is a decision of a full reading alone', () => {
    const order = sourceOrder.parse({ full: true, clear: true, by: 'anna', reason: 'trimmed by hand' })
    deepStrictEqual(
      decisionsIn(order).map(({ kind }) => kind),
      ['clear'],
    )
    deepStrictEqual('stop' in order || scopeOf(order), { kind: 'full', clear: true })
    const plain = sourceOrder.parse({ full: true })
    deepStrictEqual(decisionsIn(plain), [])
    deepStrictEqual('stop' in plain || scopeOf(plain), { kind: 'full' })
    for (const wrong of [{ clear: true }, { full: true, clear: false }, { sweep: true, clear: true }])
      strictEqual(sourceOrder.safeParse(wrong).success, false, JSON.stringify(wrong))
  })
})
