/** Compiles code tables and rules for one schema, once; then maps records without looking at the rules again. */
import { type SyncError, syncError } from '../../sync/contract/errors.ts'
import {
  type Column,
  type ColumnType,
  type DataRecord,
  keyText,
  type Row,
  type Schema,
  type TableSchema,
} from '../../sync/contract/message.ts'
import type { Rule } from './rules.ts'
import {
  codeKeyStep,
  codeStep,
  expressionStep,
  type KeyStep,
  type MappingTools,
  type Missing,
  type Step,
  typedText,
} from './steps.ts'

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
  /** Columns that the rules may change, take away or add, of any table. */
  readonly touched: readonly string[]
  /** Maps a record into a new one; throws nothing for an unmapped code but says so. */
  map(record: DataRecord): Promise<DataRecord | Unmapped>
  /** Maps a deletion, of which there is only the key: the rules for columns of the key. */
  mapDeletion(record: DataRecord): DataRecord | Unmapped
}

const has = (table: TableSchema, column: string): boolean => table.columns.some((c) => c.name === column)

/** Compiles the mapping of one schema. A rule that names an unknown table, or takes a key column away, is a `config` error. */
export function compileMapping(schema: Schema, rules: readonly Rule[], tools: MappingTools): Mapping {
  const mine = rules.filter((r) => r.entity === '*' || r.entity === schema.entity)
  const all = [schema, ...Object.values(schema.lists ?? {})].flatMap(({ columns }) => columns)
  const head = compileTable(
    schema,
    mine.filter((r) => r.list === '' || r.list === '*'),
    tools,
    all,
  )
  const lists = Object.entries(schema.lists ?? {}).map(([name, table]) => ({
    name,
    ...compileTable(
      table,
      mine.filter((r) => r.list === name || (r.list === '*' && has(table, r.column))),
      tools,
      all,
    ),
  }))
  unknownColumns(mine, schema)
  const mapped: Schema = {
    ...head.table,
    ...(schema.contract && { contract: schema.contract }),
    ...(schema.lists && { lists: Object.fromEntries(lists.map(({ name, table }) => [name, table])) }),
  }
  const idle = head.steps.length === 0 && lists.every(({ steps }) => steps.length === 0)
  return {
    schema: mapped,
    touched: mine.flatMap((r) => [
      r.column,
      ...(r.do === 'rename' ? [r.to] : []),
      ...(r.do === 'code' ? [r.keep] : []),
    ]),
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
      const unmapped: (Missing & { readonly list?: string; readonly line?: number })[] = []
      const out: DataRecord = { ...record }
      for (const step of head.steps) {
        const code = step(out, record)
        const missing = code instanceof Promise ? await code : code
        if (missing !== undefined) unmapped.push(missing)
      }
      for (const { name, steps } of lists) {
        const rows = record[name] as Row[]
        if (steps.length === 0 || !Array.isArray(rows)) continue
        const copies: Row[] = []
        for (let i = 0; i < rows.length; i++) {
          const copy = { ...rows[i] }
          for (let at = 0; at < steps.length; at++) {
            const code = (steps[at] as Step)(copy, record)
            const missing = code instanceof Promise ? await code : code
            if (missing !== undefined) unmapped.push({ ...missing, list: name, line: i })
          }
          copies.push(copy)
        }
        out[name] = copies
      }
      return unmapped.length === 0 ? out : refused(schema, record, unmapped)
    },
  }
}

/** The record is held, with each of its missing codes once, and the place of the first. */
function refused(
  schema: Schema,
  record: DataRecord,
  unmapped: readonly (Missing & { readonly list?: string; readonly line?: number })[],
): Unmapped {
  const missing = new Map(unmapped.map(({ table, code, day }) => [`${table} ${code}`, { table, code, day }]))
  const codes = [...missing.keys()]
  const key = keyText(schema, record)
  const [first] = unmapped
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
        ...(first && { field: first.list === undefined ? first.column : `${first.list}.${first.column}` }),
        ...(first?.line !== undefined && { line: first.line }),
        codes: [...missing.values()],
        ...(typeof record._row === 'number' && { row: record._row }),
        hint: 'Add the code to the table (with its validity) and replay the record.',
      },
    ),
  }
}

/** What takes more of a row than its columns by their names: the row itself, all of its members, the header as a whole, a parent. */
const WHOLE = /\$(?!\w)|\*|%|\$header(?!\s*\.\s*[\w`])/

/** Whether an expression may give what a sensitive column holds: it names one, or takes rows as a whole. */
function seesSensitive(expression: string, columns: readonly Column[]): boolean {
  const names = columns.filter(({ sensitive }) => sensitive).map(({ name }) => name)
  return names.length > 0 && (WHOLE.test(expression) || names.some((name) => expression.includes(name)))
}

/** `all`: columns of every table of the document as it came, which an expression sees through `$header`. */
function compileTable(
  table: TableSchema,
  rules: readonly Rule[],
  tools: MappingTools,
  all: readonly Column[],
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
        if (r.keep)
          put({
            name: r.keep,
            type: 'string',
            description: `${r.column} as the ERP has it`,
            ...(here.sensitive && { sensitive: true }),
          })
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
        put({
          ...here,
          name: r.column,
          type: r.type as ColumnType,
          ...(seesSensitive(r.expression, [...all, ...columns]) && { sensitive: true }),
        })
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
            : (row) => {
                step(row, row)
                return undefined
              },
      )
  }
  return { table: { entity: table.entity, key, columns }, steps, keySteps }
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
