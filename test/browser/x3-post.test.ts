import { deepStrictEqual, match } from 'node:assert/strict'
import { checked, needChromium, rowAdder, shownIn } from '../support/editor.ts'
import { type Stage, startStage } from '../support/stage.ts'

describe('the dialog of x3-post', function () {
  this.timeout(120_000)
  let stage: Stage
  before(async function () {
    needChromium(this)
    stage = await startStage()
  })
  after(() => stage?.end())

  const addRow = rowAdder('post')

  it('keeps its tables, and shows no journal before an invoice has come', async () => {
    const { editor } = stage
    await editor.importExample('x3-to-databricks', 'Sage X3 to Databricks')
    await editor.drop('x3-post', 500, 420)
    const dialog = await editor.open('x3-post')
    await checked(dialog, 'x3-post')
    await dialog.locator('#tieout-post-names').waitFor({ state: 'hidden' })
    await dialog.locator('#node-input-door').selectOption('operation')
    await addRow(dialog, 'names', { part: 'line', ours: 'ACC1', theirs: 'account' })
    await addRow(dialog, 'companies', { company: 'FR10', site: 'FR011', rounding: '658000' })
    await addRow(dialog, 'types', { type: 'CREDIT', entryType: 'BPSIN', sides: 'credit-negative' })
    await addRow(dialog, 'taxes', {
      code: 'FR-RC20',
      treatment: 'reverse',
      account: '1',
      owedAccount: '2',
      accountOnly: true,
    })
    await addRow(dialog, 'suppliers', { company: '*', supplier: '*', account: '401000' })
    await addRow(dialog, 'dimensions', { column: 'cost_centre', field: 'CCE1' })
    // A row without its first column is none.
    await addRow(dialog, 'dimensions', { field: 'CCE2' })
    await dialog.locator('.tieout-preview').click()
    await dialog.locator('#tieout-post-preview', { hasText: 'No invoice has come to this node' }).waitFor()
    await editor.done()

    const again = await editor.open('x3-post')
    const shown = shownIn(again, 'post')
    deepStrictEqual(await shown('names'), ['line', 'ACC1', 'account'])
    deepStrictEqual(await shown('companies'), ['FR10', 'FR011', '', '658000'])
    deepStrictEqual(await shown('types'), ['CREDIT', 'BPSIN', '', 'credit-negative'])
    deepStrictEqual(await shown('taxes'), ['FR-RC20', '', 'reverse', '1', '2', '', '', 'true'])
    deepStrictEqual(await shown('suppliers'), ['*', '*', '401000'])
    deepStrictEqual(await shown('dimensions'), ['cost_centre', 'CCE1'])
    match((await again.locator('.form-tips').textContent()) ?? '', /drafts until somebody/)
    await editor.cancel()
    // The preview of no invoice is refused, which a browser writes down.
    deepStrictEqual(
      editor.problems.filter((text) => !/422/.test(text)),
      [],
    )
  })
})
