import assert from 'node:assert/strict'
import { zoneOf } from '../../../nodes/intacct/client/clock.ts'
import { compileRow } from '../../../nodes/intacct/client/convert.ts'

describe('amounts of Intacct', () => {
  const options = { source: 'i', zone: zoneOf('UTC') }
  const columns = [
    { name: 'amount', type: 'decimal(28,8)', field: 'AMOUNT', sign: 'TR_TYPE', description: '' },
  ] as const
  const amountOf = (amount: string, sign: string) =>
    compileRow(columns as never, options)({ AMOUNT: amount, TR_TYPE: sign } as never, {} as never).amount

  it('take their sign and keep every digit, beyond what JavaScript counts too', () => {
    assert.equal(amountOf('90071992547409931234.01', '1'), '90071992547409931234.01')
    assert.equal(amountOf('90071992547409931234.01', '-1'), '-90071992547409931234.01')
    assert.equal(amountOf('12.50', '-1'), '-12.5')
  })

  it('without a sign are refused by the name of the column', () => {
    assert.throws(() => amountOf('1', ''), /the sign of amount/)
  })
})
