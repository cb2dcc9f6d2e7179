import { deepStrictEqual, match, ok, strictEqual } from 'node:assert'
import { once } from 'node:events'
import { existsSync, globSync, mkdtempSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { hashSync } from '@node-rs/bcrypt'
import { adminEnv, freePort, type Red, spawnRed, startRed } from '../support/node-red.ts'

/** Every admin route of the product as it stands in the source, with the node types that it is registered for. */
function routesInSource(): { method: string; path: string }[] {
  const sources = globSync('nodes/**/*.ts').map((file) => readFileSync(file, 'utf8'))
  const typesMadeWith = (define: string): string[] => {
    const makers = sources.filter(
      (text) => text.includes(`${define}(RED`) && !text.includes(`export function ${define}`),
    )
    return makers.flatMap((text) =>
      [...text.matchAll(/\btype: '([a-z0-9]+(?:-[a-z0-9]+)+)'/g)].map(([, type]) => type ?? ''),
    )
  }
  const connections = typesMadeWith('defineConnection')
  const types: Record<string, string[]> = {
    test: [...connections, ...typesMadeWith('defineLedger')],
    lists: connections,
    preview: typesMadeWith('defineSource'),
    sinks: typesMadeWith('defineSource'),
  }
  return sources.flatMap((text) =>
    [...text.matchAll(/httpAdmin\.(get|post|put|delete|patch)\(\s*['"`]([^'"`]+)['"`]/g)].flatMap(
      ([, method = '', path = '']) => {
        const concrete = path.replace(/:\w+/g, 'x')
        if (!concrete.includes('${')) return [{ method: method.toUpperCase(), path: concrete }]
        const kind = Object.keys(types).find((part) => concrete.split('/').includes(part)) ?? ''
        return (types[kind] ?? []).map((type) => ({
          method: method.toUpperCase(),
          path: concrete.replace(/\$\{[^}]+\}/, type),
        }))
      },
    ),
  )
}

/** What machines ask, and where a browser comes back to from a pairing: each knows by itself whom it answers. */
const PUBLIC = ['/tieout/live', '/tieout/health', '/tieout/metrics', '/tieout/x3/callback']

describe('settings and login', () => {
  describe('a Node-RED that runs', () => {
    let red: Red
    before(async function () {
      this.timeout(120_000)
      const userDir = mkdtempSync(join(tmpdir(), 'tieout-red-'))
      const users = (['controller', 'finance', 'operator', 'viewer'] as const).map((role) => ({
        username: role,
        password: hashSync(`${role}-password`, 4),
        role,
      }))
      writeFileSync(join(userDir, 'users.json'), JSON.stringify(users))
      red = await startRed({ userDir, env: { TIEOUT_METRICS_TOKEN: 'a token' } })
    })
    after(() => red?.end())

    it('has every node of the package, and none of what is switched off', async () => {
      const { body } = await red.call('GET', '/nodes')
      const sets = body as { id: string; module: string; types: string[]; enabled: boolean; err?: string }[]
      const manifest = JSON.parse(readFileSync('package.json', 'utf8')) as {
        'node-red': { nodes: Record<string, string> }
      }
      const own = sets.filter(({ module }) => module === '@tieout/node-red-tieout')
      deepStrictEqual(
        own.filter(({ err, enabled }) => err || !enabled),
        [],
      )
      deepStrictEqual(own.flatMap(({ types }) => types).sort(), Object.keys(manifest['node-red'].nodes).sort())
      const all = sets.flatMap(({ types }) => types)
      ok(all.includes('inject'))
      ok(!all.includes('exec'))
    })

    it('answers no route of ours without a token, nor with a wrong one', async () => {
      const routes = routesInSource().filter(({ path }) => !PUBLIC.includes(path))
      ok(routes.length >= 10, routes.map(({ path }) => path).join())
      for (const token of [null, 'wrong'])
        for (const { method, path } of routes)
          strictEqual(
            (await red.call(method, path, method === 'GET' ? undefined : {}, token)).status,
            401,
            `${method} ${path}`,
          )
    })

    it('knows every one of these routes', async () => {
      for (const { method, path } of routesInSource()) {
        const { status, body } = await red.call(method, path, method === 'GET' ? undefined : {})
        ok(
          status !== 404 && (status !== 401 || PUBLIC.includes(path)),
          `${method} ${path}: ${status} ${JSON.stringify(body)}`,
        )
      }
    })

    it('lets a viewer read and an operator act, and neither test a connection or deploy', async () => {
      const viewer = await red.login('viewer', 'viewer-password')
      const operator = await red.login('operator', 'operator-password')
      const status = async (as: string, method: string, path: string, body?: unknown): Promise<number> =>
        (await red.call(method, path, body, as)).status
      strictEqual(await status(viewer, 'GET', '/tieout/runs'), 200)
      strictEqual(await status(operator, 'GET', '/tieout/runs'), 200)
      const discard = { ids: ['none'], reason: 'a test' }
      strictEqual(await status(viewer, 'POST', '/tieout/held/discard', discard), 401)
      strictEqual(await status(operator, 'POST', '/tieout/held/discard', discard), 401)
      const controller = await red.login('controller', 'controller-password')
      const finance = await red.login('finance', 'finance-password')
      const edit = { id: 'none', changes: {}, reason: 'a test' }
      const doubt = { id: 'none', as: 'absent', reason: 'a test' }
      const replay = { ids: ['none'], reason: 'a test' }
      for (const [path, body] of Object.entries({
        'held/discard': discard,
        'held/edit': edit,
        'in-doubt/settle': doubt,
      })) {
        strictEqual(await status(operator, 'POST', `/tieout/${path}`, body), 401, path)
        for (const token of [controller, finance])
          strictEqual(await status(token, 'POST', `/tieout/${path}`, body), 422, path)
      }
      strictEqual(await status(operator, 'POST', '/tieout/held/replay', replay), 422)
      const run = { sync: 'none' }
      strictEqual(await status(viewer, 'POST', '/tieout/run', run), 401)
      strictEqual(await status(operator, 'POST', '/tieout/run', run), 422)
      const decision = { sync: 'none', identity: 'anew', reason: 'another server' }
      strictEqual(await status(operator, 'POST', '/tieout/decide', decision), 401)
      strictEqual(await status(controller, 'POST', '/tieout/decide', decision), 422)
      for (const token of [viewer, operator, controller, finance]) {
        strictEqual(await status(token, 'POST', '/inject/any', { __user_inject_props__: [] }), 401)
        strictEqual(await status(token, 'POST', '/tieout/connections/sync-ledger/test', { id: 'x', config: {} }), 401)
        strictEqual(await status(token, 'POST', '/flows', { flows: [] }), 401)
      }
    })

    it('sends headers that forbid framing, also with the login page', async () => {
      const reply = await fetch(red.url)
      strictEqual(reply.headers.get('x-frame-options'), 'DENY')
      match(reply.headers.get('content-security-policy') ?? '', /frame-ancestors 'none'/)
      strictEqual(reply.headers.get('x-content-type-options'), 'nosniff')
    })

    it('gives the shared editor code only behind the login', async () => {
      const get = (token?: string): Promise<Response> =>
        fetch(`${red.url}/plugins`, {
          headers: { accept: 'text/html', ...(token && { authorization: `Bearer ${token}` }) },
        })
      strictEqual((await get()).status, 401)
      match(await (await get(await red.login())).text(), /window\.tieout = /)
    })

    it('lets no flow read the secrets that it was started with', async () => {
      const names = ['TIEOUT_ADMIN_USER', 'TIEOUT_ADMIN_PASSWORD_HASH', 'TIEOUT_METRICS_TOKEN']
      const set = (p: string, to: string, tot: string) => ({ t: 'set', p, pt: 'msg', to, tot })
      await red.deploy([
        { id: 'T', type: 'tab', label: 'a flow' },
        { id: 'in', type: 'http in', z: 'T', url: '/seen', method: 'get', wires: [['read']] },
        {
          ...{ id: 'read', type: 'change', z: 'T', wires: [['out']] },
          rules: [set('payload', '{}', 'json'), ...names.map((name) => set(`payload.${name}`, name, 'env'))],
        },
        { id: 'out', type: 'http response', z: 'T', wires: [] },
      ])
      const seen = (await (await fetch(`${red.url}/seen`)).json()) as Record<string, string>
      deepStrictEqual(
        names.map((name) => seen[name]),
        [adminEnv().TIEOUT_ADMIN_USER, '', ''],
      )
    })

    it('keeps a test connection answer free of the secret that it used', async () => {
      await red.deploy([
        {
          id: 'L',
          type: 'sync-ledger',
          name: 'books',
          file: '',
          retentionDays: 90,
          credentials: { key: 'the-ledger-secret' },
        },
      ])
      const { status, body } = await red.call('POST', '/tieout/connections/sync-ledger/test', {
        id: 'L',
        config: { file: 'the-ledger-secret.db', retentionDays: '90' },
        credentials: { key: '__PWRD__' },
      })
      strictEqual(status, 200)
      ok(!JSON.stringify(body).includes('the-ledger-secret'))
      match(JSON.stringify(body), /•••\.db/)
    })

    it('stores the secret encrypted with a key that only its owner may read', () => {
      ok(!readFileSync(join(red.userDir, 'flows_cred.json'), 'utf8').includes('the-ledger-secret'))
      ok(!readFileSync(join(red.userDir, 'flows.json'), 'utf8').includes('the-ledger-secret'))
      strictEqual(statSync(join(red.userDir, 'credential-secret')).mode & 0o777, 0o600)
    })

    it('does not start again with another key, says why, and leaves the credentials alone', async () => {
      await red.stop()
      const file = join(red.userDir, 'flows_cred.json')
      const before = readFileSync(file, 'utf8')
      const wrong = await refused(red.userDir, { ...adminEnv(), TIEOUT_CREDENTIAL_SECRET: 'another key' })
      match(wrong, /flows_cred\.json cannot be decrypted with TIEOUT_CREDENTIAL_SECRET/)
      strictEqual(readFileSync(file, 'utf8'), before)
      rmSync(join(red.userDir, 'credential-secret'))
      match(await refused(red.userDir, adminEnv()), /cannot be decrypted with any key: none is set/)
      ok(!existsSync(join(red.userDir, 'credential-secret')))
    })

    it('has left compiled code for the next start', () => {
      const modules = globSync('compile-cache/*/*', { cwd: red.userDir })
      ok(modules.length > 500, `${modules.length} modules`)
    })
  })

  it('does not start without a user, and says how to make one', async () => {
    const userDir = mkdtempSync(join(tmpdir(), 'tieout-red-'))
    try {
      match(await refused(userDir, {}), /no user may log in\. Set TIEOUT_ADMIN_USER and TIEOUT_ADMIN_PASSWORD_HASH/)
      match(
        await refused(userDir, { TIEOUT_ADMIN_PASSWORD_HASH: 'in clear' }),
        /the password of admin is not a bcrypt hash/,
      )
      const hash = hashSync('a-password', 4)
      writeFileSync(join(userDir, 'users.json'), JSON.stringify([{ username: 'x', password: hash, role: 'boss' }]))
      match(await refused(userDir, {}), /the role of x must be one of admin, controller, finance, operator, viewer/)
    } finally {
      rmSync(userDir, { recursive: true, force: true })
    }
  })
})

/** Starts, expects it to end with a failure, and gives what it wrote. */
async function refused(userDir: string, env: Record<string, string>): Promise<string> {
  const { child, output } = spawnRed({
    userDir,
    env: { PORT: String(await freePort()), TIEOUT_ADMIN_PASSWORD_HASH: '', ...env },
  })
  const [code] = (await once(child, 'exit')) as [number]
  strictEqual(code, 1, output())
  ok(!/\n\s+at /.test(output()), output())
  return output()
}
