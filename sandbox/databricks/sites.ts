import type { FaultKind, SiteFaults } from '../faults.ts'

const COMMON: readonly FaultKind[] = [
  'unauthorized',
  'throttled',
  'server-error',
  'unavailable',
  'timeout',
  'reset-before',
  'reset-after',
  'cut-body',
  'broken-body',
  'slow',
]

const STATEMENT: readonly FaultKind[] = [...COMMON, 'token-expired', 'session-lost', 'cold-start']
const WRITE: readonly FaultKind[] = [...STATEMENT, 'concurrent-append']
/** A run defines each table once: only what ends differently for a definition, since more could not be met. */
const DEFINITION: readonly FaultKind[] = ['unavailable', 'reset-after', 'broken-body', 'session-lost', 'cold-start']
/** A client that is refused stays refused: no fault that passes. */
const TOKEN: readonly FaultKind[] = COMMON.filter((kind) => kind !== 'unauthorized')
/** For requests that only end something: whether they arrive changes nothing that a user sees. */
const ENDING: readonly FaultKind[] = ['unavailable', 'reset-after', 'slow']

const WRITES = ['execute:merge', 'execute:copy', 'execute:insert', 'execute:change']

/** The kinds of request this server tells apart, and what can go wrong with each. */
export const DATABRICKS_SITES: Readonly<Record<string, SiteFaults>> = {
  token: { kinds: TOKEN, provokedBy: 'token-expired' },
  'open-session': { kinds: COMMON, provokedBy: 'session-lost' },
  'execute:merge': { kinds: WRITE },
  'execute:copy': { kinds: WRITE },
  'execute:insert': { kinds: WRITE },
  'execute:change': { kinds: WRITE },
  'execute:ddl': { kinds: DEFINITION, scarce: true },
  'execute:select': { kinds: STATEMENT },
  'status-poll': { kinds: COMMON },
  metadata: { kinds: COMMON },
  fetch: { kinds: COMMON },
  'close-operation': { kinds: ENDING },
  // A session is closed in mid-run where a write of unknown outcome may still be at work in it.
  'close-session': { kinds: ENDING, provokedBy: 'reset-after', provokedAt: WRITES },
  cancel: { kinds: ENDING },
  'files-put': { kinds: [...COMMON, 'token-expired'] },
  'files-get': { kinds: ENDING },
  'files-delete': { kinds: ENDING },
}
