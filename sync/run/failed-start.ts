/** Ids of runs, and a run that did not even begin, kept beside those that did. */
import type { Ledger } from '../../ledger/ledger.ts'
import { asSyncError } from '../contract/errors.ts'

/** Unique for ever, and in order of time. */
export const newRunId = (readNumber: number): string => `r${readNumber.toString(36)}`

/** Nothing is kept of a second start beside a run that goes on: that one is in the list. */
export async function keepFailedStart(
  ledger: Pick<Ledger, 'nextRead' | 'beginRun' | 'endRun'>,
  { sync, started, ended, error }: { sync: string; started: string; ended: string; error: unknown },
): Promise<void> {
  const { message, cause } = asSyncError(error)
  const run = newRunId(ledger.nextRead())
  await ledger.beginRun({ id: run, sync, mode: 'poll', at: started })
  await ledger.endRun({
    run,
    sync,
    mode: 'poll',
    started,
    ended,
    state: 'failed',
    entities: [],
    verdict: 'failed',
    says: `failed: ${message}`,
    ties: false,
    requests: 0,
    statements: 0,
    notices: [],
    errors: [{ ...cause, message }],
  })
}
