/** Alerts. */
import type { ErrorClass } from '../../sync/contract/errors.ts'

/** By what alerts are one cause, and what of them may leave the house: never a value of a record. */
export interface AlertCause {
  /** The system that it is about: `x3://host/folder`. Absent: the sync itself. */
  readonly connection?: string
  readonly class?: ErrorClass
  readonly code?: string
  /** The message without what belongs to a record, and without `next`; absent: the message itself. */
  readonly told?: string
  /** What to do next, a sentence; absent: as the kind asks for. */
  readonly next?: string
  /** When something ends that a person must renew (ISO). */
  readonly until?: string
}

export interface AlertRecord {
  readonly id: string
  readonly sync: string
  /** `run-failed not-received held in-doubt no-success zero-records no-tie future-stamp stopped identity take-over sweep call-budget lost-rows pushed posting answer unanswered waiting login expiry alignment` (the last three of a connection or a node, whose name stands in `sync`) */
  readonly kind: string
  readonly entity?: string
  readonly message: string
  readonly cause?: AlertCause
  readonly raised: string
  readonly cleared?: string
}

/** Alerts, raised until they are cleared. */
export interface Alerts {
  raiseAlert(alert: Omit<AlertRecord, 'id' | 'raised' | 'cleared'>): Promise<AlertRecord | undefined>
  clearAlerts(match: {
    readonly sync: string
    readonly kind: string
    readonly entity?: string
  }): Promise<readonly AlertRecord[]>
  alerts(filter: { readonly sync?: string; readonly open?: boolean }): Promise<readonly AlertRecord[]>
}
