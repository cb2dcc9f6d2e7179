import { deepStrictEqual, match, ok, strictEqual } from 'node:assert'
import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { hashSync } from '@node-rs/bcrypt'
import type { Locator } from 'playwright-core'
import { type Editor, needChromium, openEditor } from '../support/editor.ts'
import { type Job, startThread, succeeded, type Thread } from '../support/thread.ts'
import { waitFor } from '../support/wait.ts'

const HOSTILE = '<img src=x onerror="window.hacked=1"><b>Vis</b>'
const TOO_LONG = '123456789012345678901234.5'

const textOf = async (place: Locator): Promise<string> => (await place.textContent()) ?? ''

describe('the sidebar in the editor', function () {
  this.timeout(120_000)
  let thread: Thread
  let job: Job
  let editor: Editor
  /** Two products that cannot be delivered: the first has a hostile name. */
  let codes: [string, string]

  before(async function () {
    needChromium(this)
    thread = await startThread()
    job = thread.begin({ entities: ['product'] })
    const [first, second] = [...job.books.tables.product.walk()]
    ok(first && second)
    codes = [first.code, second.code]
    job.put('product', { ...first, basePrice: TOO_LONG, description: HOSTILE })
    job.put('product', { ...second, basePrice: TOO_LONG })
    await job.deploy()
    await job.run()
    editor = await openEditor(thread.red)
  })
  after(async () => {
    await editor?.close()
    await thread?.end()
  })

  const rows = () => editor.monitor.locator('ol > li')
  const rowOf = (text: string) => rows().filter({ hasText: text })
  const cellsOf = (table: Locator) =>
    table.locator('tr').evaluateAll((lines) => lines.map((line) => [...line.children].map((cell) => cell.textContent)))

  it('shows the run: when, how long, that it is open with what is held, and the counts of each entity', async () => {
    await editor.openMonitor('runs')
    const run = rows().first()
    match(await textOf(run), new RegExp(`^${job.name}`))
    match(await textOf(run), /done · open · \d+ sopen: product: 2 held/)
    await run.locator('summary i.tieout-monitor-open').waitFor()
    match((await run.locator('time').getAttribute('title')) ?? '', /^\d{4}-\d\d-\d\d \d\d:\d\d:\d\d UTC$/)
    await run.locator('summary').click()
    const count = job.books.tables.product.count()
    deepStrictEqual(await cellsOf(run.locator('.tieout-monitor-table').first()), [
      ['Entity', 'read', 'delivered', 'held'],
      [' product', `${count}`, `${count - 2}`, '2'],
    ])
  })

  /** Gives a reason in the dialog that asks, which takes nothing without one. */
  const answered = async (question: string, name: string, reason: string): Promise<void> => {
    const ask = editor.page.locator('.red-ui-notification', { hasText: question })
    await ask.getByRole('button', { name }).click()
    strictEqual(await ask.count(), 1, 'not without a reason')
    await ask.getByLabel('Reason').fill(reason)
    await ask.getByRole('button', { name }).click()
    await ask.waitFor({ state: 'detached' })
  }

  it('shows a run that failed in red, with the reason and the next step, as soon as it has ended', async () => {
    thread.databricks.deny('MODIFY', `main.${job.name}.product`)
    for (const product of [...job.books.tables.product.walk()].slice(2, 4))
      job.put('product', { ...product, description: `${product.description} new` })
    await job.run()
    thread.databricks.allow()
    // Nobody presses Refresh; what was open stays open.
    const failed = rowOf('failed')
    await failed.locator('summary .tieout-monitor-bad').waitFor()
    strictEqual(await rows().count(), 2)
    strictEqual(await rows().last().locator('details').getAttribute('open'), '')
    await failed.locator('summary').click()
    match(await textOf(failed.locator('ul.tieout-monitor-bad')), /product: .*MODIFY/s)
    await editor.openMonitor('alerts')
    match((await rows().allTextContents()).join('\n'), new RegExp(`${job.name} product.*MODIFY`))
    succeeded(await job.run())
  })

  it('shows held records with reason and next step; a hostile name is a text like any other', async () => {
    await editor.openMonitor('held')
    strictEqual(await rows().count(), 2)
    const record = rowOf(codes[0])
    match(await textOf(record), /product .*base_price.*decimal.*widen the column/s)
    match(await textOf(record), /held by .*field base_price.*since \w+ \d+/s)
    await record.locator('summary').click()
    strictEqual(await record.getByLabel('description', { exact: true }).inputValue(), HOSTILE)
    strictEqual(await record.getByLabel('base_price', { exact: true }).inputValue(), TOO_LONG)
    strictEqual(await record.getByLabel('code', { exact: true }).count(), 0, 'the key cannot be edited')
    strictEqual(await editor.page.locator('img[src=x]').count(), 0)
    strictEqual(await editor.page.evaluate('window.hacked'), undefined)
  })

  it('keeps what is being typed while it refreshes', async () => {
    const field = rowOf(codes[0]).getByLabel('description', { exact: true })
    await field.fill('A bolt')
    await editor.page.waitForResponse((reply) => reply.url().includes('/tieout/held?'))
    await editor.page.waitForResponse((reply) => reply.url().includes('/tieout/held?'))
    strictEqual(await field.inputValue(), 'A bolt')
  })

  it('edits the record and replays it: it leaves the list and is in the warehouse', async () => {
    const record = rowOf(codes[0])
    await record.getByLabel('base_price', { exact: true }).fill('77.5')
    await record.getByRole('checkbox').check()
    await editor.monitor.getByRole('button', { name: 'Replay', exact: true }).click()
    await editor.page.getByText('changes that are not saved').waitFor()
    await record.getByRole('button', { name: 'Save' }).click()
    await answered('Save the changes?', 'Save', 'a slip of the pen')
    await record.getByText('Edited by admin').waitFor()
    await record.getByText(`originally: ${HOSTILE}`).waitFor()
    strictEqual(await editor.page.locator('img[src=x]').count(), 0)
    strictEqual(await record.getByRole('checkbox').isChecked(), true)
    await editor.monitor.getByRole('button', { name: 'Replay', exact: true }).click()
    await answered('Send 1 held record(s) again?', 'Replay', 'the price is right now')
    await record.waitFor({ state: 'detached' })
    const { body } = await thread.red.call('GET', `/tieout/decisions?ledger=${job.node('sync-ledger').id}`)
    deepStrictEqual(
      (body as Record<string, string>[]).map(({ kind, by, reason }) => [kind, by, reason]),
      [
        ['replay', 'admin', 'the price is right now'],
        ['edit', 'admin', 'a slip of the pen'],
      ],
    )
    await editor.openMonitor('runs')
    await rowOf('replay · done · open').waitFor()
    const stored = await job.rows(
      `select base_price, description from main.${job.name}.product where code = '${codes[0]}'`,
    )
    match(String(stored[0]?.[0]), /^77\.50*$/)
    strictEqual(stored[0]?.[1], 'A bolt')
  })

  it('discards after a question, and not without a yes', async () => {
    await editor.openMonitor('held')
    await editor.monitor.getByLabel('Choose all').check()
    const discard = editor.monitor.getByRole('button', { name: 'Discard' })
    const ask = editor.page.locator('.red-ui-notification', { hasText: 'Discard 1 held record' })
    await discard.click()
    await ask.getByRole('button', { name: 'Cancel' }).click()
    await ask.waitFor({ state: 'detached' })
    strictEqual(await rowOf(codes[1]).count(), 1)
    await discard.click()
    await ask.getByRole('button', { name: 'Discard' }).click()
    strictEqual(await rowOf(codes[1]).count(), 1, 'not without a reason')
    await ask.getByLabel('Reason').fill('a test product')
    await ask.getByRole('button', { name: 'Discard' }).click()
    await rowOf(codes[1]).getByText('Left out by admin: a test product').waitFor()
    strictEqual(await rowOf(codes[1]).getByRole('checkbox').count(), 0)
    deepStrictEqual(await job.held(), [])
  })

  it('has a choice where there are several ledgers', async () => {
    await thread.red.deploy([...job.flow, { id: 'other', type: 'sync-ledger', name: HOSTILE, file: 'other.db' }])
    await editor.openMonitor('runs')
    const choice = editor.monitor.getByLabel('Ledger')
    await choice.locator('option', { hasText: HOSTILE }).waitFor({ state: 'attached' })
    await choice.selectOption('other')
    await editor.monitor.getByText('No run has begun yet.').waitFor()
    await choice.selectOption(job.node('sync-ledger').id)
    await rowOf('failed').waitFor()
  })

  it('asks which replay node where there are several; what fails again comes back', async () => {
    const product = [...job.books.tables.product.walk()][1]
    ok(product)
    job.put('product', { ...product, basePrice: TOO_LONG })
    await thread.red.deploy([
      ...job.flow,
      { ...job.node('replay'), id: 'again', name: 'Once more', wires: [[], [], []] },
    ])
    await job.run()
    // Flows that somebody else deployed are there after the editor is loaded anew.
    await editor.page.reload()
    await editor.node('Once more').waitFor()
    await editor.openMonitor('held')
    const started = editor.page.waitForRequest((request) => request.url().endsWith('/tieout/held/replay'))
    await rowOf(codes[1]).getByRole('checkbox').check()
    await editor.monitor.getByLabel('Replay node').selectOption({ label: `Replay (${job.flow[0]?.label})` })
    await editor.monitor.getByRole('button', { name: 'Replay', exact: true }).click()
    await answered('Send 1 held record(s) again?', 'Replay', 'once more')
    strictEqual((await started).postDataJSON().node, job.node('replay').id)
    await rowOf('replays: 1').waitFor()
  })

  it('runs a sync at a press, reads everything after a question, and stops it', async () => {
    const ended = async (): Promise<number> => (await job.runs()).filter(({ mode }) => mode === 'poll').length
    let before = await ended()
    await editor.openMonitor('syncs')
    const sync = rowOf(job.name)
    match(await textOf(sync), /not running · entities: 1/)
    await sync.getByRole('button', { name: 'Run', exact: true }).first().click()
    await waitFor(async () => (await ended()) === before + 1, { what: 'the run' })
    await sync.locator('summary').click()
    await sync.getByLabel('product').uncheck()
    await sync.getByRole('button', { name: 'Read everything' }).click()
    await editor.page.getByText('Choose at least one entity.').waitFor()
    await sync.getByLabel('product').check()
    before = await ended()
    thread.x3.setLatency(500)
    await sync.getByRole('button', { name: 'Read everything' }).click()
    const ask = editor.page.locator('.red-ui-notification', { hasText: 'anew? That takes as long as the first load' })
    await ask.getByRole('button', { name: 'Read everything' }).click()
    await sync.getByRole('button', { name: 'Stop' }).click()
    thread.x3.setLatency(0)
    await waitFor(async () => (await ended()) === before + 1, { what: 'the end' })
    strictEqual((await job.runs())[0]?.state, 'stopped')
  })

  it('asks every few seconds while it can be seen, and for nothing when it cannot', async () => {
    const { page } = editor
    const help = page.locator('button[data-tab-id=help]')
    await help.click()
    await editor.monitor.waitFor({ state: 'hidden' })
    await page.clock.install()
    let asked = 0
    page.on('request', (request) => {
      if (request.url().includes('/tieout/')) asked++
    })
    const inAMinute = async (): Promise<number> => {
      asked = 0
      await page.clock.runFor(60_000)
      return asked
    }
    await editor.openMonitor('runs')
    await waitFor(async () => (await inAMinute()) >= 12, { what: 'requests' })
    await help.click()
    await editor.monitor.waitFor({ state: 'hidden' })
    await waitFor(async () => (await inAMinute()) === 0, { what: 'silence' })
  })

  it('shows a viewer everything and offers her nothing that the server would refuse', async () => {
    const product = [...job.books.tables.product.walk()][1]
    ok(product)
    job.put('product', { ...product, basePrice: `${TOO_LONG}1` })
    await job.run()
    await editor.close()
    const user = { name: 'viewer', password: 'viewer-password' }
    writeFileSync(
      join(thread.red.userDir, 'users.json'),
      JSON.stringify([{ username: user.name, password: hashSync(user.password, 4), role: 'viewer' }]),
    )
    await thread.restart('SIGTERM')
    editor = await openEditor(thread.red, {}, user)
    await editor.openMonitor('held')
    await rowOf(codes[1]).locator('summary').click()
    await rowOf(codes[1]).getByText(`${TOO_LONG}1`, { exact: true }).waitFor()
    strictEqual(await rows().locator('input, button').count(), 0)
    strictEqual(await editor.monitor.getByRole('button', { name: /Replay|Discard|Save/ }).count(), 0)
    await editor.openMonitor('syncs')
    await rowOf(job.name).locator('summary').click()
    strictEqual(await rows().locator('input, button').count(), 0)
    strictEqual(await textOf(editor.monitor.locator('.tieout-monitor-problem')), '')
  })
})
