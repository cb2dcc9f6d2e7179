/** What holds on the wire for every vendor, for the clients that we wrote and for the drivers alike. */

import { deepStrictEqual, doesNotMatch, match, ok, strictEqual } from 'node:assert'
import { spawn } from 'node:child_process'
import { generateKeyPairSync } from 'node:crypto'
import dns from 'node:dns'
import { once } from 'node:events'
import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { text } from 'node:stream/consumers'
import { fileURLToPath } from 'node:url'
import { z } from 'zod'
import { baswareConnection } from '../../nodes/basware/basware-connection.ts'
import { databricksConnection } from '../../nodes/databricks/databricks-connection.ts'
import { intacctConnection } from '../../nodes/intacct/intacct-connection.ts'
import { type ConnectionSpec, type Fields, readConfig, type Values } from '../../nodes/kit/kit.ts'
import { powerbiConnection } from '../../nodes/powerbi/powerbi-connection.ts'
import { snowflakeConnection } from '../../nodes/snowflake/snowflake-connection.ts'
import { x3Connection } from '../../nodes/x3/x3-connection.ts'
import { hostAnswered, isWrongHost } from '../../vendor/hosts.ts'
import { authority, type Keyed, serverOf } from '../support/wire-certificates.ts'
import { askOnce, CLIENTS, type Refusal, type To } from '../support/wire-clients.ts'
import { startProxy, startWire, type WireProxy, type WireServer } from '../support/wire-servers.ts'

const PROXY_VARIABLES = ['https_proxy', 'HTTPS_PROXY', 'http_proxy', 'HTTP_PROXY', 'no_proxy', 'NO_PROXY']
const chained = (...chain: Keyed[]): Keyed => ({
  key: chain[0]?.key ?? '',
  cert: chain.map(({ cert }) => cert).join('\n'),
})

const none = () => Promise.reject(new Error('there is no ledger here'))

/** *Test connection* of a node: what it says first, and of the way. */
const tried =
  <S extends Fields, K extends Fields, C>(spec: ConnectionSpec<S, K, C>, values: Values, secrets: Values) =>
  async (): Promise<{ said: string; way: string }> => {
    const config = readConfig(spec, { version: spec.version, ...values })
    const credentials = (spec.credentials ?? z.object({})).parse(secrets) as z.output<K>
    const log = { debug() {}, info() {}, warn() {}, error() {} }
    const { signal } = new AbortController()
    const context = { name: 'test', log, signal, once: <T>(_key: string, make: () => T) => make(), ledger: none }
    const lines = await spec
      .test?.(config, credentials, context)
      .catch((error: Error) => [{ ok: false, text: error.message }])
    const first = lines?.[0]
    return {
      said: first?.ok === false ? first.text : 'reached',
      way: (await spec.way?.(config, credentials))?.text ?? '',
    }
  }

describe('on the wire', function () {
  this.timeout(120_000)
  const open: { close(): Promise<void> }[] = []
  const environment: Record<string, string | undefined> = {}
  let root: Keyed
  let issuing: Keyed
  let leaf: Keyed
  let server: WireServer
  /** Servers that do not send the certificate between theirs and the root. */
  let cut: WireServer
  let cutProxy: WireProxy

  const wire = async (options: Parameters<typeof startWire>[0]): Promise<WireServer> => {
    const started = await startWire(options)
    open.push(started)
    return started
  }
  const proxy = async (options: Parameters<typeof startProxy>[0] = {}): Promise<WireProxy> => {
    const started = await startProxy(options)
    open.push(started)
    return started
  }
  /** To the server that sends its whole chain, unless told otherwise. */
  const to = (route: To['route'], more: Partial<To> = {}): To => ({
    host: 'localhost',
    port: server.port,
    route,
    ...more,
  })
  const all = async (asked: To, check: (refusal: Refusal, client: string) => void): Promise<void> => {
    for (const client of Object.keys(CLIENTS)) {
      const refusal = await askOnce(client, asked)
      ok(refusal, `${client}: an answer`)
      ok(refusal.class, `${client}: ${refusal.text}`)
      check(refusal, client)
    }
  }
  /** Every client's request comes to the server, which refuses it in its own words. */
  const arrives = async (asked: To, at = server): Promise<void> => {
    for (const client of Object.keys(CLIENTS)) {
      at.arrived.length = 0
      const refusal = await askOnce(client, asked)
      ok(at.arrived.length > 0, `${client}: ${refusal?.code} ${refusal?.text}`)
    }
  }
  const refusedAs = (code: RegExp, cls: string, says: RegExp) => async (asked: To) => {
    server.arrived.length = 0
    await all(asked, (refusal, client) => {
      match(refusal.code, code, `${client}: ${refusal.text}`)
      strictEqual(refusal.class, cls, `${client}: ${refusal.text}`)
      match(refusal.text, says, client)
    })
    deepStrictEqual(server.arrived, [])
  }

  before(async () => {
    for (const name of PROXY_VARIABLES) {
      environment[name] = process.env[name]
      delete process.env[name]
    }
    root = await authority('Wire Root')
    issuing = await authority('Wire Issuing CA 2', { issuer: root })
    leaf = await serverOf(['localhost', 'erp.wire.test'], { issuer: issuing })
    server = await wire({ tls: chained(leaf, issuing) })
    // before Snowflake's driver has this process trust anything: a server completes its chain from what is trusted
    cut = await wire({ tls: leaf })
    cutProxy = await proxy({ tls: leaf })
  })
  afterEach(() => {
    for (const name of PROXY_VARIABLES) delete process.env[name]
  })
  after(async () => {
    for (const [name, value] of Object.entries(environment)) if (value !== undefined) process.env[name] = value
    await Promise.all(open.map((one) => one.close()))
  })

  describe('certificates', () => {
    it('an own CA is trusted, and by nobody else in the process', async () => {
      await arrives(to({ ca: root.cert }))
      await refusedAs(/\.tls$/, 'config', /"Wire Issuing CA 2", which signed that of localhost|"Wire Root"/)(to({}))
    })

    it('an own CA is trusted besides the public ones and those of NODE_EXTRA_CA_CERTS; "Only this CA" is alone', async () => {
      const folder = await mkdtemp(join(tmpdir(), 'tieout-wire-'))
      try {
        const extra = await authority('Wire Extra Root')
        const other = await wire({ tls: await serverOf(['localhost'], { issuer: extra }) })
        const file = join(folder, 'extra.pem')
        await writeFile(file, extra.cert)
        const child = spawn(process.execPath, [fileURLToPath(new URL('../support/wire-child.ts', import.meta.url))], {
          env: { ...process.env, NODE_EXTRA_CA_CERTS: file },
          stdio: ['pipe', 'pipe', 'inherit'],
        })
        const routes = [{}, { ca: root.cert }, { ca: root.cert, onlyCa: true }]
        child.stdin.end(JSON.stringify(routes.map((route) => to(route, { port: other.port }))))
        const [said] = await Promise.all([text(child.stdout), once(child, 'exit')])
        const found = JSON.parse(said) as [string, string[]][]
        strictEqual(found.length, Object.keys(CLIENTS).length)
        for (const [client, [none, own, only]] of found) {
          doesNotMatch(none ?? '', /\.tls$/, client)
          doesNotMatch(own ?? '', /\.tls$/, client)
          match(only ?? '', /\.tls$/, client)
        }
      } finally {
        await rm(folder, { recursive: true })
      }
    })

    it('a missing intermediate is named with what to do, and cures it', async () => {
      const asked = to({ ca: root.cert }, { port: cut.port })
      await refusedAs(
        /\.tls$/,
        'config',
        /the certificate of "Wire Issuing CA 2" is missing: it signed "localhost"/,
      )(asked)
      await refusedAs(
        /\.tls$/,
        'config',
        /send its whole chain, or put the certificate "Wire Issuing CA 2" \(PEM\)/,
      )(asked)
      await arrives(to({ ca: `${root.cert}\n${issuing.cert}` }, { port: cut.port }), cut)
      await arrives(to({ ca: issuing.cert, onlyCa: true }, { port: cut.port }), cut)
    })

    it('other faults of a certificate say which one, and that only the own CA counts', async () => {
      const expired = await wire({ tls: await serverOf(['localhost'], { issuer: root, days: -2 }) })
      const alone = await serverOf(['localhost'], {})
      const itself = await wire({ tls: alone })
      const of = (port: number) => to({ ca: root.cert }, { port })
      await refusedAs(/\.tls$/, 'config', /the certificate of localhost:\d+ ended on /)(of(expired.port))
      await refusedAs(/\.tls$/, 'config', /is signed by itself and not trusted/)(of(itself.port))
      const foreign = await wire({ tls: await serverOf(['other.test'], { issuer: root }) })
      await refusedAs(/\.tls$/, 'config', /is for other\.test, .* and not for localhost/)(of(foreign.port))
      await refusedAs(/\.tls$/, 'config', /"Only this CA" is ticked/)(to({ ca: alone.cert, onlyCa: true }))
    })

    it('a port without TLS is said to be one', async () => {
      const plain = await wire({})
      await refusedAs(/\.tls$/, 'config', /localhost:\d+ speaks no TLS on this port/)(to({}, { port: plain.port }))
    })
  })

  describe('proxies', () => {
    const name = (host = 'localhost') => `${host}:${server.port}`

    it('that of the field is taken by all, with its login and with the own CA, and resolves the names', async () => {
      const way = await proxy({ login: 'me:p@ss' })
      const url = `http://me:p%40ss@127.0.0.1:${way.port}`
      await arrives(to({ ca: root.cert, proxy: url }, { host: 'erp.wire.test' }))
      deepStrictEqual([...new Set(way.tunnels)], [`${name('erp.wire.test')} me:p@ss`])
      const secure = await proxy({ tls: chained(leaf, issuing) })
      await arrives(to({ ca: root.cert, proxy: `https://localhost:${secure.port}` }))
      deepStrictEqual([...new Set(secure.tunnels)], [name()])
    })

    it('that of the environment is taken by all, but for NO_PROXY and where the field is filled', async () => {
      const [one, other] = [await proxy(), await proxy()]
      process.env.HTTPS_PROXY = `http://127.0.0.1:${one.port}`
      await arrives(to({ ca: root.cert }, { host: 'erp.wire.test' }))
      deepStrictEqual([...new Set(one.tunnels.splice(0))], [name('erp.wire.test')])
      process.env.https_proxy = `http://127.0.0.1:${other.port}`
      await arrives(to({ ca: root.cert }, { host: 'erp.wire.test' }))
      deepStrictEqual([...new Set(other.tunnels.splice(0))], [name('erp.wire.test')])
      // this machine, and what the list names, is asked for directly: there is no such name here
      await arrives(to({ ca: root.cert }))
      for (const exempt of [`erp.wire.test:${server.port}`, 'a.test, wire.test', '*']) {
        process.env.NO_PROXY = exempt
        await refusedAs(
          /\.dns$/,
          'transient',
          /erp\.wire\.test:\d+ cannot be reached/,
        )(to({ ca: root.cert }, { host: 'erp.wire.test' }))
      }
      process.env.NO_PROXY = 'other.test,erp.wire.test:1'
      await arrives(to({ ca: root.cert }, { host: 'erp.wire.test' }))
      deepStrictEqual([...new Set(other.tunnels.splice(0))], [name('erp.wire.test')])
      process.env.NO_PROXY = 'test'
      await arrives(to({ ca: root.cert, proxy: `http://127.0.0.1:${one.port}` }, { host: 'erp.wire.test' }))
      deepStrictEqual([other.tunnels, [...new Set(one.tunnels)]], [[], [name('erp.wire.test')]])
    })

    it('one that refuses, is not there or is not trusted is named, without its login', async () => {
      const named = (port: number | string) => new RegExp(`the proxy http://127\\.0\\.0\\.1:${port} \\(field Proxy\\)`)
      const refusing = async (options: { login?: string; status?: number }, cls: string, says: RegExp) => {
        const way = await proxy(options)
        const asked = to({ ca: root.cert, proxy: `http://me:hush@127.0.0.1:${way.port}` })
        await all(asked, (refusal, client) => {
          match(refusal.text, named(way.port), client)
          match(refusal.text, says, client)
          strictEqual(refusal.class, cls, client)
          doesNotMatch(refusal.text, /hush/, client)
        })
      }
      await refusing({ login: 'me:other' }, 'config', /asks for a login \(HTTP 407\)/)
      const gone = to({ ca: root.cert, proxy: 'http://me:hush@127.0.0.1:1' })
      await refusedAs(/\.proxy$/, 'transient', named(1))(gone)
      await refusedAs(
        /\.dns$/,
        'transient',
        /the proxy http:\/\/proxy\.invalid:1 .* unknown/,
      )(to({ ca: root.cert, proxy: 'http://me:hush@proxy.invalid:1' }))
      await refusedAs(
        /\.tls$/,
        'config',
        /the proxy localhost:\d+/,
      )(to({ ca: root.cert, proxy: `https://localhost:${cutProxy.port}` }))
    })
  })

  describe('names', () => {
    const says = (host: string) => new RegExp(`${host} cannot be reached: the host name is unknown here`)

    it('one that is wrong is said by Test connection at once', async () => {
      const { privateKey } = generateKeyPairSync('rsa', { modulusLength: 2048 })
      const key = String(privateKey.export({ type: 'pkcs8', format: 'pem' }))
      const tests = {
        x3: tried(x3Connection, { url: 'https://x3.invalid:8124', source: 'x3', clientId: 'c' }, { secret: 's' }),
        intacct: tried(
          intacctConnection,
          {
            senderId: 's',
            company: 'c',
            user: 'u',
            source: 'intacct',
            gateway: 'gw.intacct.invalid',
            allowedHosts: 'gw.intacct.invalid',
          },
          { senderPassword: 'p', password: 'p' },
        ),
        basware: tried(
          baswareConnection,
          { url: 'https://api.basware.invalid', source: 'basware', clientId: 'c' },
          { secret: 's' },
        ),
        databricks: tried(
          databricksConnection,
          { host: 'adb.invalid', path: '/w', login: 'oauth', clientId: 'c' },
          { secret: 's' },
        ),
        snowflake: tried(snowflakeConnection, { account: 'A-B', host: 'snow.invalid', user: 'u' }, { privateKey: key }),
        powerbi: tried(powerbiConnection, { tenant: 't', clientId: 'c', loginUrl: 'login.invalid' }, { secret: 's' }),
      }
      for (const [vendor, test] of Object.entries(tests)) {
        const begun = performance.now()
        const { said, way } = await test()
        match(said, /\.invalid(:\d+)? cannot be reached: the host name is unknown here/, vendor)
        match(way, /^Without a proxy; trusted are the public certificate authorities/, vendor)
        ok(performance.now() - begun < 8000, `${vendor}: ${performance.now() - begun} ms`)
      }
    })

    it('one that was never reached is wrong after a minute, one that was is an outage', async () => {
      const host = 'later.invalid'
      const asked = to({}, { host, port: 443 })
      await refusedAs(/\.dns$/, 'transient', says(host))(asked)
      isWrongHost('minute.invalid', Date.now() - 61_000)
      await refusedAs(/\.dns$/, 'config', says('minute.invalid'))(to({}, { host: 'minute.invalid', port: 443 }))
      hostAnswered('minute.invalid')
      isWrongHost('minute.invalid', Date.now() - 61_000)
      await refusedAs(/\.dns$/, 'transient', says('minute.invalid'))(to({}, { host: 'minute.invalid', port: 443 }))
    })

    it('a name service that does not answer is always an outage', async () => {
      const { lookup } = dns
      isWrongHost('again.invalid', Date.now() - 61_000)
      const silent = (host: string, options: object, done: (error: Error) => void): void =>
        host === 'again.invalid'
          ? done(Object.assign(new Error(`getaddrinfo EAI_AGAIN ${host}`), { code: 'EAI_AGAIN' }))
          : Reflect.apply(lookup, dns, [host, options, done])
      dns.lookup = silent as unknown as typeof lookup
      try {
        const asked = to({}, { host: 'again.invalid', port: 443 })
        await refusedAs(
          /\.dns$/,
          'transient',
          /again\.invalid cannot be reached: the name service does not answer/,
        )(asked)
      } finally {
        dns.lookup = lookup
      }
    })

    it('an answer is what makes a host one that was reached', async () => {
      for (const client of Object.keys(CLIENTS)) {
        const host = `${client.toLowerCase().replaceAll(/[^a-z0-9]+/g, '-')}.wire.test`
        const proxied = await proxy()
        const tls = await wire({ tls: await serverOf([host], { issuer: root }) })
        isWrongHost(host, Date.now() - 61_000)
        await askOnce(client, {
          host,
          port: tls.port,
          route: { ca: root.cert, proxy: `http://127.0.0.1:${proxied.port}` },
        })
        strictEqual(isWrongHost(host), false, client)
      }
    })
  })

  it('redirects take neither headers nor body to another host', async () => {
    const elsewhere = await wire({ tls: chained(leaf, issuing) })
    for (const status of [301, 302, 303, 307, 308]) {
      const location = `https://localhost:${elsewhere.port}/elsewhere`
      const away = await wire({
        tls: chained(leaf, issuing),
        answer: (_request, response) => response.writeHead(status, { location }).end(),
      })
      await refusedAs(
        /\.redirect$/,
        'config',
        new RegExp(
          `localhost:${away.port} sends the request on to https://localhost:${elsewhere.port} \\(HTTP ${status}\\)`,
        ),
      )(to({ ca: root.cert }, { port: away.port }))
      ok(away.arrived.length > 0)
      deepStrictEqual(elsewhere.arrived, [])
    }
  })
})
