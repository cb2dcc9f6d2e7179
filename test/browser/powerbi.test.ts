import { deepStrictEqual, match, strictEqual } from 'node:assert'
import type { PowerbiSandbox } from '../../sandbox/powerbi/api.ts'
import { startPowerbi } from '../../sandbox/powerbi/server.ts'
import { checked, type Editor, needChromium, openEditor, typeIn } from '../support/editor.ts'
import { type Red, startRed } from '../support/node-red.ts'

describe('dialogs of Power BI', function () {
  this.timeout(120_000)
  let powerbi: PowerbiSandbox
  let red: Red
  let editor: Editor

  before(async function () {
    needChromium(this)
    powerbi = await startPowerbi()
    await powerbi.addDataset({
      name: 'Sales pushed',
      tables: [{ name: 'T', columns: [{ name: 'a', dataType: 'String' }] }],
    })
    await powerbi.addDataset({ name: 'Sales modelled', mode: 'Import', tables: [] })
    red = await startRed()
    editor = await openEditor(red)
    await editor.importExample('x3-to-powerbi', 'Sage X3 to Power BI')
  })
  after(async () => {
    await editor?.close()
    await red?.end()
    await powerbi?.close()
  })

  const SINK = 'Push to Power BI'
  const openConnection = async () => {
    await editor.open(SINK)
    return editor.openConfig('connection')
  }
  const wrong = async () => (await editor.test()).filter(({ ok }) => !ok).map(({ text }) => text)

  it('Test connection works before the first deploy, with a secret and with a certificate, and names the causes that remain', async () => {
    const dialog = await openConnection()
    const fill = (field: string, value: string) => dialog.locator(`#node-config-input-${field}`).fill(value)
    await typeIn(dialog, 'secret')
    const values = { tenant: powerbi.tenant, clientId: powerbi.clientId, secret: powerbi.clientSecret }
    for (const [field, value] of Object.entries(values)) await fill(field, value)
    await dialog.getByText('More settings').click()
    const further = { ca: powerbi.caPem, apiUrl: powerbi.apiUrl, loginUrl: powerbi.authorityHost }
    for (const [field, value] of Object.entries(further)) await fill(field, value)
    const lines = await editor.test()
    deepStrictEqual(
      lines.filter(({ ok }) => !ok),
      [],
    )
    match(
      lines.map(({ text }) => text).join('\n'),
      /as the app .* Workspaces: Finance.*31 October 2027.*1 of them push.*Queries are allowed/s,
    )

    await fill('secret', 'mistyped')
    match((await wrong()).join(), /AADSTS7000215.*client secret is wrong/)
    await dialog.locator('#node-config-input-login').selectOption('certificate')
    await fill('certificate', powerbi.certificatePem)
    await fill('privateKey', powerbi.privateKeyPem)
    deepStrictEqual(await wrong(), [])
    await dialog.locator('#node-config-input-login').selectOption('secret')
    await fill('secret', powerbi.clientSecret)

    powerbi.tune({ servicePrincipals: false })
    match((await wrong()).join(), /HTTP 40[13].*\(1\) the tenant setting.*\(2\) the app has no role/)
    powerbi.tune({ servicePrincipals: true, executeQueries: false })
    match((await wrong()).join(), /Dataset Execute Queries REST API/)
    powerbi.tune({ executeQueries: true })
    await editor.done()
    await editor.done()
  })

  it('picks workspace and dataset from the live service, and shows only what the mode needs', async () => {
    const dialog = await editor.open(SINK)
    await dialog.locator('#node-input-workspace').fill('')
    await editor.pick('#node-input-workspace', 'Finance')
    strictEqual(await dialog.locator('#node-input-workspace').inputValue(), powerbi.workspace.id)
    await dialog.getByText(/ends the creation of push datasets on 31 October 2027/).waitFor()
    strictEqual(await dialog.locator('#node-input-datasetId').isVisible(), false)
    await dialog.locator('#node-input-dataset').selectOption('adopt')
    await editor.pick('#node-input-datasetId', 'Sales pushed')
    const [pushed, modelled] = ['Sales pushed', 'Sales modelled'].map(
      (name) => powerbi.datasets().find((one) => one.name === name)?.id,
    )
    strictEqual(await dialog.locator('#node-input-datasetId').inputValue(), pushed)
    await dialog.locator('#node-input-mode').selectOption('refresh')
    strictEqual(await dialog.locator('#node-input-changes').isVisible(), false)
    await dialog.locator('#node-input-datasetId').fill('')
    await editor.pick('#node-input-datasetId', 'Sales modelled')
    strictEqual(await dialog.locator('#node-input-datasetId').inputValue(), modelled)
    await editor.cancel()
  })

  it('names every field, and fits into a narrow tray', async () => {
    await editor.page.setViewportSize({ width: 900, height: 900 })
    await checked(await editor.open(SINK), 'powerbi-push')
    const dialog = await editor.openConfig('connection')
    for (const login of ['secret', 'certificate']) {
      await dialog.locator('#node-config-input-login').selectOption(login)
      await checked(dialog, `powerbi-connection, ${login}`)
    }
    await editor.cancel()
    await editor.cancel()
    await editor.page.setViewportSize({ width: 1400, height: 900 })
  })
})
