import { deepStrictEqual, match, ok, strictEqual } from 'node:assert/strict'
import fc from 'fast-check'
import { externalCode, LONGEST } from '../../../nodes/basware/client/send/codes.ts'

describe('external codes of Basware', () => {
  it('are read by people where a key is short and plain', () => {
    strictEqual(externalCode(['x3', 'POFR0110113', '1000', '1']), 'x3_POFR0110113_1000_1')
  })

  it('keep zeros, and never change', () => {
    strictEqual(externalCode(['x3', '00012']), 'x3_00012')
    strictEqual(externalCode(['x3', 'A/B 1']), externalCode(['x3', 'A/B 1']))
  })

  it('are within 36 characters and safe in a URL, and two keys never share one', () => {
    const part = fc.oneof(
      fc.string({ maxLength: 12 }),
      fc.constantFrom('', '_', '-', 'A', 'a', 'A_B', 'B', '1000', 'x'.repeat(40), 'é', '%2F'),
    )
    const key = fc.array(part, { minLength: 1, maxLength: 4 })
    fc.assert(
      fc.property(key, key, (one, other) => {
        const [code, another] = [externalCode(one), externalCode(other)]
        match(code, /^[A-Za-z0-9_-]+$/)
        ok(code.length <= LONGEST)
        strictEqual(encodeURIComponent(code), code)
        strictEqual(code === another, JSON.stringify(one) === JSON.stringify(other))
      }),
      { numRuns: 2000 },
    )
  })

  it('tell the parts of a key apart', () => {
    const alike = [['a', 'b_c'], ['a_b', 'c'], ['a', 'b', 'c'], ['a_b_c'], ['a', 'b', 'c', '']]
    deepStrictEqual(new Set(alike.map(externalCode)).size, alike.length)
  })
})
