import type { Work } from '../sql/engine.ts'
import type { Account, Session } from './account.ts'
import type { Column, Place, Table } from './catalog.ts'
import { invalidIdentifier } from './errors.ts'
import { engineCollation } from './sql/collation.ts'
import { column as inEngine } from './sql/dml.ts'
import { shown } from './sql/names.ts'

/** What a definition is made in. */
export interface Ground {
  account: Account
  session: Session
  work: Work
}

/** A text column without a collation of its own has the default of its table, schema, database or account. */
export function withCollation(
  { catalog, parameters, keepsDefaultCollation }: Account,
  column: Column,
  { database, schema }: Place,
  ofTable: string | undefined,
): Column {
  const { collation, ...rest } = column
  if (column.type.kind !== 'text') return rest
  const given = collation === '' && keepsDefaultCollation() ? undefined : collation
  const found =
    given ??
    ofTable ??
    catalog.collations.get(JSON.stringify([database, schema])) ??
    catalog.collations.get(JSON.stringify([database])) ??
    parameters.account.get('DEFAULT_DDL_COLLATION') ??
    ''
  return found === '' ? rest : { ...rest, collation: found }
}

export function engineType({ type, collation = '' }: Column): string {
  const engine = engineCollation(collation)
  return engine === undefined ? type.engine : `${type.engine} COLLATE ${engine}`
}

export function definition(column: Column): string {
  const given = column.default === undefined ? '' : ` DEFAULT ${column.default}`
  return `${inEngine(column.name)} ${engineType(column)}${given}${column.nullable ? '' : ' NOT NULL'}`
}

export function columnOf(table: Table, name: string): Column {
  const found = table.columns.find((column) => column.name === name)
  if (!found) throw invalidIdentifier(shown(name))
  return found
}
