import { deepEqual, equal, ok } from 'node:assert/strict'
import { syncError } from '../../../../sync/contract/errors.ts'
import { causeOf } from '../../../../sync/run/alert-cause.ts'

describe('the cause of a failed entity', () => {
  const source = 'x3://erp.example/SEED'
  const sinks = ['databricks://dbc.example/main.books.gl_entry', 'powerbi://api.example/space/Books/gl_entry']

  it('is of the system whose code the error has: the source, or the connection of a sink', () => {
    const of = (code: string) => causeOf(syncError('auth', code, 'no'), source, sinks).connection
    deepEqual(['x3.token-invalid', 'databricks.42P01', 'powerbi.401', 'snowflake.1', 'sync.silent'].map(of), [
      source,
      'databricks://dbc.example',
      'powerbi://api.example/space/Books',
      undefined,
      undefined,
    ])
  })

  it('tells message and next step, but nothing of an error that names a record', () => {
    const plain = causeOf(syncError('config', 'x3.21', 'X3 refuses to read.', { hint: 'Give the right.' }), source, [])
    deepEqual(
      [plain.told, plain.next, plain.code, plain.class],
      ['X3 refuses to read.', 'Give the right.', 'x3.21', 'config'],
    )
    for (const error of [
      syncError('data', 'x3.1', 'IBAN DE89 is wrong', { hint: 'Correct DE89', entity: 'supplier', field: 'iban' }),
      syncError('config', 'x3.1', 'IBAN DE89 is wrong', { hint: 'Correct DE89', key: 'x3|DE89' }),
      syncError('config', 'x3.1', 'IBAN DE89 is wrong', { hint: 'Correct DE89', row: 3 }),
    ])
      ok(!JSON.stringify(causeOf(error, source, [])).includes('DE89'))
    equal(
      causeOf(syncError('data', 'x3.1', 'bad', { entity: 'supplier', field: 'iban' }), source, []).told,
      'supplier, field iban: a record is refused (x3.1). Which one and why stands in the sidebar.',
    )
  })
})
