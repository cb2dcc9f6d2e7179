import {
  ConfidentialClientApplication,
  type Configuration,
  type INetworkModule,
  type NetworkResponse,
} from '@azure/msal-node'
import { Agent, request } from 'undici'
import type { Dataset, PowerbiOptions, PowerbiSandbox, Table } from '../../sandbox/powerbi/api.ts'
import { startPowerbi } from '../../sandbox/powerbi/server.ts'
import { type PowerbiContract, powerbiContract } from './powerbi-contract.ts'

export interface Answer {
  status: number
  headers: Readonly<Record<string, string | string[] | undefined>>
  text: string
  /** The parsed body; undefined where it is empty. */
  body: unknown
}

/** The sandbox and a bare HTTP client with a token of Microsoft's own library, without any code of ours between them. */
export interface PowerbiCaller {
  sandbox: PowerbiSandbox
  contract: PowerbiContract | undefined
  /** Below `/v1.0/myorg/groups/<default workspace>` where the path begins with `/datasets`. */
  call(method: string, path: string, body?: unknown, headers?: Record<string, string>): Promise<Answer>
  /** Creates a push dataset with one table `T`. */
  create(columns: Readonly<Record<string, string>>, extra?: Partial<Table>, retention?: string): Promise<string>
  post(dataset: string, rows: readonly object[], table?: string): Promise<Answer>
  /** The rows of a query's only table; fails where it is refused. */
  dax(dataset: string, query: string): Promise<Record<string, unknown>[]>
  msal(auth: Omit<Configuration['auth'], 'clientId'>): ConfidentialClientApplication
  scopes: string[]
  /** Forgets the token: the next call asks for one. */
  forget(): void
  dataset(id: string): Dataset | undefined
  close(): Promise<void>
}

/** msal's network through undici with the sandbox's CA. */
function network(agent: Agent): INetworkModule {
  async function send<T>(
    method: 'GET' | 'POST',
    url: string,
    headers?: Record<string, string>,
    body?: string,
  ): Promise<NetworkResponse<T>> {
    const reply = await request(url, {
      ...{ method, dispatcher: agent },
      ...(headers === undefined ? {} : { headers }),
      ...(body === undefined ? {} : { body }),
    })
    return {
      status: reply.statusCode,
      headers: reply.headers as Record<string, string>,
      body: (await reply.body.json()) as T,
    }
  }
  return {
    sendGetRequestAsync: (url, options) => send('GET', url, options?.headers),
    sendPostRequestAsync: (url, options) => send('POST', url, options?.headers, options?.body),
  }
}

export async function startPowerbiCaller(options: PowerbiOptions = {}): Promise<PowerbiCaller> {
  const sandbox = await startPowerbi(options)
  const agent = new Agent({ connect: { ca: sandbox.caPem } })
  const scopes = [`${sandbox.resource}/.default`]
  const contract = powerbiContract()
  let token: string | undefined

  const msal: PowerbiCaller['msal'] = (auth) =>
    new ConfidentialClientApplication({
      auth: {
        clientId: sandbox.clientId,
        authority: `${sandbox.authorityHost}/${sandbox.tenant}`,
        knownAuthorities: [`localhost:${sandbox.port}`],
        ...auth,
      },
      system: { networkClient: network(agent) },
    })

  const call: PowerbiCaller['call'] = async (method, path, body, headers = {}) => {
    token ??= (await msal({ clientSecret: sandbox.clientSecret }).acquireTokenByClientCredential({ scopes }))
      ?.accessToken
    const below = path.startsWith('/datasets') ? `/groups/${sandbox.workspace.id}${path}` : path
    const text = typeof body === 'string' ? body : JSON.stringify(body)
    const reply = await request(`${sandbox.apiUrl}/v1.0/myorg${below}`, {
      ...{ method: method as 'GET', dispatcher: agent },
      headers: {
        authorization: `Bearer ${token}`,
        ...(body === undefined ? {} : { 'content-type': 'application/json' }),
        ...headers,
      },
      ...(text === undefined ? {} : { body: text }),
    })
    const answered = await reply.body.text()
    const isJson = String(reply.headers['content-type']).startsWith('application/json')
    return {
      status: reply.statusCode,
      headers: reply.headers,
      text: answered,
      body: isJson && answered !== '' ? JSON.parse(answered) : undefined,
    }
  }

  return {
    ...{ sandbox, contract, call, msal, scopes },
    async create(columns, extra = {}, retention) {
      const table = {
        name: 'T',
        columns: Object.entries(columns).map(([name, dataType]) => ({ name, dataType })),
        ...extra,
      }
      const query = retention === undefined ? '' : `?defaultRetentionPolicy=${retention}`
      const { status, body, text } = await call('POST', `/datasets${query}`, { name: 'Sales', tables: [table] })
      if (status > 299) throw new Error(`${status} ${text}`)
      return (body as { id: string }).id
    },
    post: (dataset, rows, table = 'T') => call('POST', `/datasets/${dataset}/tables/${table}/rows`, { rows }),
    async dax(dataset, query) {
      const settings = { serializerSettings: { includeNulls: true } }
      const { status, body, text } = await call('POST', `/datasets/${dataset}/executeQueries`, {
        queries: [{ query }],
        ...settings,
      })
      if (status !== 200) throw new Error(`${status} ${text}`)
      const { results } = body as { results: { tables: { rows: Record<string, unknown>[] }[] }[] }
      return results[0]?.tables[0]?.rows ?? []
    },
    forget() {
      token = undefined
    },
    dataset: (id) => sandbox.datasets().find((dataset) => dataset.id === id),
    async close() {
      await agent.close()
      await sandbox.close()
    },
  }
}
