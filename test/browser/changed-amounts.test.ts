/** A function node doubles every amount on its way: the editor says so, where it is looked at. */
import { match, ok, strictEqual } from 'node:assert'
import { type Editor, needChromium, openEditor } from '../support/editor.ts'
import { type Job, startThread, type Thread } from '../support/thread.ts'

const DOUBLE = `for (const { lines = [] } of msg.payload)
  for (const line of lines) {
    if (line.amount) line.amount = \`\${line.amount * 2}\`
    if (line.amount_ledger) line.amount_ledger = \`\${line.amount_ledger * 2}\`
  }
return msg`

const PUSH = 'push-by-hand'

describe('amounts that a node of the flow doubles, in the editor', function () {
  this.timeout(120_000)
  let thread: Thread
  let job: Job
  let editor: Editor

  before(async function () {
    needChromium(this)
    thread = await startThread()
    job = thread.begin({ entities: ['gl_entry'] })
    const source = job.node('x3-poll')
    const [wires] = source.wires as string[][]
    job.flow.push({
      ...{ id: `${job.name}-double`, z: source.z, type: 'function', name: 'Convert amounts', outputs: 1, func: DOUBLE },
      ...{ x: 300, y: 40, wires: [wires] },
    } as (typeof job.flow)[number])
    source.wires = [[`${job.name}-double`], ...(source.wires as string[][]).slice(1)]
    const sink = job.node('databricks-write')
    job.flow.push({
      ...{
        id: PUSH,
        z: source.z,
        type: 'inject',
        name: 'By hand',
        props: [],
        repeat: '',
        once: false,
        wires: [[sink.id]],
      },
      ...{ x: 100, y: 40 },
    } as (typeof job.flow)[number])
    await job.deploy()
    editor = await openEditor(thread.red)
    await editor.node('Convert amounts').waitFor()
  })
  after(async () => {
    await editor?.close()
    await thread?.end()
  })

  const TEXT = /\d+ record\(s\) were changed in the flow by function "Convert amounts", such as .*EUR [\d,]+\.\d\d/

  it('the node that reads says that it differs, in red, with the amount and the node on the way', async () => {
    const seen = await editor.during('Read X3', /^red /, () => job.run())
    match(seen.at(-1) ?? '', /^red ring differs: gl_entry: /)
    match(seen.at(-1) ?? '', TEXT)
    ok(!seen.some((text) => text.startsWith('green')), seen.join(' | '))
  })

  it('so do the run in the sidebar, and the difference behind the alert', async () => {
    await editor.openMonitor('runs')
    const run = editor.monitor.locator('ol > li').first()
    const told = (await run.textContent()) ?? ''
    match(told, /failed · differs · /)
    match(told, TEXT)
    await editor.openMonitor('alerts')
    const alert = editor.monitor.locator('ol > li').filter({ hasText: 'no-tie' })
    match((await alert.textContent()) ?? '', TEXT)
  })

  it('it stays so in a run that reads nothing new, until a person closes it with a reason', async () => {
    const { summary } = await job.run()
    strictEqual(summary?.verdict, 'differs')
    await editor.node('Read X3').filter({ hasText: TEXT }).waitFor()
    await editor.openMonitor('alerts')
    const alert = editor.monitor.locator('ol > li').filter({ hasText: 'no-tie' })
    await alert.locator('summary').click()
    await alert.getByRole('button', { name: 'Close' }).first().waitFor()
    strictEqual(editor.problems.join('\n'), '')
  })

  it('what a message of the flow writes under the source name is open, until a person allows it with a reason', async () => {
    const payload = [{ source: 'x3', entry_type: 'OD', number: 'BY-HAND', _row: 0 }]
    const columns = ['source', 'entry_type', 'number'].map((name) => ({ name, type: 'string' }))
    const schema = { entity: 'gl_entry', key: ['source', 'entry_type', 'number'], columns }
    const props = Object.entries({ payload, schema }).map(([p, v]) => ({ p, v: JSON.stringify(v), vt: 'json' }))
    const { status } = await thread.red.call('POST', `/inject/${PUSH}`, { __user_inject_props__: props })
    strictEqual(status, 200)
    await editor.openMonitor('alerts')
    const alert = editor.monitor.locator('ol > li').filter({ hasText: '1 pushed' })
    await alert.waitFor()
    await alert.locator('summary').click()
    await alert.getByRole('button', { name: 'Allow' }).click()
    const ask = editor.page.locator('.red-ui-notification').filter({ hasText: job.name })
    await ask.getByRole('button', { name: 'Allow' }).click()
    strictEqual(await ask.count(), 1, 'not without a reason')
    await ask.getByLabel('Reason').fill('opening balances')
    await ask.getByRole('button', { name: 'Allow' }).click()
    await alert.waitFor({ state: 'detached' })
    const { body } = await thread.red.call('GET', `/tieout/decisions?sync=${job.name}`)
    const [decision] = body as { kind: string; reason: string }[]
    strictEqual(`${decision?.kind} ${decision?.reason}`, 'pushed opening balances')
    strictEqual(editor.problems.join('\n'), '')
  })
})
