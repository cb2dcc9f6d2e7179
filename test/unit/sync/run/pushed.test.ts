/** Messages of no run that write under the source name of a sync. */
import assert from 'node:assert/strict'
import { supplier, supplierSchema } from '../../../support/fakes.ts'
import { type Rig, rig, sums, warehouse } from '../../../support/rig.ts'

describe('what is pushed under the source name of a sync', () => {
  let r: Rig
  let hour = 8
  beforeEach(async () => {
    hour = 8
    r = await rig({ entities: { supplier: { schema: supplierSchema } } })
    for (const code of ['A', 'Z']) r.source.put('supplier', supplier(code, 'one'))
    assert.equal((await r.poll()).verdict, 'ties')
  })
  afterEach(() => r.close())
  const push = (code: string, name: string, source = 'erp', op?: 'delete') =>
    r.engine.deliver({
      ref: warehouse,
      target: r.target('supplier'),
      mayDelete: true,
      message: { payload: [{ source, code, name, _row: 0, ...(op && { _op: op }) }], schema: supplierSchema },
      progress: () => undefined,
      signal: new AbortController().signal,
    })
  const put = (code: string, name: string) => {
    hour++
    r.source.clockIs(`2026-03-01T${String(hour).padStart(2, '0')}:00:00Z`)
    r.source.put('supplier', supplier(code, name))
  }

  it('is a line of its own, open in every run, until the sync has written it', async () => {
    await push('B', 'by hand')
    const [alert] = await r.ledger.alerts({ sync: 's', open: true })
    assert.match(alert?.message ?? '', /^supplier: 1 pushed at databricks-write: a message without msg\.sync wrote/)
    const summary = await r.poll()
    assert.deepEqual([summary.verdict, summary.open], ['open', ['supplier: 1 pushed']])
    put('B', 'from the books')
    const after = await r.poll()
    assert.deepEqual([after.verdict, after.open], ['ties', undefined])
    assert.deepEqual(await r.ledger.alerts({ sync: 's', open: true }), [])
  })

  it('so is a record that a push took away, until it is read again', async () => {
    await push('A', 'one', 'erp', 'delete')
    assert.deepEqual(
      (await r.ledger.openItems('s')).map(({ kind, count }) => [kind, count]),
      [['pushed', 1]],
    )
    assert.equal((await r.poll()).verdict, 'ties')
    assert.deepEqual([...r.target('supplier').stored.keys()].sort(), ['erp|A', 'erp|Z'])
  })

  it('is allowed by a person, with a reason, from then on', async () => {
    await push('B', 'by hand')
    assert.equal(await r.ledger.allowPushed('s', { by: 'anna', reason: 'opening balances' }), 1)
    const [decision] = await r.ledger.decisions({ sync: 's' })
    assert.deepEqual(
      [decision?.kind, decision?.by, decision?.reason, decision?.about],
      ['pushed', 'anna', 'opening balances', '1 record(s), such as erp|B'],
    )
    await push('C', 'by hand too')
    put('A', 'uno')
    const summary = await r.poll()
    assert.equal(summary.verdict, 'ties')
    assert.deepEqual(sums(summary, 'supplier').allowed, ['2 pushed, allowed'])
    assert.match(summary.says ?? '', /supplier: 2 pushed, allowed/)
  })

  it('says nothing of records under a source name of their own', async () => {
    await push('B', 'by hand', 'manual')
    assert.equal((await r.poll()).verdict, 'nothing new')
    assert.deepEqual(await r.ledger.alerts({ sync: 's', open: true }), [])
  })
})
