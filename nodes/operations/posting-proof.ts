/**
 * The proof of what is posted, as CSV: of each company and currency, what the source has handed over beside what became of it, in
 * records and in the documents' own amounts. What was posted counts as the look-up found it, not as it was sent.
 */
import type { HeldRecord, InboxEntry, Posting } from '../../ledger/ledger.ts'
import type { DataRecord } from '../../sync/contract/message.ts'
import { addDecimals, csvOf, isDecimal, negate, signOf } from '../kit/kit.ts'
import { type Asked, heldOf, placeOf } from './unposted.ts'

/** `by_hand`: a person said under which number it stands there. `left_out`: by a person. `waits`: it is on its way. */
const BECAME = ['final', 'draft', 'set_aside', 'by_hand', 'held', 'left_out', 'in_doubt', 'sent_back', 'waits'] as const
type Became = (typeof BECAME)[number]

const COLUMNS: readonly string[] = [
  ...['company', 'currency', 'acknowledged_records', 'acknowledged'],
  ...BECAME.flatMap((name) => [`${name}_records`, name]),
  ...['difference', 'differ'],
]
const AMOUNTS: readonly string[] = ['acknowledged', ...BECAME, 'difference']
type Line = Readonly<Record<string, string>>

const MOST = 1_000_000
const ACKNOWLEDGED = ['acknowledged', 'handed on', 'settled', 'answered', 'confirmed'] as const
/** Keys that are named of what differs. */
const NAMED = 20

/** Sums of one company and currency. */
interface Group {
  readonly records: Map<string, number>
  readonly amounts: Map<string, string>
  readonly differ: string[]
}

export async function proofCsv(asked: Asked, sync: string | undefined): Promise<string> {
  const groups = new Map<string, Group>()
  for (const one of await becameOf(asked, sync)) add(groups, one)
  const lines = [...groups].sort(([a], [b]) => (a < b ? -1 : 1)).map(([key, group]) => lineOf(key, group))
  return csvOf(COLUMNS, lines, AMOUNTS)
}

interface One {
  readonly key: string
  readonly record: Partial<DataRecord>
  readonly became: Became
  readonly posting: Posting | undefined
}

async function becameOf({ ledger, syncs, recordOf }: Asked, sync: string | undefined): Promise<One[]> {
  const of = sync === undefined ? {} : { sync }
  const entries = await ledger.inboxEntries({ ...of, states: ACKNOWLEDGED, limit: MOST })
  const held = await heldOf(ledger, new Set([...syncs, ...entries.map((entry) => entry.sync)]))
  const attempts = new Set((await ledger.attempts()).map(placeOf))
  const postings = new Map((await ledger.listPostings({ ...of, limit: MOST })).map((one) => [placeOf(one), one]))
  return entries.map((entry): One => {
    const key = `${entry.key}|${entry.revision}`
    const place = placeOf({ source: entry.source, sourceKey: key, key })
    const posting = postings.get(place)
    const became = attempts.has(place) ? 'in_doubt' : statusOf(entry, held.get(place), posting)
    return { key, record: recordOf(entry) ?? {}, became, posting }
  })
}

function statusOf({ sentBack }: InboxEntry, held: HeldRecord | undefined, posting: Posting | undefined): Became {
  if (sentBack !== null) return 'sent_back'
  if (posting?.byHand) return 'by_hand'
  if (posting) return posting.aside !== null ? 'set_aside' : posting.result.status === 'final' ? 'final' : 'draft'
  return held ? (held.discarded ? 'left_out' : 'held') : 'waits'
}

function add(groups: Map<string, Group>, { key, record, became, posting }: One): void {
  const [company, currency] = [String(record.company ?? ''), String(record.currency ?? '')]
  const at = JSON.stringify([company, currency])
  const group: Group = groups.get(at) ?? { records: new Map(), amounts: new Map(), differ: [] }
  groups.set(at, group)
  const own = amountIn(record.gross_amount)
  const there = posting ? postedAmount(own, posting) : own
  for (const [name, amount] of new Map<string, string>([
    ['acknowledged', own],
    [became, there],
  ])) {
    group.records.set(name, (group.records.get(name) ?? 0) + 1)
    group.amounts.set(name, addDecimals(group.amounts.get(name) ?? '0', amount))
  }
  const isOther = posting?.result.currency !== undefined && posting.result.currency !== currency
  if (isOther || signOf(less(own, there)) !== 0) group.differ.push(key)
}

const amountIn = (value: unknown): string => (typeof value === 'string' && isDecimal(value) ? value : '0')

/** As the look-up found it, with the sign that its document has; a number that a person gave says nothing of its amount. */
function postedAmount(own: string, { result, facts }: Posting): string {
  const amount = result.amount ?? facts.amount
  if (amount === undefined) return own
  const size = amount.replace('-', '')
  return own.startsWith('-') ? `-${size}` : size
}

const less = (one: string, other: string): string => addDecimals(one, negate(other))

function lineOf(key: string, { records, amounts, differ }: Group): Line {
  const [company = '', currency = ''] = JSON.parse(key) as string[]
  const became = BECAME.reduce((sum, name) => addDecimals(sum, amounts.get(name) ?? '0'), '0')
  const shown = (name: string): [string, string][] => [
    [`${name}_records`, String(records.get(name) ?? 0)],
    [name, amounts.get(name) ?? '0'],
  ]
  return Object.fromEntries([
    ['company', company],
    ['currency', currency],
    ...['acknowledged', ...BECAME].flatMap(shown),
    ['difference', less(amounts.get('acknowledged') ?? '0', became)],
    ['differ', differ.slice(0, NAMED).join(' ') + (differ.length > NAMED ? ` and ${differ.length - NAMED} more` : '')],
  ])
}
