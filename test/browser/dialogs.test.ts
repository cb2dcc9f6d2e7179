import { deepStrictEqual, doesNotMatch, match, strictEqual } from 'node:assert'
import { readFileSync } from 'node:fs'
import { addRow, checked, needChromium, takeEntry, typeIn } from '../support/editor.ts'
import { type Stage, startStage } from '../support/stage.ts'

const HOSTILE = '<img src=x onerror="window.hacked=1">& Söhne'
/** Every node of the package. */
const TYPES = Object.keys(JSON.parse(readFileSync('package.json', 'utf8'))['node-red'].nodes)

describe('dialogs', function () {
  this.timeout(120_000)
  let stage: Stage

  before(async function () {
    needChromium(this)
    stage = await startStage()
    const { editor, x3, books } = stage
    stage.rename([...books.tables.supplier.walk()][0]?.code ?? '', HOSTILE)
    await editor.importExample('x3-to-databricks', 'Sage X3 to Databricks')
    await editor.open('Read X3')
    const dialog = await editor.openConfig('connection')
    const values = { url: x3.url, folder: x3.folder, clientId: x3.clientId, user: x3.user, secret: x3.secret }
    await typeIn(dialog, 'secret')
    for (const [field, value] of Object.entries(values)) await dialog.locator(`#node-config-input-${field}`).fill(value)
    await editor.done()
    await editor.done()
  })
  after(() => stage?.end())
  afterEach(async () => {
    const open = stage?.editor.page.locator('#node-config-dialog-cancel:visible, #node-dialog-cancel:visible')
    while (open && (await open.count()) > 0) await stage.editor.cancel()
  })

  describe('of every node', () => {
    it('have help in the sidebar, and its first sentence as the palette tooltip', async () => {
      const { page } = stage.editor
      await page.locator('.red-ui-palette-node[data-palette-type="map-gl"]').hover()
      await page.locator('.red-ui-popover', { hasText: /^map gl\s*Maps codes and columns of each batch/ }).waitFor()
      await stage.editor.open('Read X3')
      await page.locator('.red-ui-tray-footer .fa-book').click()
      await page.locator('.red-ui-help').getByRole('heading', { name: 'Limits of X3' }).waitFor()
      for (const type of TYPES) {
        const help = await page.evaluate(helpOf, type)
        match(help, /^\s*<p>\w[^<]{30}/, `the help of ${type} begins with what it does`)
        match(help, /<h3/, `the help of ${type} has parts`)
      }
    })

    it('name every field, and fit into a narrow tray', async () => {
      const { editor } = stage
      await editor.page.setViewportSize({ width: 900, height: 900 })
      for (const [label, configs] of Object.entries(DIALOGS)) {
        await editor.page.evaluate(reveal, label)
        await checked(await editor.open(label), label)
        for (const config of configs) {
          await checked(await editor.openConfig(config), `${label}, ${config}`)
          await editor.cancel()
        }
        await editor.cancel()
      }
      await editor.page.setViewportSize({ width: 1400, height: 900 })
    })

    it('show a wrong value red, with the reason, and mark the node', async () => {
      const { editor } = stage
      await editor.open('Replay')
      const limit = editor.page.locator('#node-input-limit')
      await limit.fill('many')
      await limit.press('Tab')
      await editor.page.locator('#node-input-limit.input-error').hover()
      await editor.page.locator('.red-ui-popover', { hasText: 'At most: must be a number' }).waitFor()
      await editor.done()
      await editor.node('Replay').locator('.red-ui-flow-node-error:not(.hide)').hover()
      await editor.page.locator('.red-ui-flow-port-tooltip', { hasText: 'At most: must be a number' }).waitFor()
      await editor.open('Replay')
      await limit.fill('10')
      await editor.done()
      await editor.node('Replay').locator('.red-ui-flow-node-error.hide').waitFor({ state: 'attached' })
    })
  })

  describe('of x3-poll', () => {
    it('choose entities, ledger types and fields from the live system', async () => {
      const { editor } = stage
      const dialog = await editor.open('Read X3')
      const list = editor.page.locator('.red-ui-autoComplete-container')
      await dialog.locator('.red-ui-editableList-addButton').first().click()
      const added = dialog.locator('#tieout-x3-entities li').last()
      await added.locator('.tieout-pick').click()
      await takeEntry(editor.page, 'gl_account')
      strictEqual(await added.locator('.tieout-x3-entity').inputValue(), 'gl_account')

      await dialog.getByText('Journals and dimensions').click()
      await editor.pick('#node-input-ledgers', 'legal')
      await editor.pick('#node-input-ledgers', 'analytical')
      strictEqual(await dialog.locator('#node-input-ledgers').inputValue(), 'legal, analytical')

      // The same by the keyboard alone.
      await dialog.locator('#node-input-costCentreType').fill('')
      await dialog.locator('#node-input-costCentreType').press('Tab')
      await editor.page.keyboard.press('Enter')
      await list.waitFor()
      await editor.page.keyboard.press('ArrowDown')
      await editor.page.keyboard.press('Enter')
      match(await dialog.locator('#node-input-costCentreType').inputValue(), /^[A-Z]{3}$/)

      await dialog.getByText('Added fields').click()
      await dialog.locator('details[open] .red-ui-editableList-addButton').click()
      await dialog.locator('.tieout-x3-list').selectOption('lines')
      await dialog.locator('#tieout-x3-extra .tieout-pick').click()
      await list.getByText('maximumMatchingDate', { exact: true }).click()
      await editor.done()
      const saved = await editor.page.evaluate(() => {
        const { RED } = globalThis as unknown as EditorPage
        const [node] = RED.nodes.filterNodes({ type: 'x3-poll' })
        return { last: (node?.entities as object[] | undefined)?.at(-1), extraFields: node?.extraFields }
      })
      deepStrictEqual(saved, {
        last: { entity: 'gl_account', filter: '' },
        extraFields: [{ entity: 'gl_entry', list: 'lines', path: 'maximumMatchingDate', name: '', type: '' }],
      })
    })

    it('stay a text field where the list cannot be read, and say why', async () => {
      const { editor, x3 } = stage
      const dialog = await editor.open('Read X3')
      x3.deny('journalEntryLine')
      await editor.openConfig('connection')
      await editor.page.locator('#node-config-input-secret').fill('not-the-secret')
      await editor.done()
      await dialog.getByText('How changes are found').click()
      await dialog.locator('#node-input-stampField ~ .tieout-pick').click()
      const note = dialog.locator('#node-input-stampField ~ .tieout-note')
      await note.getByText(/The list cannot be read .*Error 50.*Type the value instead/).waitFor()
      await dialog.locator('#node-input-stampField').fill('updatedDate')
      await editor.openConfig('connection')
      await editor.page.locator('#node-config-input-secret').fill(x3.secret)
      await editor.done()
      x3.allow()
    })

    it('open no list where the dialog was closed before the answer came', async () => {
      const { editor } = stage
      const { page } = editor
      const answer = Promise.withResolvers<void>()
      await page.route('**/lists/stamps', async (route) => {
        await answer.promise
        await route.continue()
      })
      const dialog = await editor.open('Read X3')
      await dialog.getByText('How changes are found').click()
      const asked = page.waitForRequest('**/lists/stamps')
      await dialog.locator('#node-input-stampField ~ .tieout-pick').click()
      await asked
      await editor.cancel()
      answer.resolve()
      await page.waitForFunction('$.active === 0')
      await page.unroute('**/lists/stamps')
      strictEqual(await page.locator('.red-ui-autoComplete-container').count(), 0)
    })

    it('keep no row that was taken out, however soon Done is pressed: it only fades', async () => {
      const { editor } = stage
      const saved = (type: string, field: string) =>
        editor.page.evaluate(
          ([type, field]) => {
            const { RED } = globalThis as unknown as EditorPage
            let found: Record<string, unknown> = RED.nodes.filterNodes({ type })[0] ?? {}
            RED.nodes.eachConfig((node) => {
              if (node.type === type) found = node
            })
            return JSON.stringify(found[field])
          },
          [type, field] as const,
        )
      const takeOutAndLeave = (list: string, done: string) =>
        editor.page.evaluate(
          ([list, done]) => {
            const crosses = document.querySelectorAll<HTMLElement>(`${list} > li .red-ui-editableList-item-remove`)
            crosses[crosses.length - 1]?.click()
            document.querySelector<HTMLElement>(done)?.click()
          },
          [list, done] as const,
        )
      await editor.open('Read X3')
      match(await saved('x3-poll', 'entities'), /"gl_account","filter":""\}\]$/)
      await takeOutAndLeave('#tieout-x3-entities', '#node-dialog-ok')
      await editor.page.locator('#node-dialog-ok').waitFor({ state: 'detached' })
      match(await saved('x3-poll', 'entities'), /"gl_entry","filter":""\}\]$/)

      await editor.open('Map accounts')
      const mapping = await editor.openConfig('mapping')
      const row = await addRow(mapping, '#tieout-codes-rows')
      await row.locator('.tieout-from').fill('TAKEN-OUT')
      await takeOutAndLeave('#tieout-codes-rows', '#node-config-dialog-ok')
      await editor.page.locator('#node-config-dialog-ok').waitFor({ state: 'detached' })
      doesNotMatch(await saved('gl-mapping', 'tables'), /TAKEN-OUT/)
      await editor.done()
    })

    it('preview ten records before the first deploy, and show HTML in a name as text', async () => {
      const { editor } = stage
      const dialog = await editor.open('Read X3')
      await dialog.locator('#tieout-preview-entity').selectOption('supplier')
      await dialog.locator('.tieout-preview').click()
      const table = dialog.locator('.tieout-table')
      await table.getByText(HOSTILE, { exact: true }).waitFor()
      strictEqual(await table.locator('tbody tr').count(), 10)
      strictEqual(await table.locator('img').count(), 0)
      strictEqual(await editor.page.evaluate('window.hacked'), undefined)

      await dialog.locator('#tieout-preview-entity').selectOption('gl_entry')
      await dialog.locator('.tieout-preview').click()
      await dialog.getByRole('heading', { name: 'analytical' }).waitFor()
      strictEqual(await dialog.locator('.tieout-table').count(), 3)
    })

    it('refuse a sync name that another node has', async () => {
      const { editor } = stage
      await editor.page.locator('#red-ui-workspace-tabs li').filter({ hasText: 'Flow 1' }).click()
      await editor.drop('x3-poll', 340, 120)
      await editor.drop('x3-poll', 340, 220)
      await editor.node('x3-2').waitFor()
      await editor.open('x3-2')
      await editor.page.locator('#node-input-syncName').fill('x3')
      await editor.done()
      const mark = editor.node('x3').last().locator('.red-ui-flow-node-error:not(.hide)')
      await mark.hover()
      await editor.page
        .locator('.red-ui-flow-port-tooltip', { hasText: 'Sync name: another node has this name' })
        .waitFor()
      await editor.page.locator('#red-ui-workspace-tabs li').filter({ hasText: 'Sage X3' }).click()
    })
  })

  describe('of connections to an ERP', () => {
    it('refuse the source name of a connection to another folder, as unsaved values say it, and name that one', async () => {
      const { editor, x3 } = stage
      const { page } = editor
      const other = {
        id: 'other',
        type: 'x3-connection',
        name: 'Production',
        url: `${x3.url}/xtrem/api`,
        folder: 'PROD',
      }
      await page.evaluate(importConfig, { ...other, source: 'x3' })
      await editor.open('Read X3')
      const dialog = await editor.openConfig('connection')
      const fill = async (field: string, text: string) => {
        await dialog.locator(`#node-config-input-${field}`).fill(text)
        await dialog.locator(`#node-config-input-${field}`).press('Tab')
      }
      const source = (red: boolean) =>
        page.locator(`#node-config-input-source${red ? '.input-error' : ':not(.input-error)'}`)
      await dialog.getByText('More settings').click()
      await fill('source', 'x3')
      await source(true).hover()
      await page
        .locator('.red-ui-popover', {
          hasText: /Source name: "Production" reads another system or folder under this source name; in one table/,
        })
        .waitFor()
      await fill('folder', 'PROD')
      await source(false).waitFor()
      await fill('folder', x3.folder)
      await source(true).waitFor()
      await fill('source', 'x3-seed')
      await source(false).waitFor()
      await editor.cancel()
      await editor.cancel()
      await page.evaluate(removeConfig, other.id)
    })

    it('show "Only this CA" ticked for one that was saved when its own CA was trusted alone, and keep what is chosen', async () => {
      const { editor } = stage
      const { page } = editor
      const old = { id: 'old', type: 'x3-connection', url: 'https://x3.invalid', ca: '/no/own-ca.pem', version: 2 }
      await editor.open('Read X3')
      const before = await page.locator('#node-input-connection').inputValue()
      await page.evaluate(importConfig, old)
      await editor.cancel()
      await editor.open('Read X3')
      await page.locator('#node-input-connection').selectOption(old.id)
      const tick = page.locator('#node-config-input-onlyCa')
      const openOld = async () => (await editor.openConfig('connection')).getByText('More settings').click()
      await openOld()
      strictEqual(await tick.isChecked(), true)
      await tick.uncheck()
      await editor.done()
      await openOld()
      strictEqual(await tick.isChecked(), false)
      await editor.cancel()
      await page.locator('#node-input-connection').selectOption(before)
      await editor.cancel()
      await page.evaluate(removeConfig, old.id)
    })
  })

  describe('of gl-mapping', () => {
    const csv = (text: string) => ({ name: 'codes.csv', mimeType: 'text/csv', buffer: Buffer.from(text) })

    it('import a CSV with its zeros and dates; a wrong line is named and replaces nothing', async () => {
      const { editor } = stage
      await editor.open('Map accounts')
      const dialog = await editor.openConfig('mapping')
      const file = dialog.locator('input[type=file]')
      await file.setInputFiles(csv('\uFEFFfrom;to;valid_from\n00123;"4;000";2026-01-01\n00124;4001;\n'))
      await dialog.getByText('2 codes imported').waitFor()
      await file.setInputFiles(csv('from,to,valid_from\n00125,4002,1.1.2026\n'))
      await dialog.getByText('Line 2 of the CSV, column "valid_from"').waitFor()
      await file.setInputFiles(csv('from,to\n1,A\n1,B\n'))
      await dialog.getByText('maps 1 twice').waitFor()
      const rows = dialog.locator('#tieout-codes-rows li')
      deepStrictEqual(
        await rows
          .first()
          .locator('input')
          .evaluateAll((inputs) => inputs.map((input) => (input as HTMLInputElement).value)),
        ['00123', '4;000', '2026-01-01', ''],
      )
      strictEqual(await rows.count(), 2)
    })

    it('take a chart of thousands of codes, find one, and keep them all', async () => {
      const { editor } = stage
      await editor.open('Map accounts')
      const dialog = await editor.openConfig('mapping')
      const lines = Array.from({ length: 5000 }, (_, n) => `${100_000 + n},G${n}`)
      await dialog.locator('input[type=file]').setInputFiles(csv(`from,to\n${lines.join('\n')}\n`))
      await dialog.getByText('5000 codes imported').waitFor()
      await dialog.locator('#tieout-codes-search').fill('104321')
      await dialog.getByText('1 code', { exact: true }).waitFor()
      await dialog.locator('.tieout-to').fill('G-changed')
      await editor.done()
      const rows = await editor.page.evaluate(() => {
        const { RED } = globalThis as unknown as EditorPage
        const tables: { rows: object[] }[] = []
        RED.nodes.eachConfig((node) => {
          if (node.type === 'gl-mapping') tables.push(...(node.tables as { rows: object[] }[]))
        })
        return tables[0]?.rows
      })
      strictEqual(rows?.length, 5000)
      deepStrictEqual(rows[4321], { from: '104321', to: 'G-changed', valid_from: '', valid_to: '' })
    })

    it('keep what was typed in one table while another is looked at', async () => {
      const { editor } = stage
      await editor.open('Map accounts')
      const dialog = await editor.openConfig('mapping')
      await dialog.locator('#tieout-codes-name').fill('tax')
      await dialog.getByText('Add table').click()
      await dialog.locator('.red-ui-editableList-addButton').click()
      await dialog.locator('.tieout-from').fill('FR20')
      await dialog.locator('.tieout-to').fill('T1')
      await dialog.locator('#tieout-codes-table').selectOption({ label: 'account' })
      strictEqual(await dialog.locator('.tieout-from').first().inputValue(), '100000')
      await dialog.locator('#tieout-codes-table').selectOption({ label: 'tax' })
      strictEqual(await dialog.locator('.tieout-to').inputValue(), 'T1')
      await editor.done()
      deepStrictEqual(await editor.page.locator('.tieout-rule-table option').allTextContents(), ['account'])
    })
  })

  describe('all of them', () => {
    it('write no error to the console of the browser but for what was refused on purpose', () => {
      deepStrictEqual(
        stage.editor.problems.filter((text) => !/status of 422/.test(text)),
        [],
      )
    })
  })
})

/** The nodes of the template by label, with the fields that name config nodes. */
const DIALOGS = {
  'Read X3': ['connection', 'ledger'],
  'Map accounts': ['mapping'],
  'Write to Databricks': ['connection'],
  'Hold the record': [],
  Replay: [],
  Alerts: ['connection', 'ledger'],
}

interface EditorPage {
  RED: {
    nodes: {
      getNodeHelp(type: string): string | undefined
      import(nodes: object[], options: object): void
      remove(id: string): void
      eachConfig(each: (node: { type: string; [property: string]: unknown }) => void): void
      filterNodes(filter: object): { id: string; name: string; [property: string]: unknown }[]
    }
    view: { reveal(id: string): void }
  }
}

/** The help of a node as HTML. Runs in the page. */
function helpOf(type: string): string {
  return (globalThis as unknown as EditorPage).RED.nodes.getNodeHelp(type) ?? ''
}

/** Adds a config node. Runs in the page. */
function importConfig(config: object): void {
  ;(globalThis as unknown as EditorPage).RED.nodes.import([config], { generateIds: false })
}

/** Runs in the page. */
function removeConfig(id: string): void {
  ;(globalThis as unknown as EditorPage).RED.nodes.remove(id)
}

/** Scrolls a node into sight. Runs in the page. */
function reveal(label: string): void {
  const { RED } = globalThis as unknown as EditorPage
  const node = RED.nodes.filterNodes({}).find(({ name }) => name === label)
  if (node) RED.view.reveal(node.id)
}
