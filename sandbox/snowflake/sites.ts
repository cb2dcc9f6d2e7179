import type { FaultKind, SiteFaults } from '../faults.ts'

/** Nothing was done, and the driver itself comes again: the same at every statement, so played at some alone. */
const RETRIED: readonly FaultKind[] = ['throttled', 'server-error', 'reset-before']
const COMMON: readonly FaultKind[] = ['unavailable', 'timeout', 'reset-after', 'cut-body', 'broken-body', 'slow']

/** `token-expired` is 390112, which the driver renews by itself, `session-lost` 390111 or 390114, `unauthorized` HTTP 401. */
const STATEMENT: readonly FaultKind[] = [...COMMON, 'unauthorized', 'token-expired', 'session-lost']
const WRITE: readonly FaultKind[] = [...STATEMENT, 'lock-timeout']
/** Only large batches come as files, so there are few of these. */
const LOAD: readonly FaultKind[] = [
  'reset-after',
  'cut-body',
  'broken-body',
  'unauthorized',
  'session-lost',
  'lock-timeout',
]
/** A run defines each table once: only what ends differently for a definition, since more could not be met. */
const DEFINITION: readonly FaultKind[] = ['unavailable', 'reset-after', 'broken-body', 'session-lost']
/** For requests that only end something: whether they arrive changes nothing that a user sees. */
const ENDING: readonly FaultKind[] = ['unavailable', 'reset-after', 'slow']
/** The driver waits a second and more before each retry, so a kind comes once at a site. */
const ONCE = 1

/** The kinds of request this server tells apart, and what can go wrong with each. */
export const SNOWFLAKE_SITES: Readonly<Record<string, SiteFaults>> = {
  'oauth-token': { kinds: [...COMMON, ...RETRIED], times: ONCE, provokedBy: 'session-lost' },
  login: { kinds: [...COMMON, 'throttled', 'reset-before'], times: ONCE, provokedBy: 'session-lost' },
  renew: { kinds: ['unavailable', 'reset-before', 'reset-after', 'slow'], times: ONCE, provokedBy: 'token-expired' },
  'execute:merge': { kinds: [...WRITE, ...RETRIED], times: ONCE },
  'execute:copy': { kinds: LOAD, times: ONCE },
  'execute:insert': { kinds: WRITE, times: ONCE },
  'execute:change': { kinds: WRITE, times: ONCE },
  'execute:transaction': { kinds: STATEMENT, times: ONCE },
  'execute:put': { kinds: STATEMENT, times: ONCE },
  'execute:ddl': { kinds: DEFINITION, times: ONCE, scarce: true },
  'execute:session': { kinds: ENDING, times: ONCE },
  'execute:select': { kinds: [...STATEMENT, ...RETRIED], times: ONCE },
  'execute:file': { kinds: ENDING, times: ONCE },
  'result-poll': { kinds: ['unavailable', 'reset-before', 'reset-after', 'cut-body', 'slow'], times: ONCE },
  chunk: { kinds: ['unavailable', 'reset-before', 'cut-body', 'slow'], times: ONCE },
  // `token-expired` lasts until the next PUT brings new credentials.
  'storage-put': { kinds: ['unavailable', 'reset-before', 'reset-after', 'slow', 'token-expired'], times: ONCE },
  'storage-get': { kinds: ENDING, times: ONCE },
  'close-session': { kinds: ENDING, times: ONCE },
  abort: { kinds: ENDING, times: ONCE },
}
