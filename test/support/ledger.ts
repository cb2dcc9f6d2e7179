/** A ledger on disk in a folder of its own, and what tests put into it. */
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { Commit, Delivery, Ledger } from '../../ledger/ledger.ts'
import { openLedger } from '../../ledger/open.ts'
import type { DataRecord } from '../../sync/contract/message.ts'
import type { RunSummary } from '../../sync/contract/summary.ts'
import { supplierSchema } from './fakes.ts'

export const key = 'a secret of the tests'
export const address = 'fakedb://host/main.finance.supplier'

export interface LedgerFolder {
  readonly file: string
  open(options?: { readonly key?: string; readonly now?: () => number }): Promise<Ledger>
  /** Closes what was opened and takes the folder away. */
  remove(): Promise<void>
}

export function ledgerFolder(): LedgerFolder {
  const folder = mkdtempSync(join(tmpdir(), 'tieout-ledger-'))
  const file = join(folder, 'ledger.db')
  const opened: Ledger[] = []
  return {
    file,
    async open(options = {}) {
      const ledger = await openLedger({ file, key, ...options })
      opened.push(ledger)
      return ledger
    },
    async remove() {
      for (const ledger of opened) await ledger.close()
      rmSync(folder, { recursive: true, force: true })
    },
  }
}

export const delivery = (text: string, read: number, more: Partial<Delivery> = {}): Delivery => ({
  key: text,
  read,
  hash: 'ab'.repeat(16),
  run: 'r1',
  ...more,
})

export const commit = (more: Partial<Commit> = {}): Commit => ({
  run: 'r1',
  sync: 's',
  entity: 'supplier',
  sinkId: 'n1',
  sinkName: 'warehouse',
  outcomes: {},
  ...more,
})

export const held = (text: string, read: number, more: Partial<NonNullable<Commit['held']>[number]> = {}) => ({
  heldBy: address,
  sinkName: 'warehouse',
  stage: 'sink' as const,
  key: `erp|${text}`,
  sync: 's',
  run: 'r1',
  entity: 'supplier',
  sourceAddress: 'fake://erp/SEED',
  read,
  record: { _row: 0, _read: read, source: 'erp', code: text, name: `name of ${text}` } as DataRecord,
  schema: supplierSchema,
  cause: { class: 'data' as const, code: 'test.bad', message: 'it does not fit' },
  amounts: {},
  ...more,
})

export const summaryOf = (run: string, more: Partial<RunSummary> = {}): RunSummary => ({
  run,
  sync: 's',
  mode: 'poll',
  started: '2026-03-01T08:00:00.000Z',
  ended: '2026-03-01T08:01:00.000Z',
  state: 'done',
  entities: [],
  ties: true,
  requests: 0,
  statements: 0,
  notices: [],
  errors: [],
  ...more,
})
