import type { FaultKind, SiteFaults } from '../faults.ts'

const BEFORE: readonly FaultKind[] = ['unauthorized', 'token-expired', 'throttled', 'server-error', 'unavailable']
const READ: readonly FaultKind[] = [
  ...BEFORE,
  'timeout',
  'reset-before',
  'reset-after',
  'cut-body',
  'broken-body',
  'slow',
]
/** Whether it was done is not to be seen from the reply, or from its absence. */
const WRITE: readonly FaultKind[] = [
  ...BEFORE,
  'timeout',
  'reset-before',
  'reset-after',
  'error-after',
  'broken-body',
  'slow',
]
/** A client that is refused at the token's address stays refused: no fault that passes. */
const TOKEN: readonly FaultKind[] = [
  'throttled',
  'server-error',
  'unavailable',
  'timeout',
  'reset-after',
  'broken-body',
]
/** The second origin knows nobody: it has no login to refuse. */
const FILE: readonly FaultKind[] = [
  'server-error',
  'unavailable',
  'timeout',
  'reset-after',
  'cut-body',
  'broken-body',
  'slow',
]

/** The kinds of request this server tells apart, and what can go wrong with each. */
export const BASWARE_SITES: Readonly<Record<string, SiteFaults>> = {
  token: { kinds: TOKEN, provokedBy: 'token-expired', times: 1 },
  'documents-get': { kinds: READ },
  'document-get': { kinds: READ },
  acknowledge: { kinds: WRITE },
  transfer: { kinds: WRITE },
  'status-get': { kinds: READ, times: 1 },
  'status-list': { kinds: READ, times: 1 },
  'status-acknowledge': { kinds: WRITE, times: 1 },
  'masters-get': { kinds: READ, times: 1 },
  'lines-get': { kinds: READ, times: 1 },
  'masters-post': { kinds: WRITE, times: 1 },
  'orders-post': { kinds: WRITE, times: 1 },
  'lines-post': { kinds: WRITE, times: 1 },
  'requisitions-post': { kinds: WRITE, times: 1 },
  'record-patch': { kinds: WRITE, times: 1 },
  file: { kinds: FILE },
}
