/** What a machine asks: whether the process turns, whether it can work, and how it goes in numbers. */
import { match, strictEqual } from 'node:assert'
import { spawnSync } from 'node:child_process'
import { once } from 'node:events'
import { request } from 'node:http'
import { join } from 'node:path'
import { type Red, startRed } from '../support/node-red.ts'
import { waitFor } from '../support/wait.ts'

const TOKEN = 'a token for the scraper'
const ledger = (file: string) => [
  { id: 'tab', type: 'tab', label: 'flow' },
  { id: 'ledger', type: 'sync-ledger', name: 'The ledger', version: 1, file },
  { id: 'alert', z: 'tab', type: 'sync-alert', version: 1, ledger: 'ledger', wires: [[]] },
]

describe('health and metrics', function () {
  this.timeout(120_000)
  let red: Red
  before(async () => {
    red = await startRed({ env: { TIEOUT_METRICS_TOKEN: TOKEN, TIEOUT_FROZEN_SECONDS: '8' } })
  })
  after(() => red?.end())

  const ask = async (path: string, headers: Record<string, string> = {}) => {
    const asked = request(red.url + path, { agent: false, headers: { host: 'some-pod:1880', ...headers } }).end()
    const [reply] = await once(asked, 'response')
    const text: string = (await reply.setEncoding('utf8').toArray()).join('')
    return { status: reply.statusCode as number, text }
  }
  const known = { authorization: `Bearer ${TOKEN}` }

  it('are answered without a login, under any name; nothing else is', async () => {
    strictEqual((await ask('/tieout/live')).status, 200)
    strictEqual((await ask('/tieout/health')).text, 'ok\n')
    strictEqual((await ask('/tieout/runs')).status, 403)
  })

  it('numbers want the token', async () => {
    strictEqual((await ask('/tieout/metrics')).status, 401)
    strictEqual((await ask('/tieout/metrics', { authorization: `Bearer ${TOKEN.slice(0, -1)}x` })).status, 401)
    const { status, text } = await ask('/tieout/metrics', known)
    strictEqual(status, 200)
    match(text, /^process_cpu_seconds_total /m)
  })

  it('says that a ledger cannot be written, and which one to whoever may know it', async () => {
    await red.deploy(ledger('fine.db'))
    strictEqual((await ask('/tieout/health')).status, 200)
    await red.deploy(ledger('/dev/null/ledger.db'))
    const { status, text } = await ask('/tieout/health')
    strictEqual(status, 503)
    strictEqual(text, 'not ready\n')
    match((await ask('/tieout/health', known)).text, /^not ready\nledger The ledger cannot be written: /)
    await red.deploy(ledger('fine.db'))
    strictEqual((await ask('/tieout/health', known)).text, 'ok\n')
  })

  it('npm run ledger copies a ledger that is open, and refuses to put one back over it', async () => {
    await red.deploy(ledger('fine.db'))
    const command = (...args: string[]) =>
      spawnSync(process.execPath, ['dist/backup/main.js', ...args, '--userDir', red.userDir], { encoding: 'utf8' })
    const checked = command('check')
    match(checked.stderr, /^fine\.db: sound, 0 runs, 0 held, ledger [0-9a-f-]{36}, /m)
    const archive = join(red.userDir, 'x.tar.gz')
    const made = command('backup', archive)
    strictEqual(made.status, 0, made.stderr)
    const refused = command('restore', archive)
    strictEqual(refused.status, 1)
    match(refused.stderr, /fine\.db is in use/)
    strictEqual((await ask('/tieout/health')).text, 'ok\n')
  })

  it('a process that turns no more ends, and says why', async () => {
    const { child } = red
    const flow = [
      ...ledger('fine.db'),
      { id: 'press', z: 'tab', type: 'inject', props: [], repeat: '', once: false, wires: [['spin']] },
      { id: 'spin', z: 'tab', type: 'function', func: 'for (;;) {}', outputs: 0, wires: [[]] },
    ]
    await red.deploy(flow)
    void red.inject('press').catch(() => undefined)
    await waitFor(() => child.signalCode !== null, { what: 'the end of the process' })
    strictEqual(child.signalCode, 'SIGKILL')
    match(red.output(), /Nothing has turned for 8 s \(TIEOUT_FROZEN_SECONDS\)/)
  })
})
