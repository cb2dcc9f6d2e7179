import { deepStrictEqual, match, ok, strictEqual } from 'node:assert'
import { execFileSync } from 'node:child_process'
import {
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs'
import { tmpdir } from 'node:os'
import { dirname, join, resolve } from 'node:path'
import { type Red, startRed } from '../support/node-red.ts'
import { waitFor } from '../support/wait.ts'

interface Manifest {
  name: string
  dependencies: Record<string, string>
  'node-red': { nodes: Record<string, string> }
}

const manifest = JSON.parse(readFileSync('package.json', 'utf8')) as Manifest
const types = Object.keys(manifest['node-red'].nodes)

describe('the tarball in a plain Node-RED user directory', () => {
  let red: Red
  const home = mkdtempSync(join(tmpdir(), 'tieout-plain-'))

  before(async function () {
    this.timeout(120_000)
    const [packed] = JSON.parse(
      execFileSync('npm', ['pack', '--json', '--ignore-scripts', '--pack-destination', home], { encoding: 'utf8' }),
    ) as { filename: string }[]
    const place = join(home, 'node_modules', manifest.name)
    mkdirSync(place, { recursive: true })
    execFileSync('tar', ['-xzf', join(home, packed?.filename ?? ''), '-C', place, '--strip-components=1'])
    // Only what the package declares can be found: an undeclared import fails here.
    for (const name of Object.keys(manifest.dependencies)) {
      const link = join(home, 'node_modules', name)
      mkdirSync(dirname(link), { recursive: true })
      symlinkSync(resolve('node_modules', name), link)
    }
    writeFileSync(
      join(home, 'package.json'),
      JSON.stringify({ name: 'plain', private: true, dependencies: { [manifest.name]: '*' } }),
    )
    const settings = join(home, 'settings.cjs')
    writeFileSync(
      settings,
      `module.exports = { uiHost: '127.0.0.1', uiPort: process.env.PORT, flowFile: 'flows.json', telemetry: { enabled: false }, editorTheme: { tours: false, palette: { catalogues: [] } } }`,
    )
    red = await startRed({ userDir: home, settings })
  })
  after(async () => {
    await red?.end()
    rmSync(home, { recursive: true, force: true })
  })
  const get = async (path: string, accept = 'application/json'): Promise<Response> => {
    const reply = await fetch(red.url + path, { headers: { accept } })
    strictEqual(reply.status, 200, path)
    return reply
  }

  it('shows every node, without an error', async () => {
    const sets = (await (await get('/nodes')).json()) as { module: string; types: string[]; err?: string }[]
    const own = sets.filter(({ module }) => module === manifest.name)
    deepStrictEqual(
      own.flatMap((set) => (set.err ? [`${set.types}: ${set.err}`] : [])),
      [],
    )
    deepStrictEqual(own.flatMap((set) => set.types).sort(), [...types].sort())
  })

  it('shows their forms, help and texts', async () => {
    const html = await (await get('/nodes', 'text/html')).text()
    for (const type of types) {
      ok(html.includes(`data-template-name="${type}"`), type)
      ok(html.includes(`data-help-name="${type}"`), type)
      const texts = (await (await get(`/locales/${manifest.name}/${type}?lng=en-US`)).json()) as Record<string, unknown>
      ok(texts[type], `texts of ${type}`)
    }
    match(await (await get('/plugins', 'text/html')).text(), /window\.tieout = /)
  })

  it('offers every template under Import > Examples', async () => {
    const files = readdirSync('flows').filter((file) => file.endsWith('.json'))
    ok(files.length > 0)
    for (const file of files) {
      const reply = await get(`/library/examples/flows/${manifest.name}/${file.replace('.json', '')}`)
      deepStrictEqual(await reply.json(), JSON.parse(readFileSync(join('flows', file), 'utf8')))
    }
  })

  it('opens a ledger in the user directory, with a key that only its owner may read', async () => {
    const flows = [
      { id: 't', type: 'tab', label: 'plain' },
      { id: 'L', type: 'sync-ledger', name: '', file: '', retentionDays: '90', version: 1 },
      {
        id: 'a',
        type: 'sync-alert',
        z: 't',
        x: 100,
        y: 100,
        ledger: 'L',
        syncs: '',
        heldOver: '0',
        successHours: '0',
        everySeconds: '1',
        version: 1,
        wires: [[]],
      },
    ]
    const reply = await fetch(`${red.url}/flows`, {
      method: 'POST',
      headers: { 'content-type': 'application/json', 'node-red-api-version': 'v2' },
      body: JSON.stringify({ flows }),
    })
    strictEqual(reply.status, 200)
    const file = join(home, 'tieout', 'L.db')
    await waitFor(() => existsSync(file) && existsSync(`${file}.key`), { what: 'the ledger' })
    strictEqual(statSync(`${file}.key`).mode & 0o777, 0o600)
    deepStrictEqual(await (await get('/tieout/runs')).json(), [])
  })
})
