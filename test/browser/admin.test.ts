/** The admin's story: is it well, who may what, a restart, and yesterday's archive put back under what was delivered since. */
import { match, ok, strictEqual } from 'node:assert'
import { spawnSync } from 'node:child_process'
import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { hashSync } from '@node-rs/bcrypt'
import { type Editor, needChromium, openEditor } from '../support/editor.ts'
import { freePort, USER } from '../support/node-red.ts'
import { failed, type Job, startThread, succeeded, type Thread } from '../support/thread.ts'
import { waitFor } from '../support/wait.ts'

const ANNA = { name: 'anna', password: 'annas-password' }

describe("the admin's day", function () {
  this.timeout(120_000)
  let thread: Thread
  let job: Job
  let editor: Editor | undefined
  let archive: string

  before(async function () {
    needChromium(this)
    thread = await startThread({ red: { port: await freePort() } })
    job = thread.begin({ entities: ['product'] })
    await job.deploy()
    archive = join(thread.red.userDir, 'yesterday.tar.gz')
  })
  after(async () => {
    await editor?.close()
    await thread?.end()
  })

  const rows = (of: Editor) => of.monitor.locator('ol > li')
  const products = () => [...job.books.tables.product.walk()]
  const ledger = (...args: string[]) =>
    spawnSync('npm', ['run', '-s', 'ledger', '--', ...args, '--userDir', thread.red.userDir], { encoding: 'utf8' })
  /** The editor as a user of this name sees it now. */
  const logIn = async (user: typeof USER): Promise<Editor> => {
    await editor?.close()
    editor = await openEditor(thread.red, {}, user)
    return editor
  }
  const isAnna = (role: string): void =>
    writeFileSync(
      join(thread.red.userDir, 'users.json'),
      JSON.stringify([{ username: ANNA.name, password: hashSync(ANNA.password, 4), role }]),
    )
  /** What an orchestrator, or a browser without a login, is told. */
  const health = async (): Promise<string> => (await fetch(`${thread.red.url}/tieout/health`)).text()

  it('sees that all is well, with no login, and backs up while it runs', async () => {
    isAnna('viewer')
    succeeded(await job.run())
    strictEqual(await health(), 'ok\n')
    const made = ledger('backup', archive)
    strictEqual(made.status, 0, made.stderr)
    match(made.stderr, new RegExp(`^${job.name}\\.db: sound, 1 runs, 0 held, `, 'm'))
  })

  it('lets a colleague look; what she may do beyond that counts without a restart', async () => {
    let seen = await logIn(ANNA)
    await seen.openMonitor('syncs')
    await rows(seen).filter({ hasText: job.name }).locator('summary').click()
    strictEqual(await rows(seen).getByRole('button').count(), 0)
    isAnna('operator')
    seen = await logIn(ANNA)
    const product = products()[0]
    ok(product)
    job.put('product', { ...product, description: 'today' })
    await seen.openMonitor('syncs')
    await rows(seen).filter({ hasText: job.name }).getByRole('button', { name: 'Run', exact: true }).first().click()
    await waitFor(async () => (await job.runs()).length === 2, { what: 'the run that the operator started' })
    await job.ties()
  })

  it('is not called at night because the ERP refuses: that is told where it is looked after, and Tieout is well', async () => {
    thread.x3.deny('Product')
    failed(await job.run())
    thread.x3.allow()
    strictEqual(await health(), 'ok\n')
    strictEqual((await fetch(`${thread.red.url}/tieout/live`)).status, 200)
    const seen = await logIn(USER)
    await seen.openMonitor('alerts')
    await rows(seen).getByText('X3 refuses to read').first().waitFor()
    succeeded(await job.run())
  })

  it('starts it anew: whoever was logged in still is, and what was shown is still there', async () => {
    ok(editor)
    await thread.restart('SIGTERM')
    strictEqual(await health(), 'ok\n')
    await editor.page.reload()
    await editor.node('Read X3').waitFor()
    await editor.openMonitor('runs')
    strictEqual(await rows(editor).count(), 4)
  })

  it("puts yesterday's archive back: not while it runs, and what was there is kept", async () => {
    const refused = ledger('restore', archive)
    strictEqual(refused.status, 1)
    match(refused.stderr, /is in use/)
    await thread.red.stop()
    const restored = ledger('restore', archive)
    strictEqual(restored.status, 0, restored.stderr)
    match(restored.stderr, /What was there before is in .*before-restore-/)
    await thread.restart('SIGTERM')
    strictEqual(await health(), 'ok\n')
    const seen = await logIn(USER)
    await seen.openMonitor('runs')
    strictEqual(await rows(seen).count(), 1)
    // Users are those of yesterday too.
    const { id } = job.node('x3-poll')
    const token = await thread.red.login(ANNA.name, ANNA.password)
    const { status } = await thread.red.call('POST', `/tieout/sources/x3-poll/${id}/run`, { order: {} }, token)
    strictEqual(status, 401)
  })

  it('the state says that the ledger is an old copy, and the next run brings both together', async () => {
    const product = products()[1]
    ok(product)
    job.put('product', { ...product, description: 'tomorrow' })
    const seen = await logIn(USER)
    await seen.openMonitor('syncs')
    const sync = rows(seen).filter({ hasText: job.name })
    await sync.getByRole('button', { name: 'Run', exact: true }).first().click()
    await seen.openMonitor('runs')
    const run = rows(seen).first()
    await run.getByText('open: product: memory of the target not whole, sweep due').waitFor()
    await run.locator('summary').click()
    await run.getByText('the ledger is an old copy').waitFor()
    // What was delivered since the archive is there once, and as it is in the ERP.
    await job.ties()
    await seen.openMonitor('syncs')
    await sync.locator('summary').click()
    await sync.getByRole('button', { name: 'Read everything' }).click()
    const ask = seen.page.locator('.red-ui-notification', { hasText: 'anew?' })
    await ask.getByRole('button', { name: 'Read everything' }).click()
    await seen.openMonitor('runs')
    await rows(seen)
      .first()
      .getByText(/^ties: /)
      .waitFor()
    await job.ties()
  })

  it('wrote no error to the console of the browser', () => {
    strictEqual(editor?.problems.join('\n'), '')
  })
})
