import assert from 'node:assert/strict'
import { giveBack } from '../../../../vendor/warehouse/memory.ts'

describe('memory outside of the heap', () => {
  it('is given back at once, and cannot be read any more', () => {
    const own = Buffer.concat([Buffer.alloc(100_000, 'a')])
    giveBack(own)
    assert.equal(own.length, 0)
    assert.equal(own.buffer.byteLength, 0)
  })

  it('stays where others have a part in it', () => {
    const whole = Buffer.alloc(100_000, 'a')
    const part = whole.subarray(10, 20)
    const pooled = Buffer.from('pooled')
    giveBack(part)
    giveBack(pooled)
    assert.equal(whole.length, 100_000)
    assert.equal(part.toString(), 'aaaaaaaaaa')
    assert.equal(pooled.toString(), 'pooled')
  })
})
