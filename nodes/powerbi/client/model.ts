/** The dataset of an entity: tables, columns and measures from `msg.schema`, within what Power BI takes. */
import { syncError } from '../../../sync/contract/errors.ts'
import { type Column, type ColumnType, listTable, type Schema } from '../../../sync/contract/message.ts'
import { rowsMeasure, sumMeasure } from './dax.ts'

export type DataType = 'Int64' | 'Decimal' | 'Boolean' | 'DateTime' | 'String'

export interface ModelColumn {
  readonly name: string
  readonly dataType: DataType
  readonly isHidden?: true
}

export interface Measure {
  readonly name: string
  readonly expression: string
  readonly formatString: string
}

export interface ModelTable {
  readonly name: string
  /** `''` the header, else the list. */
  readonly list: string
  readonly columns: readonly ModelColumn[]
  readonly measures: readonly Measure[]
}

export interface ModelOptions {
  /** Such as `{entity}`; the tables of lists follow it. */
  readonly tables: string
  /** Names of decimal columns, `*` at the end for any ending, that are numbers although their type has more than four places. */
  readonly amounts: readonly string[]
}

/** Published limits of push datasets. */
const MOST_COLUMNS = 75
const MOST_TABLES = 75
/** The contract's pattern for table names, without the range that its broken escape lets through. */
const TABLE_NAME = /^[\t\n\r #\-0-9@A-Z^_a-z~-\uD7FF\uE000-\uFFFD]{1,100}$/
const COLUMN_NAME = /^[\t\n\r -\uD7FF\uE000-\uFFFD]+$/
/** Decimal: 28 digits, 4 of them behind the point. */
export const PLACES = 4

/** What every row says of where it comes from; hidden. */
const LIST_OWN: readonly ModelColumn[] = [
  { name: '_sync_key', dataType: 'String', isHidden: true },
  { name: '_sync_version', dataType: 'String', isHidden: true },
  { name: '_sync_batch', dataType: 'String', isHidden: true },
  { name: '_sync_run', dataType: 'String', isHidden: true },
  { name: '_sync_at', dataType: 'DateTime', isHidden: true },
]
const HEADER_OWN: readonly ModelColumn[] = [
  ...LIST_OWN,
  { name: '_sync_read', dataType: 'Int64', isHidden: true },
  { name: '_source_stamp', dataType: 'String', isHidden: true },
  { name: '_sync_deleted', dataType: 'Boolean', isHidden: true },
]

export const MARKS: ModelTable & { readonly isHidden: true } = {
  name: '_tieout_mark',
  list: '',
  isHidden: true,
  columns: [
    { name: 'sync', dataType: 'String' },
    { name: 'entity', dataType: 'String' },
    { name: 'source_address', dataType: 'String' },
    { name: 'source', dataType: 'String' },
    { name: 'ledger', dataType: 'String' },
    { name: 'run', dataType: 'String' },
    { name: 'read', dataType: 'Int64' },
    { name: 'floor', dataType: 'String' },
    { name: 'at', dataType: 'DateTime' },
    { name: '_sync_batch', dataType: 'String' },
  ],
  measures: [],
}

export const tableName = (pattern: string, entity: string): string => pattern.replaceAll('{entity}', entity)

/** Whether a name is one of the patterns: `amount*`, `quantity`. */
const named = (name: string, patterns: readonly string[]): boolean =>
  patterns.some((pattern) => (pattern.endsWith('*') ? name.startsWith(pattern.slice(0, -1)) : name === pattern))

/** The type that keeps every value whole. A decimal of more than four places is text, unless it is named as an amount. */
export function dataTypeOf({ name, type }: Column, amounts: readonly string[]): DataType {
  const plain: Partial<Record<ColumnType, DataType>> = {
    integer: 'Int64',
    boolean: 'Boolean',
    date: 'DateTime',
    timestamp: 'DateTime',
  }
  const known = plain[type]
  if (known !== undefined) return known
  const scale = /^decimal\(\d+,\s*(\d+)\)$/.exec(type)?.[1]
  if (scale === undefined) return 'String'
  return Number(scale) <= PLACES || named(name, amounts) ? 'Decimal' : 'String'
}

/** The tables of an entity, the header last since it is written last. A `config` error for what Power BI does not take. */
export function modelOf(schema: Schema, options: ModelOptions): readonly ModelTable[] {
  const header = tableName(options.tables, schema.entity)
  const make = (name: string, list: string, columns: readonly Column[]): ModelTable => {
    const own = list === '' ? HEADER_OWN : LIST_OWN
    const made = columns.map((column): ModelColumn => {
      const dataType = dataTypeOf(column, options.amounts)
      // summed as they are, older versions would count again: reports have the measures
      return { name: column.name, dataType, ...(dataType === 'Decimal' ? { isHidden: true } : {}) }
    })
    const all = [...made, ...own]
    check(schema.entity, name, all)
    return { name, list, columns: all, measures: measuresOf(header, name, all) }
  }
  const lists = Object.entries(schema.lists ?? {}).map(([list, { columns }]) =>
    make(tableName(options.tables, listTable(schema.entity, list)), list, columns),
  )
  if (lists.length + 2 > MOST_TABLES)
    throw limit(
      schema.entity,
      `${lists.length + 2} tables`,
      `A dataset has at most ${MOST_TABLES} tables.`,
      'Drop lists in the mapping.',
    )
  return [...lists, make(header, '', schema.columns)]
}

function measuresOf(header: string, name: string, columns: readonly ModelColumn[]): Measure[] {
  const sums = columns
    .filter(({ dataType }) => dataType === 'Decimal')
    .map((column) => ({
      name: `${name} ${column.name}`,
      expression: sumMeasure(header, name, column.name),
      formatString: '#,0.00',
    }))
  return [...sums, { name: `${name} rows`, expression: rowsMeasure(header, name), formatString: '#,0' }]
}

function check(entity: string, name: string, columns: readonly ModelColumn[]): void {
  if (!TABLE_NAME.test(name))
    throw limit(
      entity,
      `the table name "${name}"`,
      'Power BI takes letters, digits, blanks and # - @ ^ _ ~ in table names, at most 100 characters.',
      'Change "Table names" of the node.',
    )
  if (columns.length > MOST_COLUMNS)
    throw limit(
      entity,
      `${columns.length} columns in ${name}`,
      `A push table has at most ${MOST_COLUMNS} columns, of which Tieout needs ${columns.filter(({ name: own }) => own.startsWith('_')).length}.`,
      'Drop columns in the mapping.',
    )
  const odd = columns.find((column) => !COLUMN_NAME.test(column.name))
  if (odd)
    throw limit(
      entity,
      `the column name "${odd.name}" of ${name}`,
      'Power BI takes no emoji and no control characters there.',
      'Rename it in the mapping.',
    )
}

const limit = (entity: string, what: string, why: string, hint: string) =>
  syncError('config', 'powerbi.limit', `${entity}: ${what} cannot be made. ${why} ${hint}`, { entity, hint })

/** Columns that hold decimals as text, for the notice at creation. */
export const textDecimals = (schema: Schema, options: ModelOptions): readonly string[] =>
  [['', schema] as const, ...Object.entries(schema.lists ?? {})].flatMap(([list, { columns }]) =>
    columns
      .filter((column) => column.type.startsWith('decimal') && dataTypeOf(column, options.amounts) === 'String')
      .map(({ name }) => (list === '' ? name : `${list}.${name}`)),
  )
