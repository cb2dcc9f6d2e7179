/** Whatever comes back, to whichever client: an error in words, in its time, and the process lives. */
import { deepStrictEqual, match, ok } from 'node:assert'
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { text } from 'node:stream/consumers'
import { fileURLToPath } from 'node:url'
import { createCertificates } from '../../sandbox/tls.ts'
import type { Outcome, Task } from '../support/broken-child.ts'
import { BREAKS, type BrokenServer, startBroken } from '../support/broken-server.ts'

const child = fileURLToPath(new URL('../support/broken-child.ts', import.meta.url))
/** Of the child: what it survives takes more than that where nothing bounds it. */
const HEAP_MB = 256
const IDLE_MS = 3000
const TOTAL_MS = 6000
/** No answer may take longer, on a busy machine and with what a driver tries again by itself. */
const LONGEST_MS = 45_000

/** Answers that are fine to those who want nothing of their body. */
const FINE: Readonly<Record<string, readonly string[]>> = {
  'empty body': ['Power BI, rows', 'Databricks, files'],
  'no content': ['Power BI, rows', 'Databricks, files'],
  'web page': ['Databricks, files'],
  'body longer than its length': ['Power BI, rows', 'Databricks, files'],
  'gzip bomb': ['Power BI, rows', 'Databricks, files'],
  // Small pages are looked at where their values are converted.
  'lists in lists, few': ['X3'],
}
const VENDORS = /X3|Intacct|Basware|Power BI|Databricks|Snowflake|Microsoft|warehouse|token endpoint|check account/
/** Which limit an error names; those of the drivers are what the drivers let us bound. */
const SILENT = /silent for|time-out|time limit|timeout of|did not come to its end/
const TIME = /did not come to its end within [\d.]+ s/
const SIZE = /greater than (64|20|4|1) MB and was not read to its end/
const LIMITS: Readonly<Record<string, { readonly ours: RegExp; readonly drivers: RegExp }>> = {
  'no reply': { ours: SILENT, drivers: SILENT },
  'body that drips': { ours: TIME, drivers: /did not come to its end|time limit/ },
  'refusal that drips': { ours: TIME, drivers: /did not come to its end|HTTP 503/ },
  'head that drips': { ours: SILENT, drivers: SILENT },
  '103 Early Hints that drip': { ours: SILENT, drivers: SILENT },
  'body without length and end': { ours: SIZE, drivers: /greater than 64 MB|time limit/ },
  'head without end': { ours: /a head of more than 16 kB/, drivers: /a head of more than 16 kB/ },
  'lists in lists': {
    ours: /nested deeper than 100 levels|greater than (20|4|1) MB/,
    drivers: /deeper than 100|time limit|no answer of a warehouse/,
  },
  'lists in lists, closed, and much behind them': {
    ours: /nested deeper than 100 levels|greater than (20|4|1) MB/,
    drivers: /deeper than 100|time limit|no answer of a warehouse/,
  },
  'empty objects side by side': {
    ours: /more than (2,000|200),000 parts|greater than (20|4|1) MB/,
    drivers: /more than 2,000,000 parts|time limit|no answer of a warehouse/,
  },
  'garbage instead of HTTP': { ours: /is no HTTP/, drivers: /is no HTTP/ },
  'invalid chunk': { ours: /is no HTTP/, drivers: /is no HTTP/ },
}

const issuer = 'https://login.microsoftonline.com/tenant/v2.0'
const oauth = 'https://login.microsoftonline.com/tenant/oauth2/v2.0'
/** What msal asks for before it has a token, and the token. */
const LOGIN = {
  '/common/discovery/instance': {
    tenant_discovery_endpoint: `${issuer}/.well-known/openid-configuration`,
    metadata: [],
  },
  '/tenant/v2.0/.well-known/openid-configuration': {
    issuer,
    authorization_endpoint: `${oauth}/authorize`,
    token_endpoint: `${oauth}/token`,
    jwks_uri: `${oauth}/keys`,
  },
  '/tenant/oauth2/v2.0/token': { token_type: 'Bearer', expires_in: 3600, access_token: 'eyJ.eyJ.x' },
}

describe('broken replies', () => {
  const servers: BrokenServer[] = []
  let outcomes: Outcome[] = []
  let died: unknown

  before(async function () {
    this.timeout(600_000)
    const tls = await createCertificates()
    const start = async (options: Parameters<typeof startBroken>[0]) => {
      const server = await startBroken(options)
      servers.push(server)
      return server.port
    }
    const broken: Record<string, Task['broken'][string]> = {}
    for (const [name, how] of Object.entries(BREAKS))
      broken[name] = {
        all: await start({ how }),
        api: await start({ how, good: LOGIN }),
        tls: await start({ how, tls }),
      }
    const running = spawn(process.execPath, [`--max-old-space-size=${HEAP_MB}`, child], {
      stdio: ['pipe', 'pipe', 'pipe'],
    })
    const task: Task = { broken, ca: tls.caPem, idleMs: IDLE_MS, totalMs: TOTAL_MS, patientMs: 60_000 }
    running.stdin.end(JSON.stringify(task))
    const ended = once(running, 'exit')
    const [out, said] = await Promise.all([text(running.stdout), text(running.stderr)])
    const [code, stopped] = await ended
    died = code === 0 ? undefined : `${code ?? stopped}: ${said.slice(-2000)}`
    outcomes = out
      .split('\n')
      .filter(Boolean)
      .map((line) => JSON.parse(line) as Outcome)
  })
  after(() => Promise.all(servers.map((server) => server.close())))

  it('end no process, however little its memory', () => {
    deepStrictEqual(died, undefined)
    const clients = new Set(outcomes.map(({ client }) => client.split(',')[0]))
    deepStrictEqual([...clients].sort(), ['Basware', 'Databricks', 'Intacct', 'Power BI', 'Snowflake', 'X3'])
    deepStrictEqual(new Set(outcomes.map(({ how }) => how)), new Set(Object.keys(BREAKS)))
  })

  it('become errors that name vendor and next step, and never pass for an answer', () => {
    const wrong = outcomes.flatMap(({ client, how, error }) => {
      if (client === 'Intacct, its clock' && !error) return []
      const isFine = FINE[how]?.includes(client) ?? false
      if (isFine || !error)
        return isFine === !error ? [] : [`${client}, ${how}: ${error ? error.message : 'an answer'}`]
      const isGood = error.class !== '' && error.hint !== '' && VENDORS.test(error.message + error.hint)
      return isGood ? [] : [`${client}, ${how}: ${error.class}, ${error.message}, ${error.hint}`]
    })
    deepStrictEqual(wrong, [])
  })

  it('never tell that rows are not in', () => {
    for (const { client, how, error } of outcomes)
      if (/^(Power BI, rows|Basware, acknowledge)$/.test(client) && error && !/^redirect/.test(how))
        deepStrictEqual(error.class, 'unknown-outcome', `${how}: ${error.code}`)
  })

  it('name the limit that they are over', () => {
    const found = outcomes.filter(({ how, error }) => LIMITS[how] && error)
    ok(found.length > 100)
    const wrong = found.filter(({ client, how, error }) => {
      const limit = LIMITS[how]?.[client.endsWith('driver') ? 'drivers' : 'ours']
      return !limit?.test(error?.message ?? '')
    })
    deepStrictEqual(wrong, [])
  })

  it('are looked at for their depth before they are parsed', () => {
    const found = outcomes.filter(
      ({ how, client }) =>
        how === 'lists in lists, few' && /^(Intacct$|Basware|Power BI|Databricks, files)/.test(client),
    )
    ok(found.length > 5)
    for (const { client, error } of found) match(error?.message ?? '', /nested deeper than 100 levels/, client)
  })

  it('end in their time', () => {
    deepStrictEqual(
      outcomes.filter(({ ms }) => ms > LONGEST_MS),
      [],
    )
  })
})
