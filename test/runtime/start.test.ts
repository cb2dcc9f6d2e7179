import { deepStrictEqual, match, notStrictEqual, ok, strictEqual } from 'node:assert'
import { execFileSync } from 'node:child_process'
import { once } from 'node:events'
import { type Demo, demoHome, type FlowNode, removeHome, startDemo, template } from '../support/demo.ts'
import { freePort } from '../support/node-red.ts'
import { waitFor } from '../support/wait.ts'

describe('npm start', () => {
  const home = demoHome()
  let demo: Demo | undefined
  after(async () => {
    await demo?.stop()
    removeHome(home)
  })
  const start = async (...flags: string[]): Promise<Demo> => {
    demo = await startDemo({ home, flags: ['--port', '0', ...flags] })
    return demo
  }

  it('runs the flow behind a login, says what moved, and keeps at the second start what was edited', async function () {
    this.timeout(180_000)
    const first = await start()
    match(first.text(), /gl_entry\s+52\s+52\s+0\s+0\s+ties/)
    strictEqual((await fetch(`${first.url}/flows`)).status, 401)
    const { flows, rev } = (await first.call('GET', '/flows')) as { flows: FlowNode[]; rev: string }
    const poll = flows.find(({ type }) => type === 'x3-poll')
    ok(poll)
    poll.name = 'Read X3, as I call it'
    await first.call('POST', '/flows', { flows, rev })
    await first.stop()

    const second = await start()
    const again = (await second.call('GET', '/flows')) as { flows: { name?: string }[] }
    ok(again.flows.some(({ name }) => name === 'Read X3, as I call it'))
    match(second.text(), /gl_entry\s+0\s+0\s+0\s+0\s+nothing new/, 'what was moved already is not moved again')
    await second.stop()

    const third = await start('--flow', 'x3-to-powerbi')
    const both = (await third.call('GET', '/flows')) as { flows: { type: string; name?: string }[] }
    ok(
      both.flows.some(({ name }) => name === 'Read X3, as I call it'),
      'the first flow stays',
    )
    match(third.text(), /gl_entry\s+52\s+52\s+0\s+0\s+ties/, 'another flow has its own position')
    await third.stop()
  })
})

describe('the running demo', function () {
  this.timeout(180_000)
  const home = demoHome()
  let demo: Demo
  let port = 0
  before(async () => {
    port = await freePort()
    demo = await startDemo({ home, flags: [], env: { PORT: String(port) } })
  })
  after(async () => {
    await demo?.stop()
    removeHome(home)
  })

  it('listens where PORT says, and tells where before its first run', () => {
    strictEqual(demo.url, `http://127.0.0.1:${port}`)
    ok(demo.text().indexOf('Password') < demo.text().indexOf('Run of'))
  })

  it('prints what templates name: addresses and credentials of the sandbox', () => {
    const named = ['x3-to-databricks', 'x3-to-snowflake', 'x3-to-powerbi', 'intacct-to-databricks', 'x3-basware']
      .flatMap((name) => [...JSON.stringify(template(name)).matchAll(/\$\{(\w+)|From":"(\w+)"/g)])
      .map(([, inField, ofSecret]) => inField ?? ofSecret ?? '')
    ok(named.length > 40)
    const printed = new Set([...demo.text().matchAll(/^ {2}(\w+?)(?:_FILE)?=\S/gm)].map(([, name = '']) => name))
    deepStrictEqual(
      named.filter((name) => !printed.has(name)),
      [],
    )
  })

  for (const [name, sync, entities] of [
    ['x3-to-snowflake', 'x3-to-snowflake', 10],
    ['x3-to-powerbi', 'x3-to-powerbi', 4],
    ['intacct-to-databricks', 'intacct-to-databricks', 10],
    ['x3-basware', 'x3-to-basware', 4],
  ] as const)
    it(`runs ${name} as it is imported`, async () => {
      await demo.add(template(name))
      const summary = await demo.run(template(name), sync)
      deepStrictEqual(summary.errors, [])
      ok(summary.entities.length >= entities, JSON.stringify(summary.entities))
      ok(summary.verdict === 'ties' || summary.verdict === 'open', summary.verdict)
      ok(summary.entities.some(({ delivered }) => delivered > 0))
    })

  it('lets the next business day happen by a button: changes, deletions, and a journal that is held', async () => {
    const flows = template('x3-to-databricks')
    const { flows: there } = (await demo.call('GET', '/flows')) as { flows: FlowNode[] }
    const button = there.find(({ type, name }) => type === 'inject' && name === 'Next business day')
    ok(button)
    const ledger = flows.find(({ type }) => type === 'sync-ledger')?.id
    const held = async (): Promise<number> =>
      ((await demo.call('GET', `/tieout/held?ledger=${ledger}&sync=x3-to-databricks`)) as unknown[]).length
    strictEqual(await held(), 0)
    let delivered = 0
    let deleted = 0
    // Of some days' changes nothing is deleted.
    for (let day = 0; day < 4 && deleted === 0; day++) {
      await demo.call('POST', `/inject/${button.id}`, {})
      const summary = await demo.run(flows, 'x3-to-databricks', { sweep: true })
      delivered += summary.entities.reduce((sum, one) => sum + one.delivered, 0)
      deleted += summary.entities.reduce((sum, one) => sum + (one.sweep?.gone ?? 0), 0)
    }
    notStrictEqual(delivered, 0)
    notStrictEqual(deleted, 0)
    ok((await held()) > 0)
  })

  it('ends, and says so, when its sandbox has died', async () => {
    const ended = once(demo.child, 'exit')
    const [sandbox] = execFileSync('pgrep', ['-P', String(demo.child.pid), '-f', 'sandbox/main'], {
      encoding: 'utf8',
    }).split('\n')
    process.kill(Number(sandbox), 'SIGKILL')
    const [code] = await ended
    strictEqual(code, 2)
    await waitFor(() => /The sandbox has ended \(SIGKILL\)\. Start the demo again/.test(demo.text()))
  })
})
