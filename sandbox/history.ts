import { mkdirSync, readFileSync, renameSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { z } from 'zod'
import { createBooks } from './books/books.ts'
import type { Ambush, Books, Size } from './books/types.ts'

/** What has happened to the books since the beginning, with the ERP's time at which it did; playing it again gives the same books. */
const eventSchema = z.discriminatedUnion('kind', [
  z.object({ kind: z.literal('day'), at: z.number() }),
  z.object({ kind: z.literal('ambush'), at: z.number(), table: z.string(), key: z.string() }),
  z.object({ kind: z.literal('finish'), at: z.number() }),
])
export type BookEvent = z.infer<typeof eventSchema>

const storedSchema = z.object({
  seed: z.number(),
  size: z.union([z.enum(['small', 'medium', 'large']), z.number()]),
  today: z.string(),
  /** How far the ERP's clock is ahead of the real one, in ms. */
  offset: z.number(),
  secrets: z.record(z.string(), z.string()),
  events: z.array(eventSchema),
})
type Stored = z.infer<typeof storedSchema>

/** The ERP's clock: real time, moved on by business days and set wrong on purpose. */
export interface ErpClock {
  now(): number
  /** Moves the clock on by so many ms. */
  advance(ms: number): void
  /** Sets it wrong by so many seconds, from now on; 0 puts it right. */
  skew(seconds: number): void
}

/** Books that remember what was done to them, in a file if there is a folder for it. */
export interface History {
  readonly books: Books
  readonly clock: ErpClock
  readonly seed: number
  readonly size: Size | number
  readonly today: string
  /** Secrets that stay the same over restarts, made on first use. */
  secret(name: string, make: () => string): string
  /** Moves the clock on by a day, then the books; returns what changed. */
  day(): string[]
  /** Ends what waits and returns rights, then moves the clock past every stamp and an hour. */
  finish(): void
  events(): readonly BookEvent[]
}

export interface HistoryOptions {
  seed: number
  size: Size | number
  /** The books' first day; the ERP's clock starts on it, at the real time of day. Without it: the real day. */
  today?: string
  /** Folder for what must survive a restart; a folder with other books in it is refused. */
  state?: string
  /** Stops the real time: every reply is as of the same moment. */
  frozen?: boolean
}

const dayMs = 86_400_000
const hourMs = 3_600_000

export function openHistory(options: HistoryOptions): History {
  const started = Date.now()
  const real = (): number => (options.frozen ? started : Date.now())
  const file = options.state === undefined ? undefined : join(options.state, 'sandbox.json')
  if (options.state !== undefined) mkdirSync(options.state, { recursive: true })
  const stored = (file === undefined ? undefined : read(file, options)) ?? begin(options, started)
  const save = (): void => {
    if (!file) return
    // Written beside and renamed: a kill leaves the old file or the new one.
    writeFileSync(`${file}.new`, JSON.stringify(stored), { mode: 0o600 })
    renameSync(`${file}.new`, file)
  }

  let skewMs = 0
  let replayed: number | undefined
  const clock: ErpClock = {
    now: () => replayed ?? real() + stored.offset + skewMs,
    advance(ms) {
      stored.offset += ms
      save()
    },
    skew(seconds) {
      skewMs = seconds * 1000
    },
  }
  const inner = createBooks({ seed: stored.seed, size: stored.size, today: stored.today, now: clock.now })
  const note = (event: BookEvent): void => {
    if (replayed !== undefined) return
    stored.events.push(event)
    save()
  }
  const books: Books = {
    ...inner,
    ambushes: () =>
      inner.ambushes().map(
        (ambush): Ambush => ({
          table: ambush.table,
          key: ambush.key,
          apply() {
            note({ kind: 'ambush', at: clock.now(), table: ambush.table, key: ambush.key })
            ambush.apply()
          },
        }),
      ),
  }
  for (const event of stored.events) {
    replayed = event.at
    if (event.kind === 'day') inner.day()
    else if (event.kind === 'finish') inner.finish()
    else
      inner
        .ambushes()
        .find(({ table, key }) => table === event.table && key === event.key)
        ?.apply()
  }
  replayed = undefined
  save()

  return {
    books,
    clock,
    seed: stored.seed,
    size: stored.size,
    today: stored.today,
    secret(name, make) {
      const known = stored.secrets[name]
      if (known !== undefined) return known
      const made = make()
      stored.secrets[name] = made
      save()
      return made
    },
    day() {
      clock.advance(dayMs)
      note({ kind: 'day', at: clock.now() })
      return inner.day()
    },
    finish() {
      note({ kind: 'finish', at: clock.now() })
      inner.finish()
      const quiet = Date.parse(inner.lastStamp()) + hourMs
      if (quiet > clock.now()) clock.advance(quiet - clock.now())
    },
    events: () => stored.events,
  }
}

function begin(options: HistoryOptions, now: number): Stored {
  const realDay = new Date(now).toISOString().slice(0, 10)
  const today = options.today ?? realDay
  const offset = Date.parse(today) - Date.parse(realDay)
  return { seed: options.seed, size: options.size, today, offset, secrets: {}, events: [] }
}

function read(file: string, options: HistoryOptions): Stored | undefined {
  let text: string
  try {
    text = readFileSync(file, 'utf8')
  } catch {
    return undefined
  }
  const stored = storedSchema.parse(JSON.parse(text))
  for (const name of ['seed', 'size'] as const) {
    if (stored[name] !== options[name]) {
      throw new Error(
        `${file} holds books of ${name} ${stored[name]}, not ${options[name]}: remove the folder to begin anew`,
      )
    }
  }
  return stored
}
