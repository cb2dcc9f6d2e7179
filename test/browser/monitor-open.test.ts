import { deepStrictEqual, match, ok, strictEqual } from 'node:assert'
import { join } from 'node:path'
import { DatabaseSync } from 'node:sqlite'
import type { Locator } from 'playwright-core'
import type { PowerbiSandbox } from '../../sandbox/powerbi/api.ts'
import { type Editor, needChromium, openEditor } from '../support/editor.ts'
import {
  movedFolder,
  startThread,
  startThreadTo,
  succeeded,
  type Thread,
  type ThreadTo,
  writeInto,
} from '../support/thread.ts'
import { toPowerbi } from '../support/thread-targets.ts'
import { waitFor } from '../support/wait.ts'

const TOO_LONG = '123456789012345678901234.5'

const textOf = async (place: Locator): Promise<string> => (await place.textContent()) ?? ''

describe('what is not over in the sidebar', function () {
  this.timeout(120_000)
  let thread: Thread
  let editor: Editor

  before(async function () {
    needChromium(this)
    thread = await startThread()
  })
  after(async () => {
    await editor?.close()
    await thread?.end()
  })

  const rows = () => editor.monitor.locator('ol > li')
  const colorOf = (place: Locator): Promise<string> =>
    place.first().evaluate((element) => getComputedStyle(element).color)

  it('a difference is red through runs and a restart, with what differs, until somebody closes it with a reason', async () => {
    const job = thread.begin({ entities: ['supplier'] })
    await job.deploy()
    succeeded(await job.run())
    // As a run writes it down that finds a row missing; and a run of the version before, that had no word.
    await thread.red.stop()
    const ledger = new DatabaseSync(join(thread.red.userDir, `${job.name}.db`))
    ledger.exec(`
      INSERT INTO difference (id, sync, entity, address, sink_name, run, problem, since)
        VALUES ('d1', '${job.name}', 'supplier', 'databricks://x', 'Write to Databricks', 'r0',
          'supplier: count 30 delivered, 29 stored', '2026-03-01T08:00:00Z');
      UPDATE run SET summary = json_set(json_remove(summary, '$.verdict', '$.entities[0].verdict'), '$.entities[0].held', 52,
        '$.entities[0].whole', json('{"at":"2026-03-01T08:00:00Z","statements":1,"ms":1,"kept":{"versions":1234,"records":30}}'))`)
    ledger.close()
    await thread.restart('SIGTERM')
    const again = await job.run()
    strictEqual(again.summary?.verdict, 'differs')

    editor = await openEditor(thread.red)
    await editor.openMonitor('runs')
    const run = rows().first()
    await run.locator('i.tieout-monitor-bad').waitFor()
    match(await textOf(run), /done · differs · .*supplier: count 30 delivered, 29 stored/)
    // The run of the version before said that it ties: what it held is seen all the same.
    const old = rows().nth(1)
    match(await textOf(old), /done · open · .*open: 52 held/)
    await old.locator('i.tieout-monitor-open').waitFor()
    strictEqual(await rows().locator('.tieout-monitor-good').count(), 0)
    await old.locator('summary').click()
    await old
      .getByText('supplier: every version is kept, 1,234 of them; the newest ones of 30 records count.')
      .waitFor()

    await editor.openMonitor('alerts')
    const alert = rows().filter({ hasText: 'no-tie' })
    await alert.locator('summary').click()
    await alert.getByRole('button', { name: 'Close' }).click()
    const ask = editor.page.locator('.red-ui-notification', { hasText: 'Close this difference' })
    await ask.getByRole('button', { name: 'Close' }).click()
    strictEqual(await alert.count(), 1, 'not without a reason')
    await ask.getByLabel('Reason').fill('the row was taken out by hand')
    await ask.getByRole('button', { name: 'Close' }).click()
    await editor.monitor.getByText('No alert is open.').waitFor()
    strictEqual((await job.run()).summary?.verdict, 'nothing new')
    const { body } = await thread.red.call('GET', `/tieout/decisions?ledger=${job.node('sync-ledger').id}`)
    const [decision] = body as { by: string; reason: string; about: string }[]
    strictEqual(decision?.reason, 'the row was taken out by hand')
    match(decision?.about ?? '', /30 delivered, 29 stored/)
  })

  it('"held" is seen at once and in amber, in the list of runs and in the count of its own list', async () => {
    const job = thread.begin({ entities: ['product'] })
    for (const product of [...job.books.tables.product.walk()].slice(0, 3))
      job.put('product', { ...product, basePrice: TOO_LONG })
    await job.deploy()
    await job.run()
    await editor?.close()
    editor = await openEditor(thread.red)
    await editor.openMonitor('runs')
    await editor.monitor.getByText('open: product: 3 held').waitFor()
    const amber = await colorOf(editor.monitor.locator('li .tieout-monitor-open'))
    strictEqual(await colorOf(editor.monitor.locator('[data-view=held] > .tieout-monitor-count')), amber)
    match(amber, /^rgb/)
  })

  /** Answers the question of a sync in the list of alerts, which takes nothing without a reason. */
  const answer = async (sync: string, says: RegExp, names: readonly string[], name: string): Promise<void> => {
    await editor?.close()
    editor = await openEditor(thread.red)
    await editor.openMonitor('alerts')
    const alert = rows().filter({ hasText: sync }).filter({ hasText: says })
    await alert.locator('summary').click()
    await alert.getByRole('button').first().waitFor()
    deepStrictEqual(await alert.getByRole('button').allTextContents(), names)
    await alert.getByRole('button', { name }).click()
    const ask = editor.page.locator('.red-ui-notification', { has: editor.page.getByLabel('Reason') })
    await ask.getByRole('button', { name }).click()
    strictEqual(await ask.count(), 1, 'not without a reason')
    await ask.getByLabel('Reason').fill('we moved')
    await ask.getByRole('button', { name }).click()
    await alert.waitFor({ state: 'detached' })
  }

  it('the same source at another address: the alert names its answers, which are buttons, and the sync goes on where it stood', async () => {
    const job = thread.begin({ entities: ['supplier'] })
    await job.deploy()
    succeeded(await job.run())
    job.node('x3-connection').folder = movedFolder(job.name)
    await job.deploy()
    await job.run()
    await answer(job.name, /start anew.*keep/s, ['Keep the position', 'Start anew'], 'Keep the position')
    await waitFor(async () => (await job.runs())[0]?.state === 'done', { what: 'the run that goes on' })
    strictEqual((await job.runs())[0]?.verdict, 'nothing new')
  })

  it('another ledger wrote the table: it is taken over by a button of the alert', async () => {
    const one = thread.begin({ entities: ['supplier'] })
    await one.deploy()
    succeeded(await one.run())
    const two = thread.begin({ entities: ['supplier'] })
    two.node('x3-connection').folder = one.name
    writeInto(one, two)
    await two.deploy()
    await two.run()
    await answer(two.name, /take-over.*is already written by the sync/s, ['Take over'], 'Take over')
    await waitFor(async () => (await two.runs())[0]?.state === 'done', { what: 'the run that took over' })
    await one.ties()
  })

  it('where every version is kept it is said before that rows become new ones, and they are read again', async () => {
    const job = thread.begin({ entities: ['supplier'] })
    job.node('databricks-write').mode = 'bronze'
    const rule = { do: 'constant', entity: 'supplier', list: '', column: 'name', value: 'one' }
    job.node('map-gl').rules = [rule]
    await job.deploy()
    succeeded(await job.run())
    rule.value = 'two'
    await job.deploy()
    await editor?.close()
    editor = await openEditor(thread.red)
    await editor.openMonitor('syncs')
    const sync = rows().filter({ hasText: job.name })
    const count = job.books.tables.supplier.count()
    await sync.getByText(new RegExp(`supplier: ${count} rows at .* hold values of the mapping of`)).waitFor()
    await sync.locator('summary').click()
    await sync.getByRole('button', { name: 'Read again: all' }).click()
    const ask = editor.page.locator('.red-ui-notification', { hasText: new RegExp(`${count} .*new versions?`) })
    await ask.getByRole('button', { name: 'Read again: all' }).click()
    await sync.getByText('hold values').waitFor({ state: 'detached' })
    const stored = await job.rows(`select count(*) from main.${job.name}.supplier_bronze`)
    deepStrictEqual(stored, [[String(2 * count)]])
  })

  it('52 held are told with their amount, in the sidebar as in the status of the node', async () => {
    const job = thread.begin({ entities: ['gl_entry'] })
    // Of a journal its debit is told, in the currency of its first ledger; all in ten-thousandths.
    const sums = new Map<string, bigint>()
    for (const entry of [...job.books.tables.journalEntry.walk()].slice(0, 52)) {
      for (const { ledger, sign, ledgerAmount, ledgerCurrency } of entry.lines) {
        const [whole = '', digits = ''] = ledgerAmount.split('.')
        if (ledger === entry.lines[0]?.ledger && sign === 1)
          sums.set(ledgerCurrency, (sums.get(ledgerCurrency) ?? 0n) + BigInt(whole + digits.padEnd(4, '0')))
      }
      const lines = entry.lines.map((line, n) => (n === 0 ? { ...line, quantity: TOO_LONG } : line))
      job.put('journalEntry', { ...entry, lines })
    }
    const told = [...sums]
      .sort(([a], [b]) => (a < b ? -1 : 1))
      .map(([currency, units]) => {
        const text = String(units).padStart(5, '0')
        const whole = text.slice(0, -4).replace(/\B(?=(\d{3})+$)/g, ',')
        return `${currency} ${whole}.${text.slice(-4).replace(/0{1,2}$/, '')}`
      })
    const says = `open: gl_entry: 52 held, ${told.join(', ')}`
    await job.deploy()
    strictEqual((await job.run()).summary?.says, says)
    await editor?.close()
    editor = await openEditor(thread.red)
    await editor.openMonitor('runs')
    await editor.monitor.getByText(says).waitFor()
    await editor.openMonitor('held')
    strictEqual(await rows().count(), 52)
    // A journal shows its lines, and every view can be reached at the default width.
    await editor.openMonitor('held')
    const journal = editor.monitor.locator('ol > li').first()
    await journal.locator('summary').click()
    await journal.getByText(/^lines: \d+/).waitFor()
    strictEqual((await journal.textContent())?.includes('[object'), false)
    const right = async (of: string) => {
      const box = await editor.monitor.locator(of).first().boundingBox()
      return (box?.x ?? 0) + (box?.width ?? 0)
    }
    ok((await right('[data-view=alerts]')) <= (await right('.red-ui-sidebar-header')))
  })
})

describe('batches in doubt in the sidebar', function () {
  this.timeout(120_000)
  let thread: ThreadTo<PowerbiSandbox>
  let editor: Editor

  before(async function () {
    needChromium(this)
    thread = await startThreadTo(toPowerbi)
  })
  after(async () => {
    await editor?.close()
    await thread?.end()
  })

  it('are listed with target, batch and keys, and settled after a question', async () => {
    const job = thread.begin({ entities: ['product'] })
    await job.deploy()
    thread.target.tune({ executeQueries: false })
    thread.target.faults().force('rows-post', 'reset-after')
    await job.run()
    const count = job.books.tables.product.count()
    editor = await openEditor(thread.red)
    await editor.openMonitor('inDoubt')
    const batch = editor.monitor.locator('ol > li')
    match(await textOf(batch), new RegExp(`^product${count} records.*in doubt · `))
    await batch.locator('summary').click()
    const [product] = job.books.tables.product.walk()
    await batch
      .getByText(product?.code ?? '')
      .first()
      .waitFor()
    await batch.getByRole('button', { name: 'It is there' }).click()
    const ask = editor.page.locator('.red-ui-notification', {
      hasText: `${count} record(s) of product are in the target?`,
    })
    await ask.getByLabel('Reason').fill('looked there')
    await ask.getByRole('button', { name: 'It is there' }).click()
    await editor.monitor.getByText('No batch is in doubt.').waitFor()
    const again = succeeded(await job.run({ entity: 'product', keys: [`x3|${product?.code}`] }))
    strictEqual(again.entities[0]?.unchanged, 1)
  })
})
