import { distinctColumns } from './calculate.ts'
import { columnArgument, type Env, type Tab, takes, withRow } from './environment.ts'
import type { Node } from './parser.ts'
import {
  add,
  booleanOf,
  compare,
  DaxError,
  divide,
  fixedOf,
  isFixed,
  isMoment,
  keyOf,
  momentOf,
  multiply,
  negate,
  numberOf,
  numberText,
  real,
  textOf,
  type Value,
} from './values.ts'

type Scalar = (args: readonly Node[], env: Env, name: string) => Value

/** A function of values, its arguments evaluated from the left. */
function of(least: number, most: number, compute: (...values: Value[]) => Value): Scalar {
  return (args, env, name) => {
    takes(name, args, least, most)
    return compute(...args.map((arg) => env.engine.scalar(arg, env)))
  }
}

/** The values of an expression for each row of a table; a bare column stands for its own table. */
function each(args: readonly Node[], env: Env, name: string): Value[] {
  takes(name, args, 2)
  const [source, expression] = args as [Node, Node]
  const tab = env.engine.table(source, env)
  return tab.rows.map((row) => env.engine.scalar(expression, withRow(env, tab, row)))
}

function ofColumn(args: readonly Node[], env: Env, name: string): Value[] {
  takes(name, args, 1)
  const { table, name: columnName } = columnArgument(args[0], name)
  const place = env.model.column(table, columnName)
  return env.model.visible(place.table, env.context).map((row) => row[place.index] ?? null)
}

const overRows =
  (summary: (values: readonly Value[]) => Value): Scalar =>
  (args, env, name) =>
    summary(each(args, env, name))
const overColumn =
  (summary: (values: readonly Value[]) => Value): Scalar =>
  (args, env, name) =>
    summary(ofColumn(args, env, name))

function sum(values: readonly Value[]): Value {
  // Decimals and whole numbers are added as such, in one go: a sum of many rows is exact.
  return values.reduce<Value>((total, value) => (value === null ? total : add(total, value)), null)
}

const countOf = (count: number): Value => (count === 0 ? null : BigInt(count))
const present = (values: readonly Value[]): Value => countOf(values.filter((value) => value !== null).length)

function average(values: readonly Value[]): Value {
  const found = values.filter((value) => value !== null)
  return found.length === 0 ? null : divide(sum(found), BigInt(found.length))
}

function extreme(values: readonly Value[], sign: 1 | -1): Value {
  let best: Value = null
  for (const value of values) if (value !== null && (best === null || sign * compare(value, best) > 0)) best = value
  return best
}
const greatest = (values: readonly Value[]): Value => extreme(values, 1)
const least = (values: readonly Value[]): Value => extreme(values, -1)

/** MAX and MIN take a column, or two values of which BLANK is the smaller. */
const columnOrPair =
  (sign: 1 | -1): Scalar =>
  (args, env, name) => {
    if (args.length === 1) return extreme(ofColumn(args, env, name), sign)
    takes(name, args, 2)
    const [a, b] = args.map((arg) => env.engine.scalar(arg, env)) as [Value, Value]
    return sign * compare(a, b) >= 0 ? a : b
  }

function single(args: readonly Node[], env: Env, name: string): { count: number; value: Value } {
  const { rows } = distinctColumns(env, args.slice(0, 1), env.context, name)
  return { count: rows.length, value: rows[0]?.[0] ?? null }
}

/** How many rows a table has; alike ones may have been fetched as one. */
function rowCount({ rows, base }: Tab): number {
  const at = base?.alike?.count
  return at === undefined ? rows.length : rows.reduce((count, row) => count + Number(row[at]), 0)
}

function contextOf(args: readonly Node[], env: Env, name: string): Tab {
  takes(name, args, 1)
  return env.engine.table(args[0] as Node, env)
}

/** Whole numbers and decimals stay exact; a Double is rounded through its text, so that 1.005 rounds as it is written. */
function rounded(value: Value, places: Value): Value {
  if (value === null) return null
  const digits = Number(numberOf(places))
  const amount = numberOf(value)
  if (typeof amount !== 'number') return roundedUnits(isFixed(amount) ? amount.fixed : amount * 10_000n, digits)
  const shifted = Math.round(Number(`${Math.abs(amount)}e${digits}`))
  const result = Math.sign(amount) * Number(`${shifted}e${-digits}`)
  return Number.isSafeInteger(result) ? BigInt(result) : result
}

/** Units of 1/10,000, rounded half away from zero. */
function roundedUnits(units: bigint, digits: number): Value {
  const step = 10n ** BigInt(Math.max(0, 4 - digits))
  const half = units < 0n ? -step / 2n : step / 2n
  const result = ((units + half) / step) * step
  return digits <= 0 ? result / 10_000n : { fixed: result }
}

/** The next whole number below. */
function floored(value: Value): Value {
  if (value === null) return null
  const amount = numberOf(value)
  if (typeof amount === 'number') return BigInt(Math.floor(amount))
  if (!isFixed(amount)) return amount
  const whole = amount.fixed / 10_000n
  return amount.fixed < 0n && whole * 10_000n !== amount.fixed ? whole - 1n : whole
}

const part = (read: (date: Date) => number) =>
  of(1, 1, (value) => (value === null ? null : BigInt(read(new Date(Number(momentOf(value).micros / 1000n))))))

function related(args: readonly Node[], env: Env, name: string): Value {
  takes(name, args, 1)
  const { table, name: columnName } = columnArgument(args[0], name)
  const { column } = env.model.column(table, columnName)
  for (let row = env.row; row; row = row.outer) {
    const value = row.tab.base && env.model.related(row.tab.base, row.values, column.id)
    if (value !== undefined) return value
  }
  throw new DaxError(
    `The column '${table}[${columnName}]' either doesn't exist or doesn't have a relationship to any table available in the current context.`,
  )
}

function earlier(args: readonly Node[], env: Env, name: string): Value {
  takes(name, args, 1)
  const { table, name: columnName } = columnArgument(args[0], name)
  const { id } = env.model.column(table, columnName).column
  let found = 0
  for (let row = env.row; row; row = row.outer) {
    const index = row.tab.columns.findIndex(({ lineage }) => lineage === id)
    if (index >= 0) found += 1
    if (found === 2) return row.values[index] ?? null
  }
  throw new DaxError(`${name} refers to an earlier row context which doesn't exist.`)
}

export const SCALARS: Readonly<Record<string, Scalar>> = {
  BLANK: of(0, 0, () => null),
  TRUE: of(0, 0, () => true),
  FALSE: of(0, 0, () => false),

  COUNTROWS: (args, env, name) => countOf(rowCount(contextOf(args, env, name))),
  ISEMPTY: (args, env, name) => contextOf(args, env, name).rows.length === 0,
  SUM: overColumn(sum),
  SUMX: overRows(sum),
  AVERAGE: overColumn(average),
  AVERAGEX: overRows(average),
  COUNT: overColumn(present),
  COUNTA: overColumn(present),
  COUNTX: overRows(present),
  COUNTBLANK: overColumn((values) => countOf(values.filter((value) => value === null || value === '').length)),
  DISTINCTCOUNT: overColumn((values) => countOf(new Set(values.map(keyOf)).size)),
  MAX: columnOrPair(1),
  MIN: columnOrPair(-1),
  MAXX: overRows(greatest),
  MINX: overRows(least),
  CONCATENATEX(args, env, name) {
    takes(name, args, 2, 3)
    const delimiter = args[2] ? textOf(env.engine.scalar(args[2], env)) : ''
    return each(args.slice(0, 2), env, name).map(textOf).join(delimiter)
  },
  HASONEVALUE: (args, env, name) => single(args, env, name).count === 1,
  SELECTEDVALUE(args, env, name) {
    takes(name, args, 1, 2)
    const { count, value } = single(args, env, name)
    if (count === 1) return value
    return args[1] ? env.engine.scalar(args[1], env) : null
  },
  RELATED: related,
  EARLIER: earlier,

  IF(args, env, name) {
    takes(name, args, 2, 3)
    const [condition, then, otherwise] = args as [Node, Node, Node | undefined]
    if (booleanOf(env.engine.scalar(condition, env))) return env.engine.scalar(then, env)
    return otherwise ? env.engine.scalar(otherwise, env) : null
  },
  SWITCH(args, env, name) {
    takes(name, args, 3, Number.POSITIVE_INFINITY)
    const value = env.engine.scalar(args[0] as Node, env)
    let at = 1
    for (; at + 1 < args.length; at += 2) {
      if (compare(value, env.engine.scalar(args[at] as Node, env)) === 0)
        return env.engine.scalar(args[at + 1] as Node, env)
    }
    return at < args.length ? env.engine.scalar(args[at] as Node, env) : null
  },
  COALESCE(args, env, name) {
    takes(name, args, 2, Number.POSITIVE_INFINITY)
    for (const arg of args) {
      const value = env.engine.scalar(arg, env)
      if (value !== null) return value
    }
    return null
  },
  AND: of(2, 2, (a, b) => booleanOf(a ?? null) && booleanOf(b ?? null)),
  OR: of(2, 2, (a, b) => booleanOf(a ?? null) || booleanOf(b ?? null)),
  ISBLANK: of(1, 1, (value) => value === null),
  DIVIDE: of(2, 3, (a = null, b = null, alternate = null) => (real(numberOf(b)) === 0 ? alternate : divide(a, b))),

  CONCATENATE: of(2, 2, (a = null, b = null) => textOf(a) + textOf(b)),
  LEFT: of(1, 2, (text = null, count = 1n) => textOf(text).slice(0, Number(numberOf(count)))),
  RIGHT: of(1, 2, (text = null, count = 1n) =>
    textOf(text).slice(-Number(numberOf(count)) || Number.POSITIVE_INFINITY),
  ),
  MID: of(3, 3, (text = null, start = 1n, count = 0n) =>
    textOf(text).slice(Number(numberOf(start)) - 1, Number(numberOf(start)) - 1 + Number(numberOf(count))),
  ),
  LEN: of(1, 1, (text = null) => BigInt(textOf(text).length)),
  UPPER: of(1, 1, (text = null) => textOf(text).toUpperCase()),
  LOWER: of(1, 1, (text = null) => textOf(text).toLowerCase()),
  TRIM: of(1, 1, (text = null) => textOf(text).trim().replace(/ +/g, ' ')),
  EXACT: of(2, 2, (a = null, b = null) => textOf(a) === textOf(b)),
  VALUE: of(1, 1, (text = null) => (text === null ? null : numberOf(text))),

  ABS: of(1, 1, (value = null) => (value !== null && compare(numberOf(value), 0n) < 0 ? negate(value) : value)),
  INT: of(1, 1, (value = null) => floored(value)),
  ROUND: of(2, 2, (value = null, places = 0n) => rounded(value, places)),
  CURRENCY: of(1, 1, (value = null) => (value === null ? null : fixedOf(numberText(numberOf(value))))),
  MOD: of(2, 2, (a = null, b = null) => add(a, multiply(floored(divide(a ?? 0n, b)), b), -1)),

  DATE: of(3, 3, (year = null, month = null, day = null) => ({
    micros: BigInt(Date.UTC(real(numberOf(year)), real(numberOf(month)) - 1, real(numberOf(day)))) * 1000n,
  })),
  YEAR: part((date) => date.getUTCFullYear()),
  MONTH: part((date) => date.getUTCMonth() + 1),
  DAY: part((date) => date.getUTCDate()),
  ISNUMBER: of(
    1,
    1,
    (value = null) => typeof value === 'number' || typeof value === 'bigint' || isFixed(value) || isMoment(value),
  ),
  ISTEXT: of(1, 1, (value = null) => typeof value === 'string'),
}
