/** The ledger in one SQLite file: everything that one settled batch changes is one transaction, on disk when it returns. */
import type { Log } from '../sync/contract/log.ts'
import { createAddedCodes } from './added-codes.ts'
import { createAlertMessages } from './alert-messages.ts'
import { createAlerts } from './alerts.ts'
import { createAttempts } from './attempts.ts'
import { createCopies } from './copies.ts'
import type { Cipher } from './crypt.ts'
import type { Database } from './database.ts'
import { createDecisions } from './decisions.ts'
import { createDeliveries } from './deliveries.ts'
import { createFilled } from './filled.ts'
import { createGroupSums } from './group-sums.ts'
import { createHeld } from './held.ts'
import { createInboxes } from './inboxes.ts'
import { createIntents } from './intents.ts'
import { createIntern } from './intern.ts'
import { createKnownKeys } from './known.ts'
import type { Ledger } from './ledger.ts'
import { createMakings } from './makings.ts'
import { createNotes } from './notes.ts'
import { readNumbers } from './numbers.ts'
import { createOpenItems } from './open-items.ts'
import { createOwners } from './owners.ts'
import { createPositions } from './positions.ts'
import { createPostings } from './postings.ts'
import { createReadAgain } from './read-again.ts'
import { createResults } from './results.ts'
import { createRuns } from './runs.ts'
import { createStanding } from './standing.ts'
import { createTargetSums } from './target-sums.ts'
import { createTokens } from './tokens.ts'
import { type Books, deciding, forgetting, settling } from './transactions.ts'
import { createWays } from './ways.ts'

export interface SqliteLedgerOptions {
  readonly db: Database
  readonly id: string
  readonly cipher: Cipher
  /** Milliseconds since 1970. */
  readonly now: () => number
  /** The file by which an old copy of this ledger is told; undefined: there is none. */
  readonly installation: string | undefined
  /** Decisions are told there. */
  readonly log?: Log | undefined
}

export interface SqliteLedger extends Ledger {
  /** At open: nothing of an earlier process goes on. */
  recover(): {
    readonly runs: number
    readonly held: number
    readonly oldCopy: string | undefined
    /** It has sent more to targets with two stages than it knows. */
    readonly sentMore: boolean
  }
}

const DAY_MS = 86_400_000
const YEAR_MS = 365.25 * DAY_MS

export function createSqliteLedger({ db, id, cipher, now, installation, log }: SqliteLedgerOptions): SqliteLedger {
  const at = () => new Date(now()).toISOString()
  const intern = createIntern(db, at)
  const numbers = readNumbers(db, now)
  const alerts = createAlerts(db, at)
  const alertMessages = createAlertMessages(db)
  const sums = createTargetSums(db, intern)
  const groups = createGroupSums(db, intern)
  const deliveries = createDeliveries(db, intern, sums, groups)
  const known = createKnownKeys(db)
  const decisions = createDecisions(db, at, log)
  const postings = createPostings({ db, id, intern, cipher, decisions, at, installation })
  const standing = createStanding(db, decisions)
  const stop = postings.topic.stopPosting
  const held = createHeld(db, intern, cipher, at)
  const readAgain = createReadAgain(db, at)
  const books: Books = {
    runs: createRuns(db, intern, at),
    positions: createPositions(db),
    deliveries,
    groups,
    known,
    filled: createFilled(db, deliveries, sums.topic, known, standing, numbers.nextRead),
    standing,
    held,
    intents: createIntents(db, intern),
    readAgain,
    decisions,
    postings,
    inboxes: createInboxes({ db, cipher, decisions, at, stop }),
    ways: createWays(db, intern, at),
    results: createResults({ db, id, installation, intern, cipher, deliveries, held, readAgain, decisions, at }),
  }
  return {
    id,
    ...numbers,
    ...createCopies(db),
    ...books.runs.topic,
    ...books.positions.topic,
    ...deliveries.topic,
    ...sums.topic,
    ...groups.topic,
    ...known.topic,
    ...books.filled.topic,
    ...books.held.topic,
    ...books.intents.topic,
    ...books.readAgain.topic,
    ...books.results.topic,
    ...decisions.topic,
    ...createAddedCodes(db, at, decisions),
    ...postings.topic,
    ...createAttempts(db, intern, cipher, postings),
    ...books.inboxes.topic,
    ...alerts.topic,
    ...alertMessages.topic,
    ...createOwners(db),
    ...standing.topic,
    ...books.ways.topic,
    ...createMakings(db, { ways: books.ways, known, readAgain, at }),
    ...createNotes(db),
    ...createTokens({ db, id, cipher, installation }),
    ...createOpenItems(db, decisions, at),
    ...settling(db, intern, books),
    ...deciding(db, books),
    ...forgetting(books),

    async purge(olderThanDays, decisionYears = 10) {
      const before = new Date(now() - olderThanDays * DAY_MS).toISOString()
      const longBefore = new Date(now() - decisionYears * YEAR_MS).toISOString()
      books.decisions.purge(longBefore)
      await books.runs.purge(before)
      books.ways.purge(longBefore)
      books.results.purge()
      books.held.purge(before)
      books.inboxes.purge(before)
      await alerts.purge(before)
      alertMessages.purge(before)
      while (!deliveries.sweep()) await new Promise(setImmediate)
      intern.forget()
    },
    recover: () =>
      db.tx(() => {
        db.raw.exec('DELETE FROM contribution')
        return {
          runs: books.runs.endAbandoned(),
          held: books.held.giveBack(),
          oldCopy: postings.recognise(),
          sentMore: books.results.recognise(),
        }
      }),
    async close() {
      if (!db.raw.isOpen) return
      await db.ask(() => db.query.destroy())
      if (db.raw.isOpen) db.raw.close()
    },
  }
}
