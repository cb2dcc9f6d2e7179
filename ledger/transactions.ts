/** What changes several topics at once, in one transaction: a settled batch, and what people decide about records. */
import type { Database } from './database.ts'
import type { DecisionBook } from './decisions.ts'
import type { DeliveryMemory } from './deliveries.ts'
import type { FilledMemory } from './filled.ts'
import type { GroupSumBook } from './group-sums.ts'
import type { HeldBook } from './held.ts'
import type { InboxBook } from './inboxes.ts'
import type { IntentBook } from './intents.ts'
import type { Intern } from './intern.ts'
import type { SourceMemory } from './known.ts'
import type { Commit, Commits, Decisions, Deliveries, Intent } from './ledger.ts'
import type { PositionBook } from './positions.ts'
import type { PostingBook } from './postings.ts'
import type { ReadAgainBook } from './read-again.ts'
import type { ResultBook } from './results.ts'
import type { RunBook } from './runs.ts'
import type { StandingBook } from './standing.ts'
import type { WayBook } from './ways.ts'

/** The topics, each with what it lets the others do. */
export interface Books {
  readonly runs: RunBook
  readonly positions: PositionBook
  readonly deliveries: DeliveryMemory
  readonly filled: FilledMemory
  readonly groups: GroupSumBook
  readonly known: SourceMemory
  readonly held: HeldBook
  readonly intents: IntentBook
  readonly readAgain: ReadAgainBook
  readonly decisions: DecisionBook
  readonly postings: PostingBook
  readonly inboxes: InboxBook
  readonly standing: StandingBook
  readonly results: ResultBook
  readonly ways: WayBook
}

/** All that a batch changes or nothing. */
export function settling(db: Database, intern: Intern, books: Books): Commits {
  const { runs, positions, deliveries, filled, known, held, intents, decisions, postings, inboxes, groups, standing } =
    books
  const { results, ways } = books
  const write = (commit: Commit): void => {
    const { address, sync, entity } = commit
    const account = commit.deliveries ?? []
    const holds = (commit.held ?? []).map(({ key, read, run }) => ({ key, read, hash: null, run }))
    held.close(commit, account, holds)
    if (address !== undefined) deliveries.write(address, sync, account, commit.sums)
    if (address !== undefined && commit.filled)
      filled.write(
        address,
        commit.filled.map((list) => ({ list, sync, entity })),
      )
    if (address !== undefined) standing.settle(address, commit)
    if (address !== undefined) ways.write(commit, address)
    held.add(commit.held ?? [])
    runs.count(commit)
    if (commit.position) positions.write(sync, commit.position.entity, commit.position.position)
    if (commit.known) known.write(sync, entity, commit.known)
    if (address !== undefined && commit.accepted) results.accept(commit, address, commit.accepted)
    if (address !== undefined && commit.posted) postings.write(commit, address, commit.posted)
    if (commit.inbox) inboxes.settle(commit.inbox)
    if (commit.intent !== undefined) intents.end(commit.intent)
    if (commit.decision) decisions.write(commit.decision)
  }
  return {
    async commit(commit) {
      try {
        db.tx(() => write(commit))
        groups.settled(true)
      } catch (error) {
        // A number that was made in the transaction is gone with it.
        intern.forget()
        groups.settled(false)
        throw error
      }
    },
  }
}

/** What follows from a decision is in its transaction. */
export function deciding(db: Database, books: Books): Pick<Decisions, 'discardHeld' | 'editHeld' | 'settleAbsent'> {
  const { known, held, decisions, inboxes } = books
  return {
    discardHeld: async (ids, who, answer) =>
      db.tx(() => {
        // What a person leaves out is not handed on again.
        for (const { source, recordKey } of held.sourcesOf(ids)) inboxes.settle({ source, recordKeys: [recordKey] })
        const made = held.discard(ids, who, answer)
        made.forEach(decisions.write)
        return made.length
      }),
    async editHeld(id, record, who, amounts) {
      db.tx(() => decisions.write(held.edit(id, record, who, amounts)))
    },
    async settleAbsent(intent, who) {
      const { id, sync, entity, address } = intent
      const counts = db.tx(() => {
        const found = readAgainOf(books, intent)
        const told = intent.told?.unknown === 0 ? { amounts: intent.told.sums } : {}
        decisions.write({
          ...who,
          kind: 'in-doubt',
          sync,
          entity,
          sink: address,
          about: `${id}: it is not there`,
          ...told,
        })
        return found
      })
      if (counts.unfound > 0) await known.topic.doubtTargets(sync, entity)
      return counts
    },
  }
}

/** The intent ends; what of it no person has edited is to be read again, under the source's keys where they are known. */
function readAgainOf(
  { held, known, intents, readAgain }: Books,
  intent: Intent,
): Awaited<ReturnType<Decisions['settleAbsent']>> {
  const { id, sync, entity, records } = intent
  const edited = new Set(held.edited(intent))
  const others = records.filter((record) => !edited.has(record))
  const unsaid = others.flatMap(({ key, source }) => (source === undefined ? [key] : []))
  const shown = known.areShown(sync, entity, unsaid)
  const sources = others.flatMap(({ key, source }) => source ?? (shown.has(key) ? key : []))
  const unfound = unsaid.filter((key) => !shown.has(key))
  intents.end(id)
  readAgain.add(sync, entity, sources, true)
  readAgain.add(sync, entity, unfound, false)
  return { again: sources.length, edited: edited.size, unfound: unfound.length }
}

/** The target emptied its tables itself. */
export const forgetting = ({
  deliveries,
  filled,
  held,
  intents,
  standing,
  results,
}: Books): Pick<Deliveries, 'forgetAddress'> => ({
  async forgetAddress(address) {
    deliveries.clear(address)
    held.forgetStaying(address)
    filled.forget(address)
    intents.forget(address)
    standing.clear(address)
    results.forget(address)
  },
})
