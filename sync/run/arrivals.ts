/** What arrives at a sink, record by record, beside what was read and what our own nodes said they made of it. */
import type { SinkRef } from '../contract/engine.ts'
import { type DataRecord, memberOf } from '../contract/message.ts'
import type { Contributor } from '../values/contribution.ts'
import { amountsText, toldAmounts } from '../values/told.ts'
import { createTotals, type Totals } from '../values/totals.ts'
import type { GroupBook, TableTotals } from '../values/totals-plan.ts'

/** What was read of the rows of a batch. */
export interface BatchRead {
  readonly by: Contributor
  /** By `_row`; 0: the row never was read. */
  readonly digests: Uint32Array
  /** Contributions, by `_row`; taken away once they are settled. */
  texts: readonly string[] | undefined
  /** What all of them add. */
  readonly total: string
  /** What our own nodes made of them, in order. */
  readonly declared: Declared[]
}

/** What one node of ours, or a person, made of rows of a batch. */
export interface Declared {
  readonly by: Contributor
  readonly how: 'mapped' | 'corrected'
  /** Of what goes out, by `_row`; 0: the node did not have the row. */
  readonly digests: Uint32Array
  texts: string[] | undefined
  /** Rows that had been changed before they came to it. */
  readonly changed: Map<number, Change>
}

/** A record that is not as it was read and declared: contributions of both; undefined: not known any more. */
export interface Change {
  readonly read: string | undefined
  readonly arrived: string
}

export interface Arrival {
  /** What the record adds as it arrived. */
  readonly contribution: string
  /** Somebody else changed it on the way. */
  readonly change: Change | undefined
}

/** What records are that are sent as they are. */
export function readOf(by: Contributor, records: readonly DataRecord[]): BatchRead {
  const totals = createTotals(by.groups)
  const all = records.map((record) => by.of(record, totals))
  const digests = Uint32Array.from(all, ({ digest }) => digest)
  return { by, digests, texts: all.map(({ text }) => text), total: totals.text(), declared: [] }
}

/** `here`: for the schema that it came with. */
export function arrivalOf(read: BatchRead, record: DataRecord, here: Contributor): Arrival {
  const row = memberOf(record, '_row')
  for (let at = read.declared.length - 1; at >= 0; at--) {
    const { by, digests, texts, changed } = read.declared[at] as Declared
    const digest = digests[row]
    if (!digest || digest !== by.digest(record)) continue
    const known = by.sign === here.sign ? texts?.[row] : undefined
    return { contribution: known ?? here.of(record).text, change: changed.get(row) }
  }
  if (read.by.digest(record) === read.digests[row]) {
    const known = read.by.sign === here.sign ? read.texts?.[row] : undefined
    return { contribution: known ?? here.of(record).text, change: undefined }
  }
  const contribution = here.of(record).text
  const last = read.declared.findLast(({ digests }) => digests[row])
  return { contribution, change: { read: (last ?? read).texts?.[row], arrived: contribution } }
}

/** What a record would add as our own nodes made it: without what others changed. */
export function declaredAs(groups: GroupBook, { contribution, change }: Arrival): string {
  if (change?.read === undefined) return contribution
  if (change.arrived === contribution) return change.read
  const totals = createTotals(groups)
  totals.add(contribution)
  totals.remove(change.arrived)
  totals.add(change.read)
  return totals.text()
}

interface Declaring {
  readonly how: Declared['how']
  /** Columns that may have been changed; absent: any. */
  readonly touched?: readonly string[] | undefined
  /** Nobody can have changed the records before: they need no look. */
  readonly isDirect: boolean
}

/** What a node of ours made of records of a batch; undefined: nothing that counts. */
export function declaredOf(
  read: BatchRead,
  before: { readonly records: readonly DataRecord[]; readonly by: Contributor },
  after: { readonly records: readonly DataRecord[]; readonly by: Contributor },
  { how, touched, isDirect }: Declaring,
): Declared | undefined {
  const isSame = before.by.sign === after.by.sign
  if (isSame && touched && !touched.some((name) => after.by.counts(name))) return undefined
  const keepsSums = isSame && touched !== undefined && !touched.some((name) => after.by.sums(name))
  const came = new Map(before.records.map((record) => [memberOf(record, '_row'), record]))
  if (isSame && after.records.every((record) => came.get(memberOf(record, '_row')) === record)) return undefined
  const declared: Declared = {
    by: after.by,
    how,
    digests: new Uint32Array(read.digests.length),
    texts: [],
    changed: new Map(),
  }
  for (const record of after.records) {
    const row = memberOf(record, '_row')
    const from = came.get(row)
    if (from === undefined) continue
    const known = isDirect && keepsSums && read.declared.length === 0 ? read.texts?.[row] : undefined
    const arrival = isDirect && (known !== undefined || !keepsSums) ? undefined : arrivalOf(read, from, before.by)
    if (arrival?.change !== undefined) declared.changed.set(row, arrival.change)
    const sum = known ?? (keepsSums ? arrival?.contribution : undefined)
    const { text, digest } = sum === undefined ? after.by.of(record) : { text: sum, digest: after.by.digest(record) }
    declared.digests[row] = digest
    ;(declared.texts as string[])[row] = text
  }
  return declared
}

/** Records of an entity that somebody changed on the way to a sink, counted as they arrive. */
export interface ChangedInFlow {
  records: number
  /** Key of the first. */
  example: string
  /** Records of which it is not known what they were. */
  unknown: number
  /** Arrived less read. */
  readonly difference: Totals
}

export function countChange(
  tally: { changed: ChangedInFlow | undefined },
  groups: GroupBook,
  key: string,
  { read, arrived }: Change,
): void {
  tally.changed ??= { records: 0, example: key, unknown: 0, difference: createTotals(groups) }
  const { changed } = tally
  changed.records++
  if (read === undefined) changed.unknown++
  else {
    changed.difference.add(arrived)
    changed.difference.remove(read)
  }
}

/** The same in words, without what may be done about it. */
export function changedText(
  { records, example, unknown, difference }: ChangedInFlow,
  plan: readonly TableTotals[],
  nodes: readonly string[],
): string {
  const amounts = amountsText(toldAmounts(plan, difference))
  const by = nodes.length > 0 ? ` by ${nodes.join(' or ')}` : ''
  const more = unknown > 0 ? `; of ${unknown} the amounts as read are not known` : ''
  return `${records} record(s) were changed in the flow${by}, such as ${example}: ${amounts || 'the sums stay, keys or accounts differ'}${more}`
}

/** Nodes of others on the way to a sink, as people call them. */
export type Foreign = (sink: SinkRef) => readonly string[] | undefined
