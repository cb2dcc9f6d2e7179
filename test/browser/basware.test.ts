import { deepStrictEqual, match, ok, strictEqual } from 'node:assert'
import { type BaswareSandbox, startBasware } from '../../sandbox/basware/server.ts'
import { checked, type Editor, needChromium, openEditor, typeIn } from '../support/editor.ts'
import { type Red, startRed } from '../support/node-red.ts'

describe('dialogs of Basware', function () {
  this.timeout(120_000)
  let basware: BaswareSandbox
  let red: Red
  let editor: Editor

  before(async function () {
    needChromium(this)
    const today = new Date().toISOString().slice(0, 10)
    basware = await startBasware({ seed: 1, size: 'small', today, clock: { now: Date.now } })
    red = await startRed()
    editor = await openEditor(red)
    await editor.importExample('x3-basware', 'Sage X3 and Basware')
  })
  after(async () => {
    await editor?.close()
    await red?.end()
    await basware?.close()
  })
  afterEach(async () => {
    const open = editor?.page.locator('#node-config-dialog-cancel:visible, #node-dialog-cancel:visible')
    while (open && (await open.count()) > 0) await editor.cancel()
  })

  const wrong = async () => (await editor.test()).filter(({ ok: fine }) => !fine).map(({ text }) => text)
  const unfold = (dialog: Awaited<ReturnType<Editor['open']>>) =>
    dialog.locator('.red-ui-tray-body').evaluate((body) => {
      for (const details of body.querySelectorAll('details')) details.open = true
    })

  it('Test connection works before the first deploy; the companies are picked, ten invoices are shown, and none is acknowledged', async () => {
    const source = await editor.open('Take invoices over')
    const dialog = await editor.openConfig('connection')
    await unfold(dialog)
    const fill = (field: string, value: string) => dialog.locator(`#node-config-input-${field}`).fill(value)
    const url = dialog.locator('#node-config-input-url')
    await fill('url', '')
    await fill('clientId', basware.clientId)
    await typeIn(dialog, 'secret')
    await fill('secret', 'not it')
    await dialog.locator('#node-config-input-region').selectOption('AU')
    match((await url.getAttribute('placeholder')) ?? '', /as Basware gave it to you/)
    match((await wrong()).join(), /in region AU is not known here, ask Basware/)
    await dialog.locator('#node-config-input-region').selectOption('EU')
    strictEqual(await url.getAttribute('placeholder'), 'https://api.basware.com')
    await fill('url', basware.url)
    match((await wrong()).join(), /Client ID or secret is wrong/)
    await fill('secret', basware.clientSecret)
    match((await wrong()).join(), /sends the request on to .*"Redirects to"/)
    await fill('redirectHosts', '127.0.0.1')
    const lines = await editor.test()
    deepStrictEqual(
      lines.filter(({ ok: fine }) => !fine),
      [],
    )
    ok(lines.some(({ text }) => /^accountingDocuments\.write: given/.test(text)))
    await dialog.locator('#node-config-input-login').selectOption('basic')
    ok(await dialog.locator('#node-config-input-password').isVisible())
    ok(!(await dialog.locator('#node-config-input-secret').isVisible()))
    await dialog.locator('#node-config-input-login').selectOption('oauth')
    await editor.done()

    await source.locator('#node-input-companies').fill('')
    await editor.pick('#node-input-companies', 'GB10')
    match(await source.locator('#node-input-companies').inputValue(), /^GB10/)
    await source.locator('#node-input-matched').selectOption('row')
    ok(!(await source.locator('#node-input-unreadable').isVisible()))
    await source.locator('#node-input-matched').selectOption('order')
    await source.locator('.tieout-preview').click()
    await source.locator('#tieout-basware-preview table').first().waitFor()
    strictEqual(await source.locator('#tieout-basware-preview table').count(), 2)
    match((await source.locator('#tieout-basware-preview').textContent()) ?? '', /GB10/)
    strictEqual(
      basware.stats().acknowledge,
      basware.requests().filter(({ path }) => path.endsWith('/acknowledge')).length,
    )
    ok(basware.requests().every(({ path, status }) => !path.endsWith('/acknowledge') || status === 404))
    await editor.done()

    const again = await editor.open('Take invoices over')
    match(await again.locator('#node-input-companies').inputValue(), /^GB10/)
    strictEqual(await again.locator('#node-input-matched').inputValue(), 'order')
    const kept = await editor.openConfig('connection')
    await unfold(kept)
    const values = {
      region: 'EU',
      url: basware.url,
      clientId: basware.clientId,
      redirectHosts: '127.0.0.1',
      login: 'oauth',
    }
    for (const [field, value] of Object.entries(values))
      strictEqual(await kept.locator(`#node-config-input-${field}`).inputValue(), value, field)
    await checked(kept, 'basware-connection')
    await editor.cancel()
    await checked(again, 'basware-poll')
    await editor.cancel()
    deepStrictEqual(editor.problems, [])
  })
})
