import { doesNotMatch } from 'node:assert/strict'
import { TEXT } from '../../../nodes/databricks/client/dialect.ts'
import { headerMerge, listMerge } from '../../../nodes/databricks/client/merge.ts'
import { markMerge } from '../../../vendor/warehouse/marks.ts'
import { journal } from '../../support/warehouse.ts'

describe('databricks: MERGE statements', () => {
  const table = (name: string) => ({ catalog: 'main', schema: 'finance', table: name })
  const header = { table: '`main`.`finance`.`gl_entry`', key: journal.key, columns: journal.columns }
  const { key, columns } = journal.lists?.lines ?? journal
  const lines = { table: '`main`.`finance`.`gl_entry_line`', key, columns }
  const staged = 'SELECT c0 FROM rows'

  for (const [name, sql] of [
    ['a header', headerMerge(header, staged, 'string')],
    ['a list', listMerge(lines, header, staged, 'string')],
    ['marks', markMerge(TEXT, table('gl_entry'), 2)],
  ] as const)
    it(`reads nothing within EXISTS or IN for ${name}: Delta Lake cannot (delta-io/delta issue 3099)`, () => {
      doesNotMatch(sql, /\bEXISTS\s*\(|\bIN\s*\(\s*(SELECT|WITH)\b/i)
    })
})
