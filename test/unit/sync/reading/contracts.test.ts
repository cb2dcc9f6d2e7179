import assert from 'node:assert/strict'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { BatchMessage, DataRecord } from '../../../../sync/contract/message.ts'
import type { Target } from '../../../../sync/contract/target.ts'
import { type FakeTarget, fakeSource, fakeTarget, supplier, supplierSchema } from '../../../support/fakes.ts'
import { type Rig, rig, sums, warehouse } from '../../../support/rig.ts'
import { overTheWire } from '../../../support/util.ts'

/** Before the upgrade, and after it: the same entity under another rule of signs. */
const OLD = { supplier: { schema: supplierSchema, pageSize: 2 } }
const NEW = { supplier: { schema: { ...supplierSchema, contract: 2 }, pageSize: 2 } }

describe('an entity whose amounts are signed by another rule than those that are written', () => {
  let dir: string
  let file: string
  let targets: Map<string, FakeTarget>
  const opened: Rig[] = []
  const records = [...'ABCDE'].map((code) => supplier(code, 'first'))

  /** The sync as one version has it, over the same ledger and tables. */
  async function version(entities: typeof OLD | typeof NEW, own: { file?: string; target?: Target } = {}) {
    const source = fakeSource(entities, { clock: '2026-03-02T08:00:00Z' })
    for (const row of records) source.put('supplier', row, '2026-03-01T08:00:00Z')
    const r = await rig({ entities, source, targets, file: own.file ?? file })
    opened.push(r)
    const target = own.target ?? r.target('supplier')
    const poll: Rig['poll'] = (more) => r.poll({ targets: async () => [{ ref: warehouse, target }], ...more })
    return { ...r, poll }
  }
  const end = async (r: Rig) => {
    opened.splice(opened.indexOf(r), 1)
    await r.engine.close()
  }
  const under = async (r: Rig) => (await r.ledger.position('s', 'supplier'))?.contract

  beforeEach(() => {
    dir = mkdtempSync(join(tmpdir(), 'tieout-contract-'))
    file = join(dir, 'ledger.db')
    targets = new Map()
  })
  afterEach(async () => {
    await Promise.all(opened.splice(0).map((r) => r.engine.close()))
    rmSync(dir, { recursive: true, force: true })
  })

  async function written(): Promise<void> {
    const before = await version(OLD)
    assert.equal((await before.poll()).state, 'done')
    await end(before)
  }

  it('stops there, says what to send, and goes on once everything was read anew', async () => {
    await written()
    const r = await version(NEW)
    const writes = r.target('supplier').batches.length
    r.source.put('supplier', supplier('F', 'new'))
    const stopped = await r.poll()
    assert.equal(stopped.state, 'failed')
    const [error] = stopped.errors
    assert.equal(error?.code, 'sync.contract')
    assert.match(error?.hint ?? '', /send \{full: true, entities: \["supplier"\]\}/)
    for (const scope of [
      { kind: 'backfill', from: '2026-01-01', to: '2026-02-01' },
      { kind: 'keys', entity: 'supplier', keys: ['erp|F'] },
    ] as const)
      assert.equal((await r.poll({ scope })).errors[0]?.code, 'sync.contract', scope.kind)
    assert.equal(r.target('supplier').batches.length, writes)

    const full = await r.poll({ scope: { kind: 'full' } })
    assert.equal(full.state, 'done', JSON.stringify(full.errors))
    assert.equal(sums(full, 'supplier').delivered, 6)
    assert.equal(await under(r), 2)
    assert.equal((await r.poll()).state, 'done')
  })

  it('a reading of everything that broke off is gone on with, and nothing else is', async () => {
    await written()
    const r = await version(NEW)
    let pages = 0
    r.source.onPage(() => {
      if (++pages === 2) throw new Error('the line is down')
    })
    assert.equal((await r.poll({ scope: { kind: 'full' } })).state, 'failed')
    assert.equal(await under(r), undefined)
    const resumed = await r.poll()
    assert.equal(resumed.state, 'done', JSON.stringify(resumed.errors))
    assert.equal(await under(r), 2)
    assert.equal([...r.target('supplier').stored.values()].length, 5)
  })

  it('an entity that is read for the first time begins under its contract', async () => {
    const r = await version(NEW)
    assert.equal((await r.poll()).state, 'done')
    assert.equal(await under(r), 2)
    assert.equal((await r.poll()).state, 'done')
  })

  it('goes on where every row names its contract', async () => {
    const bronze = { ...fakeTarget(), namesContract: true as const }
    targets.set('supplier', bronze)
    await written()
    const r = await version(NEW)
    r.source.put('supplier', supplier('F', 'new'))
    assert.equal((await r.poll()).state, 'done')
    assert.deepEqual(
      bronze.batches.map(({ schema }) => schema.contract),
      [undefined, 2],
    )
  })

  it('a new ledger that finds the mark of the version before reads everything', async () => {
    await written()
    const r = await version(NEW, { file: join(dir, 'new.db') })
    const summary = await r.poll()
    assert.equal(summary.state, 'done', JSON.stringify(summary.errors))
    assert.equal(sums(summary, 'supplier').read, 5)
    assert.match(summary.notices.join(), /going on from the beginning/)
    assert.equal(await under(r), 2)
  })

  for (const edited of [false, true])
    it(`what was held before ${edited ? 'and edited is not sent' : 'is read again, not sent'} as it was`, async () => {
      const before = await version(OLD)
      const mapping = { id: 'map-1', name: 'map-gl' }
      const cause = { class: 'data', code: 'map.unmapped', message: 'A is not mapped' } as const
      const send = (message: BatchMessage, hold: boolean, r: Rig): void => {
        const isA = ({ code }: DataRecord) => code === 'A'
        const [some, rest] = [message.payload.filter(isA), message.payload.filter((record) => !isA(record))]
        const held = some.map((record) => ({ record, cause }))
        const holding = { ref: mapping, sinks: [warehouse], message, stage: 'map', records: held } as const
        void (hold && held.length > 0 ? r.engine.hold(holding) : Promise.resolve()).then(() =>
          rest.length > 0 ? r.deliver({ ...message, payload: rest }) : undefined,
        )
      }
      await before.poll({ send: (message) => send(overTheWire(message), true, before) })
      const [record] = await before.ledger.held({})
      assert.equal(record?.key, 'erp|A')
      if (edited)
        await before.ledger.editHeld(
          record.id,
          { ...record.record, name: 'mine' },
          { by: 'anna', reason: 'the name was wrong' },
        )
      await end(before)

      const r = await version(NEW)
      const filtering = (message: BatchMessage) => send(overTheWire(message), false, r)
      await r.poll({ scope: { kind: 'full' }, mayFilter: true, receiptSeconds: 0.2, send: filtering })
      assert.equal(await under(r), 2)
      const asked: string[] = []
      const summary = await r.engine.replay({
        name: 'replay',
        ref: { id: 'replay-1', name: 'replay' },
        filter: { sync: 's' },
        sinks: () => [warehouse],
        receiptSeconds: 45,
        send: () => assert.fail('it was sent as it stands'),
        progress: () => undefined,
        signal: new AbortController().signal,
        readAgain: (_sync, entity, keys) => {
          asked.push(...keys)
          return r.poll({ scope: { kind: 'keys', entity, keys } })
        },
      })
      assert.deepEqual(asked, edited ? [] : ['erp|A'])
      assert.deepEqual(
        summary.errors.map(({ code }) => code),
        edited ? ['sync.contract'] : [],
      )
      const states = await r.ledger.held({ states: ['open', 'superseded'] })
      assert.deepEqual(
        states.map(({ state }) => state),
        [edited ? 'open' : 'superseded'],
      )
    })
})
