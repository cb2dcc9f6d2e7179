/** Alerts. */

export interface AlertRecord {
  readonly id: string
  readonly sync: string
  /** `run-failed not-received held in-doubt no-success zero-records no-tie future-stamp stopped identity sweep call-budget lost-rows pushed login alignment` (the last two of a connection or a node, whose name stands in `sync`) */
  readonly kind: string
  readonly entity?: string
  readonly message: string
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
