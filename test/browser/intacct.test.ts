import { deepStrictEqual, match, ok, strictEqual } from 'node:assert'
import { createBooks } from '../../sandbox/books/books.ts'
import { type IntacctSandbox, startIntacct } from '../../sandbox/intacct/server.ts'
import { type Editor, needChromium, openEditor, takeEntry, typeIn } from '../support/editor.ts'
import { type Red, startRed } from '../support/node-red.ts'

describe('dialogs of Sage Intacct', function () {
  this.timeout(120_000)
  let intacct: IntacctSandbox
  let red: Red
  let editor: Editor

  before(async function () {
    needChromium(this)
    const books = createBooks({ seed: 1, size: 'small', today: new Date().toISOString().slice(0, 10), now: Date.now })
    intacct = await startIntacct({ books, clock: { now: Date.now } })
    red = await startRed()
    editor = await openEditor(red)
    await editor.importExample('intacct-to-databricks', 'Sage Intacct to Databricks')
  })
  after(async () => {
    await editor?.close()
    await red?.end()
    await intacct?.close()
  })

  afterEach(async () => {
    const open = editor?.page.locator('#node-config-dialog-cancel:visible, #node-dialog-cancel:visible')
    while (open && (await open.count()) > 0) await editor.cancel()
  })

  /** Opens the connection out of the source's dialog, everything in sight. */
  const openConnection = async () => {
    await editor.open('Read Intacct')
    const dialog = await editor.openConfig('connection')
    await dialog.locator('.red-ui-tray-body').evaluate((body) => {
      for (const details of body.querySelectorAll('details')) details.open = true
    })
    return dialog
  }
  const wrong = async () => (await editor.test()).filter(({ ok: fine }) => !fine).map(({ text }) => text)

  it('Test connection works before the first deploy, and tells sender, user, entity and right apart', async () => {
    const dialog = await openConnection()
    const fill = (field: string, value: string) => dialog.locator(`#node-config-input-${field}`).fill(value)
    const values = {
      senderId: intacct.senderId,
      senderPassword: intacct.senderPassword,
      company: intacct.companyId,
      user: intacct.userId,
      password: intacct.userPassword,
      gateway: intacct.url,
    }
    await typeIn(dialog, 'senderPassword', 'password')
    for (const [field, value] of Object.entries(values)) await fill(field, value)
    match((await wrong()).join(), /is not https.*Other hosts/)
    await fill('allowedHosts', '127.0.0.1')
    const lines = await editor.test()
    deepStrictEqual(
      lines.filter(({ ok: fine }) => !fine),
      [],
    )
    match(lines[0]?.text ?? '', /^Signed in to \S+, top level, as /)
    ok(lines.some(({ text }) => /\/mdY, 24 hours, GMT \+00:00/.test(text)))
    await fill('senderPassword', 'Not-It-1')
    match((await wrong()).join(), /sender ID or sender password is wrong/)
    await fill('senderPassword', intacct.senderPassword)
    await fill('password', 'Not-It-2')
    match((await wrong()).join(), /Company, user or password is wrong/)
    await fill('password', intacct.userPassword)
    await fill('entity', 'NOWHERE')
    match((await wrong()).join(), /entity NOWHERE cannot be signed in to/)
    await fill('entity', '')
    await editor.pick('#node-config-input-entity', intacct.entities[0]?.id ?? '')
    strictEqual(await dialog.locator('#node-config-input-entity').inputValue(), intacct.entities[0]?.id)
    match((await editor.test())[0]?.text ?? '', /^Signed in to \S+, entity /)
    await fill('entity', '')
    intacct.deny('GLENTRY')
    match((await wrong()).join(), /gl_entry, GLENTRY: .*role of the API user/)
    intacct.allow()
    await editor.done()
    await editor.done()
  })

  it('picks objects and custom fields from the live company, and keeps them', async () => {
    const dialog = await editor.open('Read Intacct')
    await dialog.locator('.red-ui-editableList-addButton').first().click()
    const added = dialog.locator('#tieout-intacct-entities li').last()
    await added.locator('.tieout-pick').click()
    await takeEntry(editor.page, 'WAREHOUSE')
    await dialog.getByText('Added fields').click()
    await dialog.locator('details[open] .red-ui-editableList-addButton').click()
    await dialog.locator('.tieout-intacct-list').selectOption('lines')
    await dialog.locator('#tieout-intacct-extra .tieout-pick').click()
    await takeEntry(editor.page, 'LOCATIONNAME')
    const path = await dialog.locator('.tieout-intacct-path').inputValue()
    strictEqual(path, 'LOCATIONNAME')
    await editor.done()
    await editor.open('Read Intacct')
    strictEqual(
      await editor.page.locator('#tieout-intacct-entities li').last().locator('.tieout-intacct-entity').inputValue(),
      'WAREHOUSE',
    )
    strictEqual(await editor.page.locator('.tieout-intacct-path').inputValue(), path)
    await editor.cancel()
  })

  it('has a name for every field, and fits into a narrow tray', async () => {
    await editor.page.setViewportSize({ width: 900, height: 900 })
    const faults = async (dialog: Awaited<ReturnType<Editor['open']>>) =>
      dialog.locator('.red-ui-tray-body').evaluate((body) => {
        for (const details of body.querySelectorAll('details')) details.open = true
        const right = body.getBoundingClientRect().right
        return [...body.querySelectorAll<HTMLInputElement>('.tieout-form :is(input, select, textarea, button)')]
          .filter((field) => field.getClientRects().length > 0)
          .filter(
            (field) =>
              !(field.labels?.[0]?.textContent || field.getAttribute('aria-label') || field.textContent)?.trim() ||
              field.getBoundingClientRect().right > right + 1,
          )
          .map((field) => field.id || field.className)
      })
    deepStrictEqual(await faults(await editor.open('Read Intacct')), [])
    deepStrictEqual(await faults(await editor.openConfig('connection')), [])
    await editor.cancel()
    await editor.cancel()
    await editor.page.setViewportSize({ width: 1400, height: 900 })
  })

  it('previews ten records of the live company', async () => {
    const dialog = await editor.open('Read Intacct')
    await dialog.locator('#tieout-intacct-preview button').first().click()
    await dialog.locator('#tieout-intacct-preview .tieout-table').getByText('code', { exact: true }).waitFor()
    await editor.cancel()
    deepStrictEqual(
      editor.problems.filter((text) => !/status of 422/.test(text)),
      [],
    )
  })
})
