/** Records as rows of the tables of an entity, as JSON text made once. */
import { isSyncError, type SyncError } from '../../../sync/contract/errors.ts'
import { isDeletion, type Row, type Schema } from '../../../sync/contract/message.ts'
import type { WriteBatch, WriteRecord } from '../../../sync/contract/target.ts'
import type { ModelTable } from './model.ts'
import { type Encoder, encoderOf, type Misfit, misfitError } from './values.ts'

/** Rows of one table, in the order of their records. */
export interface TableRows {
  readonly table: ModelTable
  /** JSON of each row without its closing brace: the post's id is added when it is sent. */
  readonly rows: readonly string[]
  /** The record that each row belongs to, as index in the batch. */
  readonly of: readonly number[]
}

interface Cell {
  readonly name: string
  /** `"name":` */
  readonly label: string
  readonly encode: Encoder
  /** The text that came last and what was made of it: columns repeat themselves from line to line. */
  last: string | undefined
  made: string
}

/**
 * A key in a form of which no two are alike for DAX, which compares texts without case and without blanks at the end: a capital is
 * `^` and its small letter, whatever is no small letter, digit or usual sign `~` and four hex digits.
 */
export const apartKey = (key: string): string =>
  key.replace(/[^a-z0-9|._:/@#+-]/g, (unit) =>
    unit >= 'A' && unit <= 'Z' ? `^${unit.toLowerCase()}` : `~${unit.charCodeAt(0).toString(16).padStart(4, '0')}`,
  )

/** Keys that are alike for DAX, as far as it is known, have one fold. */
export const foldKey = (key: string): string => key.toUpperCase().toLowerCase().trimEnd()

/** Key and read number: the same for the header and the lines of one version of a document, in order as text. */
export const versionOf = ({ key, read }: Pick<WriteRecord, 'key' | 'read'>): string =>
  `${key}@${String(read).padStart(16, '0')}`

export interface RowMaker {
  /** All tables of a batch, lists first. Throws the `data` error of the first record that does not fit. */
  rows(batch: WriteBatch): readonly TableRows[]
  /** Size in bytes of a record's header row. */
  headerBytes(batch: Pick<WriteBatch, 'run' | 'at'>, record: WriteRecord): number
  /** Why a record cannot be sent, if it cannot. */
  misfit(batch: WriteBatch, record: WriteRecord): SyncError | undefined
}

/** `tables` as `modelOf` gives them: lists first, the header last. `keyOf`: how a key is written. */
export function createRowMaker(
  schema: Schema,
  tables: readonly ModelTable[],
  cut: boolean,
  keyOf: (key: string) => string = (key) => key,
): RowMaker {
  const compiled = tables.map((table) => {
    const source = table.list === '' ? schema : schema.lists?.[table.list]
    const types = new Map(table.columns.map(({ name, dataType }) => [name, dataType]))
    const cells = (source?.columns ?? []).map((column): Cell => {
      return {
        name: column.name,
        label: `${JSON.stringify(column.name)}:`,
        encode: encoderOf(column, types.get(column.name) ?? 'String', cut),
        last: undefined,
        made: '',
      }
    })
    return { table, cells, keys: cells.filter(({ name }) => schema.key.includes(name)) }
  })

  const fill = (cells: readonly Cell[], row: Row, tail: string, item: WriteRecord, list: string): string => {
    let json = '{'
    for (const cell of cells) {
      const value = row[cell.name]
      if (value === null || value === undefined) continue
      if (value !== cell.last) {
        const made = cell.encode(value)
        if (typeof made !== 'string')
          throw misfitError(schema.entity, item.key, list === '' ? cell.name : `${list}.${cell.name}`, made as Misfit)
        cell.made = `${cell.label}${made},`
        // What is no text may change and stay the same object.
        cell.last = typeof value === 'string' ? value : undefined
      }
      json += cell.made
    }
    return json + tail
  }

  const tailOf = (batch: Pick<WriteBatch, 'run' | 'at'>, item: WriteRecord, header: boolean): string => {
    const key = keyOf(item.key)
    const own = `"_sync_key":${JSON.stringify(key)},"_sync_version":${JSON.stringify(versionOf({ key, read: item.read }))},"_sync_run":${JSON.stringify(batch.run)},"_sync_at":"${batch.at}"`
    if (!header) return own
    const stamp = item.record._stamp
    return `${own},"_sync_read":${item.read}${stamp ? `,"_source_stamp":${JSON.stringify(stamp)}` : ''},"_sync_deleted":${isDeletion(item.record)}`
  }

  const recordRows = (
    batch: Pick<WriteBatch, 'run' | 'at'>,
    item: WriteRecord,
    { table, cells, keys }: (typeof compiled)[number],
  ): string[] => {
    const removed = isDeletion(item.record)
    if (table.list === '') return [fill(removed ? keys : cells, item.record, tailOf(batch, item, true), item, '')]
    const lines = item.record[table.list]
    if (removed || !Array.isArray(lines)) return []
    const tail = tailOf(batch, item, false)
    return (lines as Row[]).map((line) => fill(cells, line, tail, item, table.list))
  }

  return {
    rows: (batch) =>
      compiled.map((one) => {
        const rows: string[] = []
        const of: number[] = []
        for (const [index, item] of batch.records.entries())
          for (const row of recordRows(batch, item, one)) {
            rows.push(row)
            of.push(index)
          }
        return { table: one.table, rows, of }
      }),
    headerBytes(batch, record) {
      const header = compiled.at(-1)
      return header === undefined ? 0 : Buffer.byteLength(recordRows(batch, record, header)[0] ?? '')
    },
    misfit(batch, record) {
      try {
        for (const one of compiled) recordRows(batch, record, one)
        return undefined
      } catch (error) {
        if (isSyncError(error)) return error
        throw error
      }
    },
  }
}
