/** What the tests of every warehouse write: journals of a few columns, batches as the engine gives them. */
import { createHash } from 'node:crypto'
import { type DataRecord, keyText, type Schema } from '../../sync/contract/message.ts'
import type { PrepareContext, Target, WriteBatch } from '../../sync/contract/target.ts'

/** A context that remembers what was waited for. */
export function writeContext(
  signal: AbortSignal = new AbortController().signal,
): PrepareContext & { readonly waits: string[] } {
  const waits: string[] = []
  let kept: string | undefined
  const note = {
    read: async () => kept,
    save: async (text: string) => {
      kept = text
    },
  }
  return { signal, waits, waiting: (what) => void waits.push(what), run: 'r1', full: false, filled: new Set(), note }
}

export interface DocumentOptions {
  readonly read: number
  readonly lines?: readonly (readonly [line: number, account: string, amount: string])[]
  readonly status?: string
  readonly delete?: boolean
}

/** Shape of a journal, as docs/entities.md has it, with fewer columns. */
export const journal: Schema = {
  entity: 'gl_entry',
  key: ['source', 'number'],
  columns: [
    { name: 'source', type: 'string', description: 'Where it comes from' },
    { name: 'number', type: 'string' },
    { name: 'status', type: 'string' },
    { name: 'accounting_date', type: 'date' },
  ],
  lists: {
    lines: {
      entity: 'gl_entry_line',
      key: ['source', 'number', 'line'],
      columns: [
        { name: 'source', type: 'string' },
        { name: 'number', type: 'string' },
        { name: 'line', type: 'integer' },
        { name: 'company', type: 'string' },
        { name: 'account', type: 'string' },
        { name: 'accounting_date', type: 'date' },
        { name: 'amount', type: 'decimal(28,8)' },
      ],
    },
  },
}

/** One journal as a source sends it. */
export function entry(number: string, options: DocumentOptions): DataRecord {
  const record: DataRecord = { _row: 0, _read: options.read, _stamp: `S${options.read}`, source: 'x3', number }
  if (options.delete) return { ...record, _op: 'delete' }
  return {
    ...record,
    status: options.status ?? 'posted',
    accounting_date: '2026-03-10',
    lines: (options.lines ?? []).map(([line, account, amount]) => ({
      source: 'x3',
      number,
      line,
      company: 'C1',
      account,
      accounting_date: '2026-03-10',
      amount,
    })),
  }
}

/** A batch as the engine gives it to a target. */
export function batchOf(
  id: string,
  records: readonly DataRecord[],
  schema: Schema = journal,
  run = 'run-1',
): WriteBatch {
  return {
    id,
    sync: 'books',
    run,
    entity: schema.entity,
    schema,
    at: '2026-03-10T09:00:00Z',
    records: records.map((record) => {
      const { _row, _read, _stamp, ...content } = record
      return {
        record,
        key: keyText(schema, record),
        read: record._read ?? 1,
        hash: createHash('sha256').update(JSON.stringify(content)).digest('hex').slice(0, 32),
      }
    }),
  }
}

/** Its tables as they are found: header, then lists. */
export const foundTables = async (target: Target, more: Partial<PrepareContext> = {}) =>
  (await target.prepare(journal, { ...writeContext(), ...more })).tables.map(({ list, state }) => `${list} ${state}`)

/** The lines of an entry that balances. */
export const two = [
  [1, '4000', '10.50'],
  [2, '7000', '-10.50'],
] as const
