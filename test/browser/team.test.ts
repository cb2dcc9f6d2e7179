import { deepStrictEqual, match, ok, strictEqual } from 'node:assert'
import { copyFileSync, existsSync, mkdtempSync, readFileSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { createBooks } from '../../sandbox/books/books.ts'
import { type DatabricksSandbox, startDatabricks } from '../../sandbox/databricks/server.ts'
import { startX3, type X3Sandbox } from '../../sandbox/x3/server.ts'
import { type Editor, needChromium, openEditor } from '../support/editor.ts'
import { type Red, startRed } from '../support/node-red.ts'

/** A clone with a flow in it, and a machine that has the variables. */
describe('a flow out of Git', function () {
  this.timeout(120_000)
  let x3: X3Sandbox
  let databricks: DatabricksSandbox
  let red: Red
  let editor: Editor
  const userDir = mkdtempSync(join(tmpdir(), 'tieout-team-'))

  before(async function () {
    needChromium(this)
    const books = createBooks({ seed: 1, size: 'small', today: new Date().toISOString().slice(0, 10), now: Date.now })
    ;[x3, databricks] = await Promise.all([startX3({ books, clock: { now: Date.now } }), startDatabricks()])
    copyFileSync('flows/x3-to-databricks.json', join(userDir, 'flows.json'))
    writeFileSync(join(userDir, 'ca.pem'), databricks.caPem)
    const { host, port, path, clientId, clientSecret } = databricks
    const env = {
      ...{ X3_URL: x3.url, X3_ENDPOINT: x3.folder, X3_SOURCE: 'x3', X3_CLIENT_ID: x3.clientId, X3_USER: x3.user },
      ...{ X3_SECRET: x3.secret, DATABRICKS_HOST: `${host}:${port}`, DATABRICKS_HTTP_PATH: path },
      ...{ DATABRICKS_CATALOG: 'main', DATABRICKS_SCHEMA: 'finance', DATABRICKS_VOLUME: 'main.finance.staging' },
      ...{ DATABRICKS_CLIENT_ID: clientId, DATABRICKS_CLIENT_SECRET: clientSecret },
      NODE_EXTRA_CA_CERTS: join(userDir, 'ca.pem'),
    }
    red = await startRed({ userDir, env })
    editor = await openEditor(red)
  })
  after(async () => {
    await editor?.close()
    await red?.end()
    await Promise.all([x3?.close(), databricks?.close()])
  })

  it('runs in a fresh user directory with environment variables only', async () => {
    await editor.node('Read X3').waitFor()
    strictEqual(await editor.page.locator('.red-ui-flow-node-error:not(.hide)').count(), 0)
    const shown = await editor.during('Read X3', /^green dot ties: /, () => editor.press('Every hour'))
    match(shown.at(-1) ?? '', /records/)
    const { rows } = await databricks.query('select count(*) from main.finance.gl_entry')
    ok(Number(rows[0]?.[0]) > 0)
    ok(!existsSync(join(userDir, 'flows_cred.json')), 'nothing was typed in')
  })

  it('shows the variable of a secret in the dialog, and stores its name alone', async () => {
    await editor.open('Read X3')
    const dialog = await editor.openConfig('connection')
    const [typed, named] = ['secret', 'secretFrom'].map((name) => dialog.locator(`#node-config-input-${name}`))
    strictEqual(await typed?.isVisible(), false)
    strictEqual(await named?.inputValue(), 'X3_SECRET')
    deepStrictEqual(
      (await editor.test()).filter((line) => !line.ok),
      [],
    )
    await named?.fill('NO_SUCH_SECRET')
    const [unset] = await editor.test()
    match(unset?.text ?? '', /^Client secret: the environment variable NO_SUCH_SECRET is not set.*NO_SUCH_SECRET_FILE/)
    await dialog.locator('#tieout-secret-by').selectOption('typed')
    await typed?.fill('Q7${9x}kk!')
    const [wrong] = await editor.test()
    match(wrong?.text ?? '', /Error 50/, 'it was sent as it is')
    await dialog.locator('#tieout-secret-by').selectOption('variable')
    await named?.fill('X3_SECRET')
    await editor.done()
    await editor.done()
    await editor.deploy()
    const stored = readFileSync(join(userDir, 'flows.json'), 'utf8')
    match(stored, /"secretFrom": "X3_SECRET"/)
    ok(!stored.includes('kk!') && !stored.includes(x3.secret))
  })
})
