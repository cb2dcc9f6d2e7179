/** What a schedule costs, in plain words: statements for each day, and how long the warehouse is awake. An estimate. */

export interface CostQuestion {
  /** Minutes between two runs; 0: only by hand. */
  readonly everyMinutes: number
  /** Rows that change between two runs, lines included. */
  readonly rows: number
  readonly entities: number
  /** Tables of all entities together. */
  readonly tables: number
  /** Of the warehouse; undefined: not known. */
  readonly autoSuspendSeconds?: number | undefined
  /** `X-Small` and so on; undefined: not known. */
  readonly size?: string | undefined
}

/** A source's batch. */
const ROWS_PER_BATCH = 10_000
/** Temporary table, upload, load, begin, commit. */
const PER_BATCH = 5
/** First row and mark before, mark after; DESCRIBE of a table needs no warehouse. */
const PER_ENTITY = 3
/** Seconds of a statement on an X-Small; most are shorter, a MERGE into a large table is longer. */
const SECONDS_PER_STATEMENT = 2
/** Snowflake bills at least a minute each time a warehouse is resumed. */
const LEAST_SECONDS = 60
const DEFAULT_SUSPEND_SECONDS = 600

/** Credits for an hour (docs.snowflake.com, warehouse sizes). */
const CREDITS: readonly (readonly [size: RegExp, credits: number])[] = [
  [/^x-?small$/i, 1],
  [/^small$/i, 2],
  [/^medium$/i, 4],
  [/^large$/i, 8],
  [/^x-?large$/i, 16],
  [/^2x-?large$/i, 32],
  [/^3x-?large$/i, 64],
  [/^4x-?large$/i, 128],
]

export function costLines(question: CostQuestion): readonly string[] {
  const { everyMinutes, rows, entities, tables, autoSuspendSeconds, size = 'X-Small' } = question
  const batches = rows > 0 ? Math.max(entities, Math.ceil(rows / ROWS_PER_BATCH)) : 0
  const mergesPerBatch = entities > 0 ? tables / entities : 1
  const statements =
    rows > 0 ? Math.round(batches * (PER_BATCH + mergesPerBatch) + entities * PER_ENTITY + tables * 2) : 0
  const suspend = autoSuspendSeconds === undefined ? DEFAULT_SUSPEND_SECONDS : autoSuspendSeconds
  const credits = CREDITS.find(([pattern]) => pattern.test(size))?.[1] ?? 1
  const busy = statements * SECONDS_PER_STATEMENT
  const says = (seconds: number): string =>
    seconds >= 5400
      ? `${round(seconds / 3600)} h`
      : seconds >= 90
        ? `${round(seconds / 60)} min`
        : `${round(seconds)} s`
  const price = (seconds: number): string => `${round((seconds / 3600) * credits)} credits`
  const ends =
    autoSuspendSeconds === undefined
      ? `(AUTO_SUSPEND is not known; ${suspend} s is taken)`
      : autoSuspendSeconds === 0
        ? '(AUTO_SUSPEND is off)'
        : `(AUTO_SUSPEND ${suspend} s)`
  const quiet = 'A run that finds no change sends Snowflake nothing, and wakes nothing.'
  if (statements === 0) return [quiet]
  const awake = Math.max(LEAST_SECONDS, busy + suspend)
  if (everyMinutes <= 0)
    return [
      `One run with ${count(rows)} changed rows sends about ${count(statements)} statements in ${count(batches)} batches.`,
      suspend === 0
        ? `It wakes the warehouse, which then stays awake ${ends}: about ${price(86_400)} a day (${size}).`
        : `It keeps the warehouse awake for about ${says(awake)} ${ends}: ${price(awake)} (${size}).`,
      quiet,
    ]
  const runs = 1440 / everyMinutes
  const always = suspend === 0 || awake >= everyMinutes * 60
  const first = `${round(runs)} runs a day, each with ${count(rows)} changed rows: about ${count(Math.round(statements * runs))} statements a day.`
  if (always)
    return [
      first,
      `The warehouse stays awake all day ${ends}: about ${price(86_400)} a day (${size}). ${
        suspend > 60 || suspend === 0
          ? 'A warehouse of its own with AUTO_SUSPEND = 60, or fewer runs, costs less.'
          : 'Fewer runs cost less.'
      }`,
      quiet,
    ]
  return [
    first,
    `The warehouse is woken up to ${round(runs)} times a day and sleeps in between: awake about ${says(awake * runs)} a day ${ends}, ${price(awake * runs)} (${size}).`,
    quiet,
  ]
}

const round = (value: number): string => String(value >= 10 ? Math.round(value) : Math.round(value * 10) / 10)
const count = (value: number): string => value.toLocaleString('en-US')
