import assert from 'node:assert/strict'
import { DuckDBDecimalValue, DuckDBTimestampValue } from '@duckdb/node-api'
import fc from 'fast-check'
import { type DataType, stored, wrong } from '../../../sandbox/powerbi/values.ts'

const units = (value: unknown): bigint | undefined => {
  const made = stored(value, 'Decimal')
  return made instanceof DuckDBDecimalValue ? made.value : undefined
}
const text = (value: bigint, places: number): string => {
  const digits = (value < 0n ? -value : value).toString().padStart(places + 1, '0')
  return `${value < 0n ? '-' : ''}${digits.slice(0, digits.length - places)}.${digits.slice(digits.length - places)}`
}

describe('Power BI sandbox: values', () => {
  it('stores any decimal of four places as it is written', () => {
    fc.assert(
      fc.property(fc.bigInt({ min: -(10n ** 27n), max: 10n ** 27n }), (value) =>
        assert.equal(units(text(value, 4)), value),
      ),
    )
  })

  it('stores a JSON number of up to 15 digits, wherever its point is, as it is written', () => {
    const limit = 10n ** 15n - 1n
    fc.assert(
      fc.property(fc.bigInt({ min: -limit, max: limit }), fc.integer({ min: 1, max: 4 }), (value, places) => {
        assert.equal(units(Number(text(value, places))), value * 10n ** BigInt(4 - places))
      }),
    )
    assert.equal(units(672884207445.924), 6728842074459240n)
  })

  const cases: [DataType, unknown, unknown][] = [
    ['Decimal', 1.00005, 10001n],
    ['Decimal', '-1.00005', -10001n],
    ['Decimal', 1e21, 10n ** 25n],
    ['Decimal', '1e-3', 10n],
    ['Decimal', 'abc', wrong],
    ['Decimal', '', wrong],
    ['Decimal', true, wrong],
    ['Decimal', '1000000000000000000000000', wrong],
    ['Int64', 5, 5n],
    ['Int64', 5.5, wrong],
    ['Int64', '9223372036854775806', 9223372036854775806n],
    ['Int64', '-9223372036854775808', wrong],
    ['Int64', false, wrong],
    ['Double', '1e400', wrong],
    ['Double', '2.5', 2.5],
    ['Boolean', 'False', false],
    ['Boolean', 1, wrong],
    ['String', 12, '12'],
    ['String', [], wrong],
    ['String', null, null],
    ['DateTime', 0, wrong],
    ['DateTime', '2026-13-01', wrong],
    ['DateTime', '2026-01-01T24:00:00Z', wrong],
    ['DateTime', '1969-12-31T23:59:59.999Z', 0n],
    ['DateTime', '2026-07-28', 1785196800000000n],
    ['DateTime', '07/28/2026 12:00:00 AM', 1785196800000000n],
  ]
  for (const [type, value, wanted] of cases) {
    it(`${type} from ${JSON.stringify(value)}: ${String(wanted)}`, () => {
      const made = stored(value, type)
      const seen =
        made instanceof DuckDBDecimalValue ? made.value : made instanceof DuckDBTimestampValue ? made.micros : made
      assert.equal(seen, wanted)
    })
  }
})
