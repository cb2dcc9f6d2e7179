import { type SyncError, syncError } from '../../../../sync/contract/errors.ts'

/** An invoice that is held before anything is sent: what of it no rule covers. */
export const hold = (code: string, field: string, said: string, hint: string): SyncError =>
  syncError('data', `x3.post-${code}`, `The invoice is not posted: ${said}`, { ...(field ? { field } : {}), hint })
