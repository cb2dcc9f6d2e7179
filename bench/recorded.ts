/** Statements of a flow beside those that carry rows: the floor sends them again, so that both send the same. */
import { createRequire } from 'node:module'

export interface Recorded {
  readonly sql: string
  readonly parameters: Readonly<Record<string, string>>
  /** Merges of rows that were sent before it. */
  readonly after: number
}

interface Session {
  executeStatement(sql: string, options?: { readonly namedParameters?: Record<string, string> }): unknown
}

/** Records what the driver of Databricks is given from now on in this process. */
export function recordDatabricks(): readonly Recorded[] {
  const { default: session } = createRequire(import.meta.url)('@databricks/sql/dist/DBSQLSession') as {
    readonly default: { readonly prototype: Session }
  }
  const { prototype } = session
  const { executeStatement } = prototype
  const found: Recorded[] = []
  let merges = 0
  prototype.executeStatement = function (this: Session, sql, options) {
    const parameters = options?.namedParameters ?? {}
    if (carriesRows(sql, parameters)) merges++
    else if (!createsData(sql)) found.push({ sql, parameters, after: merges })
    return executeStatement.call(this, sql, options)
  }
  return found
}

/** The floor composes these itself. */
const carriesRows = (sql: string, parameters: object): boolean => 'rows' in parameters || sql.includes('read_files(')
const createsData = (sql: string): boolean => sql.startsWith('CREATE TABLE') && !sql.includes('_tieout_mark')
