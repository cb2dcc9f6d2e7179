import assert from 'node:assert/strict'
import { forDone, saying, shortReason } from '../../../nodes/kit/errors.ts'
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

  for (const [message, shown] of [
    ['The schema has no column name', 'The schema has no column name'],
    [
      'Token for 0534b5f2-3943-4490 from dbc-1:443: dbc-1:443 cannot be reached: the host name is unknown here. Check host and port.',
      'dbc-1:443 cannot be reached: the host name is unknown here',
    ],
    [
      'gl_entry X3|FR10|2026-000123, field description: longer than the 30 characters of the column of the table. Widen it.',
      'longer than the 30 characters of the column of the table',
    ],
    [
      'main.finance.supplier is already written by the sync "x3-to-databricks", and now by "another"',
      'main.finance.supplier is already written by the sync…',
    ],
    ['x'.repeat(90), `${'x'.repeat(59)}…`],
  ] as const)
    it(`a status line has the point of a message, whole or cut between words: ${shown.slice(0, 30)}`, () => {
      assert.equal(shortReason(syncError('config', 'x', message)), shown)
    })

  it('a status line shows whole what was said for it', () => {
    const words = 'differs: gl_entry: 12 rows, EUR 12,345.67, of which the target knows nothing at all'
    assert.equal(shortReason(saying(new Error('x'), words)), words)
  })
})
