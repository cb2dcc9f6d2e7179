/** Turns nodes as they come into records of docs/entities.md. Compiled once for an entity: no path is split per record. */
import { syncError } from '../../../sync/contract/errors.ts'
import { type DataRecord, memberOf, propertyName, type Row, type Value } from '../../../sync/contract/message.ts'
import { isDecimal, normalise, timesSign } from '../../../sync/values/money.ts'
import { isTooDeep } from '../../../vendor/json.ts'
import { DEPTH, overDepth } from '../../../vendor/limits.ts'
import type { FieldPath } from './paths.ts'
import type { ResolvedApart, ResolvedColumn, ResolvedEntity, ResolvedList } from './resolve.ts'
import { ownerOf } from './resolve-dimensions.ts'

/** A node or collection as parsed from a reply. */
export type Raw = Record<string, unknown>
interface Connection {
  totalCount?: number
  edges?: { node?: Raw | null }[]
}

export interface ConvertOptions {
  /** Value of the `source` column. */
  readonly source: string
  /** Dimension type code to its column. */
  readonly dimensions: ReadonlyMap<string, string>
  /** Types outside of these are left out silently: the user chose. */
  readonly chosenDimensionsOnly: boolean
  /** Ledgers whose journal lines are kept; undefined: all. */
  readonly ledgers?: ReadonlySet<string>
  /** Shared with whoever parses the replies; absent: they are not parsed exactly. */
  readonly numbers?: Numbers
}

/** Code of the error for a JSON number where an exact decimal is expected: the reply must be parsed from its source text. */
export const INEXACT = 'x3.inexact'

type Get = (node: Raw) => unknown

export type Converter = (node: Raw) => DataRecord

/** How replies are parsed now. `exact`: a number that JavaScript would change stays text. */
export interface Numbers {
  exact: boolean
}

/**
 * Where a column comes from, as data: one loop that reads it is compiled once by the engine, while a function for each
 * column would be compiled, and thrown away again, for each.
 */
interface Fill {
  readonly name: string
  readonly from: 'header' | 'parent' | 'period' | 'node'
  /** Up to three fields, one inside of the other; else the column that is copied, or the date whose month it is. */
  readonly a: string
  readonly b: string | undefined
  readonly c: string | undefined
  /** For longer paths, and those with collections. */
  readonly get: Get | undefined
  readonly convert: (value: unknown) => Value
  readonly sign: Get | undefined
  /** The sign is the document's side: one that is not known leaves the amount empty, and the document is held for it. */
  readonly isSide: boolean
  /** The last date whose month was asked for, and the month. */
  date: string
  month: string
}

export function compileConverter(entity: ResolvedEntity, options: ConvertOptions): Converter {
  const fills = compileColumns(entity.columns, options, entity.def.side !== undefined)
  const lists = entity.lists.map((list) => planList(list, options))
  const names = listNames([...entity.lists, ...entity.apart]).map(propertyName)
  const stamp = entity.stamp?.field
  const columns = entity.columns.map((column) => column.def.name)
  const blank = blankRow([...columns, '_row', '_stamp', ...names], options) as DataRecord
  return (node) => {
    const record = { ...blank }
    fillRow(fills, record, node, record, record)
    record._row = 0
    record._stamp = stamp === undefined ? null : ((memberOf(node, stamp) ?? null) as string | null)
    for (const name of names) record[name] = []
    for (const list of lists) fillList(list, node, record, record)
    return record
  }
}

/** Appends an element of a list that is read by itself to the document that it names. */
export function compileApart(list: ResolvedApart, options: ConvertOptions): (record: DataRecord, node: Raw) => void {
  const name = propertyName(list.def.name)
  const fills = compileColumns(list.columns, options)
  const blank = blankRow(
    list.columns.map((column) => column.def.name),
    options,
  )
  return (record, node) => {
    const row: Row = { ...blank }
    fillRow(fills, row, node, record, record)
    ;(memberOf(record, name) as Row[]).push(row)
  }
}

/**
 * A row with every column, to be copied and filled: a row that grows column by column is moved again and again. Parsed, since
 * then all values lie in the object itself; one that was put together keeps most of them in a second object.
 */
const blankRow = (names: readonly string[], { source }: ConvertOptions): Row =>
  JSON.parse(JSON.stringify(Object.fromEntries(names.map((name) => [name, name === 'source' ? source : null]))))

const listNames = (lists: readonly ResolvedList[]): string[] =>
  lists.flatMap((list) => [list.def.name, ...listNames(list.lists)])

function fillRow(fills: readonly Fill[], row: Row, node: Raw, header: Row, parent: Row): void {
  for (let i = 0; i < fills.length; i++) {
    const fill = fills[i] as Fill
    const { from } = fill
    const owner: Raw = from === 'node' ? node : from === 'parent' ? parent : from === 'header' ? header : row
    let value = fill.get === undefined ? owner[fill.a] : fill.get(node)
    if (from === 'period') {
      if (typeof value !== 'string') continue
      // The lines of a document have one date: one text for all of them.
      if (value !== fill.date) {
        fill.date = value
        fill.month = value.slice(0, 7)
      }
      value = fill.month
    } else if (from === 'node') {
      if (fill.b !== undefined) {
        value = (value as Raw | null | undefined)?.[fill.b]
        if (fill.c !== undefined) value = (value as Raw | null | undefined)?.[fill.c]
      }
      // Rows begin with nulls.
      if (value === null || value === undefined || value === '') continue
      value = fill.convert(value)
      if (fill.sign !== undefined) {
        const sign = fill.sign(node)
        value = fill.isSide && !isSide(sign) ? null : signed(value, sign, fill.name)
      }
    }
    row[fill.name] = value as Value
  }
}

/** What of a list is compiled. */
interface ListPlan {
  readonly name: string
  readonly field: string
  readonly blank: Row
  readonly fills: readonly Fill[]
  /** Amounts whose sign stands on the element that carries the list. */
  readonly signs: readonly { readonly name: string; readonly sign: string }[]
  readonly nested: readonly ListPlan[]
  readonly fillDimensions: ((row: Row, node: Raw) => void) | undefined
  readonly dimensionColumns: readonly string[]
  /** Place of the nested list whose only element's dimensions stand on the row too; -1. */
  readonly split: number
  readonly ledgers: ReadonlySet<string> | undefined
}

function planList(list: ResolvedList, options: ConvertOptions): ListPlan {
  const dimensionColumns = [...new Set(options.dimensions.values())].map(propertyName)
  const fillDimensions = list.dimensions ? compileDimensions(list, options) : undefined
  const split =
    list.def.dimensionsOf === undefined
      ? -1
      : list.lists.findIndex((inner) => inner.def.name === list.def.dimensionsOf && inner.dimensions)
  return {
    name: propertyName(list.def.name),
    field: propertyName(list.field),
    blank: blankRow(
      [...list.columns.map((column) => column.def.name), ...(fillDimensions || split >= 0 ? dimensionColumns : [])],
      options,
    ),
    fills: compileColumns(list.columns, options),
    signs: list.columns
      .filter((column) => column.signOfParent)
      .map(({ def }) => ({ name: propertyName(def.name), sign: propertyName((def.sign as string).slice(1)) })),
    nested: list.lists.map((inner) => planList(inner, options)),
    fillDimensions,
    dimensionColumns,
    split,
    ledgers: list.columns.some((column) => column.def.name === 'ledger' && column.path) ? options.ledgers : undefined,
  }
}

/** Appends the rows of one list to the record; gives the row where it is the only one. */
function fillList(list: ListPlan, owner: Raw, record: DataRecord, parent: Row): Row | undefined {
  const rows = memberOf(record, list.name) as Row[]
  const edges = (memberOf(owner, list.field) as { query?: Connection } | null | undefined)?.query?.edges ?? []
  let count = 0
  let only: Row | undefined
  for (let i = 0; i < edges.length; i++) {
    const node = edges[i]?.node
    if (!node) continue
    const row: Row = { ...list.blank }
    fillRow(list.fills, row, node, record, parent)
    if (list.ledgers && !list.ledgers.has(String(row.ledger))) continue
    for (const { name, sign } of list.signs) row[name] = signed(row[name], owner[sign], name)
    list.fillDimensions?.(row, node)
    rows.push(row)
    count += 1
    only = count === 1 ? row : undefined
    for (let index = 0; index < list.nested.length; index++) {
      const inner = fillList(list.nested[index] as ListPlan, node, record, row)
      if (index === list.split && inner) copyColumns(inner, row, list.dimensionColumns)
    }
  }
  return only
}

function copyColumns(from: Row, to: Row, names: readonly string[]): void {
  for (let i = 0; i < names.length; i++) {
    const name = names[i] as string
    to[name] = from[name] as Value
  }
}

function compileDimensions(list: ResolvedList, options: ConvertOptions): (row: Row, node: Raw) => void {
  const place = list.dimensions as NonNullable<ResolvedList['dimensions']>
  const { type, code } = place
  const field = propertyName(place.field)
  const getType = getter(type)
  const getCode = getter(code)
  const columns = new Map([...options.dimensions].map(([of, column]) => [of, propertyName(column)]))
  return (row, node) => {
    const owner = ownerOf(node, place)
    const edges = ((owner && memberOf(owner, field)) as { query?: Connection } | null | undefined)?.query?.edges ?? []
    for (let i = 0; i < edges.length; i++) {
      const dimension = edges[i]?.node
      if (!dimension) continue
      const typeCode = text(getType(dimension))
      const value = text(getCode(dimension))
      // Denormalised: as many entries as the folder allows, most of them without a dimension.
      if (typeCode === null || value === null) continue
      const column = columns.get(typeCode)
      if (column !== undefined) row[column] = value
      else if (!options.chosenDimensionsOnly) {
        throw syncError('data', 'x3.new-dimension-type', `dimension type ${typeCode} came up after the run began`, {
          field: typeCode,
        })
      }
    }
  }
}

/** Columns that come from nowhere stay as the blank row has them. */
const compileColumns = (
  columns: readonly ResolvedColumn[],
  { numbers = { exact: false } }: ConvertOptions,
  bySide = false,
): Fill[] => columns.flatMap((column) => compileColumn(column, numbers, bySide))

function compileColumn({ def, path, sign }: ResolvedColumn, numbers: Numbers, bySide: boolean): Fill | [] {
  const { header, parent, period } = def
  const of = header ?? parent ?? period
  if (def.name === 'source' || (of === undefined && !path)) return []
  const steps = path?.steps ?? []
  const plain = steps.length <= 3 && !steps.some((step) => step.collection)
  const [a = '', b, c] = of !== undefined ? [of] : plain ? steps.map(({ field }) => field) : []
  return {
    name: propertyName(def.name),
    from: header !== undefined ? 'header' : parent !== undefined ? 'parent' : period !== undefined ? 'period' : 'node',
    a: propertyName(a),
    b: b === undefined ? undefined : propertyName(b),
    c: c === undefined ? undefined : propertyName(c),
    get: of !== undefined || plain || !path ? undefined : getter(path),
    convert: conversion(def.type, numbers),
    sign: sign && getter(sign),
    isSide: bySide,
    date: '',
    month: '',
  }
}

/** What `debitOrCredit` says: an invoice, or a credit memo. */
export const isSide = (sign: unknown): boolean => sign === 1 || sign === -1

function signed(amount: unknown, sign: unknown, field: string): Value {
  if (amount === null || amount === undefined) return null
  if (sign === 1 && typeof amount === 'string') return amount
  try {
    return timesSign(String(amount), sign as number)
  } catch {
    throw syncError('data', 'x3.sign', `the sign of ${field} is ${JSON.stringify(sign)}, neither 1 nor -1`, {
      field: field,
    })
  }
}

/** Reads a path with null in between as null. */
export function getter(path: FieldPath): Get {
  const steps = path.steps.map(({ field, collection }) => ({ field: propertyName(field), collection }))
  const [a, b, c] = steps.map((step) => step.field) as [string, string, string]
  if (steps.some((step) => step.collection) || steps.length > 3) {
    return (node) => {
      let at: unknown = node
      for (const step of steps) {
        if (typeof at !== 'object' || at === null) return null
        at = (at as Raw)[step.field]
        if (step.collection) at = (at as { query?: Connection } | null)?.query?.edges?.[0]?.node
      }
      return at
    }
  }
  if (steps.length === 1) return (node) => memberOf(node, a)
  if (steps.length === 2) return (node) => (memberOf(node, a) as Raw | null | undefined)?.[b]
  return (node) => ((memberOf(node, a) as Raw | null | undefined)?.[b] as Raw | null | undefined)?.[c]
}

/** Empty becomes null; a value that does not fit its type stays as it is, for the engine's check to name it. */
function conversion(type: string, numbers: Numbers): (value: unknown) => Value {
  if (type === 'string') return text
  if (type === 'integer') return integer
  if (type === 'boolean') return boolean
  if (type === 'date') return date
  if (type === 'timestamp') return timestamp
  return type === 'json' ? asItIs : (value) => decimal(value, numbers)
}

/** A value that is no text: an object is kept as far as a reply may be deep. */
function asItIs(value: unknown): Value {
  if (isTooDeep(value)) throw syncError('data', 'x3.depth', `a value ${overDepth(DEPTH).message}`)
  return (value ?? null) as Value
}

function text(value: unknown): string | null {
  if (typeof value === 'string') return value === '' ? null : value
  if (value === null || value === undefined) return null
  return typeof value === 'object' ? JSON.stringify(asItIs(value)) : String(value)
}

function integer(value: unknown): Value {
  if (typeof value === 'number') return value
  if (typeof value !== 'string') return asItIs(value)
  if (value === '') return null
  const number = Number(value)
  return Number.isSafeInteger(number) && /^[+-]?\d+$/.test(value) ? number : value
}

function boolean(value: unknown): Value {
  return value === '' ? null : asItIs(value)
}

function decimal(value: unknown, numbers: Numbers): Value {
  if (typeof value === 'string') {
    if (value === '' || isDecimal(value)) return value === '' ? null : value
    try {
      return normalise(value)
    } catch {
      return value
    }
  }
  if (typeof value !== 'number') return asItIs(value)
  // A fraction may be gone already: 12345678901.00000001 is 12345678901 to JavaScript.
  if (numbers.exact && Number.isSafeInteger(value)) return String(value)
  throw syncError('data', INEXACT, 'a decimal came as a number that JavaScript may have rounded')
}

/** X3's empty dates: `0000-00-00`, and those of its databases. */
const emptyDate = (value: string): boolean =>
  value === '' || value.startsWith('0000-') || value.startsWith('1599-12-31') || value.startsWith('1753-01-01')

function date(value: unknown): Value {
  if (typeof value !== 'string') return asItIs(value)
  if (emptyDate(value)) return null
  return value.length > 10 && value.startsWith('T00:00:00', 10) ? value.slice(0, 10) : value
}

function timestamp(value: unknown): Value {
  if (typeof value !== 'string') return asItIs(value)
  if (emptyDate(value)) return null
  if (value.endsWith('Z')) return value
  // X3 keeps its datetimes in GMT; without a zone they are UTC.
  const zoned = /[+-]\d\d:?\d\d$/.test(value) ? value : `${value.replace(' ', 'T')}Z`
  const at = Date.parse(zoned)
  return Number.isNaN(at) ? value : new Date(at).toISOString()
}
