/** The cloud's logins as a connection presents them: the rotating pair, or client credentials. */
import type { Dispatcher } from 'undici'
import { isSyncError, syncError } from '../../../../sync/contract/errors.ts'
import { systemClock } from '../../../../sync/contract/wait.ts'
import { dispatcherOf } from '../../../../vendor/dispatcher.ts'
import { TOTAL_MS } from '../../../../vendor/limits.ts'
import type { Route } from '../../../../vendor/route.ts'
import type { Credentials } from '../credentials.ts'
import { askTokens, type Gateway, serviceUrl } from './gateway.ts'
import type { Granted } from './pair.ts'
import type { CloudLogin, TokenStore, Ways } from './tokens.ts'

export interface CloudOptions extends Route {
  /** `/v1` of the gateway. */
  readonly root: string
  readonly clientId: string
  readonly secret: string
  readonly folder: string
  readonly timeoutMs?: number
  readonly totalMs?: number
  /** Local clock, ms since 1970. */
  readonly now?: () => number
  readonly pause?: (ms: number) => Promise<void>
}

const NEVER = new AbortController().signal

/** What the pair is kept under: one for an application and a customer, whichever connection of theirs uses it. */
export const pairName = (clientId: string, customer: string): string =>
  `x3 ${clientId} ${URL.canParse(customer) ? new URL(customer).host : customer}`

/** The line to a gateway, of its own: it goes on while the connection's requests are ended. */
export function gatewayOf(options: CloudOptions): Gateway {
  const timeoutMs = Math.min(options.timeoutMs ?? 60_000, 60_000)
  const dispatcher: Dispatcher = dispatcherOf(options, { timeoutMs, connections: 1 })
  return {
    ...{ dispatcher, route: options, timeoutMs, totalMs: options.totalMs ?? TOTAL_MS },
    now: options.now ?? Date.now,
  }
}

/** How one connection reaches its gateway and store. */
export function waysOf(
  options: CloudOptions,
  gateway: Gateway,
  store: () => Promise<TokenStore>,
  alert: (problem: string | undefined) => Promise<void>,
): Ways {
  const client = { client_id: options.clientId, client_secret: options.secret }
  return {
    store,
    alert,
    now: gateway.now,
    pause: options.pause ?? ((ms) => systemClock.wait(ms, NEVER)),
    ask: (token, root) => askTokens(gateway, root, { ...client, grant_type: 'refresh_token', refresh_token: token }),
  }
}

/** The rotating pair as credentials of a connection. */
export function pairedCredentials(
  options: CloudOptions,
  login: CloudLogin,
  ways: Ways,
  close: () => Promise<void>,
): Credentials {
  let root = options.root
  return {
    async header(refused, signal = NEVER) {
      const pair = await login.pair(ways, signal, refused?.replace('Bearer ', ''))
      root = pair.root
      return `Bearer ${pair.accessToken}`
    },
    forget() {},
    cures: () => true,
    url: () => serviceUrl(root, options.folder),
    worked: (header) => login.worked(ways, header.replace('Bearer ', '')),
    async close() {
      await login.idle()
      await close()
    },
  }
}

/** Client credentials: named by one source, unknown to Sage's pages. The token is in memory only. */
export function clientCredentials(options: CloudOptions, gateway: Gateway, scope: string): Credentials {
  let current: { readonly granted: Granted; readonly at: number } | undefined
  let asking: Promise<void> | undefined
  const form = {
    ...{ grant_type: 'client_credentials', client_id: options.clientId, client_secret: options.secret },
    ...(scope ? { scope } : {}),
  }
  const ask = async (): Promise<void> => {
    const granted = await askTokens(gateway, options.root, form).catch((error: unknown) => {
      throw ofNoPairing(error)
    })
    current = { granted, at: gateway.now() }
  }
  return {
    async header(refused) {
      const age = gateway.now() - (current?.at ?? 0)
      const good = current && age >= 0 && age < current.granted.accessSeconds * 800
      if (!good || `Bearer ${current?.granted.accessToken}` === refused) {
        asking ??= ask().finally(() => {
          asking = undefined
        })
        await asking
      }
      return `Bearer ${current?.granted.accessToken}`
    },
    forget() {},
    cures: () => true,
    url: () => serviceUrl(options.root, options.folder),
    close: () => gateway.dispatcher.destroy(),
  }
}

/** A refused or lost answer, in the words of a login that has no pairing: nothing is used up by it. */
function ofNoPairing(error: unknown): unknown {
  if (!isSyncError(error)) return error
  const { class: _, hint: __, ...details } = error.cause
  if (error.code === 'x3.token-unknown')
    return syncError('transient', error.code, error.message, { ...details, hint: 'It is asked again.' })
  if (!error.code.startsWith('x3.token-')) return error
  return syncError('config', error.code, error.message, {
    ...details,
    hint: 'Check client ID, client secret and Scope on the connection. No page of Sage names client credentials: where the gateway gives none, choose the login cloud and pair.',
  })
}
