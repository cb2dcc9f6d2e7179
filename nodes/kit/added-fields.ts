/** Parts of a source's dialog that are alike for every ERP: fields that the user adds, and sensitive columns. */
import { z } from 'zod'
import type { ColumnType } from '../../sync/contract/message.ts'
import { field } from './config.ts'

const columnType = z
  .preprocess(
    (value) => value ?? '',
    z.string().regex(/^$|^(string|integer|boolean|date|timestamp|json|decimal\(\d+,\d+\))$/, 'is no column type'),
  )
  .transform((type) => type as ColumnType | '')

/**
 * A row of the list of added fields.
 *
 * @param noPath what is said where the path is missing
 */
export const addedFieldRow = (noPath: string) =>
  z.object({
    entity: field.text('an added field needs its entity'),
    list: field.optional(),
    path: field.text(noPath),
    /** Of the column; without it the path's own. */
    name: field.optional(),
    type: columnType,
  })

/** Values of rows by the entity that they name, in their order. */
export function byEntity<T>(rows: readonly { readonly entity: string; readonly value: T }[]): Record<string, T[]> {
  const found: Record<string, T[]> = {}
  for (const { entity, value } of rows) {
    found[entity] ??= []
    found[entity].push(value)
  }
  return found
}

/** Names of columns by entity, from texts like `supplier.bank_account`. */
export const columnsByEntity = (texts: readonly string[]): Record<string, string[]> =>
  byEntity(
    texts.map((text) => {
      const [entity = '', value = ''] = text.split('.')
      return { entity, value }
    }),
  )
