import { deepStrictEqual, match } from 'node:assert/strict'
import { checked, needChromium, rowAdder, shownIn } from '../support/editor.ts'
import { type Stage, startStage } from '../support/stage.ts'

describe('the dialog of basware-send', function () {
  this.timeout(120_000)
  let stage: Stage
  before(async function () {
    needChromium(this)
    stage = await startStage()
  })
  after(() => stage?.end())
  const addRow = rowAdder('send')

  it('keeps its tables, and says what is replaced', async () => {
    const { editor } = stage
    await editor.importExample('x3-to-databricks', 'Sage X3 to Databricks')
    await editor.drop('basware-send', 500, 420)
    const dialog = await editor.open('basware-send')
    await checked(dialog, 'basware-send')
    match((await dialog.locator('.form-tips').first().textContent()) ?? '', /replaces what was edited in Basware/)
    await addRow(dialog, 'companies', { company: 'FR10', code: 'F1', chart: 'FRA' })
    await addRow(dialog, 'axes', { axis: 'PRO', to: 'ACC_LIST_21', coding: 'dimCode1' })
    await addRow(dialog, 'accounts', { product: '*', account: '601000' })
    // A row without its first column is none.
    await addRow(dialog, 'accounts', { account: '602000' })
    await dialog.locator('#node-input-matching').selectOption('receipt')
    await dialog.evaluate((body) => {
      for (const details of body.querySelectorAll('details')) details.open = true
    })
    await addRow(dialog, 'units', { code: 'UN', theirs: 'EA' })
    await editor.done()

    const again = await editor.open('basware-send')
    const shown = shownIn(again, 'send')
    deepStrictEqual(await shown('companies'), ['FR10', 'F1', '', 'FRA'])
    deepStrictEqual(await shown('axes'), ['PRO', 'ACC_LIST_21', '', '', 'dimCode1'])
    deepStrictEqual(await shown('accounts'), ['*', '', '601000'])
    deepStrictEqual(await shown('units'), ['UN', 'EA'])
    deepStrictEqual(await again.locator('#node-input-matching').inputValue(), 'receipt')
    await editor.cancel()
  })

  it('says what a requisition cannot do where that is chosen, and only there', async () => {
    const { editor } = stage
    const dialog = await editor.open('basware-send')
    const limits = dialog.locator('.form-tips.tieout-send-requisition')
    const matching = dialog.locator('#node-input-matching')
    deepStrictEqual([await limits.isVisible(), await matching.isVisible()], [false, true])
    await dialog.locator('#node-input-orders').selectOption('requisition')
    deepStrictEqual([await limits.isVisible(), await matching.isVisible()], [true, false])
    match((await limits.textContent()) ?? '', /takes no change of a requisition.*held.*never sent twice/)
    await dialog.locator('#node-input-requisitionToProcess').uncheck()
    await dialog.locator('#node-input-requisitionOwner').fill('ann')
    await editor.done()
    const again = await editor.open('basware-send')
    deepStrictEqual(
      [
        await again.locator('#node-input-orders').inputValue(),
        await again.locator('#node-input-requisitionToProcess').isChecked(),
        await again.locator('#node-input-requisitionOwner').inputValue(),
      ],
      ['requisition', false, 'ann'],
    )
    await editor.cancel()
  })
})
