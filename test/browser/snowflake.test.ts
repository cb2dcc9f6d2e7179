import { deepStrictEqual, match, strictEqual } from 'node:assert'
import { type SnowflakeSandbox, startSnowflake } from '../../sandbox/snowflake/server.ts'
import { checked, type Editor, needChromium, openEditor, typeIn } from '../support/editor.ts'
import { type Red, startRed } from '../support/node-red.ts'

describe('dialogs of Snowflake', function () {
  this.timeout(120_000)
  let snowflake: SnowflakeSandbox
  let red: Red
  let editor: Editor

  before(async function () {
    needChromium(this)
    snowflake = await startSnowflake({ schemas: ['AP'] })
    red = await startRed()
    editor = await openEditor(red)
    await editor.importExample('x3-to-snowflake', 'Sage X3 to Snowflake')
  })
  after(async () => {
    await editor?.close()
    await red?.end()
    await snowflake?.close()
  })

  /** Opens the connection out of the sink's dialog. */
  const openConnection = async () => {
    await editor.open('Write to Snowflake')
    return editor.openConfig('connection')
  }
  const wrong = async () => (await editor.test()).filter(({ ok }) => !ok).map(({ text }) => text)

  it('Test connection works before the first deploy, and names what is missing', async () => {
    const dialog = await openConnection()
    const fill = (field: string, value: string) => dialog.locator(`#node-config-input-${field}`).fill(value)
    const values = {
      account: snowflake.account,
      user: snowflake.user,
      role: snowflake.role,
      warehouse: snowflake.warehouse,
      database: snowflake.database,
      schema: snowflake.schema,
      privateKey: snowflake.privateKeyPem,
      passphrase: snowflake.passphrase,
    }
    await typeIn(dialog, 'privateKey', 'passphrase')
    for (const [field, value] of Object.entries(values)) await fill(field, value)
    await dialog.getByText('More settings').click()
    await fill('host', snowflake.host)
    await fill('port', String(snowflake.port))
    await dialog.locator('#node-config-input-protocol').selectOption('http')
    const lines = await editor.test()
    deepStrictEqual(
      lines.filter(({ ok }) => !ok),
      [],
    )
    match(lines[0]?.text ?? '', /Signed in to TIEOUT-SANDBOX as TIEOUT_LOADER with the role LOADER/)
    await fill('warehouse', 'NO_WH')
    match((await wrong()).join(), /GRANT USAGE ON WAREHOUSE NO_WH TO ROLE LOADER/)
    await fill('warehouse', snowflake.warehouse)
    await fill('passphrase', 'wrong')
    match((await wrong()).join(), /passphrase/)
    await fill('passphrase', snowflake.passphrase)
    snowflake.deny('CREATE TABLE', `${snowflake.database}.${snowflake.schema}`)
    match((await wrong()).join(), /GRANT CREATE TABLE ON SCHEMA/)
    snowflake.allow()
    await editor.done()
    await editor.done()
  })

  it('shows only what the chosen login needs, and picks names from the live account', async () => {
    const dialog = await openConnection()
    strictEqual(await dialog.locator('#node-config-input-privateKey').inputValue(), snowflake.privateKeyPem)
    await dialog.locator('#node-config-input-login').selectOption('oauth')
    strictEqual(await dialog.locator('#node-config-input-privateKey').isVisible(), false)
    strictEqual(await dialog.locator('#node-config-input-oauthUrl').isVisible(), true)
    await dialog.locator('#node-config-input-login').selectOption('keyPair')
    await dialog.locator('#node-config-input-schema').fill('')
    await editor.pick('#node-config-input-schema', 'AP')
    strictEqual(await dialog.locator('#node-config-input-schema').inputValue(), 'AP')
    await dialog.locator('#node-config-input-schema').fill(snowflake.schema)
    await editor.done()
    await editor.done()
  })

  it('names every field, and fits into a narrow tray', async () => {
    await editor.page.setViewportSize({ width: 900, height: 900 })
    await checked(await editor.open('Write to Snowflake'), 'snowflake-merge')
    const dialog = await editor.openConfig('connection')
    for (const login of ['keyPair', 'token', 'oauth']) {
      await dialog.locator('#node-config-input-login').selectOption(login)
      await checked(dialog, `snowflake-connection, ${login}`)
    }
    await editor.cancel()
    await editor.cancel()
    await editor.page.setViewportSize({ width: 1400, height: 900 })
  })

  it('says in plain words what the schedule before the node costs', async () => {
    const dialog = await editor.open('Write to Snowflake')
    await dialog.getByText('What it costs').click()
    strictEqual(await dialog.locator('#tieout-snowflake-minutes').inputValue(), '240', 'the inject node says so')
    await dialog.locator('#tieout-snowflake-estimate').click()
    const cost = dialog.locator('#tieout-snowflake-cost')
    await cost.getByText(/6 runs a day, each with 5,000 changed rows: about \d+ statements a day/).waitFor()
    await cost.getByText(/sleeps in between/).waitFor()
    await dialog.locator('#tieout-snowflake-minutes').fill('1')
    await dialog.locator('#tieout-snowflake-estimate').click()
    await cost.getByText(/stays awake all day/).waitFor()
    await editor.cancel()
  })

  it('keeps a table of its own for an entity, and shows the columns that it has in Snowflake', async () => {
    let dialog = await editor.open('Write to Snowflake')
    await dialog.getByText('Tables of their own').click()
    await dialog.locator('.red-ui-editableList-addButton').click()
    await dialog.locator('.tieout-snowflake-ownEntity').fill('supplier_invoice')
    await dialog.locator('.tieout-snowflake-ownPattern').fill('{database}.AP.{entity}')
    await editor.done()
    dialog = await editor.open('Write to Snowflake')
    await dialog.getByText('Tables of their own').click()
    strictEqual(await dialog.locator('.tieout-snowflake-ownEntity').inputValue(), 'supplier_invoice')
    await dialog.locator('#tieout-snowflake-entity').fill('_tieout_mark')
    await dialog.locator('#tieout-snowflake-show').click()
    await dialog.locator('.tieout-table').getByText('SOURCE_ADDRESS', { exact: true }).waitFor()
    await editor.cancel()
    deepStrictEqual(editor.problems, [])
  })
})
