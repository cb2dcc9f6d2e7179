import { run, type Work } from '../sql/engine.ts'
import { literal } from '../sql/reader.ts'
import { type Column, errorTable, type Table } from './catalog.ts'
import { castTo, MAX_TEXT, simple } from './sql/types.ts'

/** Makes the table that takes the rows which do not fit: what DML error logging writes. */
export function createErrorTable(table: Table): string {
  return `CREATE TABLE IF NOT EXISTS ${errorTable(table)} ("TIMESTAMP" TIMESTAMP, QUERY_ID VARCHAR, ERROR_CODE DECIMAL(38, 0), ERROR_METADATA JSON, ERROR_DATA JSON)`
}

/** What an expression gives a column, before it is converted; `from` is its type in the engine. */
export interface Given {
  column: Column
  raw: string
  from: string | undefined
  /** The engine's format, where one is given for a text. */
  format?: string | undefined
}

/** An expression of the engine that says why the values do not fit, as JSON; NULL where they do. */
export function unfit(set: readonly Given[]): string | undefined {
  const cases = set.flatMap(({ column, raw, from, format }) => {
    const found: string[] = []
    const because = (condition: string, code: number, message: string) =>
      found.push(
        `WHEN ${condition} THEN json_object('code', ${code}, 'column', ${literal(column.name)}, 'message', ${message})`,
      )
    if (!column.nullable) because(`${raw} IS NULL`, 100072, literal('NULL result in a non-nullable column'))
    const text = castTo(raw, simple('text'), true, from)
    if (column.type.kind === 'text' && column.type.length < MAX_TEXT)
      because(
        `length(${text}) > ${column.type.length}`,
        100078,
        `'String ''' || ${text} || ''' is too long and would be truncated'`,
      )
    else if (column.type.kind !== 'text' && column.type.engine !== 'JSON') {
      const isFixed = column.type.kind === 'fixed'
      const message = isFixed
        ? `'Numeric value ''' || ${text} || ''' is not recognized'`
        : `'Value ''' || ${text} || ''' is not recognized'`
      because(
        `${raw} IS NOT NULL AND ${castTo(raw, column.type, true, from, format)} IS NULL`,
        isFixed ? 100038 : 100040,
        message,
      )
    }
    return found
  })
  return cases.length === 0 ? undefined : `CASE ${cases.join(' ')} END`
}

/** Writes rows with `reason` and `content` into the error table. */
export async function setAside(work: Work, table: Table, unfitRows: string, queryId: string): Promise<void> {
  await run(
    work,
    `INSERT INTO ${errorTable(table)} SELECT CAST(now() AS TIMESTAMP), ${literal(queryId)}, CAST(reason ->> '$.code' AS DECIMAL(38, 0)), json_object('error_code', reason -> '$.code', 'error_message', reason -> '$.message', 'column_name', reason -> '$.column', 'error_source', 'DML'), content FROM ${unfitRows}`,
  )
}
