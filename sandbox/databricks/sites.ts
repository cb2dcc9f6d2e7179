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
/**
 * A run defines each table once, asks for few tokens and uploads only its larger batches: these sites have only what ends
 * differently for them, since more kinds could not be met as often as `hostile` asks.
 */
const DEFINITION: readonly FaultKind[] = ['unavailable', 'reset-after', 'broken-body', 'session-lost', 'cold-start']
const TOKEN: readonly FaultKind[] = ['throttled', 'unavailable', 'timeout', 'reset-before', 'broken-body']
const FILE: readonly FaultKind[] = ['throttled', 'server-error', 'reset-after', 'broken-body', 'token-expired']
/** For requests that only end something: whether they arrive changes nothing that a user sees. */
const ENDING: readonly FaultKind[] = ['unavailable', 'reset-after', 'slow']

/** The kinds of request this server tells apart, and what can go wrong with each. */
export const DATABRICKS_SITES: Readonly<Record<string, SiteFaults>> = {
  token: { kinds: TOKEN },
  'open-session': { kinds: COMMON },
  'execute:merge': { kinds: WRITE },
  'execute:copy': { kinds: WRITE },
  'execute:insert': { kinds: WRITE },
  'execute:change': { kinds: WRITE },
  'execute:ddl': { kinds: DEFINITION },
  'execute:select': { kinds: STATEMENT },
  'status-poll': { kinds: COMMON },
  metadata: { kinds: COMMON },
  fetch: { kinds: COMMON },
  'close-operation': { kinds: ENDING },
  'close-session': { kinds: ENDING },
  cancel: { kinds: ENDING },
  'files-put': { kinds: FILE },
  'files-get': { kinds: ENDING },
  'files-delete': { kinds: ENDING },
}
