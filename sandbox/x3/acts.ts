/** What an accountant does in X3, by name: what was posted is seen, made final, deleted, reversed; periods are closed. */
import { z } from 'zod'
import type { Books } from '../books/types.ts'
import type { Accountant } from './soap/journals.ts'

const one = z.strictObject({ key: z.string() })
const until = z.strictObject({ date: z.iso.date() })
const nothing = z.strictObject({})

/** Keys are `entryType|number`. Throws for what is unknown or cannot be done. */
export function accountantActs(accountant: Accountant, { tables }: Books): (name: string, what: unknown) => unknown {
  const acts: Readonly<Record<string, (what: unknown) => unknown>> = {
    posted(what) {
      nothing.parse(what)
      return accountant.posted().map((one) => ({ ...one, entry: tables.journalEntry.get(one.key) }))
    },
    finalise: (what) => accountant.finalise(one.parse(what).key),
    finaliseAll(what) {
      nothing.parse(what)
      const drafts = accountant.posted().filter(({ status }) => status === 'temporary')
      for (const { key } of drafts) accountant.finalise(key)
      return { final: drafts.map(({ key }) => key) }
    },
    remove: (what) => accountant.remove(one.parse(what).key),
    reverse: (what) => ({ key: accountant.reverse(one.parse(what).key) }),
    closeBefore: (what) => accountant.closeBefore(until.parse(what).date),
  }
  return (name, what) => {
    if (!Object.hasOwn(acts, name)) throw new Error(`Nothing called ${name} is done in X3`)
    return acts[name]?.(what) ?? {}
  }
}
