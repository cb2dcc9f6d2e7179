import { SqlError } from './errors.ts'
import type { SqlType } from './sql/types.ts'

/** The collation that compares byte by byte; what nothing else was said of has it. */
export const BINARY = 'UTF8_BINARY'

/** Collations by name, and how the engine compares so; language-aware order is left out. */
const ENGINE: Readonly<Record<string, string>> = {
  [BINARY]: '',
  UNICODE: '',
  UTF8_LCASE: 'NOCASE',
  UNICODE_CI: 'NOCASE',
  UNICODE_AI: 'NOACCENT',
  UNICODE_CI_AI: 'NOCASE.NOACCENT',
}

/** The name as Databricks writes it; COLLATION_INVALID_NAME for one there is not. */
export function collationName(word: string): string {
  const name = word.toUpperCase()
  if (ENGINE[name] !== undefined) return name
  throw new SqlError(
    'COLLATION_INVALID_NAME',
    '42704',
    `The value ${word} does not represent a correct collation name. Suggested valid collation names: [${BINARY}].`,
  )
}

/** A text type with its collation, in both languages: `string collate UTF8_LCASE`, but `string` for the binary one. */
export function collated(type: SqlType, collation: string): SqlType {
  if (type.name !== 'string' || collation === BINARY) return type
  const engine = ENGINE[collation]
  return {
    ...type,
    name: `${type.name} collate ${collation}`,
    engine: engine ? `${type.engine} COLLATE ${engine}` : type.engine,
  }
}
