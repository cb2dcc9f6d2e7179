/** A long status under a node, where another one stands beside it. */
import { ok, strictEqual } from 'node:assert'
import { type Editor, needChromium, openEditor } from '../support/editor.ts'
import { type Red, startRed } from '../support/node-red.ts'

describe('a long status on the canvas', function () {
  this.timeout(120_000)
  let red: Red
  let editor: Editor

  before(async function () {
    needChromium(this)
    red = await startRed()
    const node = (id: string, x: number) => ({ id, type: 'x3-poll', z: 'tab', name: id, x, y: 100, wires: [[], []] })
    await red.deploy([{ id: 'tab', type: 'tab', label: 'Flow' }, node('first', 200), node('second', 360)])
    editor = await openEditor(red)
  })
  after(async () => {
    await editor?.close()
    await red?.end()
  })

  it('ends before the next node, stands whole in its tooltip, and is drawn whole where it has room', async () => {
    const [first, second] = [editor.node('first'), editor.node('second')]
    const [label, tip] = [first.locator('.red-ui-flow-node-status-label'), first.locator('title')]
    await tip.waitFor({ state: 'attached' })
    const text = await label.textContent()
    ok(text && text.length > 30, `${text}`)
    strictEqual(await tip.textContent(), text)
    const right = await first.locator('.tieout-status-more').evaluate((more) => more.getBoundingClientRect().right)
    const box = await second.locator('.red-ui-flow-node').first().boundingBox()
    ok(box && right <= box.x, `${right} of ${box?.x}`)
    strictEqual(await second.locator('title').count(), 0, 'nothing stands behind it')
    await editor.page.mouse.move(box.x + 60, box.y + 10)
    await editor.page.mouse.down()
    await editor.page.mouse.move(box.x + 60, box.y + 150, { steps: 5 })
    await editor.page.mouse.up()
    await tip.waitFor({ state: 'detached' })
    strictEqual(await first.locator('.tieout-status-more').count(), 0)
    strictEqual(editor.problems.join(), '')
  })
})
