import assert from 'node:assert/strict'
import { addedFieldRow, byEntity, columnsByEntity } from '../../../nodes/kit/added-fields.ts'

describe('added fields of a source', () => {
  const row = addedFieldRow('an added field needs its path')
  const field = { entity: 'gl_entry', path: 'site.name' }

  it('need an entity and a path, and leave the rest to the path', () => {
    assert.deepEqual(row.parse({ ...field, list: '', name: '', type: '' }), { ...field, list: '', name: '', type: '' })
    assert.equal(row.parse(field).type, '')
    assert.match(String(row.safeParse({ ...field, path: '' }).error), /an added field needs its path/)
    assert.match(String(row.safeParse({ ...field, entity: '' }).error), /needs its entity/)
  })

  it('take the types of columns and no others', () => {
    assert.equal(row.parse({ ...field, type: 'decimal(28,8)' }).type, 'decimal(28,8)')
    for (const type of ['float', 'decimal', 'string; DROP TABLE x'])
      assert.match(String(row.safeParse({ ...field, type }).error), /is no column type/, type)
  })

  it('are gathered by entity, in their order', () => {
    const rows = [
      { entity: 'a', value: 1 },
      { entity: 'b', value: 2 },
      { entity: 'a', value: 3 },
    ]
    assert.deepEqual(byEntity(rows), { a: [1, 3], b: [2] })
    assert.deepEqual(columnsByEntity(['supplier.bank_account', 'supplier.iban']), {
      supplier: ['bank_account', 'iban'],
    })
  })
})
