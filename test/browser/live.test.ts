import { deepStrictEqual, match, ok, strictEqual } from 'node:assert'
import type { Locator } from 'playwright-core'
import type { FlowNode } from '../../demo/job.ts'
import { type Editor, needChromium, openEditor, uncut } from '../support/editor.ts'
import { freePort } from '../support/node-red.ts'
import { type Job, startThread, succeeded, type Thread } from '../support/thread.ts'
import { waitFor } from '../support/wait.ts'

const textOf = async (place: Locator): Promise<string> => (await place.textContent()) ?? ''

/** Two jobs are made of one template: beside another, one needs ids of its own. */
const withOwnIds = (flow: FlowNode[]): FlowNode[] =>
  JSON.parse(flow.reduce((text, { id }) => text.replaceAll(`"${id}"`, `"${id}-other"`), JSON.stringify(flow)))

describe('runs that go on, in the sidebar', function () {
  this.timeout(120_000)
  let thread: Thread
  let editor: Editor
  let job: Job

  before(async function () {
    needChromium(this)
    thread = await startThread()
    job = thread.begin({ entities: ['supplier', 'gl_entry'] })
    // Of each entity so many pages that reading takes longer than the sidebar waits between two looks.
    job.node('x3-poll').pageSize = 6
    await job.deploy()
    editor = await openEditor(thread.red)
  })
  after(async () => {
    await editor?.close()
    await thread?.end()
  })

  const rows = () => editor.monitor.locator('ol > li')
  const runOf = (name: string) => rows().filter({ hasText: name }).first()

  it('shows what is being read with entity, rows and share, and Stop ends it', async () => {
    thread.x3.setLatency(1500)
    try {
      await editor.openMonitor('runs')
      await editor.monitor.getByText('No run has begun yet.').waitFor()
      await job.press()
      const run = runOf(job.name)
      await run.getByText(/running · \d+ s · .*(supplier|gl_entry) [\d,]+ rows/).waitFor()
      await run.getByText(/gl_entry [\d,]*[1-9][\d,]* rows \d+\s?%/).waitFor({ timeout: 45_000 })
      await run.locator('summary').click()
      await run.locator('.tieout-monitor-table').getByText('reading').first().waitFor()
      await run.getByRole('button', { name: 'Stop' }).click()
    } finally {
      thread.x3.setLatency(0)
    }
    await runOf(job.name)
      .getByText(/stopped · /)
      .waitFor()
    strictEqual(await rows().count(), 1, 'the run that went on is the one that ended')
    strictEqual(await rows().getByRole('button').count(), 0)
    succeeded(await job.run())
  })

  it('an outage: what it waits for, why and since when; then the failed start stands in the list', async () => {
    const away = thread.begin({ entities: ['supplier'] })
    const port = await freePort()
    away.node('x3-connection').url = `http://127.0.0.1:${port}`
    await away.deploy()
    await away.press()
    const run = runOf(away.name)
    await run
      .getByText(
        new RegExp(
          `Source waits: .*127\\.0\\.0\\.1:${port} cannot be reached: nothing listens there; trying again, \\d+ s left`,
        ),
      )
      .waitFor()
    match(await textOf(run), /left, since .* \(\d+ s\)/)
    match((await run.locator('.tieout-monitor-open time').getAttribute('datetime')) ?? '', /^\d{4}-.*Z$/)
    await run.getByRole('button', { name: 'Stop' }).click()
    await runOf(away.name)
      .getByText(/stopped · |failed · /)
      .waitFor()
    const { clientId } = job.node('x3-connection')
    job.node('x3-connection').clientId = '${X3_CLIENT_OF_NOBODY}'
    await job.deploy()
    await job.press()
    await runOf(job.name)
      .getByText(/failed · /)
      .waitFor()
    await runOf(job.name).locator('summary').click()
    await runOf(job.name)
      .getByText(/X3_CLIENT_OF_NOBODY/)
      .waitFor()
    job.node('x3-connection').clientId = clientId
    await job.deploy()
    succeeded(await job.run())
  })

  it('the warehouse is away: the sink that waits is named, with the reason', async () => {
    thread.databricks.coldStart(1_000)
    try {
      await job.press({ full: true })
      await runOf(job.name)
        .getByText(/Write to Databricks, supplier waits: .+ left, since/)
        .waitFor()
      await runOf(job.name).getByRole('button', { name: 'Stop' }).click()
    } finally {
      thread.databricks.coldStart(0)
    }
    await runOf(job.name)
      .getByText(/stopped · /)
      .waitFor()
  })

  it('all ledgers are one list, unless one is chosen', async () => {
    await thread.red.deploy([...job.flow, { id: 'other', type: 'sync-ledger', name: 'Other', file: 'other.db' }])
    const choice = editor.monitor.getByLabel('Ledger')
    await choice.locator('option', { hasText: 'Other' }).waitFor({ state: 'attached' })
    strictEqual(await choice.locator('option:checked').textContent(), 'All ledgers')
    await runOf(job.name).waitFor()
    await choice.selectOption('other')
    await editor.monitor.getByText('No run has begun yet.').waitFor()
    await choice.selectOption({ label: 'All ledgers' })
    await runOf(job.name).waitFor()
  })

  it('what is held by several ledgers stands in one list, each reason with what its ledger holds', async () => {
    const jobs = [thread.begin({ entities: ['product'] }), thread.begin({ entities: ['product'] })]
    for (const [n, one] of jobs.entries()) {
      for (const product of [...one.books.tables.product.walk()].slice(0, n + 1))
        one.put('product', { ...product, basePrice: '123456789012345678901234.5' })
      await one.deploy()
      await one.run()
    }
    const [first, second] = jobs.map((one) => one.flow)
    ok(first && second)
    await thread.red.deploy([...first, ...withOwnIds(second)])
    await editor.openMonitor('held')
    const reasons = editor.monitor.locator('.tieout-monitor-reason')
    await reasons.nth(1).waitFor()
    const told = (await reasons.allTextContents()).sort()
    strictEqual(told.length, 2)
    match(told[0] ?? '', /^product: .*holds\.1 recordheld by/)
    match(told[1] ?? '', /^product: .*holds\.2 recordsheld by/)
    strictEqual(await rows().count(), 3)
    strictEqual(await editor.monitor.locator('[data-view=held] > .tieout-monitor-count').textContent(), '3')
    await reasons.filter({ hasText: '2 records' }).getByRole('button', { pressed: false }).first().click()
    await editor.monitor.locator('.tieout-monitor-reason.selected').first().waitFor()
    await editor.openMonitor('runs')
    await job.deploy()
  })

  it('a press and its release are a click, whatever is drawn meanwhile; the focus stays', async () => {
    thread.x3.setLatency(1500)
    try {
      await job.press({ full: true })
      const stop = runOf(job.name).getByRole('button', { name: 'Stop' })
      await stop.hover()
      await editor.page.mouse.down()
      const answered = () => editor.page.waitForResponse((reply) => reply.url().includes('/tieout/runs?'))
      await answered()
      await answered()
      await editor.page.mouse.up()
      await runOf(job.name)
        .getByText(/stopped · /)
        .waitFor()

      await job.press({ full: true })
      await runOf(job.name)
        .getByText(/running · /)
        .waitFor()
      await runOf(job.name).locator('summary').focus()
      const before = await textOf(runOf(job.name))
      await waitFor(async () => (await textOf(runOf(job.name))) !== before, { what: 'other figures' })
      const focused = await editor.page.evaluate('document.activeElement.tagName')
      strictEqual(focused, 'SUMMARY')
      await runOf(job.name).getByRole('button', { name: 'Stop' }).click()
    } finally {
      thread.x3.setLatency(0)
    }
    await runOf(job.name)
      .getByText(/stopped · /)
      .waitFor()
  })

  it('amounts have separators and the decimals of their currency, at the right; nothing is cut off', async () => {
    succeeded(await job.run({ full: true }))
    await runOf(job.name)
      .getByText(/done · /)
      .waitFor()
    await runOf(job.name).locator('summary').click()
    const cells = runOf(job.name).locator('.tieout-monitor-number')
    await cells
      .filter({ hasText: /^\d{1,3}(,\d{3})+\.\d\d$/ })
      .first()
      .waitFor()
    await uncut(editor.monitor)
    const left = await cells.evaluateAll((all) =>
      all
        .filter((one) => one.matches('td'))
        .filter((one) => {
          const range = document.createRange()
          range.selectNodeContents(one)
          return one.getBoundingClientRect().right - range.getBoundingClientRect().right > 12
        })
        .map((one) => one.outerHTML),
    )
    deepStrictEqual(left, [])
    ok(editor.problems.length === 0, editor.problems.join('\n'))
  })
})
