import assert from 'node:assert/strict'
import type { PollOptions } from '../../../sync/engine.ts'
import { syncError } from '../../../sync/errors.ts'
import type { BatchMessage } from '../../../sync/message.ts'
import { entry, entrySchema, supplier, supplierSchema } from '../../support/fakes.ts'
import { ledgerFolder } from '../../support/ledger.ts'
import { type Rig, type RigOptions, rig, sums, warehouse } from '../../support/rig.ts'

const suppliers = { supplier: { schema: supplierSchema, overlapSeconds: 60 } }
const code = (n: number) => `S${String(n).padStart(3, '0')}`

describe('the sweep', () => {
  let r: Rig
  let minute: number
  afterEach(() => r.close())

  const start = async (options: RigOptions = {}) => {
    r = await rig({ entities: suppliers, ...options })
    minute = 0
  }
  /** Well past every overlap. */
  const later = () => {
    minute += 10
    r.source.clockIs(
      `2026-03-01T${String(8 + Math.floor(minute / 60)).padStart(2, '0')}:${String(minute % 60).padStart(2, '0')}:00Z`,
    )
  }
  const fill = (n: number) => {
    for (let i = 0; i < n; i++) r.source.put('supplier', supplier(code(i), 'first'))
  }
  const sweep = (more: Partial<PollOptions> = {}) => {
    later()
    return r.poll({ sweep: { since: null }, ...more })
  }
  const poll = () => {
    later()
    return r.poll()
  }
  const found = (summary: Awaited<ReturnType<typeof sweep>>, entity = 'supplier') => sums(summary, entity).sweep
  const same = (entity = 'supplier', field = 'name') => {
    const stored = [...r.target(entity).stored].map(([key, { record }]) => [key, record[field]])
    assert.deepEqual(stored.sort(), [...r.source.all(entity)].map(([key, row]) => [key, row[field]]).sort())
  }
  const alerts = async () => (await r.ledger.alerts({ open: true })).map(({ kind, entity }) => `${kind} ${entity}`)

  describe('finds', () => {
    it('a record deleted without a trace, and deletes it and nothing else', async () => {
      await start()
      fill(25)
      await r.poll()
      r.source.remove('supplier', 'erp|S007')
      await poll()
      assert.ok(r.target('supplier').stored.has('erp|S007'), 'a run without a sweep does not know')
      const run = await sweep()
      assert.deepEqual(found(run), { swept: 24, missed: 0, gone: 1, foundAgain: 0 })
      const { read, delivered, ties } = sums(run, 'supplier')
      assert.deepEqual([run.state, read, delivered, ties], ['done', 1, 1, true])
      same()
      assert.equal(found(await sweep())?.gone, 0, 'what is deleted is forgotten')
    })

    it('a document, which goes with its lines in one record', async () => {
      await start({ entities: { gl_entry: { schema: entrySchema } } })
      for (const n of ['1', '2']) r.source.put('gl_entry', entry(n, '10.00', '-10.00'))
      await r.poll()
      r.source.remove('gl_entry', 'erp|1')
      const run = await sweep()
      assert.equal(sums(run, 'gl_entry').ties, true)
      same('gl_entry', 'lines')
    })

    it('a record visible later than the overlap', async () => {
      await start()
      fill(3)
      await r.poll()
      await poll()
      r.source.put('supplier', supplier('LATE', 'first'), '2026-03-01T07:00:00Z')
      await poll()
      assert.equal(r.target('supplier').stored.has('erp|LATE'), false)
      assert.deepEqual(found(await sweep()), { swept: 4, missed: 1, gone: 0, foundAgain: 0 })
      same()
    })

    it('a change whose stamp is set back', async () => {
      await start()
      fill(3)
      await r.poll()
      await poll()
      r.source.put('supplier', supplier('S001', 'restored'), '2026-01-01T00:00:00Z')
      assert.equal(found(await sweep())?.missed, 1)
      same()
    })

    it('nothing in what waits for its time, or changed since the window ended', async () => {
      await start({ entities: { supplier: { ...suppliers.supplier, lagSeconds: 60 } } })
      fill(3)
      later()
      await r.poll()
      later()
      r.source.put('supplier', supplier('S001', 'just now'))
      r.source.put('supplier', supplier('S009', 'in the future'), '2027-01-01T00:00:00Z')
      const run = await r.poll({ sweep: { since: null } })
      assert.deepEqual(found(run), { swept: 4, missed: 0, gone: 0, foundAgain: 0 })
      assert.equal(r.target('supplier').stored.size, 3)
      r.source.remove('supplier', 'erp|S009')
      await poll()
      same()
    })

    it('deletions behind a full refresh, which knows only what is there', async () => {
      await start()
      fill(5)
      await r.poll()
      r.source.remove('supplier', 'erp|S001')
      later()
      await r.poll({ scope: { kind: 'full' }, sweep: { since: null } })
      same()
    })
  })

  describe('does not undo', () => {
    it('a record re-created under its number between two sweeps', async () => {
      await start()
      fill(3)
      await r.poll()
      r.source.remove('supplier', 'erp|S001')
      await sweep()
      later()
      r.source.put('supplier', supplier('S001', 'first'))
      await poll()
      same()
      assert.deepEqual(found(await sweep()), { swept: 3, missed: 0, gone: 0, foundAgain: 0 })
      same()
    })

    it('one deleted and re-created within one window: it is a change', async () => {
      await start()
      fill(3)
      await r.poll()
      r.source.remove('supplier', 'erp|S001')
      later()
      r.source.put('supplier', supplier('S001', 'another'))
      assert.equal(found(await sweep())?.gone, 0)
      same()
    })

    it('one re-created under its old stamp, with its old content, after its deletion was delivered', async () => {
      await start()
      fill(3)
      await r.poll()
      r.source.remove('supplier', 'erp|S001')
      await sweep()
      r.source.put('supplier', supplier('S001', 'first'), '2026-03-01T08:00:00Z')
      await poll()
      assert.equal(r.target('supplier').stored.size, 2)
      assert.equal(found(await sweep())?.missed, 1)
      same()
    })

    it('one re-created while the sweep asks for it by key', async () => {
      await start()
      fill(3)
      await r.poll()
      r.source.remove('supplier', 'erp|S001')
      r.source.onKeys(() => r.source.put('supplier', supplier('S001', 'again')))
      assert.deepEqual(found(await sweep()), { swept: 2, missed: 0, gone: 0, foundAgain: 1 })
      same()
    })

    it('one re-created and read while its deletion of a run that was stopped is still on its way', async () => {
      const late: BatchMessage[] = []
      const stop = new AbortController()
      await start({
        flow(message, rig) {
          if (!message.payload.some(({ _op }) => _op === 'delete')) return void rig.deliver(message)
          late.push(message)
          stop.abort()
        },
      })
      fill(3)
      await r.poll()
      r.source.remove('supplier', 'erp|S001')
      assert.equal((await sweep({ signal: stop.signal })).state, 'stopped')
      r.source.put('supplier', supplier('S001', 'again'))
      await poll()
      for (const message of late) await r.deliver(message)
      assert.equal(late.length, 1)
      same()
    })
  })

  describe('a lost right looks like deletion', () => {
    it('an incomplete listing deletes nothing and alerts, until the next sweep is fine', async () => {
      await start()
      fill(25)
      await r.poll()
      r.source.remove('supplier', 'erp|S020')
      // The second page never comes, though the source says that there is more.
      r.source.onList(() => ({ cursor: null }))
      const run = await sweep()
      assert.equal(run.state, 'done')
      assert.match(found(run)?.problem ?? '', /^supplier: the source's listing of keys was incomplete twice \(10 keys/)
      assert.match(run.notices.join(), /incomplete/)
      assert.equal(r.target('supplier').stored.size, 25)
      assert.deepEqual(await alerts(), ['sweep supplier'])
      const confirmed = await sweep({ sweep: { since: null, confirm: ['supplier'] } })
      assert.match(found(confirmed)?.problem ?? '', /incomplete/, 'nobody can confirm what a listing with holes lacks')
      assert.equal(r.target('supplier').stored.size, 25)
      r.source.onList(() => undefined)
      await sweep()
      same()
      assert.deepEqual(await alerts(), [])
    })

    it('records that come and go while it lists make it list once more', async () => {
      await start()
      fill(25)
      await r.poll()
      let pages = 0
      r.source.onList((_, cursor) => {
        if (pages++ !== 1) return undefined
        // Behind the cursor, and ahead of it.
        r.source.put('supplier', supplier('A', 'new'), '2026-03-01T09:00:00Z')
        r.source.remove('supplier', 'erp|S015')
        assert.equal(cursor, 'erp|S009')
        return { total: 25 }
      })
      const run = await sweep()
      assert.deepEqual(found(run), { swept: 25, missed: 0, gone: 1, foundAgain: 0 })
      assert.equal(r.target('supplier').stored.has('erp|S015'), false)
    })

    it('more than 100 and 5 % gone deletes nothing, names the message that confirms it, and obeys it', async () => {
      await start({ entities: { supplier: { ...suppliers.supplier, pageSize: 100 } } })
      fill(400)
      await r.poll()
      for (let i = 0; i < 101; i++) r.source.remove('supplier', `erp|${code(i)}`)
      const run = await sweep()
      assert.match(
        found(run)?.problem ?? '',
        /101 of 400 .* nothing was deleted.*\{"sweep": \{"confirm": "supplier"\}\}/,
      )
      assert.equal(r.target('supplier').stored.size, 400)
      assert.deepEqual(await alerts(), ['sweep supplier'])
      const other = await sweep({ sweep: { since: null, confirm: ['customer'] } })
      assert.equal(found(other)?.gone, 0, 'a word about another entity is none about this one')
      const confirmed = await sweep({ sweep: { since: null, confirm: ['supplier'] } })
      assert.equal(found(confirmed)?.gone, 101)
      same()
      assert.deepEqual(await alerts(), [])
    })

    it('100 gone are believed', async () => {
      await start({ entities: { supplier: { ...suppliers.supplier, pageSize: 100 } } })
      fill(400)
      await r.poll()
      for (let i = 0; i < 100; i++) r.source.remove('supplier', `erp|${code(i)}`)
      assert.equal(found(await sweep())?.gone, 100)
      same()
    })

    it('an empty listing is never believed unless a person says so, however few were known', async () => {
      await start()
      fill(2)
      await r.poll()
      r.source.onList(() => ({ keys: [], total: 0, cursor: null }))
      assert.match(found(await sweep())?.problem ?? '', /lists no record at all, while 2 are known/)
      assert.equal(r.target('supplier').stored.size, 2)
      const confirmed = await sweep({ sweep: { since: null, confirm: ['supplier'] } })
      assert.deepEqual(
        [found(confirmed)?.gone, found(confirmed)?.foundAgain],
        [0, 2],
        'and a read by key has the last word',
      )
      same()
    })

    it('an error while listing fails the entity and deletes nothing; the next run sweeps', async () => {
      await start()
      fill(25)
      await r.poll()
      r.source.remove('supplier', 'erp|S007')
      const since = new Date(Date.now() + 1e6).toISOString()
      r.source.onList((_, cursor) => {
        if (cursor !== null) throw syncError('config', 'x3.right', 'the right is lost')
        return undefined
      })
      const run = await sweep({ sweep: { since } })
      assert.equal(run.state, 'failed')
      assert.equal(r.target('supplier').stored.size, 25)
      r.source.onList(() => undefined)
      await sweep({ sweep: { since } })
      same()
    })
  })

  describe('when', () => {
    const before = '2026-03-01T02:00:00.000Z'

    it('once after the hour, also when the run that should have swept died', async () => {
      let now = Date.parse('2026-03-01T00:00:00Z')
      await start({ now: () => now })
      fill(5)
      await r.poll({ sweep: { since: before } })
      now = Date.parse('2026-03-01T03:00:00Z')
      r.source.remove('supplier', 'erp|S001')
      r.target('supplier').onWrite(() => {
        throw syncError('config', 'test.fault', 'the warehouse is down')
      })
      later()
      assert.equal((await r.poll({ sweep: { since: before } })).state, 'failed')
      r.target('supplier').onWrite(() => undefined)
      later()
      assert.equal(found(await r.poll({ sweep: { since: before } }))?.gone, 1)
      same()
      later()
      assert.equal(found(await r.poll({ sweep: { since: before } })), undefined)
    })

    it('not right after the first load, which has just read everything', async () => {
      await start()
      fill(5)
      assert.equal(found(await r.poll({ sweep: { since: before } })), undefined)
      later()
      assert.equal(found(await r.poll({ sweep: { since: before } })), undefined)
      later()
      assert.equal(found(await r.poll({ sweep: { since: '2099-01-01T00:00:00.000Z' } }))?.swept, 5)
    })

    it('another folder under the same name: what was known of the old one says nothing', async () => {
      await start()
      fill(5)
      await r.poll()
      const other = { ...r.source, address: 'fake://erp/LIVE' }
      r.source.remove('supplier', 'erp|S001')
      later()
      const run = await r.poll({ source: other, identityChange: 'anew', sweep: { since: null } })
      assert.deepEqual(found(run), { swept: 4, missed: 0, gone: 0, foundAgain: 0 })
    })
  })

  describe('between held records', () => {
    it('one that the target refused and that is deleted then: the held record is closed', async () => {
      await start()
      fill(3)
      r.target('supplier').onWrite((batch) => {
        if (batch.records.some(({ record }) => record.code === 'S001' && record._op !== 'delete'))
          throw syncError('data', 'fake.bad', 'S001 does not fit')
      })
      await r.poll()
      assert.equal((await r.ledger.held({})).length, 1)
      r.source.remove('supplier', 'erp|S001')
      const run = await sweep()
      assert.deepEqual([found(run)?.gone, sums(run, 'supplier').ties], [1, true])
      assert.deepEqual(await r.ledger.held({}), [])
      assert.equal((await r.ledger.held({ states: ['superseded'] })).length, 1)
    })

    it('one that the source refused and that is deleted then, likewise; unchanged it is not read again', async () => {
      await start()
      fill(3)
      r.source.refuse('supplier', 'erp|S001', { code: 'x3.unbalanced', message: 'does not balance' })
      await r.poll()
      // Out of the overlap.
      await poll()
      const [held] = await r.ledger.held({})
      assert.equal(found(await sweep())?.missed, 0)
      assert.equal((await r.ledger.held({}))[0]?.id, held?.id, 'an edit of a person would be lost')
      r.source.remove('supplier', 'erp|S001')
      assert.equal(found(await sweep())?.gone, 1)
      assert.deepEqual(await r.ledger.held({}), [])
      same()
    })

    it('one that is being replayed while it is deleted: the replay comes too late', async () => {
      await start()
      fill(3)
      let fits = false
      r.target('supplier').onWrite((batch) => {
        if (!fits && batch.records.some(({ record }) => record.code === 'S001'))
          throw syncError('data', 'fake.bad', 'S001 does not fit')
      })
      await r.poll()
      fits = true
      r.source.remove('supplier', 'erp|S001')
      const replayed = await r.engine.replay({
        name: 'replay',
        ref: { id: 'replay-1', name: 'replay' },
        filter: { sync: 's' },
        sinks: () => [warehouse],
        receiptSeconds: 5,
        // On its way, the sweep overtakes it.
        send: (_, message) => void sweep().then(() => r.deliver(structuredClone(message))),
        progress: () => undefined,
        signal: new AbortController().signal,
      })
      assert.equal(replayed.entities[0]?.superseded, 1, JSON.stringify(replayed))
      same()
      assert.deepEqual(await r.ledger.held({}), [])
    })
  })

  describe('in a flow', () => {
    it('with a split, each record settles by itself and deletions count like the others', async () => {
      await start({
        flow: (message, rig) => {
          for (const record of message.payload) void rig.deliver({ ...message, payload: [record] })
        },
      })
      fill(25)
      await r.poll()
      r.source.remove('supplier', 'erp|S001')
      r.source.remove('supplier', 'erp|S020')
      const run = await sweep()
      assert.deepEqual([found(run)?.gone, sums(run, 'supplier').ties], [2, true])
      same()
    })

    it('what the flow filters is known too, and not read again with every sweep', async () => {
      await start({
        flow: (message, rig) => {
          const payload = message.payload.filter(({ code }) => code !== 'S001')
          if (payload.length > 0) void rig.deliver({ ...message, payload })
        },
      })
      fill(3)
      const settings = { mayFilter: true, receiptSeconds: 0.2 }
      await r.poll(settings)
      assert.equal(found(await sweep(settings))?.missed, 0)
    })

    it('that drops the deletions fails the run, and the next sweep tries again', async () => {
      let drops = true
      await start({
        flow: (message, rig) => {
          if (!(drops && message.payload.some(({ _op }) => _op === 'delete'))) void rig.deliver(message)
        },
      })
      fill(3)
      await r.poll()
      r.source.remove('supplier', 'erp|S001')
      const run = await sweep({ receiptSeconds: 0.2 })
      assert.equal(run.errors[0]?.code, 'sync.not-received')
      drops = false
      await sweep()
      same()
    })
  })

  it('a record that a run wrote which died before the ledger knew, and that was deleted before the next, is deleted', async () => {
    await start()
    fill(2)
    const target = r.target('supplier')
    target.onWrite((batch) => {
      for (const one of batch.records) target.stored.set(one.key, { ...one, run: batch.run })
      throw syncError('config', 'test.fault', 'killed')
    })
    assert.equal((await r.poll()).state, 'failed')
    target.onWrite(() => undefined)
    r.source.remove('supplier', 'erp|S001')
    assert.equal(target.stored.size, 2)
    assert.equal(found(await sweep())?.gone, 1)
    same()
  })

  it('what a run for single records or dates did not deliver is found missing, not taken for known', async () => {
    await start()
    fill(2)
    await r.poll()
    await poll()
    r.source.put('supplier', supplier('LATE', 'first'), '2026-03-01T07:00:00Z')
    r.target('supplier').onWrite(() => {
      throw syncError('config', 'test.fault', 'down')
    })
    const keys = { kind: 'keys', entity: 'supplier', keys: ['erp|LATE'] } as const
    assert.equal((await r.poll({ scope: keys })).state, 'failed')
    r.target('supplier').onWrite(() => undefined)
    assert.equal(found(await sweep())?.missed, 1)
    same()
  })

  describe('with a new ledger that goes on from a mark', () => {
    /** Codes as the flow maps them. */
    let mapped: Map<string, string>
    let keyless: boolean
    const daily = () => ({
      sweep: { since: '2026-01-01T00:00:00.000Z' },
      targets: async () => {
        const { keys: _keys, ...mute } = r.target('supplier')
        return [{ ref: warehouse, target: keyless ? mute : r.target('supplier') }]
      },
    })
    const flow = (message: BatchMessage, rig: Rig) => {
      const payload = message.payload.map((record) => ({
        ...record,
        code: mapped.get(String(record.code)) ?? record.code,
      }))
      void rig.deliver({ ...message, payload } as BatchMessage)
    }
    /** Two hours pass, and the ledger is gone. */
    const loseLedger = async () => {
      const { source } = r
      const targets = new Map([['supplier', r.target('supplier')]])
      await r.close()
      r = await rig({ entities: suppliers, source, targets, flow })
      minute += 120
    }
    beforeEach(async () => {
      mapped = new Map()
      keyless = false
      await start({ flow })
      fill(12)
      await r.poll()
    })

    it('reads nothing again, and deletes what went while there was none', async () => {
      r.source.remove('supplier', 'erp|S001')
      await loseLedger()
      later()
      assert.deepEqual(found(await r.poll(daily())), { swept: 11, missed: 0, gone: 1, foundAgain: 0 })
      same()
      r.source.remove('supplier', 'erp|S002')
      assert.deepEqual(found(await sweep()), { swept: 10, missed: 0, gone: 1, foundAgain: 0 })
      same()
    })

    it('deletes nothing where too much would go, and says that it cannot be confirmed later', async () => {
      await r.close()
      await start({ flow })
      fill(150)
      await r.poll()
      for (let i = 0; i < 120; i++) r.source.remove('supplier', `erp|${code(i)}`)
      await loseLedger()
      later()
      assert.match(found(await r.poll(daily()))?.problem ?? '', /120 of 150 records known .* empty the table and send/)
      assert.equal(r.target('supplier').stored.size, 150)
    })

    it('reads what the old one never saw, though its stamp lies behind the mark', async () => {
      r.source.put('supplier', supplier('LATE', 'first'), '2026-03-01T06:00:00Z')
      await loseLedger()
      later()
      assert.equal(found(await r.poll(daily()))?.missed, 1)
      same()
    })

    it('deletes nothing that a mapping wrote under another key, now or later', async () => {
      await r.close()
      mapped = new Map([
        ['S001', 'G1'],
        ['S002', 'G2'],
      ])
      await start({ flow })
      fill(12)
      await r.poll()
      await loseLedger()
      const names = () => [...r.target('supplier').stored.keys()].sort()
      const before = names()
      assert.ok(before.includes('erp|G1') && !before.includes('erp|S001'))
      // One of them changed while there was no ledger, so that the window reads it before the sweep does.
      r.source.clockIs('2026-03-01T09:30:00Z')
      r.source.put('supplier', supplier('S002', 'second'))
      later()
      await r.poll(daily())
      assert.deepEqual(names(), before)
      await sweep()
      assert.deepEqual(names(), before)
      assert.equal(r.target('supplier').stored.get('erp|G2')?.record.name, 'second')
    })

    it('goes on from the floor of the mark where the target fails to tell its keys, and says so', async () => {
      await loseLedger()
      r.target('supplier').on('keys', () => {
        throw syncError('transient', 'fake.reset', 'the connection was reset')
      })
      later()
      const run = await r.poll(daily())
      assert.deepEqual(found(run), { swept: 12, missed: 0, gone: 0, foundAgain: 0 })
      assert.match(run.notices.join(), /could not tell what it holds \(the connection was reset\)/)
      same()
    })

    it('takes the floor of the mark for its memory where the target cannot tell its keys', async () => {
      keyless = true
      await loseLedger()
      later()
      assert.deepEqual(found(await r.poll(daily())), { swept: 12, missed: 0, gone: 0, foundAgain: 0 })
      r.source.remove('supplier', 'erp|S001')
      await sweep()
      same()
    })
  })

  it('a process that dies between the deletion in the target and the ledger deletes once more, and it ends the same', async () => {
    const folder = ledgerFolder()
    try {
      await start({ file: folder.file })
      const { source } = r
      fill(12)
      await r.poll()
      for (const n of [1, 5, 9]) source.remove('supplier', `erp|${code(n)}`)
      const { commit } = r.ledger
      r.ledger.commit = async (c) => {
        if (c.deliveries?.some(({ hash }) => hash === null)) throw syncError('transient', 'ledger.closed', 'killed')
        return commit(c)
      }
      await sweep()
      assert.equal(r.target('supplier').stored.size, 9)
      const targets = new Map([['supplier', r.target('supplier')]])
      await r.close()
      r = await rig({ entities: suppliers, file: folder.file, source, targets })
      // Meanwhile one of them is there again.
      source.put('supplier', supplier(code(5), 'first'), '2026-03-01T08:00:00Z')
      const run = await sweep()
      assert.deepEqual(found(run)?.gone, 2)
      await sweep()
      same()
    } finally {
      await r.close()
      await folder.remove()
    }
  })
})

describe('deletions that the source tells', () => {
  let r: Rig
  afterEach(() => r.close())
  beforeEach(async () => {
    r = await rig({ entities: suppliers })
    for (const n of ['A', 'B', 'C', 'D']) r.source.put('supplier', supplier(n, 'first'))
    await r.poll()
    r.source.clockIs('2026-03-01T09:00:00Z')
  })
  const stored = () => [...r.target('supplier').stored].map(([key, { record }]) => `${key} ${record.name}`).sort()

  it('are confirmed by key: what is there again stays, what is not is deleted', async () => {
    r.source.remove('supplier', 'erp|A')
    r.source.remove('supplier', 'erp|B')
    r.source.put('supplier', supplier('B', 'again'), '2026-03-01T08:00:00Z')
    r.source.onPage((_, { walk }) => (walk === 'stamped' ? { gone: ['erp|A', 'erp|B', 'erp|never'] } : undefined))
    const run = await r.poll()
    assert.deepEqual([run.state, sums(run, 'supplier').ties], ['done', true])
    assert.deepEqual(stored(), ['erp|B again', 'erp|C first', 'erp|D first'])
  })

  it('do not undo a record that a later page of the same run read', async () => {
    r.source.remove('supplier', 'erp|A')
    r.source.onPage((_, { walk }) => {
      if (walk === 'stamped') return { gone: ['erp|A'] }
      // Created after it was confirmed gone.
      const record = { _row: 0, _read: r.ledger.nextRead(), _stamp: null, ...supplier('A', 'again') }
      return { records: [record] }
    })
    await r.poll()
    assert.ok(stored().includes('erp|A again'), stored().join())
  })

  it('may come as records of their own', async () => {
    r.source.onPage((_, { walk, nextRead }) =>
      walk === 'stamped'
        ? { records: [{ _row: 0, _read: nextRead(), _op: 'delete', source: 'erp', code: 'A' }] }
        : undefined,
    )
    await r.poll()
    assert.deepEqual(stored(), ['erp|B first', 'erp|C first', 'erp|D first'])
  })
})
