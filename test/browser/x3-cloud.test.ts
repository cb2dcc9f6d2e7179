import { equal, match } from 'node:assert/strict'
import { type Gateway, startGateway } from '../../sandbox/x3/cloud/gateway.ts'
import { needChromium, typeIn } from '../support/editor.ts'
import { type Stage, startStage } from '../support/stage.ts'

const CUSTOMER = 'https://x3.customer.example'

describe('pairing with X3 in the cloud', function () {
  this.timeout(120_000)
  let stage: Stage
  let gateway: Gateway
  before(async function () {
    needChromium(this)
    stage = await startStage()
    const { x3, red } = stage
    const application = {
      clientId: 'app',
      secret: 's3cret of the app',
      redirectUris: [`${red.url}/tieout/x3/callback`],
    }
    gateway = await startGateway({ x3, clock: { now: Date.now }, applications: [application], customers: [CUSTOMER] })
  })
  after(async () => {
    await gateway?.close()
    await stage?.end()
  })

  it('is asked for in the dialog, accepted in another browser, and seen in the dialog', async () => {
    const { editor, x3 } = stage
    const { page } = editor
    await editor.importExample('x3-to-databricks', 'Sage X3 to Databricks')
    await editor.open('Read X3')
    const dialog = await editor.openConfig('connection')
    await dialog.locator('#node-config-input-user').fill('')
    await dialog.locator('#node-config-input-login').selectOption('cloud')
    const values = {
      url: gateway.root,
      folder: x3.folder,
      customer: CUSTOMER,
      clientId: 'app',
      secret: 's3cret of the app',
    }
    await typeIn(dialog, 'secret')
    for (const [field, value] of Object.entries(values)) await dialog.locator(`#node-config-input-${field}`).fill(value)
    const ledgers = dialog.locator('#node-config-input-ledger')
    await ledgers.selectOption((await ledgers.locator('option').first().getAttribute('value')) ?? '')
    await editor.done()
    await editor.done()
    await editor.deploy()

    await editor.open('Read X3')
    await editor.openConfig('connection')
    await page.locator('.tieout-x3-said', { hasText: 'not paired' }).waitFor()
    await page.locator('.tieout-x3-connect').click()
    const link = await page.locator('.tieout-x3-link').getAttribute('href')

    // Somebody else, later, in a browser that knows nothing of the editor.
    const approver = await page.context().browser()?.newContext()
    const theirs = await approver?.newPage()
    await theirs?.goto(link ?? '')
    await theirs?.locator('#accept').click()
    await theirs?.locator('h1', { hasText: 'Paired' }).waitFor()
    match((await theirs?.locator('p').textContent()) ?? '', /Paired by admin on .* This page can be closed/)
    const back = theirs?.url() ?? ''
    await theirs?.goto(back)
    match((await theirs?.locator('p').textContent()) ?? '', /used already/)
    await approver?.close()

    // The wrong form of GraphQL is put right by what the test found.
    const more = page.locator('details:has(#node-config-input-form) > summary')
    await more.click()
    await page.locator('#node-config-input-form').selectOption('sage')
    match((await editor.test()).map(({ text }) => text).join('\n'), /The form of GraphQL is today's/)
    equal(await page.locator('#node-config-input-form').inputValue(), 'query')
    const lines = await editor.test()
    match(lines[0]?.text ?? '', /^Paired by admin/)
    equal(
      lines.every(({ ok }) => ok),
      true,
      JSON.stringify(lines.filter(({ ok }) => !ok)),
    )
    await editor.cancel()
    await editor.cancel()
  })
})
