import { deepStrictEqual, ok, rejects, strictEqual, throws } from 'node:assert'
import { compileCodes } from '../../../nodes/mapping/codes.ts'
import { compileMapping, type Unmapped } from '../../../nodes/mapping/compile.ts'
import { decimalFunctions } from '../../../nodes/mapping/decimals.ts'
import { jsonata } from '../../../nodes/mapping/jsonata.ts'
import { type Rule, rule } from '../../../nodes/mapping/rules.ts'
import type { MappingTools } from '../../../nodes/mapping/steps.ts'
import type { DataRecord, Schema } from '../../../sync/contract/message.ts'
import { util } from '../../support/util.ts'

const schema: Schema = {
  entity: 'gl_entry',
  key: ['source', 'number'],
  columns: [
    { name: 'source', type: 'string' },
    { name: 'number', type: 'string' },
    { name: 'accounting_date', type: 'date' },
    { name: 'journal', type: 'string' },
  ],
  lists: {
    lines: {
      entity: 'gl_entry_line',
      key: ['source', 'number', 'line'],
      columns: [
        { name: 'source', type: 'string' },
        { name: 'number', type: 'string' },
        { name: 'line', type: 'integer' },
        { name: 'account', type: 'string' },
        { name: 'accounting_date', type: 'date' },
        { name: 'amount', type: 'decimal(28,8)' },
      ],
    },
  },
}
const entry = (...accounts: string[]): DataRecord => ({
  _row: 4,
  source: 'x3',
  number: 'N1',
  accounting_date: '2026-03-01',
  journal: 'GEN',
  lines: accounts.map((account, i) => ({
    source: 'x3',
    number: 'N1',
    line: i + 1,
    account,
    accounting_date: '2026-03-01',
    amount: '10.10',
  })),
})
const tools = (): MappingTools => ({
  codes: new Map([
    [
      'account',
      compileCodes({
        name: 'account',
        rows: [{ from: '6011', to: '400100', valid_from: '2026-01-01', valid_to: '2026-12-31' }],
      }),
    ],
    [
      'book',
      compileCodes({
        name: 'book',
        rows: ['6011 B1', '6012 B2', '6013 B2', '6014 6015'].map((line) => {
          const [from = '', to = ''] = line.split(' ')
          return { from, to, valid_from: '', valid_to: '' }
        }),
      }),
    ],
  ]),
  expression: jsonata(util),
  today: () => '2026-03-01',
})
const rules = (...list: object[]): Rule[] => list.map((r) => rule.parse(r))
const accountRule = { do: 'code', entity: 'gl_entry', list: 'lines', column: 'account', table: 'account' }
const lines = (record: DataRecord | Unmapped): Record<string, unknown>[] =>
  (record as DataRecord).lines as Record<string, unknown>[]

describe('mapping', () => {
  it('says which columns it may touch: what the rules change, take away or add', () => {
    const rules: Rule[] = [
      {
        entity: 'gl_entry',
        list: 'lines',
        do: 'code',
        column: 'account',
        table: 'account',
        unmapped: 'pass',
        default: '',
        keep: 'erp',
      },
      { entity: '*', list: '', do: 'rename', column: 'journal', to: 'book' },
      { entity: 'supplier', list: '', do: 'drop', column: 'name' },
    ].map((one) => rule.parse(one))
    deepStrictEqual([...new Set(compileMapping(schema, rules, tools()).touched)], ['account', 'erp', 'journal', 'book'])
  })

  it('maps an account on the lines and keeps the ERP code beside it', async () => {
    const mapping = compileMapping(schema, rules({ ...accountRule, keep: 'account_source' }), tools())
    const original = entry('6011')
    const mapped = await mapping.map(original)
    deepStrictEqual([lines(mapped)[0]?.account, lines(mapped)[0]?.account_source], ['400100', '6011'])
    ok(mapping.schema.lists?.lines?.columns.some((c) => c.name === 'account_source'))
    strictEqual(lines(original)[0]?.account, '6011', 'the record as received is untouched')
  })

  it('holds a journal whole when one of its lines is not mapped, naming each code once', async () => {
    const result = (await compileMapping(schema, rules(accountRule), tools()).map(
      entry('6011', '7000', '7000'),
    )) as Unmapped
    deepStrictEqual(result.codes, ['account 7000'])
    strictEqual(lines(result.record)[0]?.account, '6011', 'what is held is the record before the mapping')
    strictEqual(result.error.cause.class, 'data')
    ok(/gl_entry x3\|N1.*account 7000/.test(result.error.message))
  })

  it('passes or defaults an unmapped code when told to', async () => {
    const pass = await compileMapping(schema, rules({ ...accountRule, unmapped: 'pass' }), tools()).map(entry('7000'))
    strictEqual(lines(pass)[0]?.account, '7000')
    const other = await compileMapping(
      schema,
      rules({ ...accountRule, unmapped: 'default', default: '999999' }),
      tools(),
    ).map(entry('7000'))
    strictEqual(lines(other)[0]?.account, '999999')
  })

  it('renames a key column in the key too, drops, adds constants', async () => {
    const mapping = compileMapping(
      schema,
      rules(
        { do: 'rename', column: 'number', to: 'doc_no' },
        { do: 'drop', column: 'journal' },
        { do: 'constant', list: '', column: 'load', value: 'x' },
      ),
      tools(),
    )
    const mapped = (await mapping.map(entry('6011'))) as DataRecord
    deepStrictEqual(mapping.schema.key, ['source', 'doc_no'])
    deepStrictEqual(mapping.schema.lists?.lines?.key, ['source', 'doc_no', 'line'])
    deepStrictEqual(
      [mapped.doc_no, mapped.number, mapped.journal, mapped.load, lines(mapped)[0]?.doc_no],
      ['N1', undefined, undefined, 'x', 'N1'],
    )
  })

  it('hides what is made of a sensitive column, under whatever name', () => {
    const bank: Schema = {
      ...schema,
      columns: [...schema.columns, { name: 'iban', type: 'string', sensitive: true }],
    }
    const made = (expression: string, list = ''): boolean | undefined => {
      const one = { do: 'expression', entity: '*', list, column: 'made', expression }
      const { schema: after } = compileMapping(bank, rules(one), tools())
      return (list ? after.lists?.lines : after)?.columns.find(({ name }) => name === 'made')?.sensitive
    }
    for (const text of ['$substring(iban, 0, 4)', '$string($)', '$join(*)', '`iban`'])
      strictEqual(made(text), true, text)
    for (const text of ['$header.iban', '$string($header)']) strictEqual(made(text, 'lines'), true, text)
    for (const text of ['journal & number', '$uppercase(journal)']) strictEqual(made(text), undefined, text)
    strictEqual(made('$header.journal', 'lines'), undefined)
    const twice = compileMapping(
      bank,
      rules(
        { do: 'rename', entity: '*', list: '', column: 'iban', to: 'account_no' },
        { do: 'expression', entity: '*', list: '', column: 'made', expression: 'account_no' },
        { do: 'expression', entity: '*', list: '', column: 'again', expression: 'made' },
      ),
      tools(),
    )
    deepStrictEqual(
      twice.schema.columns.filter(({ sensitive }) => sensitive).map(({ name }) => name),
      ['account_no', 'made', 'again'],
    )
  })

  it('refuses to drop a key column', () => {
    throws(
      () => compileMapping(schema, rules({ do: 'drop', column: 'number' }), tools()),
      /"number" belongs to the key/,
    )
  })

  it('looks a code up on the day of its row, whatever day it is today', async () => {
    const later = { ...tools(), today: () => '2027-06-30' }
    const mapped = await compileMapping(schema, rules(accountRule), later).map(entry('6011'))
    strictEqual(
      lines(mapped)[0]?.account,
      '400100',
      'the code is no more valid today, but was on the day of the journal',
    )
  })

  it('refuses a fraction as a JavaScript number for a decimal, and takes exact text', async () => {
    const mapped = async (expression: string) => {
      const made = { do: 'expression', list: 'lines', column: 'amount', type: 'decimal(28,8)', expression }
      return lines(await compileMapping(schema, rules(made), tools()).map(entry('1')))[0]?.amount
    }
    await rejects(mapped('0.1'), /JavaScript number 0.1.*cents/)
    await rejects(mapped('$number(amount) + 0.2'), /JavaScript number 10.299999999999999.*cents/)
    strictEqual(await mapped("'0.1'"), '0.1')
    strictEqual(await mapped("$add(amount, '0.2')"), '10.3')
  })

  it('names an unknown code table and an unknown column', () => {
    throws(() => compileMapping(schema, rules({ ...accountRule, table: 'acount' }), tools()), /no code table "acount"/)
    throws(() => compileMapping(schema, rules({ ...accountRule, column: 'acount' }), tools()), /no column "acount"/)
  })

  it('adds, multiplies and rounds decimal text exactly', () => {
    strictEqual(decimalFunctions.add?.('0.1', '0.2'), '0.3')
    strictEqual(decimalFunctions.mul?.('1234567890123.45', '3'), '3703703670370.35')
    strictEqual(decimalFunctions.round?.('2.345', 2), '2.35')
    strictEqual(decimalFunctions.sub?.(null, '1'), null)
    throws(() => decimalFunctions.add?.(0.1, '1'), /may have been rounded/)
    throws(() => decimalFunctions.add?.(Number('12345678901.00000001'), '1'), /may have been rounded/)
  })

  describe('a deletion, of which there is only the key', () => {
    const gone: DataRecord = { _row: 0, _read: 7, _op: 'delete', source: 'x3', number: '6011' }
    const deleted = (...list: object[]) => compileMapping(schema, rules(...list), tools()).mapDeletion(gone)

    it('finds its row under the name and the code that the mapping gave the key', () => {
      deepStrictEqual(
        deleted(
          { do: 'code', entity: 'gl_entry', list: '', column: 'number', table: 'book' },
          { do: 'rename', list: '', column: 'number', to: 'document' },
          { do: 'rename', list: '', column: 'journal', to: 'book' },
        ),
        { _row: 0, _read: 7, _op: 'delete', source: 'x3', document: 'B1' },
      )
    })

    it('asks nothing of columns that it does not have', () => {
      deepStrictEqual(deleted({ do: 'code', list: 'lines', column: 'account', table: 'account' }), gone)
    })

    for (const [number, table, why] of [
      ['6013', 'book', 'another code becomes the same'],
      ['6015', 'book', 'another code becomes this one'],
      ['6011', 'account', 'the code depends on the day'],
    ] as const)
      it(`is held where ${why}, rather than deleting the row of another record`, () => {
        const rule = { do: 'code', entity: 'gl_entry', list: '', column: 'number', table, unmapped: 'pass' }
        const result = compileMapping(schema, rules(rule), tools()).mapDeletion({ ...gone, number }) as Unmapped
        strictEqual(result.error.code, 'mapping.deletion')
        ok(result.error.message.includes(`${table} ${number} stands for no row of its own`), result.error.message)
      })

    it('is held where an expression made the key, rather than deleting another row', () => {
      const made = { do: 'expression', list: '', column: 'number', expression: 'number & journal' }
      const result = deleted(made) as Unmapped
      strictEqual(result.error.code, 'mapping.deletion')
      ok(result.error.message.includes('x3|6011'), result.error.message)
    })
  })
})
