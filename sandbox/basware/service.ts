import type { Documents } from './documents.ts'
import type { Words } from './errors.ts'
import type { Links } from './links.ts'
import type { BaswareSettings, Injection } from './options.ts'
import type { Records } from './records.ts'
import type { Requests } from './requests.ts'

/** The tenant's data, and what its answers go by. */
export interface Service {
  readonly settings: BaswareSettings
  readonly documents: Documents
  readonly requests: Requests
  readonly links: Links
  readonly records: Records
  /** Base address of the second origin. */
  readonly filesUrl: string
  readonly clientId: string
}

/** One request, after its caller was found good. */
export interface Call {
  readonly method: string
  readonly url: URL
  /** What the pattern of the route has caught, decoded. */
  readonly parts: readonly string[]
  readonly headers: Readonly<Record<string, string | string[] | undefined>>
  readonly body: Buffer
  readonly requestId: string
  readonly words: Words
  /** What a test has meant for this request. */
  readonly injected: Injection | undefined
}

/** What a call has as a header, where it has it once. */
export function headerOf({ headers }: Pick<Call, 'headers'>, name: string): string | undefined {
  const value = headers[name]
  return typeof value === 'string' ? value : undefined
}
