import assert from 'node:assert/strict'
import { type VoucherReader, voucherReader } from '../../nodes/x3/client/posting/standing.ts'
import { createFaults } from '../../sandbox/faults.ts'
import { SOAP_SITES } from '../../sandbox/x3/soap/door.ts'
import { syncError } from '../../sync/contract/errors.ts'
import type { Row } from '../../sync/contract/message.ts'
import { waitFor } from '../support/wait.ts'
import { sourceOf } from '../support/x3-client.ts'
import { postedJournals } from '../support/x3-post-target.ts'

describe('journals that stand in X3', () => {
  const here = postedJournals()
  const { open, target, notes, context, row, invoice, written, post, findOf, postedOf, posted } = here

  it('are shown to a person as X3 has them: read by the number that the look-up finds, or by its facts', async () => {
    const read: VoucherReader = (...asked) =>
      voucherReader((own) => sourceOf(here.connection, own), 'demo', 'journal')(...asked)
    const to = await open({}, { read })
    const record = invoice()
    const { key } = written(record)
    assert.equal(await to.standing?.(key, 10, context()), undefined, 'nothing is posted')
    await post(to, record, 'final')
    const { type, number } = postedOf(await findOf(to, record))
    const there = await to.standing?.(key, 10, context())
    assert.deepEqual(there?.says, [`${type} ${number}, final, as the look-up finds it by its reference.`])
    assert.equal(there?.schema.entity, 'gl_entry')
    const { source, entry_type, number: shown, company, lines } = (there?.record ?? {}) as Row & { lines: Row[] }
    assert.deepEqual([source, entry_type, shown, company], ['demo', type, number, 'FR10'])
    assert.ok(
      lines.some((line) => line.business_partner === here.supplier),
      JSON.stringify(lines),
    )
    assert.deepEqual(there?.cut, [])
    const short = await to.standing?.(key, 1, context())
    assert.deepEqual([short?.record.lines, short?.cut], [lines.slice(0, 1), ['lines']])
    const facts = await target().standing?.(key, 10, context())
    assert.deepEqual([facts?.record.number, facts?.record.amount, facts?.record.party], [number, '120', here.supplier])
    assert.match(facts?.says?.[1] ?? '', /facts of the look-up/)
    await assert.rejects(async () => to.standing?.('basware|x', 10, context()), /does not say what stands there/)
  })

  it('that were deleted, reversed, entered twice or changed are told from each other', async () => {
    const to = await open()
    const { accountant } = here.fixture.x3.soap
    const record = invoice()
    await post(to, record)
    const [draft] = posted()
    accountant.remove(draft?.key ?? '')
    assert.deepEqual(await findOf(to, record), { kind: 'absent' })
    await post(to, record)
    const [final] = posted()
    accountant.finalise(final?.key ?? '')
    assert.equal(postedOf(await findOf(to, record)).status, 'final')
    accountant.reverse(final?.key ?? '')
    const reversed = postedOf(await findOf(to, record))
    assert.deepEqual([reversed.status, `BPSIN|${reversed.number}`], ['reversed', final?.key])
    const again = invoice({ revision: 1 })
    assert.deepEqual(await findOf(to, again), { kind: 'absent' }, 'another revision is another reference')
    await post(to, again)
    await post(to, again)
    const twice = await findOf(to, again)
    assert.equal(twice?.kind, 'twice')
    const dear = invoice({ revision: 2, gross_amount: '240.00', net_amount: '200.00', tax_amount: '40.00' }, [
      row({ net_amount: '200.00', tax_amount: '40.00' }),
    ])
    await post(to, dear)
    assert.equal(postedOf(await findOf(to, invoice({ revision: 2 }))).amount, '240', 'whatever the invoice says today')
  })

  it('are found with the day on which X3 has them due, where it tells', async () => {
    let day: string | undefined = '2026-05-15'
    const due = async (): Promise<string | undefined> => {
      if (day === 'broken') throw syncError('transient', 'x3.503', 'no answer')
      return day
    }
    // The stand-in for a field that this publication does not have.
    const to = await open({ soap: { shape: 'wide' } }, { due }, { dueDateField: 'RATDAT' })
    const record = invoice()
    assert.equal((await to.check(written(record), context())).due, '2026-04-30')
    const outcome = await post(to, record)
    assert.deepEqual(outcome.kind === 'posted' && outcome.result.due, undefined, 'what was sent is not what is there')
    const dueOf = async () => {
      const found = await findOf(to, record)
      return found?.kind === 'posted' ? found.result.due : found?.kind
    }
    assert.equal(await dueOf(), '2026-05-15')
    for (const unknown of [undefined, 'broken']) {
      day = unknown
      assert.equal(await dueOf(), undefined)
    }
  })

  it('are found by the field of before, too', async () => {
    const to = await open({ soap: { shape: 'wide' } }, { referenceField: 'REF' })
    assert.ok((await to.prove(context())).proved)
    const record = invoice()
    await post(to, record)
    const changed = target({ referenceField: 'REFINT' })
    assert.ok((await changed.prove(context())).proved)
    assert.equal(postedOf(await findOf(changed, record)).amount, '120')
    notes.clear()
    assert.equal((await findOf(changed, record))?.kind, 'absent', 'nobody knows of it any more')
  })

  it('say whether the payment is blocked there, when they are posted and when they are found', async () => {
    const to = await open({ soap: { shape: 'wide' } }, {}, { blockField: 'REF', blockValue: 'BLOCKED' })
    for (const block of [true, false]) {
      const record = invoice({ id: `block-${block}`, payment_block: block })
      const outcome = await post(to, record)
      assert.equal(outcome.kind === 'posted' && outcome.result.paymentBlock, block)
      assert.equal(postedOf(await findOf(to, record)).paymentBlock, block)
    }
    const none = await open()
    await post(none, invoice())
    assert.equal(
      postedOf(await findOf(none, invoice())).paymentBlock,
      false,
      'what is blocked is held where there is no field',
    )
  })

  it('are unknown, never absent, where the look-up cannot be believed', async () => {
    const to = await open({ soap: { listed: ['BPRVCR'] } })
    await post(to, invoice())
    assert.match(JSON.stringify(await findOf(to, invoice())), /unknown.*no type and number/)
    const { key } = written(invoice())
    const odd = await to.find(
      [
        { key: 'basware|8d1f', at: null },
        { key: `${key}|x`, at: null },
      ],
      context(),
    )
    assert.deepEqual(
      [...odd.values()].map(({ kind }) => kind),
      ['unknown', 'unknown'],
    )
    const loose = await open({ soap: { looseQuery: true } })
    assert.match(JSON.stringify(await findOf(loose, invoice())), /unknown.*no condition of its list/)
    assert.match(JSON.stringify(await loose.prove(context())), /false.*no condition of its list/)
    await open({ soap: { noQuery: true } })
    await assert.rejects(findOf(target(), invoice()), /not authorized/)
    assert.equal((await target().prove(context())).proved, false)
  })

  it('whose answer is lost are unknown, and found when they come late', async () => {
    const to = await open({ soap: { lateCommitMs: 150 } })
    const plan = createFaults('calm', 1, SOAP_SITES, { slowMs: 1, timeoutMs: 20, retryAfterSeconds: 1 })
    here.fixture.x3.setFaults(plan)
    plan.force('soap:save', 'error-after')
    assert.equal((await post(to, invoice({ id: 'in' }))).kind, 'unknown')
    assert.equal((await findOf(to, invoice({ id: 'in' })))?.kind, 'posted')
    plan.force('soap:save', 'reset-before')
    assert.equal((await post(to, invoice({ id: 'out' }))).kind, 'unknown')
    assert.equal((await findOf(to, invoice({ id: 'out' })))?.kind, 'absent')
    // Whether what is dropped was done alternates.
    plan.force('soap:save', 'timeout', 2)
    for (const id of ['late-1', 'late-2']) assert.equal((await post(to, invoice({ id }))).kind, 'unknown')
    const late = async () =>
      (await Promise.all(['late-1', 'late-2'].map((id) => findOf(to, invoice({ id }))))).filter(
        (one) => one?.kind === 'posted',
      )
    assert.equal((await late()).length, 0, 'not yet')
    await waitFor(async () => (await late()).length === 1, { what: 'the late commit' })
  })
})
