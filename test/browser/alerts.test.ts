import { deepEqual, equal, match, ok } from 'node:assert/strict'
import { type MailServer, mailServer } from '../support/alert-servers.ts'
import { checked, needChromium } from '../support/editor.ts'
import { type Stage, startStage } from '../support/stage.ts'
import { waitFor } from '../support/wait.ts'

describe('alerts in the editor', function () {
  this.timeout(120_000)
  let stage: Stage
  let mail: MailServer

  before(async function () {
    needChromium(this)
    mail = await mailServer({ user: 'tieout', password: 'Q7-secret' })
    stage = await startStage()
    await stage.editor.importExample('x3-to-databricks', 'Sage X3 to Databricks')
  })
  after(async () => {
    await stage?.end()
    await mail?.end()
  })

  it('a template asks for a mail server and an address, and Send a test arrives before anything is deployed', async () => {
    const { editor } = stage
    const { page } = editor
    const channel = async (values: Record<string, string>, noTls = true) => {
      const dialog = await editor.openConfig('connection')
      for (const [field, value] of Object.entries(values))
        await dialog.locator(`#node-config-input-${field}`).fill(value)
      if (noTls) await dialog.locator('#node-config-input-noTls').check()
      await checked(dialog, 'alert-channel')
      return dialog
    }
    await checked(await editor.open('Alerts'), 'sync-alert')
    const report = page.locator('#tieout-alert-report')
    const test = page.locator('#tieout-alert-test')
    await test.click()
    await report.filter({ hasText: 'Mail server: it is missing. Open the alert channel' }).waitFor()

    const dialog = await channel({
      ...{ host: 'localhost', port: String(mail.port), from: 'tieout@example.com', user: 'tieout', password: 'wrong' },
    })
    ok(!(await dialog.locator('#node-config-input-url').isVisible()))
    await dialog.locator('#tieout-channel-test .tieout-test').click()
    await dialog.locator('.tieout-wrong', { hasText: 'localhost refuses the login of tieout' }).waitFor()
    await dialog.locator('#node-config-input-password').fill('Q7-secret')
    await dialog.locator('#tieout-channel-test .tieout-test').click()
    await dialog
      .locator('.tieout-ok', { hasText: `Reached the mail server localhost:${mail.port} as tieout, without TLS` })
      .waitFor()
    await editor.done()

    await page.locator('#node-input-to').fill('finance@example.com')
    await test.click()
    await report.filter({ hasText: 'Sent to finance@example.com.' }).waitFor()
    const got = await waitFor(() => mail.mails[0])
    deepEqual(got.to, ['finance@example.com'])
    match(got.headers.subject ?? '', /A test of Alerts/)
    await editor.done()
  })

  it('a web hook has no address to type below, and its own is a password', async () => {
    const { editor } = stage
    const { page } = editor
    await editor.open('Alerts')
    const dialog = await editor.openConfig('connection')
    await dialog.locator('#node-config-input-kind').selectOption('slack')
    equal(await dialog.locator('#node-config-input-url').getAttribute('type'), 'password')
    ok(!(await dialog.locator('#node-config-input-host').isVisible()))
    await dialog.locator('#node-config-input-url').fill('https://hooks.slack.example/services/T/B/x')
    await checked(dialog, 'alert-channel')
    await editor.done()
    await page.locator('.tieout-alert-to').waitFor({ state: 'hidden' })
    await editor.cancel()
  })
})
