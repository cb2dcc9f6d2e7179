import assert from 'node:assert/strict'
import { copyFileSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { DatabaseSync } from 'node:sqlite'
import { installationFile } from '../../ledger/installation.ts'
import type { Ledger } from '../../ledger/ledger.ts'
import type { CloudLogin } from '../../nodes/x3/client/cloud/tokens.ts'
import { createCloudLogin } from '../../nodes/x3/client/cloud/tokens.ts'
import type { X3Connection } from '../../nodes/x3/client/connection.ts'
import type { TokenRules } from '../../sandbox/x3/cloud/pairings.ts'
import { type LedgerFolder, ledgerFolder } from '../support/ledger.ts'
import { never, readEntity, sourceOf } from '../support/x3-client.ts'
import { type CloudFixture, startCloud } from '../support/x3-cloud.ts'

const DAY = 86_400_000
const codeOf = (code: string) => (error: { code?: string }) => error.code === code

describe('the rotating login of X3 in the cloud', () => {
  let cloud: CloudFixture
  let folder: LedgerFolder
  let ledger: Ledger
  let login: CloudLogin
  const lines: X3Connection[] = []
  const open = async (rules: TokenRules = {}): Promise<void> => {
    cloud = await startCloud(rules)
    folder = ledgerFolder()
    ledger = await folder.open()
    login = createCloudLogin(cloud.name)
    await cloud.pair(login, ledger)
  }
  afterEach(async () => {
    for (const line of lines.splice(0)) await line.close()
    await folder.remove()
    await cloud.close()
  })

  const connect = (): X3Connection => {
    const line = cloud.connect(login, ledger)
    lines.push(line)
    return line
  }
  const ask = (line: X3Connection) =>
    line.query('{__typename}', {}, { what: 'a question', signal: never, retry: false })
  const renewals = (): number => cloud.gateway.exchanges()
  /** The process ends without a word, and starts anew on the same ledger. */
  const restart = async (): Promise<void> => {
    await ledger.close()
    ledger = await folder.open()
    login = createCloudLogin(cloud.name)
  }
  const version = async (): Promise<number | undefined> => (await ledger.token(cloud.name))?.version

  it('is renewed by the first request after 4 minutes, once for all who ask at that moment', async () => {
    await open()
    const [a, b] = [connect(), connect()]
    cloud.clock.time += 239_000
    await ask(a)
    assert.equal(renewals(), 0)
    cloud.clock.time += 2000
    await Promise.all([ask(a), ask(b), ask(a), ask(b)])
    assert.equal(renewals(), 1)
    assert.equal(await version(), 2)
  })

  it('goes by our own receipt of a token, however wrong a clock is', async () => {
    await open()
    const line = connect()
    const { x3, gateway } = cloud
    assert.ok(x3 && gateway)
    // 90 s ahead: a token that seems younger than its receipt is not trusted.
    cloud.clock.time -= 90_000
    await ask(line)
    assert.equal(renewals(), 1)
    cloud.clock.time += 180_000
    await ask(line)
    assert.equal(renewals(), 1, 'it is 3 minutes old')
  })

  it('reads through tokens that end in the middle of pages, and only repeats where somebody else has renewed', async () => {
    await open({ accessSeconds: 60 })
    const line = connect()
    const source = sourceOf(line, { pageSize: 5 })
    const plan = await source.plan('supplier', never)
    const page = (cursor: string | null) =>
      plan.readPage({ walk: 'changed', window: { from: null, bound: null }, cursor, nextRead: () => 1, signal: never })
    let { cursor, records } = await page(null)
    const keys = records.map(({ code }) => code)
    while (cursor !== null) {
      // What we hold counts as fresh by our receipt; the gateway has ended it.
      cloud.gateway.pairings.endAccess()
      ;({ cursor, records } = await page(cursor))
      keys.push(...records.map(({ code }) => code))
    }
    assert.equal(new Set(keys).size, keys.length)
    assert.equal(keys.length, [...cloud.books.tables.supplier.walk()].length)
    const before = renewals()
    cloud.gateway.pairings.endAccess()
    const other = connect()
    await Promise.all([ask(line), ask(other), ask(line)])
    assert.equal(renewals(), before + 1, 'one renewal, the others repeat with what it brought')
  })

  it('has the new pair on disk before it is used, and keeps the old one beside it until the new one has worked', async () => {
    await open()
    const line = connect()
    cloud.clock.time += 250_000
    const stored = async () => JSON.parse((await ledger.token(cloud.name))?.text ?? '{}') as Record<string, unknown>
    const old = await stored()
    const pair = await login.pair(cloud.ways(ledger), never)
    assert.equal((await stored()).accessToken, pair.accessToken)
    assert.equal((await stored()).before, old.refreshToken)
    await ask(line)
    await login.idle()
    assert.equal((await stored()).before, undefined)
  })

  it('has a note of the version in the ledger while the gateway is asked, and none once the new pair is stored', async () => {
    await open()
    cloud.clock.time += 250_000
    const noted: (number | undefined)[] = []
    const ways = cloud.ways(ledger)
    const ask: typeof ways.ask = async (token, root) => {
      noted.push((await ledger.token(cloud.name))?.noted)
      return ways.ask(token, root)
    }
    await login.pair({ ...ways, ask }, never)
    assert.deepEqual(noted, [1])
    assert.equal((await ledger.token(cloud.name))?.noted, undefined)
  })

  it('survives a crash after storing: the next start goes on with the stored pair', async () => {
    await open()
    cloud.clock.time += 250_000
    await login.pair(cloud.ways(ledger), never)
    await restart()
    cloud.clock.time += 250_000
    await ask(connect())
    assert.equal(await version(), 3)
  })

  for (const graceSeconds of [0, 30])
    it(`a crash before storing is a lost reply: ${graceSeconds ? 'within the grace it goes on' : 'without a grace the pairing is lost, and nothing more is asked'}`, async () => {
      await open({ graceSeconds })
      cloud.clock.time += 250_000
      const before = await ledger.token(cloud.name)
      await ledger.noteRenewal(cloud.name, 1)
      const old = JSON.parse(before?.text ?? '{}') as { refreshToken: string }
      cloud.gateway.pairings.exchange(
        new URLSearchParams({
          ...{ grant_type: 'refresh_token', client_id: 'app', client_secret: 's3cret' },
          refresh_token: old.refreshToken,
        }),
      )
      await restart()
      const line = connect()
      if (graceSeconds > 0) {
        await ask(line)
        assert.equal(await version(), 2)
        return
      }
      await assert.rejects(ask(line), codeOf('x3.pairing-lost'))
      const asked = renewals()
      await assert.rejects(
        ask(line),
        (error: Error) => /made by anna on 2026-03-10/.test(error.message) && /Nothing is lost/.test(error.message),
      )
      await restart()
      await assert.rejects(ask(connect()), codeOf('x3.pairing-lost'))
      assert.equal(renewals(), asked, 'no more attempts, also after a restart')
      assert.match(cloud.told.at(-1) ?? '', /was lost at 2026-03-10 09:04 UTC/)
    })

  for (const [kind, graceSeconds, asks] of [
    ['reset-after', 30, 2],
    ['error-after', 30, 2],
    ['cut-body', 30, 2],
    ['reset-before', 0, 2],
    ['server-error', 0, 2],
  ] as const)
    it(`a reply that is lost (${kind}) is asked for once more at once with the same token`, async () => {
      await open({ graceSeconds })
      cloud.clock.time += 250_000
      cloud.faults.force('gateway:token', kind)
      await ask(connect())
      assert.deepEqual([renewals(), cloud.pauses], [asks, []])
      assert.equal(await version(), 2)
    })

  it('a gateway that is down is asked again after 30 s, then the run fails for now and the alert says so; nothing is given up', async () => {
    await open()
    cloud.clock.time += 250_000
    cloud.faults.force('gateway:token', 'unavailable', 3)
    const line = connect()
    await assert.rejects(ask(line), (error: { cause?: { class?: string } }) => error.cause?.class === 'transient')
    assert.deepEqual([renewals(), cloud.pauses], [3, [30_000]])
    assert.match(cloud.told.at(-1) ?? '', /could not be renewed/)
    await ask(line)
    assert.equal(cloud.told.at(-1), undefined, 'it is over')
  })

  it('a customer who deletes the token ends the pairing; a new one takes its place', async () => {
    await open()
    cloud.gateway.pairings.deleteAll()
    const line = connect()
    await assert.rejects(ask(line), codeOf('x3.pairing-lost'))
    await cloud.pair(login, ledger)
    await ask(line)
    assert.equal(cloud.told.at(-1), undefined)
  })

  it('a refresh token that somebody else used is not fought over: the pairing is lost at the first refusal', async () => {
    await open()
    const { text } = (await ledger.token(cloud.name)) ?? { text: '{}' }
    const { refreshToken } = JSON.parse(text) as { refreshToken: string }
    const form = { grant_type: 'refresh_token', client_id: 'app', client_secret: 's3cret', refresh_token: refreshToken }
    cloud.gateway.pairings.exchange(new URLSearchParams(form))
    cloud.clock.time += 250_000
    const line = connect()
    await assert.rejects(ask(line), codeOf('x3.pairing-lost'))
    const asked = renewals()
    await assert.rejects(ask(line), codeOf('x3.pairing-lost'))
    assert.equal(renewals(), asked)
  })

  it('an application that is disabled for a while loses nothing', async () => {
    await open()
    cloud.clock.time += 250_000
    cloud.gateway.pairings.disable('app')
    const line = connect()
    await assert.rejects(ask(line), codeOf('x3.token-config'))
    cloud.gateway.pairings.enable('app')
    await ask(line)
  })

  it('a web page from the gateway is no answer: the token is asked for again', async () => {
    await open({ graceSeconds: 30 })
    cloud.clock.time += 250_000
    cloud.faults.force('gateway:token', 'broken-body')
    await ask(connect())
    assert.equal(await version(), 2)
  })

  it('where the ledger cannot store, the pair stands beside it, the alert says so, and the next start reads it first', async () => {
    await open()
    await ledger.close()
    const db = new DatabaseSync(folder.file)
    db.exec("CREATE TRIGGER full BEFORE UPDATE OF sealed ON token BEGIN SELECT RAISE(FAIL, 'disk is full'); END")
    db.close()
    await restart()
    cloud.clock.time += 250_000
    await ask(connect())
    assert.match(cloud.told.join('\n'), /stand sealed in the file beside it/)
    await restart()
    cloud.clock.time += 250_000
    await ask(connect())
    assert.equal(await version(), 3)
  })

  it('lives through 30 days and more of renewals, busy and idle, and warns in time where the family ends', async function () {
    this.timeout(120_000)
    await open()
    const line = connect()
    for (let day = 0; day < 70; day++) {
      // Nobody reads on most days: the daily look renews.
      cloud.clock.time += DAY
      await login.tend(cloud.ways(ledger))
      if (day % 10 === 0) await ask(line)
    }
    assert.ok(renewals() >= 70)
    assert.equal((await login.look(cloud.ways(ledger)))?.lost, undefined)
    assert.equal(cloud.told.at(-1), undefined)
  })

  it('says both dates where the gateway tells no end, from 7 days before the earlier one', async () => {
    await open({ lifetime: 'family' })
    for (let day = 1; day <= 22; day++) {
      cloud.clock.time += DAY
      await login.tend(cloud.ways(ledger))
      assert.equal(cloud.told.at(-1), undefined, `day ${day}`)
    }
    cloud.clock.time += DAY
    await login.tend(cloud.ways(ledger))
    assert.match(cloud.told.at(-1) ?? '', /on 2026-05-02, 30 days after its last renewal, or at worst on 2026-04-09/)
    cloud.clock.time += 8 * DAY
    await login.tend(cloud.ways(ledger)).catch(() => undefined)
    await assert.rejects(ask(connect()), codeOf('x3.pairing-lost'))
    assert.match(cloud.told.at(-1) ?? '', /expired/)
  })

  it('warns by the end that the gateway tells', async () => {
    await open({ lifetime: 'family', tellsEnd: true })
    cloud.clock.time += 24 * DAY
    await login.tend(cloud.ways(ledger))
    assert.match(cloud.told.at(-1) ?? '', /^The refresh token ends on 2026-04-09\. Press Connect/)
  })

  it('does not renew from an old copy of the ledger until a person has decided', async () => {
    await open()
    await ledger.close()
    const copy = `${folder.file}.copy`
    copyFileSync(folder.file, copy)
    await restart()
    cloud.clock.time += 250_000
    await ask(connect())
    const before = renewals()
    await ledger.close()
    copyFileSync(copy, folder.file)
    await restart()
    cloud.clock.time += 250_000
    const line = connect()
    await assert.rejects(ask(line), (error: Error) => /put back from a copy/.test(error.message))
    await assert.rejects(ask(line), codeOf('x3.token-restored'))
    assert.equal(renewals(), before, 'nothing was asked of the gateway')
    assert.match((await login.doubt(cloud.ways(ledger))) ?? '', /has stored version 2 since/)
    await login.keep(cloud.ways(ledger))
    assert.equal(await login.doubt(cloud.ways(ledger)), undefined)
    // The pair of the copy is used up: that is found out now, by a person's will.
    await assert.rejects(ask(line), codeOf('x3.pairing-lost'))
    await cloud.pair(login, ledger)
    await ask(line)
  })

  it("does not renew in another installation's ledger, or where nobody knows whose it is, until a person has decided", async () => {
    for (const other of [undefined, 'another']) {
      await open()
      await ask(connect())
      await ledger.close()
      const beside = installationFile(folder.file)
      // As where another ledger has stored the same version of it.
      if (other)
        writeFileSync(beside, readFileSync(beside, 'utf8').replace(/("owners":\{"[^"]+":")[^"]+/, `$1${other}`))
      else rmSync(beside)
      await restart()
      cloud.clock.time += 250_000
      const line = connect()
      const before = renewals()
      await assert.rejects(ask(line), codeOf('x3.token-restored'))
      assert.equal(renewals(), before, 'nothing was asked of the gateway')
      await login.keep(cloud.ways(ledger))
      await ask(line)
      if (other) continue
      for (const one of lines.splice(0)) await one.close()
      await folder.remove()
      await cloud.close()
    }
  })

  it('reads the same as X3 itself, under the address of the customer', async () => {
    await open()
    const line = connect()
    assert.equal(line.address, 'x3://x3.example.com/SEED')
    const read = await readEntity(sourceOf(line), 'supplier')
    assert.equal(read.records.length, [...cloud.books.tables.supplier.walk()].length)
  })
})
