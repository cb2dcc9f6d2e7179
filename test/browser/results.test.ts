/** Results that are open, and what is not alike, in the sidebar: one Node-RED that sends to the Basware sandbox, and a person with a browser. */
import { match, ok, strictEqual } from 'node:assert'
import { readFileSync } from 'node:fs'
import { type BaswareSandbox, startBasware } from '../../sandbox/basware/server.ts'
import type { RunSummary } from '../../sync/contract/summary.ts'
import { type Editor, needChromium, openEditor, uncut } from '../support/editor.ts'
import { type Red, startRed } from '../support/node-red.ts'
import { waitFor } from '../support/wait.ts'

const HOUR_MS = 3_600_000
const HOSTILE = '<img src=x onerror="window.hacked=1">'

/** A message of the flow's own with two suppliers. */
const SEND = `
const column = (name) => ({ name, type: 'string' })
const suppliers = [['S900', 'Acier'], ['S901', ${JSON.stringify(HOSTILE)}]]
msg.topic = 'supplier'
msg.schema = { entity: 'supplier', key: ['source', 'code'], columns: ['source', 'code', 'name'].map(column) }
msg.payload = suppliers.map(([code, name], _row) => ({ _row, source: 'x3', code, name }))
return msg`

describe('results, in the sidebar', function () {
  this.timeout(180_000)
  let red: Red
  let basware: BaswareSandbox
  let editor: Editor
  let passed = 0

  before(async function () {
    needChromium(this)
    const clock = { now: () => Date.now() + passed }
    const today = new Date().toISOString().slice(0, 10)
    basware = await startBasware({ seed: 1, size: 'small', today, clock, now: clock.now, settings: { p2pMs: HOUR_MS } })
    red = await startRed({})
    const { clientId, clientSecret: secret, url } = basware
    const companies = [{ company: 'FR10', code: 'FR10', organization: '', chart: '' }]
    const tab = { z: 'tab', x: 100, y: 100 }
    await red.deploy([
      { id: 'tab', type: 'tab', label: 'send' },
      { id: 'L', type: 'sync-ledger', name: 'Books', file: '', version: 1 },
      {
        id: 'C',
        type: 'basware-connection',
        name: 'Basware',
        source: 'basware',
        url,
        login: 'oauth',
        clientId,
        version: 1,
        credentials: { secret },
      },
      { id: 'i', type: 'inject', ...tab, props: [], once: false, wires: [['f']] },
      { id: 'f', type: 'function', ...tab, func: SEND, outputs: 1, wires: [['w']] },
      {
        id: 'w',
        type: 'basware-send',
        name: 'Send',
        ...tab,
        ledger: 'L',
        connection: 'C',
        companies,
        version: 1,
        wires: [[], []],
      },
    ])
    editor = await openEditor(red)
  })
  after(async () => {
    await editor?.close()
    await red?.end()
    await basware?.close()
  })

  const rows = () => editor.monitor.locator('ol > li')

  it('are listed with age and request, counted, and gone once somebody looked again and Basware has them', async () => {
    await red.inject('i')
    let run: RunSummary | undefined
    await waitFor(async () => {
      run = ((await red.call('GET', '/tieout/runs?limit=1')).body as RunSummary[])[0]
      return run !== undefined
    })
    match(run?.says ?? '', /^open: supplier: 2 accepted, result pending$/)
    await editor.openMonitor('results')
    await rows().filter({ hasText: 'supplier x3|S900' }).waitFor()
    strictEqual(await rows().count(), 2)
    match(
      (await rows().first().textContent()) ?? '',
      /Send · accepted, result pending · for \d+ s · request [-0-9a-f]+$/,
    )
    strictEqual(await editor.monitor.locator('[data-view=results] > .tieout-monitor-count').textContent(), '2')
    await editor.monitor.getByRole('button', { name: 'Look again' }).click()
    await editor.page.getByText('2 result(s) are open.').waitFor()
    passed = HOUR_MS
    await editor.monitor.getByRole('button', { name: 'Look again' }).click()
    await editor.page.getByText('0 result(s) are open.').waitFor()
    await editor.monitor.getByText('No result is open.').waitFor()
    strictEqual(await editor.page.evaluate('window.hacked'), undefined)
  })

  it('what is not alike is compared when a person asks, listed, given as a file, and told by an alert', async () => {
    basware.tune({ edits: 'published', p2pMs: 0 })
    for (const [code, name] of [
      ['S900', HOSTILE],
      ['S901', 'Bois'],
    ] as const)
      basware.act('edit', { collection: 'vendors', record: { externalCode: `x3_${code}`, name } })
    await editor.openMonitor('alignment')
    await rows().filter({ hasText: 'Not compared yet' }).waitFor()
    await editor.monitor.getByLabel('alert').check()
    await editor.monitor.getByRole('button', { name: 'Compare now' }).click()
    await editor.page.getByText('It is compared. The list is filled when that is done.').waitFor()
    const differs = rows().filter({ hasText: 'vendors S901' })
    await differs.waitFor()
    match((await differs.textContent()) ?? '', /vendors S901\s*differs.*its name there is Bois.*x3_S901 · Send/)
    match((await rows().first().textContent()) ?? '', /^\d+ differences/)
    const saved = editor.page.waitForEvent('download')
    await editor.monitor.getByRole('button', { name: 'CSV' }).click()
    const path = await (await saved).path()
    match(readFileSync(path, 'utf8'), /Send,supplier,vendors,differs,S901,x3_S901,its name there is Bois/)
    await rows().first().click()
    await editor.monitor.getByRole('button', { name: 'Use that code for all' }).first().waitFor()
    await uncut(editor.monitor)
    const { body } = await red.call('GET', '/tieout/alerts?open=true')
    ok((body as { kind: string }[]).some(({ kind }) => kind === 'alignment'))
    strictEqual(await editor.page.evaluate('window.hacked'), undefined)
  })
})
