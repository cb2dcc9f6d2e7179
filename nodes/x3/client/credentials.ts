/** What a request presents. */
export interface Credentials {
  /** Value of the Authorization header; `refused` is a header that X3 has just refused. */
  header(refused?: string, signal?: AbortSignal): Promise<string>
  /** The next header is a new one if this is still the current one. */
  forget(refused: string): void
  /** Whether a new header may cure a 401 that says this. */
  cures(text: string): boolean
  /** Where requests go, where the login decides it. */
  readonly url?: () => URL
  /** A request with this header was not refused. */
  readonly worked?: (header: string) => void
  /** Ends what is on its way. */
  readonly close?: () => Promise<void>
}
