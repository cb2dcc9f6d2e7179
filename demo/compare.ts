/**
 * Sets what the books say against what the target's tables hold, row by row and column by column.
 * Shares no code with the engine or the nodes, and trusts neither the ledger nor any count that they report.
 */
import type { Cell, CellType, ExpectedTable } from './expected-table.ts'

export type { Cell } from './expected-table.ts'

/** The target as it is stored. Both are asked once for each table. */
export interface TargetReader {
  /** Names of a table's columns; undefined where there is no such table. */
  columns(table: string): Promise<readonly string[] | undefined>
  /** Its rows in any order, cells in the order of `columns`. Decimals, dates and codes are best given as text. */
  rows(table: string, columns: readonly string[]): AsyncIterable<readonly Cell[]>
}

export interface Counts {
  /** Rows that the books have. */
  rows: number
  /** Rows of the books that the target lacks. */
  missing: number
  /** Rows of the target that the books do not have, the second of a doubled row included. */
  extra: number
  /** Rows on both sides with at least one cell that is not the same. */
  different: number
}

export interface Comparison extends Counts {
  /** Rows of flat and header tables: each is one record. */
  records: number
  /** At most 20, in words. */
  examples: string[]
  tables: Record<string, Counts>
}

const mostExamples = 20
const examplesPerTable = 6

/**
 * Compares every expected table with the target's. A column that the target lacks makes every row different, a table that it lacks makes every row missing;
 * a value in a column that the books do not have makes its row different. Columns that sinks add for themselves are not looked at.
 * Holds the rows of one table as text: some 300 bytes a row. Throws where the books themselves have a key twice.
 */
export async function compare(tables: readonly ExpectedTable[], target: TargetReader): Promise<Comparison> {
  const result: Comparison = { records: 0, rows: 0, missing: 0, extra: 0, different: 0, examples: [], tables: {} }
  for (const table of tables) {
    let told = 0
    const counts = await compareTable(table, target, (example) => {
      if (told++ < examplesPerTable && result.examples.length < mostExamples) result.examples.push(example)
    })
    result.tables[table.name] = counts
    if (table.main) result.records += counts.rows
    result.rows += counts.rows
    result.missing += counts.missing
    result.extra += counts.extra
    result.different += counts.different
  }
  return result
}

async function compareTable(
  table: ExpectedTable,
  target: TargetReader,
  tell: (example: string) => void,
): Promise<Counts> {
  const counts: Counts = { rows: 0, missing: 0, extra: 0, different: 0 }
  const { names, expected } = collect(table)
  counts.rows = expected.size
  const there = await target.columns(table.name)
  if (there === undefined) {
    counts.missing = expected.size
    if (expected.size > 0) tell(`${table.name}: the target has no such table, ${expected.size} rows are missing`)
    return counts
  }

  const lacking = names.filter((name) => !there.includes(name))
  const surplus = expected.size > 0 ? there.filter((name) => !names.includes(name) && !isTechnical(name)) : []
  const compared = [...names.filter((name) => !lacking.includes(name)), ...surplus]
  for (const name of lacking) tell(`${table.name}: the target lacks the column ${name}`)
  const lackingKey = table.key.filter((name) => !compared.includes(name))
  if (lackingKey.length > 0 && expected.size > 0) {
    tell(`${table.name}: no row can be found without the key column ${lackingKey.join(', ')}`)
    counts.missing = expected.size
    return counts
  }

  const types = compared.map((name) => table.types[name] ?? 'string')
  const keyAt = table.key.map((name) => compared.indexOf(name))
  const inBooks = compared.map((name) => names.indexOf(name))
  for await (const row of target.rows(table.name, compared)) {
    const found = compared.map((_, k) => canonical(row[k] ?? null, types[k] as CellType))
    const key = JSON.stringify(keyAt.map((k) => found[k]))
    const wanted = expected.get(key)
    if (wanted === undefined) {
      counts.extra++
      tell(`${table.name} ${inWords(key)}: extra in the target (unknown to the books, or there twice)`)
      continue
    }
    expected.delete(key)
    if (lacking.length === 0 && surplus.length === 0 && JSON.stringify(found) === wanted) continue
    const cells = JSON.parse(wanted) as Canonical[]
    const wrong = compared.filter((_, k) => (cells[inBooks[k] as number] ?? null) !== found[k])
    if (wrong.length === 0 && lacking.length === 0) continue
    counts.different++
    for (const name of wrong) {
      const k = compared.indexOf(name)
      const before = JSON.stringify(cells[inBooks[k] as number] ?? null)
      tell(`${table.name} ${inWords(key)}, ${name}: expected ${before}, found ${JSON.stringify(found[k])}`)
    }
  }
  counts.missing = expected.size
  for (const key of [...expected.keys()].slice(0, examplesPerTable))
    tell(`${table.name} ${inWords(key)}: missing in the target`)
  return counts
}

/** The rows of the books by their key, both as JSON of canonical cells. */
function collect(table: ExpectedTable): { names: readonly string[]; expected: Map<string, string> } {
  let names: readonly string[] | undefined
  let types: readonly CellType[] = []
  let keyAt: readonly number[] = []
  const expected = new Map<string, string>()
  for (const row of table.rows()) {
    if (names === undefined) {
      names = Object.keys(row)
      types = names.map((name) => table.types[name] ?? 'string')
      keyAt = table.key.map((name) => (names as readonly string[]).indexOf(name))
    }
    const cells = names.map((name, k) => {
      const cell = row[name]
      if (cell === undefined) throw new Error(`The expected rows of ${table.name} do not all have the column ${name}.`)
      return canonical(cell, types[k] as CellType)
    })
    const key = JSON.stringify(keyAt.map((k) => cells[k] ?? null))
    if (expected.has(key)) throw new Error(`The books have ${table.name} ${inWords(key)} twice.`)
    expected.set(key, JSON.stringify(cells))
  }
  return { names: names ?? table.key, expected }
}

/** A cell as it is compared: equal values of one type have one form, values of another type have none that is equal. */
type Canonical = string | boolean | null

function canonical(cell: Cell, type: CellType): Canonical {
  if (cell === null) return null
  switch (type) {
    case 'decimal':
    case 'integer':
      return typeof cell === 'boolean' ? `${cell} (boolean)` : plainDecimal(String(cell))
    case 'boolean':
      return cell === 'true'
        ? true
        : cell === 'false'
          ? false
          : typeof cell === 'boolean'
            ? cell
            : `${cell} (no boolean)`
    case 'date':
      return typeof cell === 'string'
        ? cell.replace(/^(\d{4}-\d\d-\d\d)[T ]00:00:00(\.0+)?Z?$/, '$1')
        : `${cell} (no date)`
    case 'string':
      return typeof cell === 'string' ? cell : `${cell} (${typeof cell})`
  }
}

/** `"0001234.500"`, `"1.2345e3"` and `"1234.5"` are one number, to the last digit; a text that is no number stays as it is. */
export function plainDecimal(value: string): string {
  const parts = /^([+-]?)(\d*)(?:\.(\d*))?(?:e([+-]?\d{1,3}))?$/i.exec(value)
  if (parts === null) return value
  const [, sign, whole = '', fraction = '', exponent = '0'] = parts
  if (whole + fraction === '') return value
  let digits = whole + fraction
  let point = whole.length + Number(exponent)
  if (point > digits.length) digits = digits.padEnd(point, '0')
  if (point < 0) {
    digits = digits.padStart(digits.length - point, '0')
    point = 0
  }
  const front = digits.slice(0, point).replace(/^0+/, '')
  const back = digits.slice(point).replace(/0+$/, '')
  if (front + back === '') return '0'
  return `${sign === '-' ? '-' : ''}${front || '0'}${back && `.${back}`}`
}

/** Columns that sinks write for themselves. */
function isTechnical(name: string): boolean {
  return name.startsWith('_')
}

/** `["X3","GEN","0012"]` reads `X3 / GEN / 0012`. */
function inWords(key: string): string {
  return (JSON.parse(key) as Canonical[]).join(' / ')
}
