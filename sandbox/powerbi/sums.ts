/**
 * Sums of DAX as SQL: what the store computes over alike rows need not be fetched row by row, as the service's storage engine
 * does not hand its rows to the formula engine either. Only exact numbers: Int64, and Decimal as units of 1/10,000.
 */
import type { Table } from './api.ts'
import type { Node } from './dax/parser.ts'
import { dataType } from './values.ts'

/** `SUMX('T', value)` or `SUMX(FILTER('T', condition), value)`. */
export interface Sum {
  readonly node: Node
  /** As the model spells it. */
  readonly table: string
  /** Computes in 64 bits, and fails where a number needs more. */
  readonly sql: string
  /** The sum is one of units, else of whole numbers. */
  readonly units: boolean
}

/** A number in SQL that is NULL for BLANK. */
interface Term {
  readonly sql: string
  readonly units: boolean
}

/** A column of the table as a number; undefined where it is none, or none that is exact. */
type Columns = (node: Node & { readonly kind: 'column' }) => Term | undefined

const COMPARISONS = new Set(['=', '<>', '<', '>', '<=', '>='])

/** The sum that a call is, where SQL gives the same one. */
export function sumOf(node: Node, tables: readonly Table[]): Sum | undefined {
  if (node.kind !== 'call' || node.name !== 'SUMX' || node.args.length !== 2) return undefined
  const [source, value] = node.args as [Node, Node]
  const filtered = source.kind === 'call' && source.name === 'FILTER' && source.args.length === 2
  const [of, condition] = filtered ? (source.args as [Node, Node]) : [source, undefined]
  const table = of.kind === 'name' ? tables.find(({ name }) => same(name, of.name)) : undefined
  if (!table) return undefined
  const columns = columnsOf(table)
  const term = termOf(value, columns)
  const where = condition && conditionOf(condition, columns)
  if (!term || (condition && where === undefined)) return undefined
  const sql = `sum(${term.sql})${where === undefined ? '' : ` FILTER (WHERE ${where})`}`
  return { node, table: table.name, sql, units: term.units }
}

const same = (a: string, b: string): boolean => a.toLowerCase() === b.toLowerCase()

function columnsOf(table: Table): Columns {
  return (node) => {
    const column = same(node.table, table.name) ? table.columns.find(({ name }) => same(name, node.name)) : undefined
    const type = column && dataType(column.dataType)
    const name = `"${column?.name.replaceAll('"', '""')}"`
    if (type === 'Int64') return { sql: name, units: false }
    if (type !== 'Decimal') return undefined
    // 14 digits before the point are in 64 bits. Whole part and rest apart, since their product with 10,000 is not, in between.
    const amount = `${name}::DECIMAL(18,4)`
    return { sql: `(trunc(${amount})::BIGINT * 10000 + (${amount} % 1 * 10000)::BIGINT)`, units: true }
  }
}

function termOf(node: Node, columns: Columns): Term | undefined {
  switch (node.kind) {
    case 'column':
      return columns(node)
    case 'literal':
      return typeof node.value === 'bigint' ? { sql: `${node.value}::BIGINT`, units: false } : undefined
    case 'negate': {
      const term = termOf(node.operand, columns)
      return term && { ...term, sql: `(-${term.sql})` }
    }
    case 'binary': {
      const [left, right] = [termOf(node.left, columns), termOf(node.right, columns)]
      return left && right && computed(node.op, left, right)
    }
    case 'call':
      return rounded(node, columns)
    default:
      return undefined
  }
}

function computed(op: string, left: Term, right: Term): Term | undefined {
  if (op === '*') {
    // Two decimals would have to be rounded.
    return left.units && right.units
      ? undefined
      : { sql: `(${left.sql} * ${right.sql})`, units: left.units || right.units }
  }
  if (op !== '+' && op !== '-') return undefined
  const [[a, b], units] = alike(left, right)
  // BLANK counts as zero, BLANK with BLANK is BLANK.
  return { sql: `if(${a} IS NULL AND ${b} IS NULL, NULL, coalesce(${a}, 0) ${op} coalesce(${b}, 0))`, units }
}

/** Both in units where one of them is. */
function alike(left: Term, right: Term): [[string, string], boolean] {
  const units = left.units || right.units
  const sql = (term: Term): string => (units && !term.units ? `(${term.sql} * 10000)` : term.sql)
  return [[sql(left), sql(right)], units]
}

/** INT, to the next whole number below, and ROUND to whole numbers, half away from zero; SQL's division cuts off. */
function rounded({ name, args }: Node & { readonly kind: 'call' }, columns: Columns): Term | undefined {
  const [first, places] = args
  const whole = places?.kind === 'literal' && places.value === 0n
  if (!first || !(name === 'INT' ? args.length === 1 : name === 'ROUND' && args.length === 2 && whole)) return undefined
  const term = termOf(first, columns)
  if (!term?.units) return term
  const { sql } = term
  const made =
    name === 'INT'
      ? `((${sql} - (${sql} % 10000 + 10000) % 10000) // 10000)`
      : `((${sql} + if(${sql} < 0, -5000, 5000)) // 10000)`
  return { sql: made, units: false }
}

function conditionOf(node: Node, columns: Columns): string | undefined {
  if (node.kind === 'not') {
    const operand = conditionOf(node.operand, columns)
    return operand && `(NOT ${operand})`
  }
  if (node.kind !== 'binary') return undefined
  const { op, left, right } = node
  if (op === '&&' || op === '||') {
    const [a, b] = [conditionOf(left, columns), conditionOf(right, columns)]
    return a && b && `(${a} ${op === '&&' ? 'AND' : 'OR'} ${b})`
  }
  const [a, b] = [termOf(left, columns), termOf(right, columns)]
  if (!COMPARISONS.has(op) || !a || !b) return undefined
  const [[x, y]] = alike(a, b)
  // BLANK equals zero.
  return `(coalesce(${x}, 0) ${op} coalesce(${y}, 0))`
}
