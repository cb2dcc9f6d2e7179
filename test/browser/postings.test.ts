/** What is posted, in the sidebar: one Node-RED with the shipped flow between both sandboxes, and a person with a browser. */
import { deepStrictEqual, match, ok, strictEqual } from 'node:assert'
import { readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { hashSync } from '@node-rs/bcrypt'
import type { Locator } from 'playwright-core'
import { readTemplate } from '../../demo/job.ts'
import { createFaults } from '../../sandbox/faults.ts'
import { SOAP_SITES } from '../../sandbox/x3/soap/door.ts'
import type { Json } from '../support/basware.ts'
import { type Editor, needChromium, openEditor, uncut } from '../support/editor.ts'
import { type InvoiceThread, LEDGER, startInvoiceThread } from '../support/invoice-thread.ts'
import { waitFor } from '../support/wait.ts'

const HOSTILE = '<img src=x onerror="window.hacked=1"><b>Acier</b>'
/** Long enough for a person to look, short enough for a test. */
const WAITS = { lookMinutes: '', settleMinutes: 0.02, everyMinutes: 0.02, whenAbsent: 'ask' }

describe('what is posted, in the sidebar', function () {
  this.timeout(180_000)
  let thread: InvoiceThread
  let editor: Editor
  const ledger = LEDGER(readTemplate('basware-to-x3'))

  before(async function () {
    needChromium(this)
    thread = await startInvoiceThread(WAITS)
    editor = await openEditor(thread.red)
  })
  after(async () => {
    await editor?.close()
    await thread?.end()
  })

  const truth = (): readonly Json[] => (thread.basware.act('documents', {}) as { p2p: readonly Json[] }).p2p
  const invoice = (id: string): Json | undefined => truth().find(({ invoiceId }) => invoiceId === id)
  /** The next invoice of a case, of a company that the flow reads. */
  const approve = (like: string): string => {
    const [id = ''] = (thread.basware.act('approve', { like }) as { invoiceIds: string[] }).invoiceIds
    return invoice(id)?.companyCode === 'IE10' ? approve(like) : id
  }
  const posted = () => thread.x3.soap.accountant.posted()
  const rows = () => editor.monitor.locator('ol > li')
  const rowOf = (text: string): Locator => rows().filter({ hasText: text })
  const textOf = async (place: Locator): Promise<string> => (await place.textContent()) ?? ''
  const unfold = async (row: Locator): Promise<void> => {
    if ((await row.locator('details').getAttribute('open')) === null) await row.locator('summary').click()
  }

  /** Presses a button of a line and gives what it asks for; without a reason it takes nothing. */
  async function decide(row: Locator, name: string, reason: string, more: Readonly<Record<string, string>> = {}) {
    await unfold(row)
    const ask = editor.page.locator('.red-ui-notification', { has: editor.page.getByLabel('Reason') })
    const yes = ask.getByRole('button', { name, exact: true })
    // The list may be drawn anew in the very moment of a press.
    await waitFor(
      async () => {
        await row.getByRole('button', { name, exact: true }).click()
        return yes.waitFor({ timeout: 3000 }).then(
          () => true,
          () => false,
        )
      },
      { what: `the question of ${name}` },
    )
    await yes.click()
    strictEqual(await ask.count(), 1, 'not without a reason')
    for (const [label, value] of Object.entries({ ...more, 'Reason (kept with your name)': reason }))
      await ask.getByLabel(label).fill(value)
    const answer = editor.page.waitForResponse(
      (reply) => reply.request().method() === 'POST' && reply.url().includes('/tieout/'),
    )
    await yes.click()
    const said = (await (await answer).json()) as Record<string, string>
    return said.message ?? `${said.error} ${said.hint}`
  }

  it('a new ledger: tested, allowed and switched to final, each with who and why', async () => {
    await thread.run()
    strictEqual(posted().length, 0)
    await editor.openMonitor('postings')
    const place = rows().first()
    match(await textOf(place), /^basware-to-x3 basware_invoiceposts drafts · not tested.*Nothing is posted before/)
    match(await decide(place, 'Allow to post', 'first'), /Test posting/)
    match(await decide(place, 'Test posting', 'the first day'), /was found/)
    match(await decide(place, 'Allow to post', 'nothing else posts them'), /from the next run on/)
    await place.getByText('Allowed by admin: nothing else posts them').waitFor()
    match(await decide(place, 'Switch to final', 'the drafts are right'), /final/)
    await place.getByText('posts final vouchers').waitFor()
    await unfold(place)
    await place.getByText('admin, post final vouchers: the drafts are right').waitFor()
    await place.getByText('admin, Test posting: the first day').waitFor()
    await uncut(editor.monitor)
    await thread.run()
    ok(posted().length > 25, String(posted().length))
  })

  /** The next save comes to nothing: the connection breaks before X3 has done anything. */
  const loseNext = (): void => {
    const plan = createFaults('calm', 1, SOAP_SITES, { slowMs: 1, timeoutMs: 20, retryAfterSeconds: 1 })
    plan.force('soap:save', 'reset-before')
    thread.x3.setFaults(plan)
  }
  const referenceOf = (id: string) => posted().filter(({ header }) => header.BPRVCR === invoice(id)?.invoiceNumber)
  const saysOf = (id: string): string[] => {
    const { supplierCode, companyCode, currencyCode, grossSum } = invoice(id) ?? {}
    return [
      String(supplierCode),
      String(companyCode),
      `${currencyCode} ${Number(grossSum).toLocaleString('en-US', { minimumFractionDigits: 2 })}`,
    ]
  }

  it('shows what is in doubt with number, supplier, company and amount; a person has it posted once more, with a reason', async () => {
    const id = approve('coded by hand')
    thread.basware.act('change', { invoiceId: id, fields: { supplierName: HOSTILE } })
    loseNext()
    await thread.run()
    const doubt = rowOf(String(invoice(id)?.invoiceNumber))
    await doubt.getByText('does not find it').waitFor()
    for (const part of [HOSTILE, ...saysOf(id)]) ok((await textOf(doubt)).includes(part), part)
    strictEqual(await editor.page.locator('img[src=x]').count(), 0)
    strictEqual(await editor.page.evaluate('window.hacked'), undefined)
    strictEqual(referenceOf(id).length, 0)
    await unfold(doubt)
    await uncut(editor.monitor)
    match(await decide(doubt, 'Not posted: post once more', 'looked in X3: it is not there'), /by the next run/)
    await thread.run()
    strictEqual(referenceOf(id).length, 1)
    await doubt.waitFor({ state: 'detached' })
    await waitFor(() => invoice(id)?.processingStatus === 'Transferred', { what: 'the answer' })
  })

  it('what was posted otherwise is told by its number', async () => {
    const id = approve('coded by hand')
    loseNext()
    await thread.run()
    const doubt = rowOf(String(invoice(id)?.invoiceNumber))
    await doubt.getByText('does not find it').waitFor()
    await editor.openMonitor('inDoubt')
    await rows().first().locator('summary').click()
    strictEqual(await rows().getByRole('button', { name: 'It is there' }).count(), 0)
    await rows().first().getByRole('button', { name: 'Postings' }).click()
    const more = { 'Number of the voucher': 'HAND-1', 'Type of the voucher': 'BPSIN' }
    match(await decide(doubt, 'It was posted', 'typed by hand', more), /stands there as HAND-1/)
    await doubt.waitFor({ state: 'detached' })
    await waitFor(() => invoice(id)?.voucherNumber1 === 'HAND-1', { what: 'the answer' })
    strictEqual(referenceOf(id).length, 0)
  })

  it('what was not posted is held on a word, and posted anew on another; what was handed over is a file', async () => {
    const id = approve('coded by hand')
    loseNext()
    await thread.run()
    const row = rowOf(String(invoice(id)?.invoiceNumber))
    await row.getByText('does not find it').waitFor()
    match(await decide(row, 'Not posted: hold', 'the period is closed'), /held/)
    await row.getByText('does not find it').waitFor({ state: 'detached' })
    await row.getByText('held', { exact: false }).first().waitFor()
    await thread.run()
    strictEqual(referenceOf(id).length, 0, 'held, it is not posted by itself')
    match(await decide(row, 'Post once more', 'the period is open again'), /next run/)
    await thread.run()
    strictEqual(referenceOf(id).length, 1)
    await row.waitFor({ state: 'detached' })
    const download = editor.page.waitForEvent('download')
    await editor.monitor.getByRole('button', { name: 'Handed over and posted (CSV)' }).click()
    const file = readFileSync(await (await download).path(), 'utf8')
    const [, company, gross] = saysOf(id)
    match(file, /^\uFEFFcompany,currency,acknowledged_records,acknowledged,final_records,/)
    ok(file.includes(`\r\n${company},${gross?.slice(0, 3)},`), file.slice(0, 500))
  })

  it('what X3 refuses is sent back with its reason, or stands there under a number', async () => {
    const [back, stands] = [approve('unknown cost centre'), approve('no account')]
    await thread.run()
    const held = (id: string) => rowOf(String(invoice(id)?.invoiceNumber))
    for (const part of saysOf(back)) ok((await textOf(held(back))).includes(part), part)
    match(await decide(held(back), 'Send back', 'no such cost centre'), /is sent back/)
    await held(back).waitFor({ state: 'detached' })
    await waitFor(() => invoice(back)?.processingStatus === 'TransferFailed', { what: 'the answer' })
    const { api } = thread.basware.act('documents', {}) as { api: readonly Json[] }
    const answers = api.find(({ invoiceId }) => invoiceId === back)?.transferResponses as { responseMessage: string }[]
    strictEqual(answers[0]?.responseMessage, 'no such cost centre')
    const row = held(stands)
    await unfold(row)
    match(
      await decide(row, 'It stands there as …', 'typed by the accountant', { 'Number of the voucher': 'HAND-2' }),
      /as HAND-2/,
    )
    await row.waitFor({ state: 'detached' })
    await waitFor(() => invoice(stands)?.voucherNumber1 === 'HAND-2', { what: 'the answer' })
    strictEqual(referenceOf(back).length + referenceOf(stands).length, 0)
  })

  it('what is in transfer by somebody else is left alone until a person takes it over', async () => {
    const id = approve('in transfer, by somebody else')
    await thread.run()
    const asked = rowOf(String(invoice(id)?.invoiceNumber))
    await asked.getByText('not by us').waitFor()
    for (const part of saysOf(id)) ok((await textOf(asked)).includes(part), part)
    match(await decide(asked, 'It is ours', 'the old interface is switched off'), /by the next run/)
    await asked.waitFor({ state: 'detached' })
    await thread.run()
    strictEqual(referenceOf(id).length, 1)
  })

  it('what was posted with an older mapping is told, and is never offered to be read again', async () => {
    const [mapping] = thread.flow.filter(({ type }) => type === 'map-gl')
    ok(mapping)
    const value = { do: 'constant', entity: '*', list: '', column: 'supplier_name', value: 'x' }
    const rules = [...(mapping.rules as object[]), value]
    await thread.red.deploy(thread.flow.map((node) => (node === mapping ? { ...node, rules } : node)))
    await editor.openMonitor('syncs')
    const sync = rowOf('basware-to-x3')
    await sync.getByText(/hold values of the mapping of .*What is posted keeps them\./).waitFor()
    await sync.locator('summary').click()
    await sync.getByRole('button', { name: 'Read everything' }).waitFor()
    strictEqual(await sync.getByRole('button', { name: /Read again/ }).count(), 0)
    await thread.red.deploy(thread.flow)
    await editor.openMonitor('postings')
  })

  it('gives what is approved and not posted as a file, by month', async () => {
    const file = async (): Promise<string> => {
      const download = editor.page.waitForEvent('download')
      await editor.monitor.getByRole('button', { name: 'Approved, not posted (CSV)' }).click()
      const kept = await download
      match(kept.suggestedFilename(), /^approved-not-posted.*\.csv$/)
      return readFileSync(await kept.path(), 'utf8')
    }
    const whole = await file()
    match(whole, /^\uFEFFperiod,company,supplier,/)
    const all = whole.trim().split('\r\n')
    ok(all.length > 5, String(all.length))
    const [month = ''] = /^\d{4}-\d\d/.exec(all[1] ?? '') ?? []
    await editor.monitor.getByLabel('2026-03, or all').fill(month)
    const some = (await file()).trim().split('\r\n')
    strictEqual(some.length, all.filter((line) => line.startsWith(month)).length + 1)
    await editor.monitor.getByLabel('2026-03, or all').fill('1999-01')
    strictEqual((await file()).trim().split('\r\n').length, 1)
  })

  it('the dialog of the node that posts shows the journal of the last invoice', async () => {
    const dialog = await editor.open('Post to X3')
    await dialog.locator('.tieout-preview').click()
    const table = dialog.locator('#tieout-post-preview table')
    await table.waitFor()
    match(
      await textOf(dialog.locator('#tieout-post-preview')),
      /Invoice .* of .*: BPSIN, journal ACH, site .*reference/,
    )
    const cells = await table
      .locator('tr')
      .evaluateAll((lines) => lines.slice(1).map((line) => [...line.children].map((cell) => cell.textContent ?? '')))
    const cents = (at: number) => cells.reduce((sum, row) => sum + Math.round(Number(row[at] || 0) * 100), 0)
    ok(cents(2) > 0)
    strictEqual(cents(2), cents(3), 'debit and credit')
    await editor.cancel()
  })

  it('whoever may not decide is shown why each waits, and no button that the server would refuse', async () => {
    deepStrictEqual(
      editor.problems.filter((text) => !/422/.test(text)),
      [],
    )
    const users = ['viewer', 'operator'].map((role) => ({
      username: role,
      password: hashSync(`${role}-password`, 4),
      role,
    }))
    writeFileSync(join(thread.red.userDir, 'users.json'), JSON.stringify(users))
    for (const [role, buttons] of [
      ['viewer', 0],
      ['operator', 1],
    ] as const) {
      await editor.close()
      editor = await openEditor(thread.red, {}, { name: role, password: `${role}-password` })
      await editor.openMonitor('postings')
      const place = rows().first()
      await unfold(place)
      await place.getByText('tieout.decide').waitFor()
      strictEqual(await place.getByRole('button').count(), buttons, role)
      const held = rows().nth(1)
      await unfold(held)
      await held.getByText('tieout.decide').waitFor()
      strictEqual(await held.getByRole('button').count(), 0, role)
    }
    const { status } = await thread.red.call(
      'POST',
      '/tieout/posting/as',
      { ledger, sync: 'basware-to-x3', entity: 'basware_invoice', as: 'draft', reason: 'no' },
      await thread.red.login('operator', 'operator-password'),
    )
    strictEqual(status, 401)
  })
})
