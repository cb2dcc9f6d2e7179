/** Keys as a push dataset has them: DAX compares texts without case and without blanks at the end. */
import assert from 'node:assert/strict'
import fc from 'fast-check'
import { modelOf } from '../../../nodes/powerbi/client/model.ts'
import { apartKey, createRowMaker } from '../../../nodes/powerbi/client/rows.ts'
import { supplier, supplierSchema } from '../../support/fakes.ts'

/** As generous as any comparison of texts could be with case, blanks and width. */
const folded = (text: string): string => text.normalize('NFKC').toLowerCase().toUpperCase().toLowerCase().trimEnd()

describe('keys in a push dataset', () => {
  it('are alike only where they are the same, however DAX compares', () => {
    const text = fc.string({ unit: fc.constantFrom(...'aAbBäÄßẞİıſsSKk ^~@|0\u00a0\u3000') })
    fc.assert(
      fc.property(text, text, (a, b) => {
        assert.equal(folded(apartKey(a)) === folded(apartKey(b)), a === b)
        assert.match(apartKey(a), /^[a-z0-9|._:/@#+^~-]*$/)
      }),
      { numRuns: 2000 },
    )
    assert.equal(apartKey('x3|SI-2024/07 '), 'x3|^s^i-2024/07~0020')
  })

  it('stand so in key and version of new datasets, and as they are in others', () => {
    const tables = modelOf(supplierSchema, { tables: '{entity}', amounts: [] })
    const batch = {
      run: 'r',
      at: '2026-03-01T08:00:00Z',
      id: 'b',
      sync: 's',
      entity: 'supplier',
      schema: supplierSchema,
    }
    const records = ['A', 'a'].map((code) => ({
      record: { ...supplier(code, 'n'), _row: 0 },
      ...{ key: `erp|${code}`, read: 7, hash: '' },
    }))
    const keys = (form?: (key: string) => string) =>
      createRowMaker(supplierSchema, tables, false, form)
        .rows({ ...batch, records })
        .flatMap(({ rows }) => rows.map((row) => JSON.parse(`${row}}`) as Record<string, string>))
        .map(({ _sync_key, _sync_version }) => [_sync_key, _sync_version])
    assert.deepEqual(keys(apartKey), [
      ['erp|^a', 'erp|^a@0000000000000007'],
      ['erp|a', 'erp|a@0000000000000007'],
    ])
    assert.deepEqual(keys()[0], ['erp|A', 'erp|A@0000000000000007'])
  })
})
