import type { FaultKind, SiteFaults } from '../faults.ts'

const COMMON: readonly FaultKind[] = [
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

/** The kinds of request this server tells apart, and what can go wrong with each. */
export const INTACCT_SITES: Readonly<Record<string, SiteFaults>> = {
  // A client signs in once for hours: it does so again when its session is gone.
  session: { kinds: COMMON, times: 2, provokedBy: 'session-lost' },
  query: { kinds: [...COMMON, 'session-lost', 'partial-errors'] },
  // What objects and fields there are is asked once and remembered: there are not many requests to spoil.
  schema: { kinds: ['throttled', 'unavailable', 'reset-before'], times: 1 },
}
