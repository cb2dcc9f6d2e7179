/** What a person says of a batch in doubt, and what follows for each of its records. */
import type { Commits, Decisions, Deliveries, Intent, Who } from '../../ledger/ledger.ts'
import { appendedOf, TWICE } from './intents.ts'

/** What becomes of the records of a batch, in numbers. */
export interface Settled {
  readonly records: number
  /** Read by their source's keys in the next run, and sent. */
  readonly again: number
  /** Held with a person's edit, which reading them again would undo: they stay held, to be replayed. */
  readonly edited: number
  /** Nobody knows their source's keys: only reading everything finds them. */
  readonly unfound: number
}

/** `delivered`: equal records are not sent again. `absent`: the next run reads them again and sends them. */
export async function settleDoubt(
  ledger: Commits & Decisions & Deliveries,
  intent: Intent,
  as: 'delivered' | 'absent',
  who: Who,
): Promise<Settled> {
  const { id, address, run, sync, entity, records } = intent
  // A batch that is listed because it is there twice has no version that could be missing, or to be remembered.
  const versions = records.filter(({ hash }) => hash !== TWICE)
  const none = { records: records.length, again: 0, edited: 0, unfound: 0 }
  if (as === 'absent' && versions.length > 0) return { ...none, ...(await ledger.settleAbsent(intent, who)) }
  const told = intent.told?.unknown === 0 ? { amounts: intent.told.sums } : {}
  const answer = as === 'absent' ? 'it is not there' : 'it is there'
  await ledger.commit({
    run,
    sync,
    entity,
    sinkId: address,
    sinkName: address,
    address,
    deliveries: await appendedOf(ledger, intent, versions),
    outcomes: {},
    intent: id,
    decision: { ...who, kind: 'in-doubt', sync, entity, sink: address, about: `${id}: ${answer}`, ...told },
  })
  return none
}

/** What follows, for whoever said so. */
export function settledText(entity: string, { records, again, edited, unfound }: Settled): string {
  const parts = [
    ...(again > 0 ? [`${again} are read by key in the next run and sent`] : []),
    ...(edited > 0
      ? [`${edited} stay held with what was edited: replay them, since reading them again would undo the edit`]
      : []),
    ...(unfound > 0
      ? [`of ${unfound} nobody knows the source's key: read everything of ${entity} once (a full reading) to find them`]
      : []),
  ]
  return parts.length === 0 ? `${records} record(s) of ${entity} are settled.` : `${entity}: ${parts.join('; ')}.`
}
