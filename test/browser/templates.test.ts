import { deepStrictEqual, doesNotMatch, strictEqual } from 'node:assert'
import { mkdtempSync, readFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { type Editor, needChromium, openEditor } from '../support/editor.ts'
import { freePort, type Red, startRed } from '../support/node-red.ts'

interface FlowNode {
  readonly id: string
  readonly type: string
  readonly z?: string
  readonly name?: string
  readonly folder?: string
}

/** By the name that Examples shows, each with its tab's. */
const TEMPLATES = {
  'x3-to-databricks': 'Sage X3 to Databricks',
  'x3-to-snowflake': 'Sage X3 to Snowflake',
  'x3-to-powerbi': 'Sage X3 to Power BI',
  'intacct-to-databricks': 'Sage Intacct to Databricks',
  'x3-basware': 'Sage X3 and Basware',
}
const flowOf = (name: string): FlowNode[] => JSON.parse(readFileSync(`flows/${name}.json`, 'utf8'))

/** What the templates name, for systems of which none answers. */
async function environment(): Promise<Record<string, string>> {
  const text = Object.keys(TEMPLATES).map((name) => JSON.stringify(flowOf(name)))
  const names = [...text.join().matchAll(/\$\{(\w+)\}|From":"(\w+)"/g)].map(([, field, secret]) => field ?? secret)
  const url = `https://127.0.0.1:${await freePort()}`
  return Object.fromEntries(names.map((name = '') => [name, /_URL$/.test(name) ? url : name.toLowerCase()]))
}

/** A newcomer's editor: all templates, one after the other, as they are. */
describe('all templates in one editor', function () {
  this.timeout(60_000)
  let red: Red
  let editor: Editor
  const userDir = mkdtempSync(join(tmpdir(), 'tieout-templates-'))
  const saved = (): FlowNode[] => JSON.parse(readFileSync(join(userDir, 'flows.json'), 'utf8'))
  const asked = () =>
    editor.page.locator('.notification, .red-ui-notification').filter({ has: editor.page.locator('button') })
  const fillIn = async (field: string, value: string): Promise<void> => {
    await editor.open('Read X3')
    const dialog = await editor.openConfig('connection')
    await dialog.locator(`#node-config-input-${field}`).fill(value)
    await editor.done()
    await editor.done()
  }

  before(async function () {
    needChromium(this)
    red = await startRed({ userDir, env: await environment() })
    editor = await openEditor(red)
  })
  after(async () => {
    await editor?.close()
    await red?.end()
  })

  it('are imported one after the other without a question, and say what they use of those before', async () => {
    for (const [name, tab] of Object.entries(TEMPLATES)) {
      await editor.importExample(name, tab)
      await editor.node('Alerts').waitFor()
      strictEqual(await asked().count(), 0, `${name} asks something`)
      if (name === 'x3-to-databricks') await fillIn('folder', 'MINE')
    }
    await editor.page
      .getByText('The imported flow uses what is here already: Ledger, Sage X3, Alert channel.', { exact: true })
      .first()
      .waitFor()
    strictEqual(await editor.page.locator('.red-ui-flow-node-error:not(.hide)').count(), 0)
  })

  it('are deployed: every type is known, there is one ledger, and one connection to each system', async () => {
    await editor.deploy()
    const nodes = saved()
    const shared = nodes.filter(({ type, z }) => type !== 'tab' && z === undefined)
    deepStrictEqual(shared.map(({ type, name }) => `${type} ${name}`).toSorted(), [
      'alert-channel Alert channel',
      'basware-connection Basware',
      'databricks-connection Databricks',
      'gl-mapping Accounts of Intacct',
      'gl-mapping Accounts of X3',
      'gl-mapping Codes of Basware',
      'intacct-connection Sage Intacct',
      'powerbi-connection Power BI',
      'snowflake-connection Snowflake',
      'sync-ledger Ledger',
      'x3-connection Sage X3',
    ])
    strictEqual(shared.find(({ type }) => type === 'x3-connection')?.folder, 'MINE', 'what was filled in stays')
    // Node-RED puts an empty flow there first.
    const idsOf = (some: readonly FlowNode[]) => some.flatMap(({ id, type }) => (type === 'tab' ? [] : id))
    const all = new Set(Object.keys(TEMPLATES).flatMap((name) => idsOf(flowOf(name))))
    deepStrictEqual(idsOf(nodes).toSorted(), [...all].toSorted(), 'nothing is missing, and nothing is there twice')
    doesNotMatch(red.output(), /unknown|\[error\]/i)
  })

  it('show them in the sidebar once', async () => {
    const { page } = editor
    await page.locator('#red-ui-header-button-sidemenu').click()
    await page.locator('#menu-item-config-nodes').click()
    const global = page.locator('#red-ui-sidebar-config-category-global')
    await global.locator('.red-ui-palette-label', { hasText: 'Sage X3' }).waitFor()
    deepStrictEqual(
      (await global.locator('.red-ui-palette-node .red-ui-palette-label').allTextContents()).filter(
        (label) => label === 'Ledger' || label === 'Sage X3',
      ),
      ['Ledger', 'Sage X3'],
    )
    if (process.env.SHOT) await page.screenshot({ path: process.env.SHOT })
  })
})
