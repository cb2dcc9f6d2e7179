import assert from 'node:assert/strict'
import fc from 'fast-check'
import { MOST_REVISIONS, referenceOf, testReference } from '../../../../nodes/x3/client/posting/reference.ts'

const KNOWN = 'T6ZTYJQZCMYB4YC400'

describe('the reference of a journal', () => {
  it('never changes for an invoice and its revision', () => {
    // What stands in somebody's X3: another way to make it would find none of it again.
    assert.deepEqual(
      [referenceOf('3f2504e0-4f89-11d3-9a0c-0305e82c3301', 0), referenceOf('3f2504e0-4f89-11d3-9a0c-0305e82c3301', 33)],
      [KNOWN, `${KNOWN.slice(0, 16)}11`],
    )
  })

  it('is another one for another invoice, another case of its letters, another revision', () => {
    fc.assert(
      fc.property(
        fc.string({ minLength: 1 }),
        fc.string({ minLength: 1 }),
        fc.nat(MOST_REVISIONS - 1),
        (a, b, revision) => {
          assert.match(referenceOf(a, revision), /^[0-9A-HJKMNP-TV-Z]{18}$/)
          assert.equal(a === b, referenceOf(a, 0) === referenceOf(b, 0))
          assert.equal(revision === 0, referenceOf(a, revision) === referenceOf(a, 0))
        },
      ),
    )
    assert.notEqual(referenceOf('abc', 0), referenceOf('ABC', 0))
  })

  it('has room for so many revisions and no more', () => {
    assert.throws(() => referenceOf('a', MOST_REVISIONS), /no revision/)
    assert.throws(() => referenceOf('a', -1), /no revision/)
    assert.throws(() => referenceOf('a', 0.5), /no revision/)
  })

  it('of a test is none that an invoice can have, and fits where it must', () => {
    const reference = testReference('0a1b2c3d-4e5f')
    assert.equal(reference, 'TIEOUT-TEST-0A1B2C3D')
    assert.ok(reference.length <= 20)
    assert.doesNotMatch(reference, /^[0-9A-HJKMNP-TV-Z]{18}$/)
  })
})
