import assert from 'node:assert/strict'
import type { PollOptions } from '../../../../sync/contract/engine.ts'
import { syncError } from '../../../../sync/contract/errors.ts'
import type { BatchMessage } from '../../../../sync/contract/message.ts'
import type { RunSummary } from '../../../../sync/contract/summary.ts'
import { entry, fakeSource, fakeTarget, supplier, supplierSchema } from '../../../support/fakes.ts'
import { mapping, type Rig, rig, sums, warehouse } from '../../../support/rig.ts'

const suppliers = { supplier: { schema: supplierSchema } }
const SEED = 'fake://erp/SEED'
const PROD = 'fake://erp/PROD'

describe('whose records stand in a table', () => {
  let r: Rig
  afterEach(() => r.close())

  const sourceAt = (address: string, ...codes: string[]) => {
    const source = fakeSource(suppliers, { address })
    for (const code of codes) source.put('supplier', supplier(code, `${address} ${code}`))
    return source
  }
  /** One sync of this ledger; all go to the table of suppliers. */
  const poll = (name: string, address: string, more: Partial<PollOptions> = {}) =>
    r.poll({ name, source: sourceAt(address, 'A', 'B'), ...more })
  const stored = () => [...r.target('supplier').stored.values()].map(({ record }) => record.name).sort()
  const words = (summary: RunSummary) =>
    summary.errors.map(({ code, message, hint }) => `${code} ${message} ${hint}`).join('\n')

  it('a template imported twice for two folders under one source name: the second is refused before its first write', async () => {
    r = await rig({ entities: suppliers })
    assert.equal((await poll('first', SEED)).state, 'done')
    const before = stored()
    const summary = await poll('second', PROD)
    assert.equal(summary.state, 'failed')
    assert.match(
      words(summary),
      /^sync\.two-sources .*main\.finance\.supplier has records of the source "erp" that the sync "first" reads from fake:\/\/erp\/SEED, and "second" would write those of fake:\/\/erp\/PROD under the same source name\. .*another source name, or one sync tables of its own.*empty the table/,
    )
    assert.equal(summary.errors[0]?.class, 'config')
    assert.deepEqual(stored(), before)
    assert.equal((await poll('first', SEED)).state, 'done')
  })

  it('while one is under way that has written nothing yet, the other is refused', async () => {
    r = await rig({ entities: suppliers })
    const target = Object.assign(r.target('supplier'), { hasRows: async () => target.stored.size > 0 })
    target.onWrite(({ records }) => {
      if (records.some(({ record }) => record.name === `${SEED} A`)) throw syncError('data', 'fake.22001', 'too long')
    })
    const second: RunSummary[] = []
    const send = async (message: BatchMessage) => {
      await r.deliver(structuredClone(message))
      if (message.sync.batch === 0) second.push(await poll('second', PROD))
    }
    let line = Promise.resolve()
    const first = await poll('first', SEED, {
      limits: { batchRows: 1 },
      send(message) {
        line = line.then(() => send(message))
      },
    })
    assert.deepEqual([first.state, second.map(({ state }) => state)], ['done', ['failed']])
    assert.deepEqual(stored(), [`${SEED} B`])
  })

  it('other source names share a table, and one source name stands in several tables', async () => {
    r = await rig({ entities: suppliers })
    assert.equal((await poll('first', SEED)).state, 'done')
    const named = (message: BatchMessage) =>
      void r.deliver(mapping(r, message, (record) => ({ ...record, source: 'other' })))
    assert.equal((await poll('second', PROD, { send: named })).state, 'done')
    assert.equal(stored().length, 4)
    const elsewhere = fakeTarget({ address: 'fakedb://host/main.other.supplier' })
    const send = (message: BatchMessage) => void r.deliver(structuredClone(message), warehouse, elsewhere)
    assert.equal((await poll('third', PROD, { send })).state, 'done')
    assert.equal(elsewhere.stored.size, 2)
  })

  it('the same source under another name of the sync goes on as before, as far as this rule is concerned', async () => {
    r = await rig({ entities: suppliers })
    await r.ledger.claimTables([
      {
        table: r.target('supplier').address,
        source: 'erp',
        list: '',
        entity: 'supplier',
        sync: 'old',
        sourceAddress: SEED,
      },
    ])
    assert.equal((await poll('new', SEED)).state, 'done')
  })

  it("a table that was emptied is nobody's: another system may have it", async () => {
    r = await rig({ entities: suppliers })
    assert.equal((await poll('first', SEED)).state, 'done')
    Object.assign(r.target('supplier'), { hasRows: async () => r.target('supplier').stored.size > 0 })
    assert.equal((await poll('second', PROD)).state, 'failed')
    r.target('supplier').stored.clear()
    const summary = await poll('second', PROD)
    assert.deepEqual([summary.state, words(summary)], ['done', ''])
    assert.deepEqual(stored(), [`${PROD} A`, `${PROD} B`])
    r.target('supplier').marks.length = 0
    assert.match(words(await poll('first', SEED, { scope: { kind: 'full' } })), /two-sources/)
  })

  it('two entities in one table, as a pattern without {entity} gives them: the second is refused, with both names', async () => {
    const entities = {
      supplier: { schema: supplierSchema },
      customer: { schema: { ...supplierSchema, entity: 'customer' } },
    }
    const one = fakeTarget({ address: 'fakedb://host/main.finance.all' })
    r = await rig({
      entities,
      targets: new Map([
        ['supplier', one],
        ['customer', one],
      ]),
    })
    r.source.put('supplier', supplier('A', 'a supplier'))
    r.source.put('customer', supplier('A', 'a customer'))
    const summary = await r.poll()
    assert.match(
      words(summary),
      /^sync\.two-entities .*main\.finance\.all has supplier of the sync "s", and customer of "s" would be written there too\. .*\{entity\}/,
    )
    assert.equal(summary.errors[0]?.entity, 'customer')
    assert.equal(sums(summary, 'supplier').delivered, 1)
    assert.deepEqual(
      [...one.stored.values()].map(({ record }) => record.name),
      ['a supplier'],
    )
  })

  it('a header and its list in one table, or the list of one entity where another has its header', async () => {
    const journals = fakeTarget({ address: 'fakedb://host/main.finance.gl_entry' })
    const tablesOf = (lines: string) => () => [
      { list: '', address: journals.address },
      { list: 'lines', address: lines },
    ]
    r = await rig({ targets: new Map([['gl_entry', Object.assign(journals, { tables: tablesOf(journals.address) })]]) })
    r.source.put('supplier', supplier('A', 'a supplier'))
    r.source.put('gl_entry', entry('J1', '1.00', '-1.00'))
    const same = await r.poll()
    assert.match(
      words(same),
      /^sync\.one-table gl_entry and gl_entry_line \(lines of gl_entry\) would both be written to .*gl_entry\./,
    )
    assert.equal(journals.stored.size, 0)
    Object.assign(journals, { tables: tablesOf(r.target('supplier').address) })
    const other = await r.poll()
    assert.match(
      words(other),
      /^sync\.two-entities .*supplier has supplier of the sync "s", and gl_entry_line \(lines of gl_entry\)/,
    )
    assert.equal(journals.stored.size, 0)
    Object.assign(journals, { tables: tablesOf('fakedb://host/main.finance.gl_entry_line') })
    assert.equal((await r.poll()).state, 'done')
    assert.equal(journals.stored.size, 1)
  })
})
