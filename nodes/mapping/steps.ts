/** Steps of a compiled mapping: what each kind of rule does to a row. */
import { type MissingCode, syncError } from '../../sync/contract/errors.ts'
import type { Column, ColumnType, DataRecord, Row, TableSchema, Value } from '../../sync/contract/message.ts'
import type { Lookup } from './codes.ts'
import type { CodeRule } from './rules.ts'

/** A compiled expression: the row, and for a list's row its document's header, to a value. */
export type Expression = (row: Row, header: Row) => Promise<unknown>

export interface MappingTools {
  /** Code tables by name. */
  readonly codes: ReadonlyMap<string, Lookup>
  /** Compiles a JSONata expression; throws with its position where it cannot be read. */
  readonly expression: (source: string) => Expression
  /** The day on which codes count where a row has no date of its own, `YYYY-MM-DD`. */
  readonly today: () => string
}

/** A code that a row has and its table does not, and in which column. */
export interface Missing extends MissingCode {
  readonly column: string
}

/** A step on one row; returns the unmapped code, if there is one. Only steps with expressions are asynchronous. */
export type Step = (row: Row, header: Row) => Missing | undefined | Promise<Missing | undefined>

/** A step on what there is of a deletion; returns why its key cannot be told. */
export type KeyStep = (row: DataRecord) => string | undefined

/** Columns that say on which day a row counts, the first that a table has. */
const DATES = ['accounting_date', 'order_date', 'invoice_date']

/** Two codes may become one, or another one by the day: then a deletion cannot tell whose row it is. */
export function codeKeyStep({ column, table, unmapped }: CodeRule, { codes, today }: MappingTools): KeyStep {
  return (row) => {
    const code = String(row[column])
    const lookup = codes.get(table)
    const to = unmapped === 'pass' || lookup?.(code, today()) !== undefined ? lookup?.alone(code) : undefined
    if (to === undefined) return `${table} ${code} stands for no row of its own`
    row[column] = to
    return undefined
  }
}

export function codeStep(
  r: CodeRule,
  table: TableSchema,
  find: (name: string) => Column | undefined,
  tools: MappingTools,
): Step {
  const lookup = tools.codes.get(r.table)
  if (!lookup) {
    throw syncError(
      'config',
      'mapping.table',
      `${table.entity}: there is no code table "${r.table}" for column "${r.column}".`,
      {
        entity: table.entity,
        field: r.column,
        hint: `Code tables there are: ${[...tools.codes.keys()].join(', ') || 'none'}.`,
      },
    )
  }
  const dateColumn = DATES.find((name) => find(name))
  return (row, header) => {
    const code = row[r.column]
    if (code === null || code === undefined) return undefined
    const text = String(code)
    const own =
      dateColumn === undefined ? DATES.map((d) => header[d]).find((d) => typeof d === 'string') : row[dateColumn]
    const day = typeof own === 'string' ? own : tools.today()
    if (r.keep) row[r.keep] = text
    const to = lookup(text, day)
    if (to !== undefined) row[r.column] = to
    else if (r.unmapped === 'hold') return { table: r.table, code: text, day, column: r.column }
    else if (r.unmapped === 'default') row[r.column] = r.default
    return undefined
  }
}

export function expressionStep(
  column: string,
  type: ColumnType,
  source: string,
  entity: string,
  tools: MappingTools,
): Step {
  let run: Expression
  try {
    run = tools.expression(source)
  } catch (error) {
    throw syncError(
      'config',
      'mapping.expression',
      `${entity}: the expression for "${column}" cannot be read: ${textOf(error)}.`,
      { entity, field: column },
    )
  }
  return async (row, header) => {
    let value: unknown
    try {
      value = await run(row, header)
    } catch (error) {
      throw syncError(
        'config',
        'mapping.expression',
        `${entity}: the expression for "${column}" failed: ${textOf(error)}.`,
        { entity, field: column },
      )
    }
    row[column] = typedValue(value, type, entity, column)
    return undefined
  }
}

const textOf = (error: unknown): string => (error as { message?: string } | undefined)?.message ?? String(error)

/**
 * Is a number the decimal that it seems to be? One with a fraction was rounded to binary already, and a large whole one may have
 * lost its fraction: 12345678901.00000001 is 12345678901 to JavaScript.
 */
export const isExactNumber = (value: number, scale: number): boolean =>
  Number.isSafeInteger(value) && Math.abs(value) * 10 ** scale <= Number.MAX_SAFE_INTEGER

const scaleOf = (type: ColumnType): number => Number(/,(\d+)\)/.exec(type)?.[1] ?? 0)

/** An expression's result as a value of the column; for a decimal, a number that may not be exact is refused. */
function typedValue(value: unknown, type: ColumnType, entity: string, column: string): Value {
  if (value === undefined || value === null) return null
  if (type === 'json') return value as Value
  if (typeof value === 'number' && type.startsWith('decimal') && !isExactNumber(value, scaleOf(type))) {
    throw syncError(
      'config',
      'mapping.fraction',
      `${entity}: the expression for "${column}" gave the JavaScript number ${value}, whose cents may be rounded.`,
      {
        entity,
        field: column,
        hint: 'Work on the decimal text with $add, $sub, $mul and $round.',
      },
    )
  }
  return typedText(typeof value === 'object' ? JSON.stringify(value) : String(value), type, entity, column)
}

/** Text as a value of a type; sinks check the value itself. */
export function typedText(text: string, type: ColumnType, entity: string, column: string): Value {
  if (type === 'integer') {
    const number = Number(text)
    // A fraction that JavaScript cannot hold would be gone without a word.
    if (!Number.isSafeInteger(number) || /\.\d*[1-9]/.test(text))
      throw syncError('config', 'mapping.integer', `${entity}: "${text}" is no whole number for column "${column}".`, {
        entity,
        field: column,
      })
    return number
  }
  if (type === 'boolean') {
    if (text !== 'true' && text !== 'false')
      throw syncError(
        'config',
        'mapping.boolean',
        `${entity}: "${text}" is neither true nor false for column "${column}".`,
        { entity, field: column },
      )
    return text === 'true'
  }
  return text
}
