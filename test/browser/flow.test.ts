import { deepStrictEqual, match, ok, strictEqual } from 'node:assert'
import type { Locator } from 'playwright-core'
import type { JournalEntry } from '../../sandbox/books/types.ts'
import { needChromium, takeOut, typeIn } from '../support/editor.ts'
import { type Stage, startStage } from '../support/stage.ts'
import { waitFor } from '../support/wait.ts'

const GREEN = /^green dot /
const FLOW = 'Sage X3 to Databricks'

describe('the template in the editor', function () {
  this.timeout(120_000)
  let stage: Stage
  /** The account that fewest journals have, and those journals. */
  let missing: { account: string; entries: JournalEntry[] }

  before(async function () {
    needChromium(this)
    stage = await startStage()
    missing = rarest(stage)
  })
  after(() => stage?.end())

  it('is imported from the examples, and nothing in it is marked as wrong', async () => {
    const { editor } = stage
    await editor.importExample('x3-to-databricks', FLOW)
    await editor.node('Write to Databricks').waitFor()
    strictEqual(await editor.page.locator('.red-ui-flow-node-error:not(.hide)').count(), 0)
  })

  it('tests the connection to X3 before the first deploy: an unset variable, a wrong secret, the right one', async () => {
    const { editor, x3 } = stage
    await editor.open('Read X3')
    const dialog = await editor.openConfig('connection')
    const [unset, ...more] = await editor.test()
    deepStrictEqual(more, [])
    await dialog.locator('#node-config-input-url').fill('')
    const [all] = await editor.test()
    match(all?.text ?? '', /^Client secret: .* not set; Client ID: .* not set; User: .* not set; Server URL: /)
    match(unset?.text ?? '', /^Client secret: the environment variable X3_SECRET is not set/)
    const { url, folder, clientId, user } = x3
    const values = { url, folder, clientId, user, source: 'x3', secret: 'not-the-secret' }
    await typeIn(dialog, 'secret')
    for (const [field, value] of Object.entries(values)) await dialog.locator(`#node-config-input-${field}`).fill(value)
    const [refused] = await editor.test()
    strictEqual(refused?.ok, false)
    match(refused.text, /Error 50/)
    match(refused.text, /[Cc]lient secret/)
    await dialog.locator('#node-config-input-secret').fill(x3.secret)
    const report = await editor.test()
    ok(
      report.every((line) => line.ok),
      JSON.stringify(report),
    )
    match(report[0]?.text ?? '', new RegExp(`folder ${x3.folder}, as ${x3.user}`))
    ok(report.some(({ text }) => text === 'gl_entry: can be read.'))
    await editor.done()
    await editor.done()
  })

  it('tests the connection to Databricks likewise, and fills it from the lists of the workspace', async () => {
    const { editor, databricks } = stage
    await editor.open('Write to Databricks')
    const dialog = await editor.openConfig('connection')
    await dialog.locator('summary').click()
    const { host, port, caPem, clientId } = databricks
    const values = { host, port: String(port), ca: caPem, clientId, secret: 'not-the-secret' }
    await typeIn(dialog, 'secret')
    for (const [field, value] of Object.entries(values)) await dialog.locator(`#node-config-input-${field}`).fill(value)
    for (const field of ['path', 'catalog', 'schema', 'volume'])
      await dialog.locator(`#node-config-input-${field}`).fill('')
    const [refused] = await editor.test()
    strictEqual(refused?.ok, false)
    match(refused.text, /secret is wrong/)
    await dialog.locator('#node-config-input-secret').fill(databricks.clientSecret)
    for (const [field, entry] of [
      ['path', 'Sandbox'],
      ['catalog', 'main'],
      ['schema', 'finance'],
      ['volume', 'staging'],
    ] as const)
      await editor.pick(`#node-config-input-${field}`, entry)
    strictEqual(await dialog.locator('#node-config-input-volume').inputValue(), 'main.finance.staging')
    const report = await editor.test()
    ok(report.length >= 3 && report.every((line) => line.ok), JSON.stringify(report))
    await editor.done()
    await editor.done()
  })

  /** A file without one of the codes asks first, and a day that is none is marked; the table stays as it is. */
  const shortened = async (mapping: Locator, count: number): Promise<void> => {
    const { page } = stage.editor
    const ask = page.locator('.red-ui-notification', {
      hasText: `${count} codes of account will go: the file has 1 codes`,
    })
    const buffer = Buffer.from('from;to\r\nnone of these;X\r\n')
    await mapping.locator('input[type=file]').setInputFiles({ name: 'short.csv', mimeType: 'text/csv', buffer })
    await ask.getByRole('button', { name: 'Keep the table' }).click()
    await mapping.getByText(`${count} codes`, { exact: true }).waitFor()
    const day = mapping.locator('#tieout-codes-rows li').first().locator('.tieout-valid_from')
    await day.fill('31.02.2026')
    strictEqual(await day.getAttribute('class').then((names) => names?.includes('input-error')), true)
    match((await day.getAttribute('title')) ?? '', /YYYY-MM-DD/)
    await day.fill('')
    strictEqual(await day.getAttribute('title'), '')
  }

  it('takes the chart of accounts as CSV, and a rule that holds what is not in it', async () => {
    const { editor } = stage
    await editor.open('Map accounts')
    const mapping = await editor.openConfig('mapping')
    const codes = [...new Set([...stage.books.tables.account.walk()].map(({ code }) => code))]
    const lines = codes.filter((code) => code !== missing.account).map((code) => `${code};G${code}`)
    await mapping.locator('input[type=file]').setInputFiles({
      name: 'chart.csv',
      mimeType: 'text/csv',
      buffer: Buffer.from(`from;to\r\n${lines.join('\r\n')}\r\n`),
    })
    await mapping.getByText(`${lines.length} codes imported`).waitFor()
    await shortened(mapping, lines.length)
    await editor.done()
    await editor.page.locator('.tieout-rule-unmapped').selectOption('hold')
    await editor.done()
  })

  it('runs at the press of the button: rows arrive, what is unmapped is held, and the node that reads says so in amber', async () => {
    const { editor, books } = stage
    await editor.deploy()
    let mapped: string[] = []
    const seen = await editor.during('Read X3', /^yellow dot /, async () => {
      mapped = await editor.during('Map accounts', / held, /, () => editor.press('Every hour'))
    })
    ok(
      seen.some((text) => /^blue ring \w+ [\d,]+ rows?$/.test(text)),
      `no rows on the way: ${seen.join(' | ')}`,
    )
    match(
      seen.at(-1) ?? '',
      new RegExp(
        `^yellow dot open: gl_entry: ${missing.entries.length} held, [A-Z]{3} [\\d,]+\\.\\d\\d.*; \\d+ records, \\d\\d:\\d\\d$`,
      ),
    )
    ok(
      mapped.some(
        (text) => text.startsWith(`yellow dot open: ${missing.entries.length} held, `) && / mapped, /.test(text),
      ),
      mapped.join(' | '),
    )

    strictEqual(await count(stage, 'supplier'), books.tables.supplier.count())
    strictEqual(await count(stage, 'gl_entry'), books.tables.journalEntry.count() - missing.entries.length)
    await editor.page
      .locator('.red-ui-debug-msg', { hasText: 'Unmapped' })
      .filter({ hasText: missing.account })
      .first()
      .waitFor()
  })

  it('shows the mapping on the last batch that came', async () => {
    const { editor } = stage
    const dialog = await editor.open('Map accounts')
    await dialog.getByText('Preview on the last batch').click()
    const lines = dialog.locator('.tieout-table').nth(1)
    await lines.waitFor()
    const head = await lines.locator('th').allTextContents()
    const cells = await lines.locator('tbody tr').first().locator('td').allTextContents()
    const cell = (column: string): string => cells[head.indexOf(column)] ?? ''
    strictEqual(cell('account'), `G${cell('account_source')}`)
    await editor.cancel()
  })

  it('delivers the held journals after the code is added and replay is pressed', async () => {
    const { editor, books } = stage
    await editor.open('Map accounts')
    const mapping = await editor.openConfig('mapping')
    await mapping.locator('.red-ui-editableList-addButton').click()
    const row = mapping.locator('#tieout-codes-rows li').last()
    await row.locator('.tieout-from').fill(missing.account)
    await row.locator('.tieout-to').fill('G-late')
    await editor.done()
    await editor.done()
    await editor.deploy()
    let seen: string[] = []
    // What the mapping held is on its way to the sink.
    await editor.during('Map accounts', GREEN, async () => {
      seen = await editor.during('Replay', GREEN, () => editor.press('Replay held records'))
    })
    match(
      seen.at(-1) ?? '',
      new RegExp(`^green dot ties: sums of this run.*, \\d\\d:\\d\\d; ${missing.entries.length} records?$`),
    )
    strictEqual(await count(stage, 'gl_entry'), books.tables.journalEntry.count())
    ok((await count(stage, 'gl_entry_line', "account = 'G-late'")) > 0)
    const again = await editor.during('Replay', /nothing is held/, () => editor.press('Replay held records'))
    deepStrictEqual(again.at(-1), 'grey ring nothing is held')
  })

  it('tells which rows hold values of the mapping before, and reads them again after a question', async () => {
    const { editor } = stage
    await editor.open('Map accounts')
    const mapping = await editor.openConfig('mapping')
    await mapping.locator('#tieout-codes-rows li').last().locator('.tieout-to').fill('G-later')
    await editor.done()
    await editor.done()
    await editor.deploy()
    await editor.openMonitor('syncs')
    const sync = editor.monitor.locator('ol > li', { hasText: 'Read X3' })
    const told = sync.getByText(
      /^gl_entry: [\d,]+ rows? at Write to Databricks holds? values of the mapping of \d+ \w+ \d{4}\.$/,
    )
    await told.waitFor()
    await sync.locator('summary').click()
    await sync.getByRole('button', { name: 'Read again: all' }).click()
    await editor.page.locator('.red-ui-notification').getByRole('button', { name: 'Read again: all' }).click()
    await waitFor(async () => (await count(stage, 'gl_entry_line', "account = 'G-later'")) > 0, {
      what: 'rows of the new mapping',
    })
    await told.waitFor({ state: 'detached' })
    strictEqual(await count(stage, 'gl_entry_line', "account = 'G-late'"), 0)
  })

  it('lets an integrator drag, wire and run nodes of her own: what is clear is chosen already', async () => {
    const { editor, books } = stage
    const { page } = editor
    await page.locator('#red-ui-workspace-tabs li').filter({ hasText: 'Flow 1' }).click()
    await editor.drop('inject', 140, 120)
    await editor.drop('x3-poll', 340, 120)
    await editor.drop('databricks-write', 600, 120)
    await editor.wire('timestamp', 'x3')
    await editor.wire('x3', 'databricks-write')
    strictEqual(await page.locator('.red-ui-flow-node-error:not(.hide)').count(), 0)
    const dialog = await editor.open('x3')
    await takeOut(dialog.locator('#tieout-x3-entities > li'), 1)
    await editor.done()
    await editor.open('databricks-write')
    await page.locator('#node-input-pattern').fill('{catalog}.{schema}.own_{entity}')
    await editor.done()
    await editor.deploy()
    const seen = await editor.during('x3', GREEN, () => editor.press('timestamp'))
    match(
      seen.at(-1) ?? '',
      new RegExp(`^green dot ties: sums of this run.*; ${books.tables.supplier.count()} records$`),
    )
    strictEqual(await count(stage, 'own_supplier'), books.tables.supplier.count())
  })

  it('wrote no error to the console of the browser', () => {
    deepStrictEqual(stage.editor.problems, [])
  })
})

async function count({ rows }: Stage, table: string, where = 'true'): Promise<number> {
  return Number((await rows(`select count(*) from main.finance.${table} where ${where}`))[0]?.[0])
}

function rarest({ books }: Stage): { account: string; entries: JournalEntry[] } {
  const found = new Map<string, JournalEntry[]>()
  for (const entry of books.tables.journalEntry.walk())
    for (const account of new Set(entry.lines.map((line) => line.account)))
      found.set(account, [...(found.get(account) ?? []), entry])
  const [first] = [...found].sort(([, a], [, b]) => a.length - b.length)
  if (!first) throw new Error('The books have no journals')
  return { account: first[0], entries: first[1] }
}
