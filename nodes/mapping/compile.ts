/** Compiles code tables and rules for one schema, once; then maps records without looking at the rules again. */
import { type SyncError, syncError } from '../../sync/errors.ts'
import {
  type Column,
  type ColumnType,
  type DataRecord,
  keyText,
  type Row,
  type Schema,
  type TableSchema,
  type Value,
} from '../../sync/message.ts'
import type { Lookup } from './codes.ts'
import type { CodeRule, Rule } from './rules.ts'

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

/** A record that cannot be mapped, with its unmapped codes. */
export interface Unmapped {
  readonly record: DataRecord
  readonly error: SyncError
  /** `table: code`, for counting. */
  readonly codes: readonly string[]
}

export interface Mapping {
  /** The schema after the mapping. */
  readonly schema: Schema
  /** Maps a record into a new one; throws nothing for an unmapped code but says so. */
  map(record: DataRecord): Promise<DataRecord | Unmapped>
  /** Maps a deletion, of which there is only the key: the rules for columns of the key. */
  mapDeletion(record: DataRecord): DataRecord | Unmapped
}

/** A step on one row; returns the unmapped code, if there is one. Only steps with expressions are asynchronous. */
type Step = (row: Row, header: Row) => string | undefined | Promise<string | undefined>

/** A step on what there is of a deletion; returns why its key cannot be told. */
type KeyStep = (row: DataRecord) => string | undefined

const has = (table: TableSchema, column: string): boolean => table.columns.some((c) => c.name === column)

/** Columns that say on which day a row counts, the first that a table has. */
const DATES = ['accounting_date', 'order_date', 'invoice_date']

/** Compiles the mapping of one schema. A rule that names an unknown table, or takes a key column away, is a `config` error. */
export function compileMapping(schema: Schema, rules: readonly Rule[], tools: MappingTools): Mapping {
  const mine = rules.filter((r) => r.entity === '*' || r.entity === schema.entity)
  const head = compileTable(
    schema,
    mine.filter((r) => r.list === '' || r.list === '*'),
    tools,
  )
  const lists = Object.entries(schema.lists ?? {}).map(([name, table]) => ({
    name,
    ...compileTable(
      table,
      mine.filter((r) => r.list === name || (r.list === '*' && has(table, r.column))),
      tools,
    ),
  }))
  unknownColumns(mine, schema)
  const mapped: Schema = {
    ...head.table,
    ...(schema.lists && { lists: Object.fromEntries(lists.map(({ name, table }) => [name, table])) }),
  }
  const idle = head.steps.length === 0 && lists.every(({ steps }) => steps.length === 0)
  return {
    schema: mapped,
    mapDeletion(record) {
      if (head.keySteps.length === 0) return record
      const out: DataRecord = { ...record }
      const codes = head.keySteps.map((step) => step(out)).filter((code) => code !== undefined)
      if (codes.length === 0) return out
      const key = keyText(schema, record)
      const text = `${schema.entity} ${key} was deleted in the source, but its key cannot be mapped: ${codes.join(', ')}.`
      const hint =
        'Look whether the row in the target belongs to another record too; if not delete it by hand, then discard.'
      return { record, codes, error: syncError('data', 'mapping.deletion', text, { entity: schema.entity, key, hint }) }
    },
    async map(record) {
      if (idle) return record
      const unmapped: string[] = []
      const out: DataRecord = { ...record }
      for (const step of head.steps) {
        const code = step(out, record)
        note(code instanceof Promise ? await code : code)
      }
      for (const { name, steps } of lists) {
        const rows = record[name] as Row[]
        if (steps.length === 0 || !Array.isArray(rows)) continue
        const copies: Row[] = []
        for (let i = 0; i < rows.length; i++) {
          const copy = { ...rows[i] }
          for (let at = 0; at < steps.length; at++) {
            const code = (steps[at] as Step)(copy, record)
            note(code instanceof Promise ? await code : code)
          }
          copies.push(copy)
        }
        out[name] = copies
      }
      if (unmapped.length === 0) return out
      const codes = [...new Set(unmapped)]
      const key = keyText(schema, record)
      return {
        record,
        codes,
        error: syncError(
          'data',
          'mapping.unmapped',
          `${schema.entity} ${key}: not in the code table on its day: ${codes.join(', ')}.`,
          {
            entity: schema.entity,
            key,
            ...(typeof record._row === 'number' && { row: record._row }),
            hint: 'Add the code to the table (with its validity) and replay the record.',
          },
        ),
      }
      function note(code: string | undefined): void {
        if (code !== undefined) unmapped.push(code)
      }
    },
  }
}

function compileTable(
  table: TableSchema,
  rules: readonly Rule[],
  tools: MappingTools,
): { table: TableSchema; steps: Step[]; keySteps: KeyStep[] } {
  let columns: Column[] = [...table.columns]
  let key = [...table.key]
  const steps: Step[] = []
  const keySteps: KeyStep[] = []
  const find = (name: string): Column | undefined => columns.find((c) => c.name === name)
  const put = (column: Column): void => {
    columns = find(column.name) ? columns.map((c) => (c.name === column.name ? column : c)) : [...columns, column]
  }
  const guardKey = (name: string, verb: string): void => {
    if (key.includes(name)) {
      throw syncError(
        'config',
        'mapping.key',
        `${table.entity}: column "${name}" belongs to the key and cannot be ${verb}.`,
        { entity: table.entity, field: name },
      )
    }
  }
  for (const r of rules) {
    const here = find(r.column)
    const isKey = key.includes(r.column)
    const before = steps.length
    switch (r.do) {
      case 'code':
        if (!here) break
        if (r.keep) put({ name: r.keep, type: 'string', description: `${r.column} as the ERP has it` })
        steps.push(codeStep(r, table, find, tools))
        break
      case 'rename':
        if (!here) break
        if (find(r.to))
          throw syncError(
            'config',
            'mapping.rename',
            `${table.entity}: column "${r.column}" cannot be renamed to "${r.to}", which is there already.`,
            { entity: table.entity, field: r.column },
          )
        columns = columns.map((c) => (c === here ? { ...c, name: r.to } : c))
        key = key.map((name) => (name === r.column ? r.to : name))
        steps.push((row) => {
          row[r.to] = row[r.column]
          delete row[r.column]
          return undefined
        })
        break
      case 'drop':
        if (!here) break
        guardKey(r.column, 'dropped')
        columns = columns.filter((c) => c !== here)
        steps.push((row) => {
          delete row[r.column]
          return undefined
        })
        break
      case 'constant': {
        const value = typedText(r.value, r.type as ColumnType, table.entity, r.column)
        put({ ...here, name: r.column, type: r.type as ColumnType })
        steps.push((row) => {
          row[r.column] = value
          return undefined
        })
        break
      }
      case 'expression':
        put({ ...here, name: r.column, type: r.type as ColumnType })
        steps.push(expressionStep(r.column, r.type as ColumnType, r.expression, table.entity, tools))
        break
      case 'type':
        if (!here) break
        put({ ...here, type: r.type as ColumnType })
        steps.push((row) => {
          const value = row[r.column]
          if (value !== null && value !== undefined && typeof value !== 'object')
            row[r.column] = typedText(String(value), r.type as ColumnType, table.entity, r.column)
          return undefined
        })
    }
    const step = steps[before]
    if (isKey && step)
      keySteps.push(
        r.do === 'expression'
          ? () => `the expression for ${r.column} may need other columns`
          : r.do === 'code'
            ? codeKeyStep(r, tools)
            : // only expressions are asynchronous
              (row) => step(row, row) as string | undefined,
      )
  }
  return { table: { entity: table.entity, key, columns }, steps, keySteps }
}

/** Two codes may become one, or another one by the day: then a deletion cannot tell whose row it is. */
function codeKeyStep({ column, table, unmapped }: CodeRule, { codes, today }: MappingTools): KeyStep {
  return (row) => {
    const code = String(row[column])
    const lookup = codes.get(table)
    const to = unmapped === 'pass' || lookup?.(code, today()) !== undefined ? lookup?.alone(code) : undefined
    if (to === undefined) return `${table} ${code} stands for no row of its own`
    row[column] = to
    return undefined
  }
}

function codeStep(
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
    else if (r.unmapped === 'hold') return `${r.table} ${text}`
    else if (r.unmapped === 'default') row[r.column] = r.default
    return undefined
  }
}

function expressionStep(column: string, type: ColumnType, source: string, entity: string, tools: MappingTools): Step {
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

/** An expression's result as a value of the column; a number with a fraction is refused for a decimal, since it was rounded to binary already. */
function typedValue(value: unknown, type: ColumnType, entity: string, column: string): Value {
  if (value === undefined || value === null) return null
  if (type === 'json') return value as Value
  if (typeof value === 'number' && type.startsWith('decimal') && !Number.isSafeInteger(value)) {
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
function typedText(text: string, type: ColumnType, entity: string, column: string): Value {
  if (type === 'integer') {
    const number = Number(text)
    if (!Number.isSafeInteger(number))
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

/** A rule for this very entity that finds its column nowhere would be silently without effect. */
function unknownColumns(rules: readonly Rule[], schema: Schema): void {
  const made = new Set(
    rules.flatMap((r) => (r.do === 'rename' ? [r.to] : r.do === 'constant' || r.do === 'expression' ? [r.column] : [])),
  )
  for (const r of rules) {
    // A dimension's column appears with the first batch that has it.
    if (r.entity === '*' || made.has(r.column) || r.column.startsWith('dim_')) continue
    const tables = [
      ...(r.list === '' || r.list === '*' ? [schema as TableSchema] : []),
      ...Object.entries(schema.lists ?? {}).flatMap(([name, t]) => (r.list === name || r.list === '*' ? [t] : [])),
    ]
    if (!tables.some((t) => has(t, r.column))) {
      throw syncError(
        'config',
        'mapping.column',
        `${schema.entity}${r.list === '*' || r.list === '' ? '' : `.${r.list}`} has no column "${r.column}", which the mapping names.`,
        {
          entity: schema.entity,
          field: r.column,
          hint: 'Take the rule away, or name one of the columns of the last batch (see the preview).',
        },
      )
    }
  }
}
