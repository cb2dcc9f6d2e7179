/** How an x3-connection logs in to the cloud: its pair in the ledger, its pairing by dialog and by the public callback. */
import type { NodeAPI } from 'node-red'
import { syncError } from '../../sync/contract/errors.ts'
import {
  type ActionContext,
  connectionsOf,
  needed,
  type OpenContext,
  type Page,
  publicPage,
  routeOf,
} from '../kit/kit.ts'
import { askTokens, type Gateway, regionRoot, rootOf } from './client/cloud/gateway.ts'
import {
  type CloudOptions,
  clientCredentials,
  gatewayOf,
  pairedCredentials,
  pairName,
  waysOf,
} from './client/cloud/login.ts'
import {
  type Answer,
  answerIn,
  codeForm,
  newRequest,
  type PairingRequest,
  requestFrom,
} from './client/cloud/pairing.ts'
import { type CloudLogin, createCloudLogin, pairingWords, type Ways } from './client/cloud/tokens.ts'
import type { Credentials } from './client/credentials.ts'
import type { Config, Secrets } from './config.ts'

/** What of a connection's surroundings its login needs. */
type Surroundings = Pick<OpenContext, 'name' | 'ledger' | 'once'>

/** What a pairing asks for, where nothing else is set. */
const SCOPE = 'businessDomain.ALL api.graphQL'

interface Cloud {
  readonly name: string
  readonly options: CloudOptions
  readonly gateway: Gateway
  readonly login: CloudLogin
  readonly ways: Ways
}

/** The gateway and the application, as both logins need them. */
async function applicationOf(values: Config, secrets: Secrets): Promise<CloudOptions> {
  return {
    ...(await routeOf(values, secrets)),
    root: rootOf(values.url),
    clientId: values.clientId,
    secret: secrets.secret,
    folder: values.folder,
  }
}

async function cloudOf(values: Config, secrets: Secrets, context: Surroundings): Promise<Cloud> {
  const customer = needed(values.customer, 'customer', 'Customer URL')
  const options = await applicationOf(values, secrets)
  const { clientId } = options
  const name = pairName(clientId, customer)
  const gateway = gatewayOf(options)
  const ledger = () => context.ledger(needed(values.ledger, 'ledger', 'Ledger'))
  const about = { sync: context.name, kind: 'login' }
  const ways = waysOf(options, gateway, ledger, async (problem) => {
    if (problem === undefined) await (await ledger()).clearAlerts(about)
    else await (await ledger()).raiseAlert({ ...about, message: problem })
  })
  return { name, options, gateway, ways, login: context.once(`x3 cloud ${name}`, () => createCloudLogin(name)) }
}

/** What the nodes of a cloud connection present, and what is to be said of it. */
export interface CloudSide {
  readonly credentials: Credentials
  /** Renews what was idle, tells of what ends; absent: nothing rotates. */
  readonly tend?: () => Promise<void>
  readonly warning?: () => string | undefined
  readonly state?: () => Promise<{ readonly ok: boolean; readonly text: string }>
}

export async function openCloud(values: Config, secrets: Secrets, context: Surroundings): Promise<CloudSide> {
  if (values.login === 'cloudClient') {
    const options = await applicationOf(values, secrets)
    return { credentials: clientCredentials(options, gatewayOf(options), values.scope) }
  }
  const { options, gateway, login, ways } = await cloudOf(values, secrets, context)
  return {
    credentials: pairedCredentials(options, login, ways, () => gateway.dispatcher.destroy()),
    tend: () => login.tend(ways),
    warning: () => login.warning(gateway.now()),
    state: async () => pairingWords(await login.look(ways), gateway.now()),
  }
}

/** Where a pairing that was asked for is kept until it is accepted. */
const requestName = (name: string): string => `${name} request`

/** The buttons of the dialog. */
export const cloudActions = {
  /** Gives the address that a user of X3 opens. */
  connect: (values: Config, secrets: Secrets, context: ActionContext) =>
    within(values, secrets, context, async (cloud) => {
      const redirectUri = values.redirectUri || context.query.redirect || ''
      if (!URL.canParse(redirectUri)) needed('', 'redirectUri', 'Callback address')
      const { clientId, root } = cloud.options
      const now = cloud.gateway.now()
      const asking = {
        ...{ root, clientId, redirectUri, now },
        customer: values.customer,
        scope: values.scope || SCOPE,
      }
      const { request, url } = newRequest({ ...asking, by: context.user, pkce: values.pkce })
      await keep(cloud, request)
      return { url, redirect: redirectUri }
    }),
  /** Takes the address that came back, or a refresh token. */
  paste: (values: Config, secrets: Secrets, context: ActionContext) =>
    within(values, secrets, context, async (cloud) => {
      const text = (context.query.text ?? '').trim()
      if (URL.canParse(text) && /[?&]state=/.test(text)) return finish(cloud, values, new URL(text).searchParams)
      if (text === '' || /\s/.test(text))
        throw syncError(
          'config',
          'x3.pairing-paste',
          'This is neither the address that came back nor a refresh token',
          {
            hint: 'Copy it whole: the address holds authorizationCode and state.',
          },
        )
      const granted = { accessToken: '', refreshToken: text, accessSeconds: 1 }
      await cloud.login.adopt(cloud.ways, granted, context.user, cloud.options.root)
      await cloud.login.pair(cloud.ways, context.signal)
      return state(cloud)
    }),
  /** A person confirms the host of another region that a pairing came back with. */
  confirm: (values: Config, secrets: Secrets, context: ActionContext) =>
    within(values, secrets, context, async (cloud) => {
      const request = await pending(cloud)
      if (!request?.waits) throw syncError('config', 'x3.pairing-state', 'No pairing waits for a confirmation')
      const { code, endpoint } = request.waits
      const { host } = new URL(endpoint)
      if (host !== context.query.host)
        throw syncError('config', 'x3.pairing-state', `The pairing came back from ${host}`)
      return taken(cloud, request, { code, endpoint }, [host])
    }),
  /** A person says that the pair in this ledger counts, though it looks like an old copy. */
  keep: (values: Config, secrets: Secrets, context: ActionContext) =>
    within(values, secrets, context, async (cloud) => {
      await cloud.login.keep(cloud.ways)
      return state(cloud)
    }),
  state: (values: Config, secrets: Secrets, context: ActionContext) =>
    within(values, secrets, context, async (cloud) => {
      const waits = (await pending(cloud))?.waits
      return { ...(await state(cloud)), ...(waits ? { confirm: new URL(waits.endpoint).host } : {}) }
    }),
}

async function within<T>(
  values: Config,
  secrets: Secrets,
  context: Surroundings,
  work: (cloud: Cloud) => Promise<T>,
): Promise<T> {
  const cloud = await cloudOf(values, secrets, context)
  try {
    return await work(cloud)
  } finally {
    await cloud.login.idle()
    await cloud.gateway.dispatcher.destroy()
  }
}

const state = async ({ login, ways, gateway }: Cloud) => {
  const doubt = await login.doubt(ways)
  const words = pairingWords(await login.look(ways), gateway.now())
  return doubt ? { ok: false, text: `${words.text} It is not renewed: ${doubt}.`, doubt } : words
}

async function keep({ ways, name, gateway }: Cloud, request: PairingRequest): Promise<void> {
  const store = await ways.store()
  const before = (await store.token(requestName(name)))?.version ?? 0
  await store.saveToken(requestName(name), Math.max(before + 1, gateway.now()), JSON.stringify(request))
}

const pending = async ({ ways, name }: Cloud): Promise<PairingRequest | undefined> =>
  requestFrom((await (await ways.store()).token(requestName(name)))?.text ?? '')

async function finish(cloud: Cloud, values: Config, query: URLSearchParams) {
  const request = await pending(cloud)
  const answer = answerIn(query, request, cloud.gateway.now())
  return taken(cloud, request as PairingRequest, answer, values.gatewayHosts)
}

/** Exchanges the code for the first pair. The request is over with any answer of the gateway, so that its state counts once. */
async function taken(cloud: Cloud, request: PairingRequest, answer: Answer, confirmed: readonly string[]) {
  const { code, endpoint } = answer
  const root = endpoint === undefined ? request.root : regionRoot(endpoint, request.root, confirmed)
  if (root === undefined) {
    const shown = URL.canParse(endpoint ?? '') ? new URL(endpoint ?? '').host : 'no address'
    if (shown !== 'no address') await keep(cloud, { ...request, waits: { code, endpoint: endpoint ?? '' } })
    throw syncError(
      'config',
      'x3.pairing-region',
      `X3 answered that it is reached at ${shown}, which is no known address of Sage`,
      {
        hint: 'Whoever set the connection up must confirm this host in its dialog (Connect); then the pairing is completed.',
      },
    )
  }
  const form = codeForm(request, code, cloud.options.secret)
  const granted = await askTokens(cloud.gateway, root, form).catch(async (error: unknown) => {
    if ((error as { code?: string }).code?.startsWith('x3.token-')) await forget(cloud)
    throw error
  })
  await cloud.login.adopt(cloud.ways, granted, request.by, root)
  await forget(cloud)
  return state(cloud)
}

const forget = async ({ ways, name }: Cloud): Promise<void> => {
  await (await ways.store()).forgetToken(requestName(name))
}

interface Deployed {
  readonly config: Config
  readonly credentials: Secrets
}

/** The route that the approver's browser is sent to: public, since he is a user of X3 and not of the editor. */
export function defineCallback(RED: NodeAPI): void {
  RED.httpAdmin.get(
    '/tieout/x3/callback',
    publicPage(async (query): Promise<Page> => {
      const given = query.get('state') ?? ''
      const deployed = connectionsOf(RED, 'x3-connection') as (Deployed & { context: OpenContext })[]
      for (const { config, credentials, context } of /^[\w-]{43}$/.test(given) ? deployed : []) {
        if (config.login !== 'cloud') continue
        const done = await within(config, credentials, context, async (cloud) => {
          if ((await pending(cloud))?.state !== given) return undefined
          return finish(cloud, config, query)
        })
        if (done) return { ok: true, title: 'Paired', text: `${done.text} This page can be closed.` }
      }
      throw syncError('config', 'x3.pairing-state', 'This answer belongs to no pairing that is waited for', {
        hint: 'It was used already, or a newer one was asked for. Whoever set the connection up must press Connect again.',
      })
    }),
  )
}
