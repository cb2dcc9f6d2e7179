/** Columns that documents have alike. */
import type { ColumnDef } from './types.ts'

/** Repeats columns of the header on a line. */
export const repeat = (columns: Readonly<Record<string, ColumnDef['type']>>): ColumnDef[] =>
  Object.entries(columns).map(([name, type]) => ({ name, type, header: name }))

export const SOURCE: ColumnDef = {
  name: 'source',
  type: 'string',
  header: 'source',
  description: 'Name of the connection',
}
export const LINE: ColumnDef = { name: 'line', type: 'integer', path: 'lineNumber' }
export const PRODUCT: readonly ColumnDef[] = [
  { name: 'product', type: 'string', path: 'product.code' },
  { name: 'description', type: 'string', path: 'productDescriptionInUserLanguage' },
]
