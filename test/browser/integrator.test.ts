/** The integrator's story: from an empty tab to rows in the warehouse, with nothing but what she was told of both systems. */
import { deepStrictEqual, match, ok, strictEqual } from 'node:assert'
import { addRow, needChromium, takeEntry, takeOut } from '../support/editor.ts'
import { type Stage, startStage } from '../support/stage.ts'
import { waitFor } from '../support/wait.ts'

describe('the integrator, from an empty tab', function () {
  this.timeout(120_000)
  let stage: Stage

  before(async function () {
    needChromium(this)
    stage = await startStage()
  })
  after(() => stage?.end())

  const fill = async (values: Readonly<Record<string, string>>): Promise<void> => {
    for (const [field, value] of Object.entries(values))
      await stage.editor.page.locator(`#node-config-input-${field}`).fill(value)
  }
  const works = async (): Promise<void> => {
    const report = await stage.editor.test()
    ok(report.length > 0 && report.every((line) => line.ok), JSON.stringify(report))
  }
  /** How many nodes are marked as wrong, which is drawn some time after what made them so. */
  const untilMarked = async (count: number): Promise<void> => {
    const marks = stage.editor.page.locator('.red-ui-flow-node-error:not(.hide)')
    await waitFor(async () => (await marks.count()) === count, { what: `${count} node(s) marked as wrong` })
  }

  it('drags what she needs out of the palette and wires it: what has no connection yet is marked', async () => {
    const { editor } = stage
    const [across, types] = [200, ['inject', 'x3-poll', 'map-gl', 'databricks-write']]
    for (const [n, type] of types.entries()) await editor.drop(type, 120 + n * across, 120)
    await editor.wire('timestamp', 'x3')
    await editor.wire('x3', 'map-gl')
    await editor.wire('map-gl', 'databricks-write')
    await untilMarked(2)
  })

  it('says where X3 is, and is told that it can be read, before anything is deployed', async () => {
    const { editor, x3 } = stage
    await editor.open('x3')
    await editor.addConfig('connection')
    const { url, folder, clientId, user, secret } = x3
    await fill({ url, folder, source: 'x3', clientId, user, secret })
    await works()
    await editor.done()
    await editor.done()
    await untilMarked(1)
  })

  it('takes the entity and a field more out of what X3 has, and looks at ten records', async () => {
    const { editor, books } = stage
    const { page } = editor
    const dialog = await editor.open('x3')
    await takeOut(dialog.locator('#tieout-x3-entities > li'))
    await (await addRow(dialog, '#tieout-x3-entities')).locator('.tieout-pick').click()
    await takeEntry(page, 'supplier')
    await dialog.getByText('Added fields').click()
    const field = await addRow(dialog, '#tieout-x3-extra')
    await field.locator('.tieout-x3-entity').selectOption('supplier')
    await field.locator('.tieout-pick').click()
    await takeEntry(page, 'rateType')
    await dialog.locator('.tieout-preview').click()
    const table = dialog.locator('#tieout-x3-preview .tieout-table')
    await table.locator('tbody tr').first().waitFor()
    strictEqual(await table.locator('tbody tr').count(), Math.min(10, books.tables.supplier.count()))
    ok((await table.locator('th').allTextContents()).includes('ratetype'))
    ok((await table.locator('td').allTextContents()).includes('dailyRate'))
    await editor.done()
  })

  it('calls the field what it is called at hers', async () => {
    const { editor } = stage
    const dialog = await editor.open('map-gl')
    const rule = await addRow(dialog, '#tieout-rules')
    await rule.locator('.tieout-rule-do').selectOption('rename')
    await rule.locator('.tieout-rule-list').selectOption('')
    for (const [name, value] of Object.entries({ entity: 'supplier', column: 'ratetype', to: 'rate' }))
      await rule.locator(`.tieout-rule-${name}`).fill(value)
    await editor.done()
  })

  it('says where the warehouse is, out of its own lists', async () => {
    const { editor, databricks } = stage
    await editor.open('databricks-write')
    const dialog = await editor.addConfig('connection')
    await dialog.locator('summary').click()
    const { host, port, caPem, clientId, clientSecret } = databricks
    await fill({ host, port: String(port), ca: caPem, clientId, secret: clientSecret })
    for (const [field, entry] of [
      ['path', 'Sandbox'],
      ['catalog', 'main'],
      ['schema', 'finance'],
      ['volume', 'staging'],
    ] as const)
      await editor.pick(`#node-config-input-${field}`, entry)
    await works()
    await editor.done()
    await editor.done()
    await untilMarked(0)
  })

  it('deploys and presses the button: every row is there, as it is in X3, and the sidebar says that it ties', async () => {
    const { editor, books, rows } = stage
    await editor.deploy()
    const seen = await editor.during('x3', /^(green|yellow|red) dot /, () => editor.press('timestamp'))
    const suppliers = [...books.tables.supplier.walk()].map(({ code, currency }) => [code, currency, 'dailyRate'])
    match(seen.at(-1) ?? '', new RegExp(`^green dot ties: sums of this run.*; ${suppliers.length} records$`))
    deepStrictEqual(
      await rows('select code, currency, rate from main.finance.supplier order by code'),
      suppliers.sort(([a = ''], [b = '']) => (a < b ? -1 : 1)),
    )
    await editor.openMonitor('runs')
    await editor.monitor
      .locator('ol > li')
      .getByText(/^ties: /)
      .first()
      .waitFor()
    deepStrictEqual(editor.problems, [])
  })
})
