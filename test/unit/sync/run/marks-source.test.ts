/** Two ledgers that know nothing of each other meet in one table: the marks in it say whose source name it is. */
import assert from 'node:assert/strict'
import type { PollOptions } from '../../../../sync/contract/engine.ts'
import { syncError } from '../../../../sync/contract/errors.ts'
import type { BatchMessage } from '../../../../sync/contract/message.ts'
import type { RunSummary } from '../../../../sync/contract/summary.ts'
import type { Mark } from '../../../../sync/contract/target.ts'
import {
  type FakeSource,
  type FakeTarget,
  fakeSource,
  fakeTarget,
  supplier,
  supplierSchema,
} from '../../../support/fakes.ts'
import { type LedgerFolder, ledgerFolder } from '../../../support/ledger.ts'
import { mapping, type Rig, rig, sums, warehouse } from '../../../support/rig.ts'

const suppliers = { supplier: { schema: supplierSchema } }
const SEED = 'fake://erp/SEED'
const PROD = 'fake://erp/PROD'

describe('the source in the mark', () => {
  let folder: LedgerFolder
  let targets: Map<string, FakeTarget>
  let table: FakeTarget
  let now: number
  const open: Rig[] = []

  beforeEach(() => {
    folder = ledgerFolder()
    table = fakeTarget()
    targets = new Map([['supplier', table]])
    now = Date.parse('2026-03-01T08:00:00Z')
  })
  afterEach(async () => {
    for (const r of open.splice(0)) await r.close()
    await folder.remove()
  })

  /** An installation: a ledger of its own, in a file where it is to be lost or opened again. */
  const start = async (more: Parameters<typeof rig>[0] = {}): Promise<Rig> => {
    const r = await rig({ entities: suppliers, targets, now: () => now, ...more })
    open.push(r)
    return r
  }
  const sourceAt = (address: string, ...codes: string[]): FakeSource => {
    const source = fakeSource(suppliers, { address })
    for (const code of codes) source.put('supplier', supplier(code, `${address} ${code}`), '2026-02-01T00:00:00Z')
    source.clockIs(new Date(now).toISOString().replace('.000Z', 'Z'))
    return source
  }
  /** A sync as nodes start it, an hour later than the last one: everything in `codes` was changed since. */
  const poll = (r: Rig, name: string, address: string, more: Partial<PollOptions> = {}, codes = ['A', 'B']) => {
    now += 3_600_000
    const source = sourceAt(address)
    for (const code of codes) source.put('supplier', supplier(code, `${address} ${code} ${now}`))
    return r.poll({ name, source, targets: async () => [{ ref: warehouse, target: table }], ...more })
  }
  const stored = () => [...table.stored.values()].map(({ record, read }) => `${record.name} ${read}`).sort()
  const marks = () => table.marks.map(({ sync, sourceAddress, source }) => `${sync} ${sourceAddress} ${source}`).sort()
  const words = ({ errors }: RunSummary) => errors.map((e) => `${e.code} ${e.message} ${e.hint}`).join('\n')
  const done = (summary: RunSummary) => {
    assert.deepEqual([summary.state, words(summary)], ['done', ''])
    return summary
  }
  const refused = async (run: Promise<RunSummary>, pattern: RegExp) => {
    const [rows, said, writes] = [stored(), marks(), table.batches.length]
    const summary = await run
    assert.equal(summary.state, 'failed')
    assert.match(words(summary), pattern)
    assert.deepEqual([stored(), marks(), table.batches.length], [rows, said, writes], 'nothing was written')
    assert.equal(
      summary.entities.reduce((sum, { delivered }) => sum + delivered, 0),
      0,
    )
  }

  it('another folder under the same source name, another ledger: refused before anything is written, with both and the way out', async () => {
    const [a, b] = [await start(), await start()]
    done(await poll(a, 'first', SEED))
    assert.deepEqual(marks(), [`first ${SEED} erp`])
    await refused(
      poll(b, 'second', PROD),
      /^sync\.two-sources fakedb:\/\/host\/main\.finance\.supplier has records of the source "erp" that the sync "first" reads from fake:\/\/erp\/SEED, and "second" would write those of fake:\/\/erp\/PROD under the same source name\. .*another source name, or one sync tables of its own.*empty the table, or answer "take over"/,
    )
    const [error] = (await poll(b, 'second', PROD)).errors
    assert.deepEqual([error?.class, error?.entity], ['config', 'supplier'])
    assert.equal(sums(done(await poll(a, 'first', SEED)), 'supplier').delivered, 2)
  })

  it('also where both syncs have one name, as two installations of one template have', async () => {
    const [a, b] = [await start(), await start()]
    done(await poll(a, 's', SEED))
    await refused(poll(b, 's', PROD), /^sync\.two-sources .*"s" reads from fake:\/\/erp\/SEED, and "s" would/)
  })

  it('the same system and folder goes on, run after run, after a restart and with a lost ledger', async () => {
    const a = await start({ file: folder.file })
    for (const _ of ['one', 'two']) assert.deepEqual(done(await poll(a, 's', SEED)).notices, [])
    await open.splice(0)[0]?.close()
    const again = await start({ file: folder.file })
    assert.deepEqual(done(await poll(again, 's', SEED)).notices, [])
    const b = await start()
    assert.match(done(await poll(b, 's', SEED)).notices.join(), /knows nothing of this sync/)
    assert.deepEqual(marks(), [`s ${SEED} erp`])
    await refused(poll(await start(), 's', PROD), /two-sources/)
  })

  it('a mark that does not say its source, as the version before wrote it, refuses nothing and is filled in silence', async () => {
    const [a, b] = [await start(), await start()]
    done(await poll(a, 'first', SEED))
    const forget = () => {
      for (const [i, { source: _, ...mark }] of table.marks.entries()) table.marks[i] = mark
    }
    forget()
    assert.deepEqual(done(await poll(a, 'first', SEED)).notices, [])
    assert.deepEqual(marks(), [`first ${SEED} erp`])
    await refused(poll(b, 'second', PROD), /two-sources/)
    forget()
    done(await poll(b, 'second', PROD))
    assert.deepEqual(marks(), [`first ${SEED} undefined`, `second ${PROD} erp`])
    await refused(poll(a, 'first', SEED), /two-sources .*"second" reads from fake:\/\/erp\/PROD/)
  })

  it('other source names share the table', async () => {
    const [a, b] = [await start(), await start()]
    done(await poll(a, 'first', SEED))
    const named = (message: BatchMessage) =>
      void b.deliver(mapping(b, message, (record) => ({ ...record, source: 'other' })))
    for (const _ of ['one', 'two']) {
      done(await poll(b, 'second', PROD, { send: named }))
      done(await poll(a, 'first', SEED))
    }
    assert.deepEqual(marks(), [`first ${SEED} erp`, `second ${PROD} other`])
  })

  it('refused, and then given a source name of its own: its sweep takes away nothing of the other one', async () => {
    const [a, b] = [await start(), await start()]
    done(await poll(a, 'first', SEED))
    await refused(poll(b, 'second', PROD), /two-sources/)
    const source = sourceAt(PROD)
    for (const code of ['B', 'C']) source.put('supplier', { ...supplier(code, 'renamed'), source: 'other' })
    const summary = done(await poll(b, 'second', PROD, { source, sweep: { since: null } }))
    assert.deepEqual([...table.stored.keys()].sort(), ['erp|A', 'erp|B', 'other|B', 'other|C'])
    assert.match(summary.notices.join(), /2 record\(s\) were read under another source name than "other"/)
    assert.deepEqual(done(await poll(b, 'second', PROD, { source, sweep: { since: null } })).notices, [])
  })

  it('"keep" moves the mark, though nothing is read; the other side is refused from then on, and this one goes on', async () => {
    const a = await start()
    done(await poll(a, 's', SEED))
    const { read } = table.marks[0] ?? {}
    await assert.rejects(poll(a, 's', PROD), { code: 'sync.identity' })
    assert.deepEqual(marks(), [`s ${SEED} erp`])
    assert.equal(sums(done(await poll(a, 's', PROD, { identityChange: 'keep' }, [])), 'supplier').read, 0)
    assert.deepEqual(marks(), [`s ${PROD} erp`])
    assert.equal(table.marks[0]?.read, read, 'what it says else stays')
    await refused(poll(await start(), 's', SEED), /two-sources .*reads from fake:\/\/erp\/PROD/)
    done(await poll(a, 's', PROD))
    assert.deepEqual(marks(), [`s ${PROD} erp`])
    const anew = await start()
    assert.match(done(await poll(anew, 's', PROD)).notices.join(), /going on from/)
  })

  it('"keep" moves also the mark of a lost ledger that was taken over and has nothing new since', async () => {
    done(await poll(await start(), 's', SEED))
    const b = await start()
    done(await poll(b, 's', SEED, {}, []))
    done(await poll(b, 's', PROD, { identityChange: 'keep' }, ['A']))
    assert.deepEqual(marks(), [`s ${PROD} erp`])
  })

  it('"keep" says that it moved where the ledger is lost too: its rows stay, and the mark is taken over', async () => {
    done(await poll(await start(), 's', SEED, {}, ['A', 'B', 'C']))
    const b = await start()
    await refused(poll(b, 's', PROD), /two-sources .*If it is the same system .*"identity": "keep"/)
    const [question] = (await b.ledger.alerts({ sync: 's', open: true })).filter(({ kind }) => kind === 'identity')
    assert.match(question?.message ?? '', /reads from fake:\/\/erp\/SEED/)
    const source = sourceAt(PROD, 'A', 'B', 'C')
    const summary = done(await poll(b, 's', PROD, { source, identityChange: 'keep', sweep: { since: null } }))
    assert.match(summary.notices.join(), /already holds what the ledger/)
    assert.deepEqual([...table.stored.keys()].sort(), ['erp|A', 'erp|B', 'erp|C'])
    assert.deepEqual(marks(), [`s ${PROD} erp`])
    assert.deepEqual(await b.ledger.alerts({ sync: 's', open: true }), [])
    done(await poll(b, 's', PROD))
    await refused(poll(await start(), 's', SEED), /two-sources/)
  })

  it('"keep" takes over no table that another ledger goes on writing, nor one of another sync', async () => {
    const [a, b] = [await start(), await start()]
    done(await poll(a, 'first', SEED))
    await refused(poll(b, 'second', PROD, { identityChange: 'keep' }), /two-sources/)
    const own = fakeTarget({ address: 'fakedb://host/main.other.supplier' })
    const send = (message: BatchMessage) => void b.deliver(structuredClone(message), warehouse, own)
    done(await poll(b, 'first', PROD, { send, targets: async () => [{ ref: warehouse, target: own }] }))
    await refused(poll(b, 'first', PROD, { identityChange: 'keep' }), /two-ledgers/)
  })

  it('"take over" takes the table of another sync of the source name, and leaves those of other names alone', async () => {
    const [a, b, c] = [await start(), await start(), await start()]
    done(await poll(a, 'first', SEED))
    const named = (r: Rig) => (message: BatchMessage) =>
      void r.deliver(mapping(r, message, (record) => ({ ...record, source: 'other' })))
    done(await poll(c, 'third', 'fake://erp/THIRD', { send: named(c) }))
    await refused(poll(b, 'second', PROD), /two-sources/)
    const [question] = (await b.ledger.alerts({ open: true })).filter(({ kind }) => kind === 'take-over')
    assert.deepEqual([question?.sync, question?.entity], ['second', 'supplier'])
    done(await poll(b, 'second', PROD, { identityChange: 'take over' }))
    assert.deepEqual(marks(), [`second ${PROD} erp`, 'third fake://erp/THIRD other'])
    done(await poll(b, 'second', PROD))
    await refused(poll(a, 'first', SEED), /two-sources/)
  })

  it('"keep" without a way to the target fails, and is asked again', async () => {
    const a = await start()
    done(await poll(a, 's', SEED))
    table.on('writeMark', () => {
      throw syncError('config', 'fake.42501', 'may not write marks')
    })
    assert.match(words(await poll(a, 's', PROD, { identityChange: 'keep' })), /may not write marks/)
    table.on('writeMark', () => undefined)
    await assert.rejects(poll(a, 's', PROD), { code: 'sync.identity' })
  })

  it('what was held before the source moved is replayed after it: the mark stays where it was moved to', async () => {
    const a = await start()
    const refusing = () =>
      table.onWrite(({ records }) => {
        if (records.some(({ key }) => key === 'erp|B')) throw syncError('data', 'fake.22001', 'too long')
      })
    refusing()
    assert.equal(sums(await poll(a, 's', SEED), 'supplier').held, 1)
    await poll(a, 's', PROD, { identityChange: 'keep' }, [])
    table.onWrite(() => undefined)
    const replayed = await a.engine.replay({
      name: 'replay',
      ref: { id: 'replay-1', name: 'replay' },
      filter: { sync: 's' },
      sinks: () => [warehouse],
      receiptSeconds: 45,
      send: (_to, message) => void a.deliver(structuredClone(message)),
      progress: () => undefined,
      signal: new AbortController().signal,
    })
    assert.equal(replayed.state, 'done', words(replayed))
    assert.equal(table.stored.size, 2)
    assert.deepEqual(marks(), [`s ${PROD} erp`])
  })

  it('"anew" leaves no mark of the old folder behind', async () => {
    const a = await start()
    done(await poll(a, 's', SEED))
    done(await poll(a, 's', PROD, { identityChange: 'anew' }))
    assert.deepEqual(marks(), [`s ${PROD} erp`])
    done(await poll(a, 's', PROD))
  })

  it('appended versions are refused too', async () => {
    table = fakeTarget({ address: 'fakedb://host/main.finance.supplier_bronze', mode: 'append' })
    targets.set('supplier', table)
    Object.assign(table, { resolve: async () => 'absent' as const })
    const [a, b] = [await start(), await start()]
    done(await poll(a, 'first', SEED))
    await refused(poll(b, 'second', PROD), /^sync\.two-sources .*supplier_bronze has records/)
    done(await poll(a, 'first', SEED))
  })

  it("an emptied table is nobody's: its old marks go with the first run, and whoever had it is refused", async () => {
    const [a, b] = [await start(), await start()]
    done(await poll(a, 'first', SEED))
    await refused(poll(b, 'second', PROD), /two-sources/)
    table.stored.clear()
    for (const _ of ['one', 'two']) done(await poll(b, 'second', PROD))
    assert.deepEqual(marks(), [`second ${PROD} erp`])
    await refused(poll(a, 'first', SEED), /"second" reads from fake:\/\/erp\/PROD/)
  })

  it('two entities of two ledgers in one table are refused as well', async () => {
    const customers = { customer: { schema: { ...supplierSchema, entity: 'customer' } } }
    done(await poll(await start(), 'first', SEED))
    const b = await start({ entities: customers, targets: new Map([['customer', table]]) })
    b.source.put('customer', supplier('A', 'a customer'))
    await refused(
      b.poll(),
      /^sync\.two-entities .*has supplier of the sync "first", and customer of "s" would be written/,
    )
    const { source: _, ...before } = table.marks[0] as Mark
    table.marks.splice(0, 1, before)
    done(await b.poll())
  })

  it('while the marks cannot be read nothing is written', async () => {
    const [a, b] = [await start(), await start()]
    done(await poll(a, 'first', SEED))
    table.on('readMark', () => {
      throw syncError('transient', 'fake.503', 'the warehouse is starting')
    })
    await refused(poll(b, 'second', PROD), /the warehouse is starting/)
    table.on('readMark', () => undefined)
    await refused(poll(b, 'second', PROD), /two-sources/)
  })
})
