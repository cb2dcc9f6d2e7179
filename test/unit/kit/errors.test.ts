import assert from 'node:assert/strict'
import { forDone } from '../../../nodes/kit/errors.ts'
import { syncError } from '../../../sync/contract/errors.ts'

describe('kit: errors as Node-RED gets them', () => {
  it('the cause is text where it is shown as text, and a plain object elsewhere', () => {
    const { cause } = forDone(
      syncError('data', 'x3.21', 'Account 4711 is not known', {
        entity: 'gl_entry',
        key: 'X3|7',
        field: 'account',
        vendorCode: '21',
      }),
    )
    assert.equal(`${cause}`, 'x3.21 (data): gl_entry X3|7 field account: 21')
    assert.deepEqual(Object.keys(cause as object), ['class', 'code', 'entity', 'key', 'field', 'vendorCode'])
  })
})
