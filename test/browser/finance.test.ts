import { deepStrictEqual, match, ok, strictEqual } from 'node:assert'
import { readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { hashSync } from '@node-rs/bcrypt'
import { parse } from 'csv-parse/sync'
import type { Locator } from 'playwright-core'
import type { JournalEntry } from '../../sandbox/books/types.ts'
import { type MailServer, mailServer } from '../support/alert-servers.ts'
import { type Editor, needChromium, openEditor, uncut } from '../support/editor.ts'
import { freePort } from '../support/node-red.ts'
import { JOURNAL, type Job, startThread, succeeded, type Thread } from '../support/thread.ts'
import { waitFor } from '../support/wait.ts'

const textOf = async (place: Locator): Promise<string> => (await place.textContent()) ?? ''

/** What a person of the finance department does about journals whose account is in no code table, from the alert to its end. */
describe('held journals, in the hands of a finance user', function () {
  this.timeout(120_000)
  let thread: Thread
  let job: Job
  let editor: Editor
  let mail: MailServer
  /** The account that is missing in the code table, and the journals that have it. */
  let missing: { account: string; entries: JournalEntry[] }

  const login = async (role: string, url = thread.red.url): Promise<Editor> =>
    openEditor({ url }, {}, { name: role, password: `${role}-password` })

  before(async function () {
    needChromium(this)
    const port = await freePort()
    mail = await mailServer({})
    thread = await startThread({ red: { port, env: { TIEOUT_PUBLIC_URL: `http://localhost:${port}` } } })
    const users = ['finance', 'operator'].map((role) => ({
      username: role,
      password: hashSync(`${role}-password`, 4),
      role,
    }))
    writeFileSync(join(thread.red.userDir, 'users.json'), JSON.stringify(users))
    job = thread.begin({ entities: [JOURNAL] })
    missing = severalOf([...job.books.tables.journalEntry.walk()])
    const accounts = [...new Set([...job.books.tables.account.walk()].map(({ code }) => code))]
    const rows = accounts.filter((code) => code !== missing.account).map((code) => ({ from: code, to: `G${code}` }))
    Object.assign(job.node('gl-mapping'), { tables: [{ name: 'account', rows }] })
    const [rule] = job.node('map-gl').rules as object[]
    Object.assign(job.node('map-gl'), { rules: [{ ...rule, unmapped: 'hold' }] })
    const server = { host: 'localhost', port: mail.port, noTls: true, from: 'tieout@example.com' }
    Object.assign(job.node('alert-channel'), server)
    Object.assign(job.node('sync-alert'), { to: 'finance@example.com', technical: false })
    await job.deploy()
    succeeded(await job.run())
  })
  after(async () => {
    await editor?.close()
    await thread?.end()
    await mail?.end()
  })

  const rows = () => editor.monitor.locator('ol > li')
  const rowOf = (text: string) => rows().filter({ hasText: text })
  const reasons = () => editor.monitor.locator('.tieout-monitor-reason')
  const stored = async (entry: JournalEntry, account: string): Promise<number> => {
    const sql = `select count(*) from main.${job.name}.gl_entry_line where number = '${entry.number}' and account = '${account}'`
    return Number((await job.rows(sql))[0]?.[0])
  }
  const answered = async (question: string | RegExp, name: string, reason: string): Promise<string> => {
    const ask = editor.page.locator('.red-ui-notification', { hasText: question })
    await ask.getByLabel('Reason').fill(reason)
    const text = await textOf(ask)
    await ask.getByRole('button', { name, exact: true }).click()
    await ask.waitFor({ state: 'detached' })
    return text
  }

  it('are told by a mail that names none of them; its link opens the list of them', async () => {
    const { to, headers, text } = await waitFor(() => mail.mails[0], { timeout: 20_000, what: 'the mail' })
    deepStrictEqual(to, ['finance@example.com'])
    match(headers.subject ?? '', new RegExp(`^Tieout: ${job.name}: records are held$`))
    match(text, new RegExp(`^${missing.entries.length} records of ${job.name} are held`, 'm'))
    ok(missing.entries.every(({ number }) => !text.includes(number)))
    editor = await login('finance', /http:\S+/.exec(text)?.[0])
    await reasons().first().waitFor()
    strictEqual(await editor.monitor.getByLabel('Sync', { exact: true }).inputValue(), job.name)
    strictEqual(await rows().count(), missing.entries.length)
  })

  it('stand under their reason, with count and sum, and can be narrowed to it and by words', async () => {
    await editor.openMonitor('held')
    await reasons().first().waitFor()
    const count = missing.entries.length
    strictEqual(await reasons().count(), 1)
    match(
      await textOf(reasons().first()),
      new RegExp(
        `gl_entry: not in the code table.*account ${missing.account}.*${count} records, [A-Z]{3} [\\d,]+\\.\\d\\d`,
      ),
    )
    await reasons().first().getByRole('button', { pressed: false }).first().click()
    await editor.monitor.locator('.tieout-monitor-reason.selected').waitFor()
    strictEqual(await rows().count(), count)
    const [first] = missing.entries
    await editor.monitor.getByLabel('Find key or words').fill(first?.number ?? '')
    await editor.monitor.getByLabel('Find key or words').press('Enter')
    await rows().nth(1).waitFor({ state: 'detached' })
    strictEqual(await rowOf(first?.number ?? '').count(), 1)
    await editor.monitor.getByLabel('Find key or words').fill('')
    await editor.monitor.getByLabel('Find key or words').press('Enter')
    await rows()
      .nth(count - 1)
      .waitFor()
  })

  it('show the line that they are held for marked and in view; a header is not changed against its lines', async () => {
    const [first] = missing.entries
    ok(first)
    const record = rowOf(first.number)
    await record.locator('summary').click()
    const wrong = record.locator('input.input-error')
    await wrong.first().waitFor()
    strictEqual(await wrong.first().inputValue(), missing.account)
    strictEqual(await wrong.first().getAttribute('aria-label'), 'account')
    await editor.page.waitForFunction(() => {
      const field = document.querySelector('.tieout-monitor input.input-error')
      const box = field?.getBoundingClientRect()
      return box && document.elementFromPoint((box.left + box.right) / 2, (box.top + box.bottom) / 2) === field
    })
    const company = record.locator('.tieout-monitor-record').getByLabel('company', { exact: true })
    await company.fill('NOBODY')
    await uncut(editor.monitor)
    await record.getByRole('button', { name: 'Save' }).click()
    await answered('Save the changes?', 'Save', 'a test of the lines')
    await editor.page.getByText('company of the header was that of its lines').waitFor()
    await company.fill(first.company)
  })

  it('are mended in their lines: what came stands beside it, and the mended one is replayed', async () => {
    const [first] = missing.entries
    ok(first)
    const record = rowOf(first.number)
    const accounts = record.locator('.tieout-monitor-lines').first().getByLabel('account', { exact: true })
    const other = [...job.books.tables.account.walk()].find(({ code }) => code !== missing.account)?.code ?? ''
    for (const input of await accounts.all())
      if ((await input.inputValue()) === missing.account) await input.fill(other)
    await record.getByRole('button', { name: 'Save' }).click()
    await answered('Save the changes?', 'Save', 'booked on the wrong account')
    const difference = record.locator('.tieout-monitor-difference')
    await difference.waitFor()
    match(await textOf(difference), new RegExp(`lines\\.account \\(\\d+\\)${missing.account}${other}`))
    await record.getByText('Edited by finance').waitFor()
    await record.getByRole('checkbox').check()
    await editor.monitor.getByRole('button', { name: 'Replay', exact: true }).click()
    await answered('Send 1 held record', 'Replay', 'the account is right now')
    await record.waitFor({ state: 'detached' })
    await waitFor(async () => (await stored(first, `G${other}`)) > 0, { what: 'the mended line' })
  })

  /** Replays that have ended. */
  const replays = async (): Promise<number> => {
    const { body } = await thread.red.call('GET', `/tieout/runs?ledger=${job.node('sync-ledger').id}`)
    return (body as { mode: string }[]).filter(({ mode }) => mode === 'replay').length
  }
  const replayed = (count: number) =>
    waitFor(async () => (await replays()) === count, { what: 'the end of the replay' })

  it('are replayed by their reason: count and sum are said before, and exactly these are sent', async () => {
    await replayed(1)
    const count = missing.entries.length - 1
    const started = editor.page.waitForRequest((request) => request.url().endsWith('/tieout/held/replay'))
    await reasons().first().getByRole('button', { name: 'Replay all of this reason' }).click()
    const asked = await answered('Send these again', 'Replay', 'to see what happens')
    match(asked, new RegExp(`${count} records, [A-Z]{3} [\\d,]+\\.\\d\\d`))
    const { ids } = (await started).postDataJSON() as { ids: string[] }
    deepStrictEqual(ids.length, count)
    await rowOf('replays: 1')
      .nth(count - 1)
      .waitFor()
  })

  it('are replayed by an operator as they are, who can neither edit nor discard them', async () => {
    await replayed(2)
    await editor.close()
    editor = await login('operator')
    await editor.openMonitor('held')
    await reasons().first().getByRole('button', { name: 'Replay all of this reason' }).waitFor()
    const record = rows().first()
    await record.locator('summary').click()
    await record.locator('.tieout-monitor-lines .tieout-monitor-bad', { hasText: missing.account }).first().waitFor()
    strictEqual(await record.locator('.tieout-monitor-record').locator('input, select').count(), 0)
    strictEqual(await editor.monitor.getByRole('button', { name: /Discard|Save|Add/ }).count(), 0)
  })

  it('are delivered after the code is added from here; the tables of the flow show it, to be taken over', async () => {
    await editor.close()
    editor = await login('finance')
    await editor.openMonitor('held')
    await reasons()
      .first()
      .getByRole('button', { name: `Add account ${missing.account}` })
      .click()
    const ask = editor.page.locator('.red-ui-notification', { hasText: `What is account ${missing.account}` })
    await ask.getByLabel('Code in the target').fill('G-ADDED')
    await answered('What is account', 'Add', 'a new account of March')
    await editor.page.getByText(`account ${missing.account} -> G-ADDED counts from now on`).waitFor()
    await reasons().first().getByRole('button', { name: 'Replay all of this reason' }).click()
    await answered('Send these again', 'Replay', 'the account is known now')
    await reasons().first().waitFor({ state: 'detached' })
    const last = missing.entries.at(-1)
    ok(last)
    await waitFor(async () => (await stored(last, 'G-ADDED')) > 0, { what: 'the added code' })
    deepStrictEqual(await job.held(), [])
    await editor.open('Map accounts')
    const dialog = await editor.openConfig('mapping')
    await dialog.getByText(`account: ${missing.account} is G-ADDED, by finance: a new account of March`).waitFor()
    await dialog.getByRole('button', { name: 'Take into the table' }).click()
    await dialog.locator('#tieout-codes-search').fill('G-ADDED')
    strictEqual(await dialog.locator('#tieout-codes-rows .tieout-from').first().inputValue(), missing.account)
    strictEqual(await dialog.locator('#tieout-codes-added li').count(), 0)
    await editor.cancel()
    await editor.cancel()
  })

  const seek = async (text: string): Promise<void> => {
    await editor.monitor.getByRole('searchbox', { name: 'Find a document' }).fill(text)
    await editor.monitor.getByRole('searchbox', { name: 'Find a document' }).press('Enter')
    await editor.monitor.getByText(`What is found of ${text}`).waitFor()
  }

  it('are found by their number, with the way that each went, and the row in the target', async () => {
    const [first] = missing.entries
    ok(first)
    await editor.openMonitor('runs')
    await seek(`gl_entry ${first.number}`)
    const found = rowOf(first.number)
    await found.locator('summary').click()
    await found.getByText('edit by finance: booked on the wrong account').waitFor()
    await found.getByText('replay by finance: the account is right now').waitFor()
    const facts = await textOf(found.locator('.tieout-monitor-record').first())
    match(facts, /Target.*gl_entry.*Read number.*Run.*Batch.*Statements/)
    await found.getByRole('button', { name: 'Row in the target' }).click()
    const ask = editor.page.locator('.red-ui-notification', { hasText: 'wakes a warehouse' })
    await ask.getByRole('button', { name: 'Row in the target' }).click()
    const row = found.locator('.tieout-monitor-standing')
    await row.getByText('As it stands there').waitFor()
    await row.locator('td', { hasText: first.number }).first().waitFor()
    strictEqual((await row.locator('.tieout-table tbody tr').count()) >= first.lines.length, true)
    strictEqual(await row.getByText('The ledger knows read number').count(), 0)
    match(thread.red.output(), /"finance" looks at "gl_entry [^"]*" as it stands at databricks:/)
  })

  it('show nothing of a number that nobody has, whatever it is', async () => {
    const hostile = '<img src=x onerror=alert(1)>'
    await seek(hostile)
    await editor.monitor.getByText(`Nothing with the number ${hostile}`).waitFor()
    strictEqual(await editor.page.locator('.tieout-monitor img').count(), 0)
    deepStrictEqual(editor.problems, [])
  })

  it('are kept as files, with their runs and totals', async () => {
    await editor.openMonitor('runs')
    const runs = await savedLines(editor, 'Runs as CSV')
    const [head = []] = runs
    ok(runs.some((line) => line[head.indexOf('entity')] === JOURNAL && line[head.indexOf('mode')] === 'replay'))
    const [columns = [], ...totals] = await savedLines(editor, 'Totals as CSV')
    ok(totals.some((line) => /^\d+\.\d\d/.test(line[columns.indexOf('debit_amount')] ?? '')))
    await editor.openMonitor('held')
    strictEqual((await savedLines(editor, 'Held records as CSV')).length, 1, 'nothing is held any more')
  })

  it('are told once more when none is held any longer, and never meanwhile', async () => {
    const { headers, text } = await waitFor(() => mail.mails[1], { timeout: 20_000, what: 'the mail of the end' })
    match(headers.subject ?? '', new RegExp(`^Tieout: Over: ${job.name}: records are held$`))
    match(text, /^Until: /m)
    strictEqual(mail.mails.length, 2)
  })
})

/** Lines of a CSV file with its first, after the mark of UTF-8. */
async function savedLines(editor: Editor, button: string): Promise<string[][]> {
  const [file] = await Promise.all([
    editor.page.waitForEvent('download'),
    editor.monitor.getByRole('button', { name: button, exact: true }).click(),
  ])
  const text = readFileSync(await file.path(), 'utf8')
  ok(text.startsWith('\uFEFF'), file.suggestedFilename())
  return parse(text, { bom: true })
}

/** The account that fewest journals have, of those that several have, and these. */
function severalOf(entries: readonly JournalEntry[]): { account: string; entries: JournalEntry[] } {
  const good = entries.filter(({ mustHold }) => !mustHold)
  const by = new Map<string, Set<JournalEntry>>()
  for (const entry of good)
    for (const { account } of entry.lines) by.set(account, (by.get(account) ?? new Set()).add(entry))
  const [found] = [...by].filter(([, some]) => some.size >= 3).sort(([, a], [, b]) => a.size - b.size)
  ok(found)
  return { account: found[0], entries: [...found[1]] }
}
