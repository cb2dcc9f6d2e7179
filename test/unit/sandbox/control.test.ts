import assert from 'node:assert/strict'
import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { Books } from '../../../sandbox/books/types.ts'
import { openHistory } from '../../../sandbox/history.ts'
import { at } from '../../support/x3.ts'

const main = join(import.meta.dirname, '../../../sandbox/main.ts')

interface Process {
  child: ChildProcess
  call(method: string, path: string, body?: unknown, token?: string): Promise<{ status: number; lines: unknown[] }>
}

async function start(...args: string[]): Promise<Process> {
  const child = spawn(process.execPath, [main, ...args], { stdio: ['pipe', 'pipe', 'inherit'] })
  let text = ''
  for await (const chunk of child.stdout.setEncoding('utf8')) {
    text += chunk
    if (text.endsWith('\n')) break
  }
  const { control } = JSON.parse(text) as { control: { url: string; token: string } }
  return {
    child,
    async call(method, path, body, token = control.token) {
      const reply = await fetch(control.url + path, {
        method,
        headers: { authorization: `Bearer ${token}` },
        ...(body === undefined ? {} : { body: JSON.stringify(body) }),
      })
      const lines = (await reply.text()).split('\n').filter(Boolean)
      return { status: reply.status, lines: lines.map((line) => JSON.parse(line) as unknown) }
    },
  }
}

function everything(books: Books): string {
  return JSON.stringify(Object.values(books.tables).map((table) => [...table.walk()]))
}

describe('sandbox as a process', () => {
  let running: Process
  before(async () => {
    running = await start('--size', '1500', '--seed', '4', '--today', '2026-03-10', '--faults', 'rough')
  })
  after(() => running.child.kill('SIGKILL'))

  const state = async (): Promise<unknown> => (await running.call('GET', '/state')).lines[0]

  it('wants its token', async () => {
    assert.equal((await running.call('GET', '/state', undefined, 'wrong')).status, 401)
    assert.equal((await running.call('POST', '/nope', {})).status, 404)
  })

  it('moves the books on a day, with the clock', async () => {
    const before = await state()
    assert.match(String(at(before, 'clock')), /^2026-03-10T/)
    const { status, lines } = await running.call('POST', '/day')
    assert.equal(status, 200)
    assert.ok((at(lines[0], 'changes') as string[]).includes('line changed alone'))
    const after = await state()
    assert.match(String(at(after, 'clock')), /^2026-03-11T/)
    assert.equal(at(after, 'days'), 1)
  })

  it("sets the ERP's clock wrong", async () => {
    const right = Date.parse(String(at(await state(), 'clock')))
    await running.call('POST', '/clock', { skewSeconds: -900 })
    const address = String(at(await state(), 'addresses.x3.url'))
    const reply = await fetch(address, { method: 'POST', body: '{"query":"{ __typename }"}' })
    assert.equal(reply.status, 401)
    const wrong = Date.parse(reply.headers.get('date') ?? '')
    assert.ok(Math.abs(right - 900_000 - wrong) < 30_000)
    await running.call('POST', '/clock', { skewSeconds: 0 })
  })

  it("streams the warehouse's rows with exact decimals, and words its errors", async () => {
    const { lines } = await running.call('POST', '/query', {
      sql: "select id, cast('12345678901234567890.12345678' as decimal(28,8)) as amount from values (0), (1), (2) as t(id)",
    })
    assert.deepEqual(
      lines,
      [0, 1, 2].map((id) => [id, '12345678901234567890.12345678']),
    )
    const failed = await running.call('POST', '/query', { sql: 'select * from main.finance.nothing' })
    assert.equal(failed.status, 400)
    assert.match(String(at(failed.lines[0], 'error')), /TABLE_OR_VIEW_NOT_FOUND/)
  })

  it('takes and gives rights, plans and forces faults', async () => {
    await running.call('POST', '/rights', { deny: 'journalEntry' })
    assert.deepEqual(at(await state(), 'denied'), ['JournalEntry'])
    await running.call('POST', '/rights', { allow: null })
    assert.deepEqual(at(await state(), 'denied'), [])
    assert.equal((await running.call('POST', '/faults', { profile: 'calm', seed: 2 })).status, 200)
    await running.call('POST', '/force', { server: 'x3', site: 'graphql:read', kind: 'throttled' })
    const address = String(at(await state(), 'addresses.x3.url'))
    const reply = await fetch(address, { method: 'POST', body: '{"query":"{ __typename }"}' })
    assert.equal(reply.status, 429)
    assert.deepEqual(at(await state(), 'faults.met'), { 'x3 graphql:read/throttled': 1 })
    assert.equal((await running.call('POST', '/force', { server: 'x3', site: 'x', kind: 'slow' })).status, 400)
  })

  it('closes: nothing waits, the clock is past every stamp', async () => {
    assert.ok((at(await state(), 'ambushes') as unknown[]).length > 0)
    assert.equal((await running.call('POST', '/close')).status, 200)
    const closed = await state()
    assert.deepEqual(at(closed, 'ambushes'), [])
    assert.equal(at(closed, 'lostRight'), null)
    const lead = Date.parse(String(at(closed, 'clock'))) - Date.parse(String(at(closed, 'lastStamp')))
    assert.ok(lead >= 3_600_000)
    const books = (await running.call('GET', '/books/journalEntry')).lines
    assert.ok(books.length > 0 && at(books[0], 'lines.0.amount'))
  })

  it('starts only the servers that are asked for, and has people work in Basware', async () => {
    assert.equal((await running.call('POST', '/act', { server: 'x3', act: 'approve' })).status, 400)
    assert.deepEqual((await running.call('POST', '/act', { server: 'x3', act: 'posted' })).lines, [[]])
    assert.equal(
      (await running.call('POST', '/act', { server: 'x3', act: 'closeBefore', date: '2026-02-01' })).status,
      200,
    )
    assert.equal((await running.call('POST', '/act', { server: 'x3', act: 'finalise', key: 'GEN|NONE' })).status, 400)
    const other = await start('--size', '1500', '--serve', 'basware')
    try {
      assert.deepEqual(Object.keys(at((await other.call('GET', '/state')).lines[0], 'addresses') as object), [
        'basware',
      ])
      const approved = await other.call('POST', '/act', { server: 'basware', act: 'approve', count: 2 })
      assert.equal((at(approved.lines[0], 'invoiceIds') as unknown[]).length, 2)
      const invoiceId = String(at(approved.lines[0], 'invoiceIds.0'))
      await other.call('POST', '/act', { server: 'basware', act: 'return', invoiceId })
      await other.call('POST', '/act', { server: 'basware', act: 'finish' })
      const { lines } = await other.call('POST', '/act', { server: 'basware', act: 'documents' })
      const api = at(lines[0], 'api') as { invoiceId: string; processingStatus: string }[]
      assert.equal(api.find((document) => document.invoiceId === invoiceId)?.processingStatus, 'Returned')
      const page = { server: 'basware', act: 'inject', what: 'html-404', site: 'documents-get' }
      assert.equal((await other.call('POST', '/act', page)).status, 200)
      assert.equal((await other.call('POST', '/act', { ...page, site: 'nowhere' })).status, 400)
      const wrong = await other.call('POST', '/act', { server: 'basware', act: 'dance' })
      assert.match(String(at(wrong.lines[0], 'error')), /Nothing called dance/)
      await other.call('POST', '/day')
      const later = await other.call('POST', '/act', { server: 'basware', act: 'documents' })
      assert.ok((at(later.lines[0], 'p2p') as unknown[]).length > api.length)
    } finally {
      other.child.kill('SIGKILL')
    }
  })

  it('ends when its parent is gone', async () => {
    const other = await start('--size', '1500')
    const ended = once(other.child, 'exit')
    other.child.stdin?.end()
    assert.deepEqual(await ended, [0, null])
  })

  it('refuses a wrong flag by name', async () => {
    const child = spawn(process.execPath, [main, '--size', 'huge'], { stdio: ['ignore', 'ignore', 'pipe'] })
    let text = ''
    child.stderr.setEncoding('utf8').on('data', (chunk: string) => {
      text += chunk
    })
    assert.deepEqual((await once(child, 'close'))[0], 1)
    assert.match(text, /--size/)
  })
})

describe('sandbox history', () => {
  let folder: string
  beforeEach(() => {
    folder = mkdtempSync(join(tmpdir(), 'tieout-history-'))
  })
  afterEach(() => rmSync(folder, { recursive: true }))
  const options = { seed: 5, size: 1500, today: '2026-03-10' }

  it('has the same books, clock and secrets after a restart, ambushes that were sprung included', () => {
    const first = openHistory({ ...options, state: folder })
    const secret = first.secret('x3', () => 'made once')
    first.day()
    first.books.ambushes()[0]?.apply()
    first.day()
    first.day()
    const again = openHistory({ ...options, state: folder })
    assert.equal(everything(again.books), everything(first.books))
    assert.deepEqual(
      again.books.ambushes().map(({ key }) => key),
      first.books.ambushes().map(({ key }) => key),
    )
    assert.equal(
      again.secret('x3', () => assert.fail('made again')),
      secret,
    )
    assert.ok(Math.abs(again.clock.now() - first.clock.now()) < 10_000)
    first.finish()
    const closed = openHistory({ ...options, state: folder })
    assert.equal(everything(closed.books), everything(first.books))
    assert.equal(closed.books.ambushes().length, 0)
  })

  it('refuses a folder with other books', () => {
    openHistory({ ...options, state: folder })
    assert.throws(() => openHistory({ ...options, seed: 6, state: folder }), /seed 5, not 6/)
  })

  it('stops the clock where asked', () => {
    const { clock } = openHistory({ ...options, frozen: true })
    const before = clock.now()
    clock.advance(1000)
    assert.equal(clock.now(), before + 1000)
  })
})
