/** Finding the records that a target refuses among those it would take. */
import { classOf, isSyncError, type SyncError, syncError } from '../contract/errors.ts'
import type { Rejection } from '../contract/target.ts'
import type { Entry } from '../run/entry.ts'

/** Statements that a batch may cost, the first write included. */
export const statementsPerBatch = 40
/** More records than this, and a larger share of the batch, failing with one code is no matter of single records. */
export const alikeRecords = 100
export const alikeShare = 0.05

export interface Refused {
  readonly entry: Entry
  readonly error: SyncError
}

export interface Isolation {
  readonly entity: string
  /** Records in the whole batch, of which the share is taken. */
  readonly total: number
  /** Writes some of the entries, all or none; retries by itself. */
  readonly write: (entries: readonly Entry[]) => Promise<void>
  /** Asks the target which do not fit; absent: it cannot tell. */
  readonly findRejected?: ((entries: readonly Entry[]) => Promise<readonly Rejection[]>) | undefined
  readonly sign?: (what: string) => void
}

/**
 * Writes entries; when the target refuses them for their data, asks it once which do not fit, then halves what it still
 * refuses. Resolves with the refused ones, in the vendor's own words; everything else is written. What cannot be
 * told apart within the statements allowed is refused together. Throws what is no `data` error, and `config` when
 * too many fail alike (`checkAlike`).
 */
export async function writeIsolating(entries: readonly Entry[], task: Isolation): Promise<readonly Refused[]> {
  const refused: Refused[] = []
  let left = statementsPerBatch
  /** Writes; gives back the `data` error of a refusal. */
  const attempt = async (some: readonly Entry[]): Promise<SyncError | undefined> => {
    left--
    try {
      await task.write(some)
      return undefined
    } catch (error) {
      if (classOf(error) === 'data' && isSyncError(error)) return error
      throw error
    }
  }

  const first = await attempt(entries)
  if (first === undefined) return refused
  task.sign?.('looking for the records that do not fit')
  let rest = entries
  let error: SyncError | undefined = first
  if (entries.length > 1 && task.findRejected !== undefined) {
    left--
    const found = await askTarget(entries, task.findRejected)
    if (found.size > 0) {
      for (const [index, rejection] of found)
        refused.push({
          entry: entries[index] as Entry,
          error: rejectionError(task.entity, entries[index] as Entry, rejection),
        })
      checkAlike(refused, task)
      rest = entries.filter((_, index) => !found.has(index))
      error = rest.length === 0 ? undefined : await attempt(rest)
    }
  }

  /** Parts that the target refuses, with its last words on them; `own` when they are about this very part. */
  const bad: { entries: readonly Entry[]; error: SyncError; own: boolean }[] = []
  if (error !== undefined) bad.push({ entries: rest, error, own: true })
  for (;;) {
    // The largest first: where the statements do not suffice, the fewest good records stay with the bad ones.
    bad.sort((a, b) => a.entries.length - b.entries.length)
    const part = bad.pop()
    if (part === undefined) break
    const [only] = part.entries
    if (only !== undefined && part.entries.length === 1) {
      const words = part.own || left < 1 ? part.error : await attempt(part.entries)
      if (words !== undefined) refused.push({ entry: only, error: refusalError(task.entity, only, words) })
      continue
    }
    if (left < 2) {
      for (const entry of part.entries)
        refused.push({ entry, error: refusalError(task.entity, entry, part.error, part.entries.length) })
      continue
    }
    const middle = part.entries.length >> 1
    const before = part.entries.slice(0, middle)
    const after = part.entries.slice(middle)
    const beforeError = await attempt(before)
    if (beforeError === undefined) {
      // Then the fault is in the other half, which need not be tried as a whole.
      bad.push({ entries: after, error: part.error, own: false })
      continue
    }
    bad.push({ entries: before, error: beforeError, own: true })
    const afterError = await attempt(after)
    if (afterError !== undefined) bad.push({ entries: after, error: afterError, own: true })
  }
  checkAlike(refused, task)
  return refused
}

async function askTarget(
  entries: readonly Entry[],
  ask: NonNullable<Isolation['findRejected']>,
): Promise<Map<number, Rejection>> {
  try {
    const found = await ask(entries)
    return new Map(found.filter(({ index }) => entries[index] !== undefined).map((one) => [one.index, one]))
  } catch (error) {
    // The question itself was refused: then halving tells.
    if (classOf(error) === 'data') return new Map()
    throw error
  }
}

/** Throws `config` when more than 100 records and 5 % of the batch fail with one code: nothing may be held then. */
export function checkAlike(refused: readonly Refused[], { entity, total }: Pick<Isolation, 'entity' | 'total'>): void {
  const byCode = new Map<string, { count: number; first: SyncError }>()
  for (const { error } of refused) {
    const alike = byCode.get(error.code)
    if (alike === undefined) byCode.set(error.code, { count: 1, first: error })
    else alike.count++
  }
  for (const { count, first } of byCode.values()) {
    if (count <= alikeRecords || count <= total * alikeShare) continue
    throw syncError(
      'config',
      first.code,
      `${entity}: ${count} of ${total} records of a batch fail alike (${first.code}), so the fault is not in single records and nothing was held. The first: ${first.message}`,
      {
        entity,
        ...(first.cause.field !== undefined && { field: first.cause.field }),
        ...(first.cause.vendorCode !== undefined && { vendorCode: first.cause.vendorCode }),
        ...(first.cause.vendorText !== undefined && { vendorText: first.cause.vendorText }),
        hint: `Correct the mapping, the schema or the target's columns, then run again. ${first.cause.hint ?? ''}`.trim(),
      },
    )
  }
}

const place = (entity: string, { key }: Entry, field?: string): string =>
  `${entity} ${key}${field === undefined ? '' : `, field ${field}`}`

function rejectionError(entity: string, entry: Entry, { field, code, message }: Rejection): SyncError {
  return syncError('data', code, `${place(entity, entry, field)}: ${message}`, {
    entity,
    key: entry.key,
    row: entry.row,
    ...(field !== undefined && { field }),
    vendorText: message,
    hint: 'Correct the value in the source or the mapping, or edit the held record, then replay it.',
  })
}

function refusalError(entity: string, entry: Entry, error: SyncError, together = 1): SyncError {
  const company =
    together === 1
      ? ''
      : ` It is one of ${together} records that could not be told apart in ${statementsPerBatch} statements: most of them may be good. Replay them to find out.`
  return syncError('data', error.code, `${place(entity, entry, error.cause.field)}: ${error.message}${company}`, {
    hint: 'Correct the value in the source or the mapping, or edit the held record, then replay it.',
    ...error.cause,
    entity,
    key: entry.key,
    row: entry.row,
  })
}
