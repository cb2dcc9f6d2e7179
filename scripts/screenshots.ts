// `npm run screenshots`: the pictures of the docs, taken of the real thing after a run in the sandbox.
import { mkdirSync, mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { booksAfter } from '../demo/books.ts'
import { startEditor } from '../demo/editor.ts'
import { endsOf } from '../demo/ends/index.ts'
import { deploy, entrance, environmentOf, type FlowNode, filledIn, readTemplate, runOnce } from '../demo/job.ts'
import { freePort } from '../demo/process.ts'
import { startSandbox } from '../demo/sandbox.ts'
import { chromiumPath, openEditor } from '../test/support/editor.ts'

const IMAGES = join(import.meta.dirname, '..', 'docs', 'images')

if (!chromiumPath()) throw new Error('No Chromium is installed; CHROMIUM may name one.')
mkdirSync(IMAGES, { recursive: true })
const dir = mkdtempSync(join(tmpdir(), 'tieout-'))
const today = '2026-03-02'
const flow = 'x3-to-databricks'
const ends = endsOf(flow)
const books = { seed: 1, size: 'small', today } as const
const flows = filledIn(readTemplate(flow), books, ends)
const sandbox = await startSandbox(['--serve', 'x3,databricks', '--size', 'small', '--seed', '1', '--today', today])
try {
  const red = await startEditor({ dir, port: await freePort(), env: environmentOf(ends, sandbox.addresses) })
  try {
    await deploy(red, flows)
    await runOnce(red, entrance(flows), { seconds: 120 })
    await takePictures(red)
    await deploy(red, withGap(flows))
    await runOnce(red, entrance(flows), { seconds: 120, order: { full: true } })
    await takeSidebar(red)
  } finally {
    await red.stop()
  }
} finally {
  await sandbox.stop()
  rmSync(dir, { recursive: true, force: true })
}

async function takePictures(red: { url: string; user: string; password: string }): Promise<void> {
  const look = { width: 1400, height: 880 }
  const editor = await openEditor(red, look, { name: red.user, password: red.password })
  const { page } = editor
  const dialog = (name: string) =>
    page.locator('.red-ui-tray:visible').screenshot({ path: join(IMAGES, name), animations: 'disabled' })
  try {
    await page.keyboard.press('Control+Space')
    await editor.node('Alerts').getByText('no alert').waitFor()
    await editor.node('Write to Databricks').getByText('delivered').waitFor()
    await page.screenshot({ path: join(IMAGES, 'flow.png'), animations: 'disabled' })

    await page.setViewportSize({ width: 1400, height: 1120 })
    await editor.open('Read X3')
    await page.locator('.tieout-preview').click()
    await page.locator('.tieout-table').waitFor()
    await dialog('x3-poll.png')
    await editor.cancel()

    await editor.open('Map accounts')
    await page.locator('#tieout-map-preview').click()
    await page.locator('.tieout-table').nth(1).waitFor()
    await dialog('map-gl.png')
    await editor.cancel()
  } finally {
    await editor.close()
  }
}

/** The flow where one account is not in the code table any more, so that the few journals that have it are held. */
function withGap(flows: readonly FlowNode[]): FlowNode[] {
  const uses = new Map<string, number>()
  for (const { lines } of booksAfter({ ...books, days: 0 }).tables.journalEntry.walk())
    for (const { account } of lines) uses.set(account, (uses.get(account) ?? 0) + 1)
  const [gap] = [...uses].sort(([, a], [, b]) => a - b).map(([account]) => account)
  return flows.map((node) => {
    if (node.type === 'map-gl')
      return { ...node, rules: (node.rules as object[]).map((rule) => ({ ...rule, unmapped: 'hold' })) }
    if (node.type !== 'gl-mapping') return node
    const tables = node.tables as { rows: { from: string }[] }[]
    return {
      ...node,
      tables: tables.map((table) => ({ ...table, rows: table.rows.filter(({ from }) => from !== gap) })),
    }
  })
}

async function takeSidebar(red: { url: string; user: string; password: string }): Promise<void> {
  const editor = await openEditor(red, { width: 1400, height: 800 }, { name: red.user, password: red.password })
  const { page, monitor } = editor
  const picture = (name: string) =>
    page.locator('#red-ui-sidebar').screenshot({ path: join(IMAGES, name), animations: 'disabled' })
  try {
    await editor.openMonitor('runs')
    // The debug messages below it give way, and it becomes as wide as a person would draw it.
    if (await page.locator('.red-ui-debug-content').first().isVisible())
      await page.locator('button[data-tab-id=debug]').click()
    const { x, y, height } = (await page.locator('#red-ui-sidebar-separator').boundingBox()) ?? {
      x: 0,
      y: 0,
      height: 0,
    }
    await page.mouse.move(x + 3, y + height / 2)
    await page.mouse.down()
    await page.mouse.move(x - 100, y + height / 2, { steps: 5 })
    await page.mouse.up()
    await monitor.locator('summary').last().click()
    await monitor.locator('.tieout-monitor-table').first().waitFor()
    await page.mouse.move(0, 0)
    await picture('monitor.png')
    await editor.openMonitor('held')
    await monitor.getByRole('checkbox').nth(1).check()
    await monitor.locator('summary').first().click()
    await monitor.locator('.tieout-monitor-record').waitFor()
    await page.mouse.move(0, 0)
    await picture('monitor-held.png')
  } finally {
    await editor.close()
  }
}
