/**
 * Rows as JSON text for the warehouse: short positional names and texts only, so that a hostile column name stands in no
 * JSON path and every value is cast by the statement, where a bad one raises.
 */
import { promisify } from 'node:util'
import { gzip } from 'node:zlib'
import {
  type Column,
  isDeletion,
  memberOf,
  propertyName,
  type Row,
  type Schema,
  type Value,
} from '../../sync/contract/message.ts'
import type { WriteRecord } from '../../sync/contract/target.ts'
import { giveBack } from './memory.ts'

const compress = promisify(gzip)

/** One table of an entity as it is written: the header, or one list. */
export interface TableRows {
  /** `''` the header, else the list's name. */
  readonly list: string
  readonly columns: readonly Column[]
  /**
   * Text that every row of the table carries as `t`, where the rows of several tables are staged together: a list then has its
   * lines only, because the header's rows stand beside them.
   */
  readonly tag?: string
}

/**
 * Fields of a staged row besides `c0`, `c1`, ...: `n` index in the batch, `x` what happens to the document (`u` written,
 * `x` deleted; absent on the lines of a list), `r` read number, `h` hash, `s` the source's stamp.
 */
export const STAGED_FIELDS = ['n', 'x', 'r', 'h', 's'] as const

/** Names of all fields of a staged row of a table. */
export const stagedFields = (columns: readonly Column[]): readonly string[] => [
  ...STAGED_FIELDS,
  ...columns.map((_, i) => `c${i}`),
]

/** Takes rows, each in as many texts as it likes. */
export interface RowWriter {
  add(text: string): void
  /** The row is complete. */
  end(): void
}

/** Writes the rows of a table, each one JSON object. */
export type Serializer = (records: readonly WriteRecord[], rows: RowWriter) => void

/**
 * Compiles the serializer of one table. The header has a row for each record. A list has one for each record, which carries
 * only the document's key, and one for each element.
 */
export function compileSerializer(schema: Schema, table: TableRows): Serializer {
  const isKey = (column: Column): boolean => table.list === '' || schema.key.includes(column.name)
  // each prefix ends the text before it
  const cells = table.columns.map((column, i): Cell & { readonly key: boolean } => ({
    name: propertyName(column.name),
    prefix: `","c${i}":"`,
    key: isKey(column),
    last: null,
    made: '',
  }))
  // the document's key on a line is the document's, whatever the line says
  const own = cells.filter((cell) => !cell.key)
  const key = cells.filter((cell) => schema.key.includes(cell.name))
  const rest = cells.filter((cell) => !key.includes(cell))
  const open = table.tag === undefined ? '{"n":"' : `{"t":"${table.tag}","n":"`
  const writeDocument = (item: WriteRecord, n: number, rows: RowWriter): void => {
    const { record } = item
    const remove = isDeletion(record)
    const head = headOf(`${open}${n}`, key, record)
    if (table.list === '' || table.tag === undefined) {
      rows.add(head)
      rows.add(`","x":"${remove ? 'x' : 'u'}","r":"${item.read}","h":"${text(item.hash)}`)
      if (table.list === '') {
        const stamp = memberOf(record, '_stamp')
        if (stamp !== null && stamp !== undefined) rows.add(`","s":"${text(stamp)}`)
        if (!remove) addFilled(rest, record, rows)
      }
      rows.add('"}')
      rows.end()
    }
    const lines = remove || table.list === '' ? undefined : memberOf(record, table.list)
    if (!Array.isArray(lines)) return
    for (let i = 0; i < lines.length; i++) {
      rows.add(head)
      addFilled(own, lines[i] as Row, rows)
      rows.add('"}')
      rows.end()
    }
  }
  return (records, rows) => {
    for (let n = 0; n < records.length; n++) writeDocument(records[n] as WriteRecord, n, rows)
  }
}

interface Cell {
  readonly name: string
  readonly prefix: string
  /** The text that came last and how it stands in JSON: columns repeat themselves from line to line. */
  last: string | null
  made: string
}

/** What all rows of a document begin with. */
function headOf(open: string, cells: readonly Cell[], row: Row): string {
  const texts = [open]
  for (const { name, prefix } of cells) {
    const value = memberOf(row, name)
    if (value !== null && value !== undefined) texts.push(prefix, text(value))
  }
  return texts.join('')
}

/** Adds the filled columns of a row. */
function addFilled(cells: readonly Cell[], row: Row, rows: RowWriter): void {
  for (let i = 0; i < cells.length; i++) {
    const cell = cells[i] as Cell
    const value = row[cell.name]
    if (value === null || value === undefined) continue
    if (value !== cell.last) {
      cell.made = text(value)
      // What is no text may change and stay the same object.
      cell.last = typeof value === 'string' ? value : null
    }
    rows.add(cell.prefix)
    rows.add(cell.made)
  }
}

/** Rows as bytes: NDJSON in files, each in pieces. */
export interface PackedRows {
  readonly rows: number
  readonly bytes: number
  readonly files: readonly (readonly Buffer[])[]
}

/** Bytes of a piece. */
const PIECE = 1 << 16
/** Texts that become bytes together: few, because one character beyond Latin-1 makes them all twice as long and slow. */
const TEXTS = 512

/** Takes rows and turns them into bytes, which lie outside of the heap, as they come. */
export function packRows(serialize: (rows: RowWriter) => void, rowsPerFile = Number.POSITIVE_INFINITY): PackedRows {
  const files: Buffer[][] = []
  let file: Buffer[] | undefined
  let rows = 0
  let bytes = 0
  const texts = new Array<string>(TEXTS)
  let count = 0
  const piece = Buffer.allocUnsafe(PIECE)
  let used = 0
  const put = (some: Buffer): void => {
    if (file === undefined) {
      file = []
      files.push(file)
    }
    file.push(some)
    bytes += some.length
  }
  const endPiece = (): void => {
    if (used > 0) put(Buffer.from(piece.subarray(0, used)))
    used = 0
  }
  const endTexts = (): void => {
    const text = (count === TEXTS ? texts : texts.slice(0, count)).join('')
    count = 0
    const most = text.length * 3
    if (used + most > PIECE) endPiece()
    if (most > PIECE) put(Buffer.from(text))
    else used += piece.write(text, used)
  }
  const add = (text: string): void => {
    texts[count++] = text
    if (count === TEXTS) endTexts()
  }
  serialize({
    add,
    end() {
      add('\n')
      rows += 1
      if (rows % rowsPerFile !== 0) return
      endTexts()
      endPiece()
      file = undefined
    },
  })
  endTexts()
  endPiece()
  return { rows, bytes, files }
}

/** Rows as one gzip file. The pieces are empty afterwards. */
export async function gzipped(rows: string | readonly Buffer[]): Promise<Buffer> {
  if (typeof rows === 'string') return compress(rows, { level: 1 })
  const whole = Buffer.concat(rows)
  for (const piece of rows) giveBack(piece)
  try {
    return await compress(whole, { level: 1 })
  } finally {
    giveBack(whole)
  }
}

/** The rows as one JSON array; its size is theirs and one byte. */
export const arrayText = ({ files }: PackedRows): string =>
  `[${Buffer.concat(files.flat()).toString('utf8').trimEnd().replaceAll('\n', ',')}]`

/** What JSON must escape; lone halves of characters too, which UTF-8 cannot hold. */
// biome-ignore lint/suspicious/noControlCharactersInRegex: JSON escapes control characters
const ESCAPED = /["\\\u0000-\u001f\ud800-\udfff]/

/** A value as it stands between the quotes of a JSON string. Most texts need no escaping, and then the test is three times faster than JSON.stringify. */
function text(value: Value): string {
  const plain = typeof value === 'string' ? value : typeof value === 'object' ? JSON.stringify(value) : String(value)
  return ESCAPED.test(plain) ? JSON.stringify(plain).slice(1, -1) : plain
}

/** The record as bronze keeps it: JSON text without what only the way here needed. */
export function recordText({ record }: WriteRecord): string {
  const { _row, _read, _stamp, _op, ...rest } = record
  return JSON.stringify(rest)
}
