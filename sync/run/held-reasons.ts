/** Held records by the reason for which they are held. Pure. */
import type { HeldHead } from '../../ledger/ledger.ts'
import type { MissingCode } from '../contract/errors.ts'
import type { Told } from '../contract/summary.ts'
import { toldInWords, toldOf } from '../values/told-amount.ts'

/** Records that wait for the same thing: of one entity, held at one place, for one cause at one field or for the same codes. */
export interface HeldReason {
  /** Names it in a request; the same as long as a record is held for it. */
  readonly reason: string
  readonly sync: string
  readonly entity: string
  readonly sink: string
  readonly sinkName: string
  readonly code: string
  readonly field?: string
  readonly codes?: readonly MissingCode[]
  /** In words, as of the first of them, without its key. */
  readonly says: string
  readonly hint?: string
  readonly count: number
  /** Id of the first of them. */
  readonly first: string
  readonly told: Told
  /** The same in words; empty where nothing is told of them. */
  readonly amount: string
}

/** Name of the reason of one record. */
export const reasonOf = ({ sync, entity, heldBy, cause: { code, field, codes } }: HeldHead): string =>
  JSON.stringify([
    sync,
    entity,
    heldBy,
    code,
    field ?? '',
    codes?.map((one) => `${one.table} ${one.code}`).sort() ?? [],
  ])

/** The most records first. */
export function reasonsOf(heads: readonly HeldHead[]): readonly HeldReason[] {
  const groups = [...Map.groupBy(heads, reasonOf)]
  return groups.map(([reason, some]) => told(reason, some)).sort((a, b) => b.count - a.count)
}

/** What is told of records, in words. */
export const amountOf = (some: readonly Pick<HeldHead, 'amounts'>[]): string =>
  toldInWords(toldOf(some.map(({ amounts }) => amounts)))

function told(reason: string, some: readonly HeldHead[]): HeldReason {
  const [first] = some as [HeldHead]
  const { code, field, codes, hint } = first.cause
  return {
    reason,
    sync: first.sync,
    entity: first.entity,
    sink: first.heldBy,
    sinkName: first.sinkName,
    code,
    ...(field !== undefined && { field }),
    ...(codes && { codes }),
    says: saysOf(first),
    ...(hint !== undefined && { hint }),
    count: some.length,
    first: first.id,
    told: toldOf(some.map(({ amounts }) => amounts)),
    amount: amountOf(some),
  }
}

/** A message begins with the record that it is about, and ends with what to do next, which stands beside it. */
function saysOf({ entity, key, cause: { message, hint } }: HeldHead): string {
  const record = `${entity} ${key}`
  const rest = message.startsWith(record) ? message.slice(record.length).replace(/^[\s:,]+/, '') : message
  return (hint && rest.length > hint.length ? rest.replace(hint, '') : rest).trim()
}
