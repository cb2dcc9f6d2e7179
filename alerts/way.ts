/** The ways by which alerts go out: a mail server, or a web hook. */
import { type SyncError, syncError } from '../sync/contract/errors.ts'
import type { Route } from '../vendor/route.ts'
import type { Message } from './message.ts'

export interface MailWay {
  readonly kind: 'mail'
  readonly host: string
  readonly port: number
  /** Without encryption; else TLS is asked for, from the beginning at port 465. */
  readonly noTls: boolean
  readonly user: string
  readonly password: string
  readonly from: string
}

export interface HookWay {
  readonly kind: 'slack' | 'teams' | 'json'
  /** A secret: whoever has it may write there. */
  readonly url: string
  /** `http:` is taken too. */
  readonly noTls: boolean
}

export type Way = (MailWay | HookWay) & { readonly route: Route; readonly timeoutMs: number; readonly totalMs: number }

export interface Outgoing {
  /** The same for each try of one message, so that whoever gets it twice can tell. */
  readonly id: string
  readonly message: Message
  /** Addresses of mail. */
  readonly to: readonly string[]
}

/** The address of a web hook. Throws a `config` error that does not tell it. */
export function hookUrl({ url, noTls }: Pick<HookWay, 'url' | 'noTls'>): URL {
  const parsed = URL.canParse(url) ? new URL(url) : undefined
  if (!parsed || !/^https?:$/.test(parsed.protocol))
    throw wrong('url', 'Web hook: it is no address such as https://hooks.slack.com/services/...')
  if (parsed.protocol === 'http:' && !noTls)
    throw wrong(
      'url',
      'Web hook: an address that begins with http:// is not encrypted. Take https://, or tick "No TLS"',
    )
  return parsed
}

export const wrong = (field: string, text: string): SyncError =>
  syncError('config', 'alert.config', text, { field, hint: 'Open the alert channel and correct it.' })

/** Whether it can send at all: a channel that nobody has filled in yet is no fault. */
export const isSet = (way: Way, to: readonly string[]): boolean =>
  way.kind === 'mail' ? way.host !== '' && to.length > 0 : way.url !== ''
