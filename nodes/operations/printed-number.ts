/** Documents by the number that is printed on them, where their key is another: of an inbox, as long as it keeps them. */
import { setImmediate as othersTurn } from 'node:timers/promises'
import type { Ledger } from '../../ledger/ledger.ts'
import type { Member } from '../kit/kit.ts'

/** Not confirmed yet: of those that are, the ledger keeps no more than what is in a delivery, in time. */
const OPEN = ['asked', 'recorded', 'acknowledged', 'handed on', 'settled', 'answered'] as const
/** Documents of a sync in one state that are looked at, the oldest first: each is decrypted for it, in some 25 ms for all. */
const MOST = 300
const MOST_FOUND = 10

/** Keys of the records that have this number. */
export async function keysPrinted(
  ledger: Ledger,
  members: Iterable<Member>,
  number: string,
  entity: string | undefined,
): Promise<readonly string[]> {
  const inJson = JSON.stringify(number).slice(1, -1)
  const found: string[] = []
  for (const { answers, syncName: sync, entities, recordOf } of members) {
    if (!answers || sync === undefined || !recordOf) continue
    if (entity !== undefined && !entities?.().includes(entity)) continue
    for (const state of OPEN) {
      // A record is made only of what can have it.
      for (const { key, revision, document } of await ledger.inboxEntries({ sync, states: [state], limit: MOST }))
        if (JSON.stringify(document).includes(inJson) && recordOf(document)?.number === number)
          found.push(`${key}|${revision}`)
      await othersTurn()
    }
  }
  return found.slice(0, MOST_FOUND)
}
