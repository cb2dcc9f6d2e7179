/** Two stages: what of a batch is sent as changed, and which requests took what of it. */
import type { NewAccepted } from '../../ledger/ledger.ts'
import { syncError } from '../contract/errors.ts'
import type { SyncInfo } from '../contract/message.ts'
import type { Accepted } from '../contract/results.ts'
import type { Target, WriteBatch, WriteContext, WriteRecord } from '../contract/target.ts'
import type { Entry } from '../run/entry.ts'
import type { DeliverDeps } from './deps.ts'

/** What is known of a record that the target has accepted, besides what its entry says. */
export type Taken = Pick<NewAccepted, 'again' | 'before' | 'requests' | 'since'>

export interface Accepting {
  /** Records as the target gets them: what was sent before and did not come through is sent as changed. */
  marked(some: readonly Entry[]): readonly (Entry & Pick<WriteRecord, 'again'>)[]
  /** Writes it; throws `sync.untold` where the target does not say which request took a record. */
  write(part: WriteBatch): Promise<void>
  /** Of a record that was written. */
  of(key: string): Taken
}

/** Writes down that they are about to be sent, so that a request whose number is lost with this process counts for nothing. */
export async function beginAccepting(
  { ledger, now }: Pick<DeliverDeps, 'ledger' | 'now'>,
  { options, context }: { readonly options: { readonly target: Target }; readonly context: WriteContext },
  records: readonly Entry[],
): Promise<Accepting> {
  const { target } = options
  const { address } = target
  const last = await ledger.lastSent(
    address,
    records.map(({ key }) => key),
  )
  await ledger.sending(address, records)
  const again = new Set(
    records.flatMap(({ key, hash }) => {
      const sent = last.get(key)
      return sent && sent.hash === hash && !sent.through ? [key] : []
    }),
  )
  const tried = new Set<string>()
  const taken = new Map<string, Taken>()
  return {
    marked: (some) =>
      again.size === 0 ? some : some.map((one) => (again.has(one.key) ? { ...one, again: true } : one)),
    async write(part) {
      const told = new Map<string, Taken['requests'][number][]>()
      const accepted = ({ request, records: some }: Accepted): void => {
        for (const { key, items } of some) {
          const own = told.get(key) ?? []
          told.set(key, own)
          if (request !== null) own.push({ request, items })
        }
      }
      const proven = part.records.map(({ key }) => {
        const sent = last.get(key)
        // An attempt that failed may have come through, or not.
        return sent?.through && !tried.has(key) ? sent.hash : null
      })
      for (const { key } of part.records) tried.add(key)
      await target.write(part, { ...context, accepted })
      const since = now()
      for (const [i, { key, again: isAgain = false }] of part.records.entries()) {
        const requests = told.get(key)
        if (requests === undefined) throw untold(part.entity, key, address)
        taken.set(key, { again: isAgain, before: proven[i] ?? null, requests, since })
      }
    },
    of(key) {
      const known = taken.get(key)
      if (known === undefined) throw untold('', key, address)
      return known
    },
  }
}

const untold = (entity: string, key: string, address: string) =>
  syncError('config', 'sync.untold', `${address} did not say which request took ${entity} ${key}.`, {
    hint: 'This is a fault of the programme: its result could never be asked for.',
  })

/** Nothing is written before the results of those that it names are there, or were waited for long enough. */
export async function untilNeeded(
  { runs }: Pick<DeliverDeps['settlement'], 'runs'>,
  job: {
    readonly sync: SyncInfo
    readonly options: { readonly signal: AbortSignal }
    waiting: string | undefined
  },
  needs: readonly string[],
): Promise<void> {
  const { sync, options } = job
  const run = runs.get(sync.run)
  const isOpen = (name: string): boolean => name !== sync.entity && run?.entities.get(name)?.closed === false
  for (;;) {
    const open = needs.filter(isOpen)
    if (!run || open.length === 0 || !runs.has(run.id)) break
    options.signal.throwIfAborted()
    job.waiting = `waiting for the results of ${open.join(', ')}`
    await run.next(500)
  }
  job.waiting = undefined
}
