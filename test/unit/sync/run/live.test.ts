import assert from 'node:assert/strict'
import { waitKeeper } from '../../../../sync/contract/wait.ts'
import { newPace } from '../../../../sync/run/pace.ts'

describe('what is told of a run that goes on', () => {
  it('the rate is that of the last minute', () => {
    const pace = newPace(0)
    assert.equal(pace.rate(0, 0), 0)
    assert.equal(pace.rate(10_000, 500), 50)
    for (let s = 1; s <= 100; s++) pace.told(s * 1000, s * 100)
    assert.equal(pace.rate(100_000, 10_000), 100)
    for (let s = 101; s <= 200; s++) pace.told(s * 1000, 10_000)
    assert.equal(pace.rate(200_000, 10_000), 0, 'what was read before is not its pace')
  })

  it('a wait begins with its first word and ends with the first that is none', () => {
    let at = 0
    const waits = waitKeeper(() => String(++at))
    assert.equal(waits.current(), undefined)
    waits.told({ waiting: 'down, 5 s left' })
    waits.told({ entity: 'supplier', waiting: 'down, 4 s left' })
    assert.deepEqual(waits.current(), { entity: 'supplier', what: 'down, 4 s left', since: '1' })
    waits.told({ entity: 'supplier' })
    assert.equal(waits.current(), undefined)
    waits.told({ waiting: 'down again' })
    assert.deepEqual(waits.current(), { what: 'down again', since: '2' })
  })
})
