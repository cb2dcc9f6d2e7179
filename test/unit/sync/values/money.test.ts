import assert from 'node:assert/strict'
import { Big } from 'big.js'
import fc from 'fast-check'
import {
  addDecimals,
  addTo,
  fitsDecimal,
  isDecimal,
  negate,
  newSum,
  normalise,
  signOf,
  sumText,
  timesSign,
} from '../../../../sync/values/money.ts'

const decimal = fc
  .tuple(fc.boolean(), fc.bigInt({ min: 0n, max: 10n ** 28n }), fc.integer({ min: 0, max: 12 }))
  .map(([negative, units, scale]) => {
    const digits = units.toString().padStart(scale + 1, '0')
    const at = digits.length - scale
    return `${negative ? '-' : ''}${digits.slice(0, at)}${scale > 0 ? `.${digits.slice(at)}` : ''}`
  })
/** The same arithmetic by another library. */
const exact = (text: string): string => {
  const fixed = new Big(text).toFixed()
  return /^-0*$/.test(fixed) ? '0' : fixed
}

describe('money', () => {
  it('writes a decimal in one canonical way, without an exponent', () => {
    const cases: [string, string][] = [
      ['1234.50', '1234.5'],
      ['1234', '1234'],
      ['1200', '1200'],
      ['-0.00', '0'],
      ['-0', '0'],
      ['000.10', '0.1'],
      ['-007', '-7'],
      ['1.5e3', '1500'],
      ['1E-8', '0.00000001'],
      ['-12.5e-1', '-1.25'],
      ['+3', '3'],
      ['.5', '0.5'],
      ['5.', '5'],
    ]
    for (const [text, canonical] of cases) assert.equal(normalise(text), canonical, text)
  })

  it('refuses what is no decimal', () => {
    for (const text of ['', '.', '-', '1,5', '1 000', 'NaN', 'Infinity', '0x10', '1e', '1e99999', '١'])
      assert.throws(() => normalise(text), RangeError, text)
    for (const text of ['', '.', '-', '--1', '1.', '.1', '1..2', '1.2.3', '12a'])
      assert.equal(isDecimal(text), false, text)
    for (const text of ['', '.', '-', '--1', '1.2.3', '-.', 'x'])
      assert.throws(() => addTo(newSum(), text), RangeError, text)
  })

  it('agrees with big.js on normalise, sums and signs', () => {
    fc.assert(
      fc.property(fc.array(decimal, { minLength: 1, maxLength: 20 }), (texts) => {
        const sum = newSum()
        for (const text of texts) {
          assert.equal(normalise(text), exact(text))
          assert.equal(negate(text), exact(new Big(text).times(-1).toFixed()))
          assert.equal(signOf(text), new Big(text).cmp(0))
          addTo(sum, text)
        }
        const expected = exact(texts.reduce((total, text) => total.plus(text), new Big(0)).toFixed())
        assert.equal(sumText(sum), expected)
        assert.equal(addDecimals(...texts), expected)
      }),
    )
  })

  it('keeps the cent where JS numbers lose it: 0.1 + 0.2, and a cent on a total of 28 digits', () => {
    assert.equal(addDecimals('0.1', '0.2'), '0.3')
    assert.equal(addDecimals('99999999999999999999.99', '0.01'), '100000000000000000000')
    assert.equal(addDecimals('9007199254740993', '-9007199254740992'), '1')
  })

  it('fits only what needs no rounding: 3.19 is not 3.2, but 3.1900 is 3.19', () => {
    assert.equal(fitsDecimal('3.19', 10, 1), false)
    assert.equal(fitsDecimal('3.1900', 10, 2), true)
    assert.equal(fitsDecimal('3.1901', 10, 2), false)
    assert.equal(fitsDecimal('99999999', 10, 2), true)
    assert.equal(fitsDecimal('100000000', 10, 2), false)
    assert.equal(fitsDecimal('-00012345678.10', 10, 2), true)
    assert.equal(fitsDecimal('0.12', 2, 2), true)
    assert.equal(fitsDecimal('1.12', 2, 2), false)
    assert.equal(fitsDecimal('1e3', 10, 2), false)
    assert.equal(fitsDecimal('5', 5, 0), true)
    assert.equal(fitsDecimal('5.0', 5, 0), true)
  })

  it('fits exactly when big.js rounds to the same value within the digits', () => {
    fc.assert(
      fc.property(decimal, fc.integer({ min: 1, max: 38 }), fc.integer({ min: 0, max: 10 }), (text, p, s) => {
        fc.pre(s <= p)
        const value = new Big(text)
        const expected = value.round(s).eq(value) && value.abs().lt(new Big(10).pow(p - s))
        assert.equal(fitsDecimal(text, p, s), expected)
      }),
    )
  })

  it('puts the ERP sign on an amount', () => {
    assert.equal(timesSign('12.50', -1), '-12.5')
    assert.equal(timesSign('-12.50', '-1'), '12.5')
    assert.equal(timesSign('12.50', 1), '12.5')
    assert.equal(timesSign('0.00', -1), '0')
    assert.equal(timesSign(null, 1), null)
    assert.equal(timesSign('90071992547409931234.01', 1), '90071992547409931234.01')
    assert.equal(timesSign('90071992547409931234.01', -1), '-90071992547409931234.01')
    assert.throws(() => timesSign('1', 0), RangeError)
  })
})
