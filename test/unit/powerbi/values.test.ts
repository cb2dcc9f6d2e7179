import { deepEqual, equal, match, ok } from 'node:assert/strict'
import fc from 'fast-check'
import { type Measure, modelOf, textDecimals } from '../../../nodes/powerbi/client/model.ts'
import { createRowMaker } from '../../../nodes/powerbi/client/rows.ts'
import { encoderOf } from '../../../nodes/powerbi/client/values.ts'
import type { SyncError } from '../../../sync/contract/errors.ts'
import type { Column, Schema } from '../../../sync/contract/message.ts'
import { batchOf, entry, journal } from '../../support/warehouse.ts'

const options = { tables: '{entity}', amounts: ['amount*'] }
const column = (type: Column['type']): Column => ({ name: 'c', type })

describe('values as Power BI takes them', () => {
  it('dates and times in UTC', () => {
    const encode = encoderOf(column('date'), 'DateTime', false)
    equal(encode('2026-03-10'), '"2026-03-10T00:00:00Z"')
    equal(encode('2026-03-10T12:30:00.5Z'), '"2026-03-10T12:30:00.5Z"')
  })

  it('a date before the calendar of Power BI is refused', () => {
    match(JSON.stringify(encoderOf(column('date'), 'DateTime', false)('1899-12-30')), /before 1900-03-01/)
  })

  it('decimals keep every digit: as a number where a double does, else as text', () => {
    const encode = encoderOf(column('decimal(28,8)'), 'Decimal', false)
    equal(encode('1234.50000000'), '1234.5')
    equal(encode('-0.0001'), '-0.0001')
    equal(encode('12345678901234567.89'), '"12345678901234567.89"')
  })

  it('a decimal with more than four places is refused, never rounded', () => {
    match(JSON.stringify(encoderOf(column('decimal(28,8)'), 'Decimal', false)('0.12345')), /5 places/)
    match(JSON.stringify(encoderOf(column('decimal(38,2)'), 'Decimal', false)('1'.repeat(25))), /25 digits/)
  })

  it('whatever decimal is taken, its digits come through', () => {
    const encode = encoderOf(column('decimal(28,4)'), 'Decimal', false)
    fc.assert(
      fc.property(fc.bigInt({ min: -(10n ** 27n), max: 10n ** 27n }), (cents) => {
        const digits = String(cents < 0n ? -cents : cents).padStart(5, '0')
        const text = `${cents < 0n ? '-' : ''}${digits.slice(0, -4)}.${digits.slice(-4)}`
        const made = encode(text)
        ok(typeof made === 'string', JSON.stringify(made))
        const back = String(
          JSON.parse(made, (_, value: unknown, context?: { source?: string }) =>
            typeof value === 'number' ? (context?.source ?? value) : value,
          ),
        )
        const [whole = '', places = ''] = back.split('.')
        equal(BigInt(whole.replace('-', '') + places.padEnd(4, '0')) * (back.startsWith('-') ? -1n : 1n), cents)
      }),
    )
  })

  it('texts of 4,000 characters pass, longer ones are refused or cut at a whole character', () => {
    equal(encoderOf(column('string'), 'String', false)('x'.repeat(4000)), `"${'x'.repeat(4000)}"`)
    match(JSON.stringify(encoderOf(column('string'), 'String', false)('x'.repeat(4001))), /4,001 characters/)
    const cut = JSON.parse(encoderOf(column('string'), 'String', true)(`${'x'.repeat(3998)}😀x`) as string) as string
    ok(cut.isWellFormed() && cut.length <= 4000 && cut.endsWith('…'))
  })

  it('no JavaScript number that is not whole passes as an integer', () => {
    const encode = encoderOf(column('integer'), 'Int64', false)
    equal(encode(7), '7')
    for (const value of [Number.NaN, Number.POSITIVE_INFINITY, 1.5, 2 ** 63])
      match(JSON.stringify(encode(value)), /no whole number/)
  })

  it('a misfit names record, field and what to do', () => {
    const maker = createRowMaker(journal, modelOf(journal, options), false)
    const batch = batchOf('b', [entry('1', { read: 1, lines: [[1, 'A', '0.123456']] })])
    const error = maker.misfit(batch, batch.records[0] as (typeof batch.records)[number]) as SyncError
    match(error.message, /gl_entry x3\|1, field lines\.amount: the value has 6 places/)
    equal(error.cause.class, 'data')
  })
})

describe('the dataset of an entity', () => {
  it('has a table for each list and one for the header, the header last', () => {
    deepEqual(
      modelOf(journal, options).map(({ name }) => name),
      ['gl_entry_line', 'gl_entry'],
    )
  })

  it('hides amounts and what Tieout adds; decimals that Power BI would round are text, and told', () => {
    const schema: Schema = {
      entity: 'product',
      key: ['code'],
      columns: [
        { name: 'code', type: 'string' },
        { name: 'amount', type: 'decimal(28,8)' },
        { name: 'base_price', type: 'decimal(28,8)' },
        { name: 'rate', type: 'decimal(10,4)' },
      ],
    }
    const [table] = modelOf(schema, options)
    const types = Object.fromEntries(
      (table?.columns ?? []).map((one) => [one.name, `${one.dataType}${one.isHidden ? ' hidden' : ''}`]),
    )
    deepEqual(
      [types.code, types.amount, types.base_price, types.rate, types._sync_version],
      ['String', 'Decimal hidden', 'String', 'Decimal hidden', 'String hidden'],
    )
    deepEqual(textDecimals(schema, options), ['base_price'])
  })

  it('measures quote what stands in names', () => {
    const schema: Schema = {
      entity: 'e',
      key: ['code'],
      columns: [
        { name: 'code', type: 'string' },
        { name: 'amount]x', type: 'decimal(10,2)' },
      ],
    }
    const measures: readonly Measure[] = modelOf(schema, options)[0]?.measures ?? []
    const [measure] = measures
    match(measure?.expression ?? '', /SUM\('e'\[amount\]\]x\]\)/)
  })

  it('more than 75 columns, and names that Power BI does not take, are refused with what to do', () => {
    const many: Schema = {
      entity: 'e',
      key: ['c0'],
      columns: Array.from({ length: 70 }, (_, i) => ({ name: `c${i}`, type: 'string' as const })),
    }
    const refused = (work: () => unknown): string => {
      try {
        work()
      } catch (error) {
        return (error as Error).message
      }
      return ''
    }
    match(
      refused(() => modelOf(many, options)),
      /78 columns in e cannot be made.*at most 75.*Drop columns/,
    )
    match(
      refused(() => modelOf(journal, { ...options, tables: 'x.{entity}' })),
      /table name "x\.gl_entry/,
    )
    match(
      refused(() =>
        modelOf(
          {
            entity: 'e',
            key: ['c'],
            columns: [
              { name: 'c', type: 'string' },
              { name: '😀', type: 'string' },
            ],
          },
          options,
        ),
      ),
      /emoji/,
    )
  })
})
