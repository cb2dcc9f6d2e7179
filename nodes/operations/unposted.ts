/** What is approved and not posted, as CSV: what an accrual at the end of a period is made from. */
import type { HeldRecord, InboxEntry, Ledger, Posting } from '../../ledger/ledger.ts'
import type { DataRecord } from '../../sync/contract/message.ts'
import { csvOf } from '../kit/kit.ts'

const COLUMNS = [
  'period',
  'company',
  'supplier',
  'supplier_name',
  'number',
  'invoice_type',
  'invoice_date',
  'voucher_date',
  'accounting_period',
  'currency',
  'net_amount',
  'tax_amount',
  'tax_amount_2',
  'gross_amount',
  'company_currency',
  'net_amount_company',
  'gross_amount_company',
  'state',
  'draft',
  'reason',
  'since',
  'key',
] as const
type Line = Readonly<Partial<Record<(typeof COLUMNS)[number], string>>>
const ORDER = ['period', 'company', 'supplier', 'number', 'key'] as const

/** Where it is asked from: the ledger, the syncs whose sources answer, and a document of the inbox as a record. */
export interface Asked {
  readonly ledger: Ledger
  readonly syncs: readonly string[]
  readonly recordOf: (entry: InboxEntry) => DataRecord | undefined
}

/**
 * One line for each document that its source waits for, or that is held, and that has no final voucher which nothing is wrong
 * with, by period, company, supplier and number. `period`: only those of this month.
 */
export async function unpostedCsv(
  asked: Asked,
  { sync, period }: { readonly sync?: string | undefined; readonly period?: string | undefined },
): Promise<string> {
  const lines = (await unposted(asked, sync))
    .filter((line) => period === undefined || line.period === period)
    .map((line) => ({ line, by: JSON.stringify(ORDER.map((name) => line[name] ?? '')) }))
    .sort((one, other) => (one.by < other.by ? -1 : 1))
  return csvOf(
    COLUMNS,
    lines.map(({ line }) => line),
  )
}

async function unposted({ ledger, syncs, recordOf }: Asked, sync: string | undefined): Promise<Line[]> {
  const entries = await ledger.unposted(sync)
  const held = await heldOf(ledger, new Set([...syncs, ...entries.map((entry) => entry.sync)]))
  const attempts = new Set((await ledger.attempts()).map(placeOf))
  const open = await ledger.listPostings({ open: true, limit: 1_000_000 })
  const postings = new Map(open.map((one) => [placeOf(one), one]))
  const lines = entries.map((entry): Line => {
    const { source, times, state } = entry
    const key = `${entry.key}|${entry.revision}`
    const place = placeOf({ source, sourceKey: key, key })
    const kept = held.get(place)
    held.delete(place)
    const since = times.acknowledged ?? times['handed on'] ?? times[state] ?? ''
    const known = { ...said({ ...recordOf(entry), ...(kept && recordIn(kept)) }), since, key }
    return { ...known, ...(attempts.has(place) ? { state: 'in doubt' } : statusOf(entry, kept, postings.get(place))) }
  })
  // What its source never took over, such as one that is prebooked.
  const others = [...held.values()].filter(({ stage, state }) => stage === 'source' && state !== 'discarded')
  return [
    ...lines,
    ...others.map((one): Line => ({ ...said(recordIn(one)), ...heldLine(one), since: one.heldAt, key: one.key })),
  ]
}

/** By their places; what is open counts before what was left out. */
export async function heldOf(ledger: Ledger, syncs: ReadonlySet<string>): Promise<Map<string, HeldRecord>> {
  const all = await Promise.all(
    (['discarded', 'replaying', 'open'] as const).flatMap((state) =>
      [...syncs].map((sync) => ledger.held({ sync, states: [state] })),
    ),
  )
  return new Map(
    all.flat().map((one) => [placeOf({ source: one.sourceAddress, sourceKey: one.sourceKey, key: one.key }), one]),
  )
}

/** A record by the key that its source knows it under. */
export const placeOf = (of: {
  readonly source: string
  readonly sourceKey?: string | null | undefined
  readonly key: string
}): string => JSON.stringify([of.source, of.sourceKey ?? of.key])

const recordIn = ({ record, edited }: HeldRecord): DataRecord => edited?.record ?? record

function statusOf(
  { state, why, sentBack }: InboxEntry,
  held: HeldRecord | undefined,
  posting: Posting | undefined,
): Line {
  if (sentBack !== null) return { state: 'being sent back', reason: sentBack }
  if (held) return heldLine(held)
  if (posting)
    return {
      state: posting.aside === null ? 'draft' : 'set aside',
      draft: posting.result.number,
      reason: posting.aside ?? '',
    }
  return { state: state === 'asked' ? 'asked: is it ours' : 'waits', reason: why ?? '' }
}

const heldLine = ({ cause, discarded }: HeldRecord): Line =>
  discarded
    ? { state: 'left out', reason: `${discarded.by}: ${discarded.reason}` }
    : { state: 'held', reason: cause.message }

/** Its columns, and the month that it belongs to: of the voucher date, else of the invoice date. */
function said(record: Partial<DataRecord>): Line {
  const known = COLUMNS.filter((name) => !['state', 'reason', 'since', 'key'].includes(name)).flatMap((name) => {
    const value = record[name]
    return value === null || value === undefined ? [] : [[name, String(value)] as const]
  })
  const line: Line = Object.fromEntries(known)
  return { ...line, period: (line.voucher_date ?? line.invoice_date ?? '').slice(0, 7) }
}
