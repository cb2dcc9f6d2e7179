/** Read numbers: microseconds since 1970 or the last one plus 1, reserved ahead so that none is ever given twice. */
import { type Database, prepared } from './database.ts'
import type { ReadNumbers } from './ledger.ts'

/** How far ahead numbers are reserved: one small write for each 10 seconds of reading. */
const ahead = 10_000_000

/** `now`: milliseconds since 1970. After a kill the numbers go on above all that was reserved. */
export function readNumbers(db: Database, now: () => number): ReadNumbers {
  const { load, save } = prepared(db, {
    load: "SELECT value FROM meta WHERE name = 'reserved'",
    save: "INSERT INTO meta (name, value) VALUES ('reserved', ?) ON CONFLICT DO UPDATE SET value = excluded.value",
  })
  let reserved = Number((load.get() as { value: string } | undefined)?.value ?? 0)
  const readBefore = reserved
  let last = reserved
  const reserve = (from: number) =>
    db.guard(() => {
      save.run(String(from + ahead))
      reserved = from + ahead
    })
  return {
    readBefore,
    nextRead() {
      const number = Math.max(last + 1, Math.floor(now() * 1000))
      if (number >= reserved) reserve(number)
      last = number
      return number
    },
    lastRead: () => Math.max(last, Math.floor(now() * 1000)),
    raiseRead(above) {
      if (above <= last) return
      if (above >= reserved) reserve(above)
      last = above
    },
  }
}
