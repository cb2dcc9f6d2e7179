/** How long a page is asked for: the engine's retries, with fewer records where the size may be the reason. */
import { type ErrorClass, isSyncError, type SyncError, syncError } from '../../../sync/contract/errors.ts'
import { withRetry } from '../../../sync/contract/retry.ts'
import { retryContext, type X3Connection } from './connection.ts'

/** How often a page of one is asked for before its record counts as unreadable. */
const ATTEMPTS_ON_ONE = 3
/** How often more a missing right is asked about. */
const RIGHT_ASKED = 2
/** Answers that a smaller page may cure. */
const SIZE_CODES = new Set([
  'x3.too-large',
  'x3.depth',
  'x3.timeout',
  'x3.body',
  'x3.graphql',
  'x3.500',
  'x3.502',
  'x3.504',
])
/** Pages answered before a halved page size is doubled again. */
const PAGES_TO_GROW = 10

export interface PageRetry {
  /** Tries again what may pass. */
  again<T>(work: () => Promise<T>, signal: AbortSignal): Promise<T>
  /** The same for a page: `ask` gets how many records to ask for. `x3.unreadable`: not even one can be had. */
  sized<T>(ask: (first: number) => Promise<T>, signal: AbortSignal): Promise<T>
}

export function pageRetry(
  connection: X3Connection,
  options: { readonly pageSize: number; readonly waiting?: (what: string) => void },
): PageRetry {
  let size = Math.max(1, options.pageSize)
  let answered = 0

  /** A missing right is asked about again before the entity fails for it: it would still be missing. */
  const again = <T>(work: () => Promise<T>, signal: AbortSignal) => {
    let doubts = 0
    const doubting = async (): Promise<T> => {
      try {
        return await work()
      } catch (error) {
        if (!isSyncError(error) || error.code !== 'x3.right' || ++doubts > RIGHT_ASKED) throw error
        throw passing(error)
      }
    }
    return withRetry(doubting, retryContext(signal, options.waiting), connection.retry)
  }

  /** Asks for a page, with fewer records after each failure that may come from its size. */
  const sized = async <T>(ask: (first: number) => Promise<T>, signal: AbortSignal): Promise<T> => {
    let failures = 0
    return again(async () => {
      const asked = size
      try {
        const found = await ask(asked)
        answered += 1
        if (answered % PAGES_TO_GROW === 0) size = Math.min(options.pageSize, size * 2)
        return found
      } catch (error) {
        if (!isSyncError(error) || !SIZE_CODES.has(error.code)) throw error
        failures += 1
        if (asked === 1)
          throw failures >= ATTEMPTS_ON_ONE && /too-large|depth|graphql/.test(error.code)
            ? as('config', 'x3.unreadable', error)
            : error
        // A single 500 or time-out is often chance: the page shrinks from the second on.
        if (failures > 1 || error.cause.class === 'config') {
          size = Math.max(1, Math.floor(asked / 2))
          answered = 0
        }
        throw error.cause.class === 'config' ? passing(error) : error
      }
    }, signal)
  }
  return { again, sized }
}

/** The same complaint in another class. */
function as(cls: ErrorClass, code: string, error: SyncError): SyncError {
  const { class: _class, code: _code, ...details } = error.cause
  return syncError(cls, code, error.message, details)
}

/** A `config` error that is worth another attempt. */
const passing = (error: SyncError): SyncError => as('transient', error.code, error)
