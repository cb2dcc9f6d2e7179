import assert from 'node:assert/strict'
import { readFileSync } from 'node:fs'
import { DatabaseSync } from 'node:sqlite'
import type { Ledger } from '../../../ledger/ledger.ts'
import { address, commit, delivery, held, type LedgerFolder, ledgerFolder } from '../../support/ledger.ts'

describe('held records', () => {
  let folder: LedgerFolder
  let ledger: Ledger
  beforeEach(async () => {
    folder = ledgerFolder()
    ledger = await folder.open()
    await ledger.beginRun({ id: 'r1', sync: 's', mode: 'poll', at: '2026-03-01T08:00:00.000Z' })
  })
  afterEach(() => folder.remove())

  const hold = (...records: ReturnType<typeof held>[]) => ledger.commit(commit({ held: records }))
  const states = async () =>
    Object.fromEntries(
      (await ledger.held({ states: ['open', 'replaying', 'delivered', 'superseded', 'discarded'] })).map((h) => [
        `${h.key}@${h.read}`,
        h.state,
      ]),
    )

  it('of two reads of one key only the later is open, whichever is held first', async () => {
    await hold(held('A', 5))
    await hold(held('A', 6))
    await hold(held('B', 6))
    await hold(held('B', 5))
    assert.deepEqual(await states(), { 'erp|A@5': 'superseded', 'erp|A@6': 'open', 'erp|B@6': 'open' })
  })

  it('holding the same read twice keeps one, with the later reason', async () => {
    await hold(held('A', 5))
    await hold(held('A', 5, { cause: { class: 'data', code: 'test.other', message: 'another reason' } }))
    const all = await ledger.held({})
    assert.deepEqual(
      all.map((h) => h.cause.message),
      ['another reason'],
    )
  })

  it('a later read that is delivered closes it, an earlier one does not', async () => {
    await hold(held('A', 5), held('B', 5))
    await ledger.commit(commit({ address, deliveries: [delivery('erp|A', 6), delivery('erp|B', 4)] }))
    assert.deepEqual(await states(), { 'erp|A@5': 'superseded', 'erp|B@5': 'open' })
  })

  it('a later read that came through closes what the source or a mapping held, but not what another sink holds', async () => {
    const at = (heldBy: string, stage: 'source' | 'map' | 'sink') => held('A', 5, { heldBy, stage })
    await hold(at('source:s', 'source'), at('map:m1', 'map'), at('fakedb://another', 'sink'))
    await ledger.commit(commit({ address, deliveries: [delivery('erp|A', 6)] }))
    const open = await ledger.held({})
    assert.deepEqual(
      open.map((h) => h.heldBy),
      ['fakedb://another'],
    )
  })

  it('a replayed record is delivered in the transaction that delivers it, so that a kill afterwards does not send it again', async () => {
    await hold(held('A', 5))
    await ledger.claimHeld({ sync: 's' }, 'replay-1')
    await ledger.commit(commit({ address, deliveries: [delivery('erp|A', 5)] }))
    await ledger.close()
    ledger = await folder.open()
    assert.deepEqual(await states(), { 'erp|A@5': 'delivered' })
  })

  it('a record closed without a write is not taken for delivered', async () => {
    await hold(held('A', 5))
    await ledger.commit(commit({ address, deliveries: [delivery('erp|A', 5, { hash: null })] }))
    assert.deepEqual(await states(), { 'erp|A@5': 'open' })
  })

  it('what a dead process was replaying is open again', async () => {
    await hold(held('A', 5))
    const [claimed] = await ledger.claimHeld({ sync: 's' }, 'replay-1')
    assert.equal(claimed?.attempts, 1)
    assert.deepEqual(await ledger.claimHeld({ sync: 's' }, 'replay-2'), [], 'nobody claims it twice')
    await ledger.close()
    ledger = await folder.open()
    assert.deepEqual(await states(), { 'erp|A@5': 'open' })
  })

  it('giving back does not reopen what a later read closed meanwhile', async () => {
    await hold(held('A', 5))
    const [claimed] = await ledger.claimHeld({ sync: 's' }, 'replay-1')
    await ledger.commit(commit({ address, deliveries: [delivery('erp|A', 9)] }))
    await ledger.releaseHeld([claimed?.id ?? ''], 'open')
    assert.deepEqual(await states(), { 'erp|A@5': 'superseded' })
  })

  it('the filter finds them by sync, sink (address or name), entity and id, and counts what it finds', async () => {
    await hold(held('A', 5), held('B', 5, { sinkName: 'other', heldBy: 'fakedb://other' }))
    await hold(held('C', 5, { entity: 'customer' }), held('D', 5, { sync: 'another' }))
    const keys = async (filter: Parameters<Ledger['held']>[0]) => (await ledger.held(filter)).map((h) => h.key)
    assert.deepEqual(await keys({ heldBy: 'other' }), ['erp|B'])
    assert.deepEqual(await keys({ heldBy: address, sync: 's', entity: 'customer' }), ['erp|C'])
    assert.deepEqual(await keys({ limit: 2 }), ['erp|A', 'erp|B'])
    const [, second] = await ledger.held({})
    assert.deepEqual(await keys({ ids: [second?.id ?? ''] }), ['erp|B'])
    assert.equal(await ledger.countHeld({ sync: 's' }), 3)
    assert.equal((await ledger.claimHeld({ entity: 'customer' }, 'x')).length, 1)
  })

  it('the reads of open ones are told by key, those being replayed are not', async () => {
    await hold(held('A', 5), held('B', 7))
    const [a] = await ledger.held({})
    await ledger.claimHeld({ ids: [a?.id ?? ''] }, 'replay-1')
    assert.deepEqual([...(await ledger.heldReads(address, ['erp|A', 'erp|B', 'erp|C']))], [['erp|B', 7]])
  })

  it('what a person left out stays listed until a later version is accounted for, and no older one ends it', async () => {
    await hold(held('A', 5))
    const [a] = await ledger.held({})
    await ledger.discardHeld([a?.id ?? ''], { by: 'mary', reason: 'a test record' })
    const leftOut = async () => (await ledger.held({ states: ['discarded'] })).length
    for (const read of [4, 5]) {
      await ledger.commit(commit({ address, deliveries: [delivery('erp|A', read)] }))
      assert.equal(await leftOut(), 1)
    }
    await ledger.commit(commit({ address, deliveries: [delivery('erp|A', 6)] }))
    assert.equal(await leftOut(), 0)
  })

  it('an edit stands beside the original, with who and when; a closed record takes none', async () => {
    await hold(held('A', 5))
    const [a] = await ledger.held({})
    assert.ok(a)
    await ledger.editHeld(a.id, { ...a.record, name: 'corrected' }, { by: 'mary', reason: 'the name was wrong' })
    const [edited] = await ledger.held({})
    assert.equal(edited?.record.name, 'name of A')
    assert.equal(edited?.edited?.record.name, 'corrected')
    assert.equal(edited?.edited?.by, 'mary')
    await ledger.discardHeld([a.id], { by: 'mary', reason: 'a test record' })
    await assert.rejects(
      ledger.editHeld(a.id, a.record, { by: 'mary', reason: 'the name was wrong' }),
      /no open held record/,
    )
  })

  it('the oldest one is told with its stamp; one without a stamp means that the stamp is unknown', async () => {
    const stamped = (text: string, stamp: string) => {
      const plain = held(text, 5)
      return { ...plain, record: { ...plain.record, _stamp: stamp } }
    }
    assert.equal(await ledger.oldestHeld('s', 'supplier'), undefined)
    await hold(stamped('A', '2026-02-03T00:00:00Z'), stamped('B', '2026-02-01T00:00:00Z'))
    assert.equal((await ledger.oldestHeld('s', 'supplier'))?.stamp, '2026-02-01T00:00:00Z')
    await hold(held('C', 5))
    assert.equal((await ledger.oldestHeld('s', 'supplier'))?.stamp, null)
  })

  it('neither the record nor an edit can be read in the file, and a sealed record opens in its own place only', async () => {
    const plain = held('A', 5)
    await hold({ ...plain, record: { ...plain.record, name: 'IBAN-FR7630006000011234567890189' } }, held('B', 5))
    const [a, b] = await ledger.held({})
    assert.ok(a && b)
    await ledger.editHeld(
      a.id,
      { ...a.record, name: 'EDIT-FR7630006000011234567890189' },
      { by: 'mary', reason: 'the name was wrong' },
    )
    await ledger.close()
    const bytes = readFileSync(folder.file).toString('latin1')
    assert.ok(bytes.includes('it does not fit'), 'the reason is readable')
    assert.ok(!bytes.includes('FR7630006000011234567890189'))
    const db = new DatabaseSync(folder.file)
    db.prepare('UPDATE held SET record = (SELECT record FROM held WHERE id = ?) WHERE id = ?').run(a.id, b.id)
    db.close()
    ledger = await folder.open()
    await assert.rejects(ledger.held({ ids: [b.id] }), /cannot be decrypted/)
  })
})
