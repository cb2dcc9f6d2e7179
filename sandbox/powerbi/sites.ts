import type { FaultKind, SiteFaults } from '../faults.ts'

const COMMON: readonly FaultKind[] = [
  'unauthorized',
  'token-expired',
  'throttled',
  'server-error',
  'unavailable',
  'timeout',
  'reset-before',
  'reset-after',
  'broken-body',
  'slow',
]
/** Whether the rows are in is not to be seen from the reply, or from its absence. */
const ROWS: readonly FaultKind[] = [...COMMON, 'error-after']
/** Tokens live for an hour, so there are few requests for one. A client that is refused stays refused: no fault that passes. */
const TOKEN: readonly FaultKind[] = [
  'throttled',
  'server-error',
  'unavailable',
  'timeout',
  'reset-after',
  'broken-body',
]
/** A run looks once at what is there. */
const LOOK: readonly FaultKind[] = ['throttled', 'unavailable', 'reset-after', 'cut-body', 'broken-body']
/** What is asked once in the life of a dataset or table: the ends that leave open whether it was done. */
const ONCE: readonly FaultKind[] = ['reset-after', 'error-after']

/** The kinds of request this server tells apart, and what can go wrong with each. */
export const POWERBI_SITES: Readonly<Record<string, SiteFaults>> = {
  token: { kinds: TOKEN, provokedBy: 'token-expired', times: 1 },
  groups: { kinds: LOOK, times: 1 },
  'datasets-get': { kinds: ['cut-body'], times: 1 },
  'dataset-get': { kinds: ['broken-body'], times: 1 },
  // A flow makes each of its datasets once: more could not be met.
  'dataset-create': { kinds: ['reset-after'], times: 1, scarce: true },
  'dataset-delete': { kinds: ONCE, times: 1 },
  'tables-get': { kinds: LOOK, times: 1 },
  'table-put': { kinds: ONCE, times: 1 },
  'rows-post': { kinds: ROWS },
  'rows-delete': { kinds: ONCE, times: 1 },
  // Asked after an unknown outcome.
  'execute-queries': { kinds: [...COMMON, 'cut-body'], provokedBy: 'reset-after', provokedAt: ['rows-post'] },
  'refresh-post': { kinds: ['throttled', 'unavailable', 'reset-after'], times: 1 },
  'refresh-get': { kinds: LOOK, times: 1 },
  'refresh-delete': { kinds: ONCE, times: 1 },
}
