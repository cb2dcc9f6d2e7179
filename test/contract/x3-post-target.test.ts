import assert from 'node:assert/strict'
import { referenceOf } from '../../nodes/x3/client/posting/reference.ts'
import { createFaults } from '../../sandbox/faults.ts'
import { SOAP_SITES } from '../../sandbox/x3/soap/door.ts'
import type { SyncError } from '../../sync/contract/errors.ts'
import type { DataRecord } from '../../sync/contract/message.ts'
import { postedJournals } from '../support/x3-post-target.ts'

describe('journals posted to X3', () => {
  const here = postedJournals()
  const { open, target, notes, context, row, invoice, written, post, findOf, postedOf, factsIn, posted } = here

  it('test themselves: a draft is written, found by the best field there is, and deleted', async () => {
    const cases: readonly [object, string | undefined][] = [
      [{}, 'BPRVCR'],
      [{ shape: 'wide' }, 'REFINT'],
      [{ shape: 'wide', listed: ['TYP', 'NUM', 'REF', 'BPRVCR'] }, 'REF'],
      [{ shape: 'wide', listed: ['TYP', 'NUM', 'BPRVCR'] }, 'BPRVCR'],
      [{ listed: ['TYP', 'NUM', 'STA'] }, undefined],
      [{ noQuery: true }, undefined],
    ]
    for (const [soap, field] of cases) {
      notes.clear()
      const to = await open({ soap })
      let sent = 0
      const proof = await to.test?.(context({ sending: () => void sent++ }))
      assert.equal(proof?.proved, field !== undefined, JSON.stringify([soap, proof]))
      if (!proof?.proved) assert.match(proof?.hint ?? '', /list of the object GAS/)
      assert.equal(proof?.left, undefined)
      assert.deepEqual([sent, posted()], [1, []])
      assert.equal(JSON.parse(notes.get('note') ?? '{"fields":[]}').fields[0], field)
      assert.equal((await to.prove(context())).proved, field !== undefined)
    }
  })

  it('say what of a test draft is wrong, and what of it is left', async () => {
    const to = await open()
    const none = target({
      test: { site: '', entryType: 'GEN', journal: '', currency: 'EUR', debit: '', credit: '', dimensions: {} },
    })
    assert.match(JSON.stringify(await none.test?.(context())), /site, debit, credit of the test draft is missing/)
    here.fixture.x3.soap.accountant.closeBefore('2027-01-01')
    assert.match(JSON.stringify(await to.test?.(context())), /Period closed/)
    here.fixture.x3.soap.accountant.closeBefore('')
    const plan = createFaults('calm', 1, SOAP_SITES, { slowMs: 1, timeoutMs: 20, retryAfterSeconds: 1 })
    here.fixture.x3.setFaults(plan)
    plan.force('soap:save', 'error-after')
    const proof = await to.test?.(context())
    assert.equal(proof?.proved, true, 'its answer was lost, and it was found all the same')
    assert.deepEqual(posted(), [])
    plan.force('soap:save', 'unavailable')
    const unclear = await to.test?.(context())
    assert.equal(unclear?.proved, false)
    assert.match(JSON.stringify(unclear), /no clear answer to the draft under TIEOUT-TEST-.*503.*then test again/)
    assert.match(unclear?.left ?? '', /may stand in X3 as a draft with TIEOUT-TEST-/)
  })

  it('are drafts or final, and found as what they were sent for', async () => {
    for (const shape of ['known', 'wide'] as const)
      for (const as of ['draft', 'final'] as const) {
        notes.clear()
        const to = await open({ soap: { shape } })
        const record = invoice()
        const facts = await to.check(written(record), context())
        assert.deepEqual(facts, { amount: '120', currency: 'EUR', party: here.supplier })
        assert.deepEqual(await findOf(to, record), { kind: 'absent' })
        const outcome = await post(to, record, as)
        assert.equal(outcome.kind, 'posted', JSON.stringify(outcome))
        const result = postedOf(await findOf(to, record))
        assert.deepEqual([result.status, result.type, factsIn(result)], [as, 'BPSIN', facts])
        if (outcome.kind === 'posted') {
          assert.deepEqual(factsIn(outcome.result), facts)
          assert.deepEqual([outcome.result.number, outcome.result.status], [result.number, as])
        }
        const [header] = posted().map((one) => one.header)
        const reference = referenceOf('8d1f', 0)
        const expected =
          shape === 'wide'
            ? { REFINT: reference, BPRVCR: 'F-117', DESVCR: 'Spare parts' }
            : { REFINT: undefined, BPRVCR: reference, DESVCR: 'F-117 Spare parts' }
        const { REFINT, BPRVCR, DESVCR, BPRDATVCR } = header ?? {}
        assert.deepEqual({ REFINT, BPRVCR, DESVCR }, expected)
        assert.equal(BPRDATVCR, '20260302')
      }
  })

  it('are in the ledger of X3 on account, partner, tax and cost centre', async () => {
    const to = await open({ soap: { shape: 'wide' } })
    await post(to, invoice())
    const [{ key } = { key: '' }] = posted()
    const entry = here.fixture.books.tables.journalEntry.get(key)
    const seen = entry?.lines.map(({ account, sign, amount, businessPartner, tax, analytical }) => [
      ...[account, sign, amount, businessPartner, tax, analytical[0]?.dimensions.CCT ?? null],
    ])
    assert.deepEqual(seen, [
      [here.accounts[0], 1, '100.00', null, 'NOR', here.centres.active],
      [here.accounts[1], 1, '20.00', null, 'NOR', null],
      [here.accounts[3], -1, '120.00', here.supplier, null, null],
    ])
    assert.deepEqual([entry?.site, entry?.entryType, entry?.accountingDate], ['FR011', 'BPSIN', '2026-03-05'])
  })

  it('post credit notes, negative rows, reverse charge, a cent of rounding, other currencies and hostile texts', async () => {
    const to = await open({ soap: { shape: 'wide' } })
    const note = { net_amount: '-100.00', tax_amount: '-20.00', gross_amount: '-120.00' }
    const free = { tax_amount: '0.00', gross_amount: '100.00' }
    const cases: readonly [string, DataRecord][] = [
      [
        '-120',
        invoice({ id: 'credit', invoice_type: 'CREDIT', ...note }, [
          row({ net_amount: '-100.00', tax_amount: '-20.00' }),
        ]),
      ],
      ['-120', invoice({ id: 'note', invoice_type: 'CRNOTE' })],
      [
        '120',
        invoice({ id: 'negative' }, [
          row({ net_amount: '125.00', tax_amount: '25.00' }),
          row({ net_amount: '-25.00', tax_amount: '-5.00' }),
        ]),
      ],
      ['100', invoice({ id: 'reverse', ...free }, [row({ tax_code: 'FR-RC20', tax_amount: '0.00' })])],
      ['120.01', invoice({ id: 'cent', tax_amount: '20.01', gross_amount: '120.01' })],
      [
        '100',
        invoice({ id: 'yen', currency: 'JPY', ...free, company_currency: 'EUR', gross_amount_company: '0.66' }, [
          row({ net_amount: '100', tax_amount: '0', tax_code: 'FR-E00' }),
        ]),
      ],
      [
        '120',
        invoice({ id: 'texts', number: '<x>]]>"\u0000', description: '\u202e界'.repeat(60) }, [
          row({ description: 'two\r\nlines \ud83d' }),
        ]),
      ],
    ]
    for (const [amount, record] of cases) {
      const facts = await to.check(written(record), context())
      const outcome = await post(to, record, 'final')
      assert.equal(outcome.kind, 'posted', JSON.stringify(outcome))
      const result = postedOf(await findOf(to, record))
      assert.deepEqual([facts.amount, factsIn(result)], [amount, facts], String(record.id))
    }
    for (const { key } of posted()) {
      const { lines = [] } = here.fixture.books.tables.journalEntry.get(key) ?? {}
      assert.equal(
        lines.reduce((sum, line) => sum + line.sign * Math.round(Number(line.amount) * 1000), 0),
        0,
        key,
      )
    }
  })

  it('are held with the words of X3 where it clearly refuses them', async () => {
    const to = await open()
    const inactive = [...here.fixture.books.tables.account.walk()].find(
      ({ chart, active }) => chart === 'FRA' && !active,
    )
    here.fixture.x3.soap.accountant.closeBefore('2026-02-01')
    const cases: readonly [RegExp, RegExp, DataRecord][] = [
      [/Period closed 2026-01-05/, /open the period/, invoice({ voucher_date: '2026-01-05' })],
      [/Dimension 99999-X does not exist/, /cost centre/, invoice({}, [row({ cost_centre: '99999-X' })])],
      [/inactive/, /cost centre/, invoice({}, [row({ cost_centre: here.centres.inactive })])],
      [/inactive/, /account/, invoice({}, [row({ account: inactive?.code ?? '?' })])],
      [/does not exist in the chart FRA/, /account/, invoice({}, [row({ account: '000' })])],
      [/BP NOBODY does not exist/, /X3/, invoice({ supplier: 'NOBODY' })],
    ]
    for (const [words, hint, record] of cases) {
      const outcome = await post(to, record)
      assert.equal(outcome.kind, 'refused', JSON.stringify(outcome))
      if (outcome.kind !== 'refused') continue
      assert.equal(outcome.error.cause.class, 'data')
      assert.match(outcome.error.message, words)
      assert.match(outcome.error.cause.hint ?? '', hint)
      assert.deepEqual(await findOf(to, record), { kind: 'absent' })
    }
    assert.deepEqual(posted(), [])
  })

  it('are held before anything is sent where tax needs a code that X3 has no field for', async () => {
    const to = await open()
    const strict = invoice({}, [row({ tax_code: 'STRICT' })])
    const isHeld = (error: SyncError) => error.code === 'x3.post-tax-field' && error.cause.class === 'data'
    await assert.rejects(to.check(written(strict), context()), isHeld)
    const sending = (): never => assert.fail('was sent')
    await assert.rejects(to.post(written(strict), { id: 'i', at: '', as: 'draft' }, context({ sending })), isHeld)
    assert.equal((await post(to, invoice())).kind, 'posted', 'by account only')
    await open({ soap: { shape: 'wide' } })
    assert.equal((await post(target(), strict)).kind, 'posted')
  })

  it('need what the node is to fill to be published', async () => {
    const to = await open({}, {}, { blockField: 'PAZ', blockValue: '1' })
    await assert.rejects(to.check(written(invoice()), context()), { code: 'x3.publication', message: /PAZ/ })
    assert.match(JSON.stringify(await to.prove(context())), /does not publish PAZ/)
    await assert.rejects(target({ referenceField: 'REFINT' }).check(written(invoice()), context()), {
      code: 'x3.reference-field',
    })
    const fields = target({}, { dimensions: [{ column: 'project', field: 'CCE9' }] })
    assert.match(JSON.stringify(await fields.prove(context())), /does not publish CCE9/)
  })

  it('are not sent where their time is over, and not sent again by themselves', async () => {
    const to = await open({ soap: { sessions: 1, workMs: 120, waitMs: 20 } })
    const late = (): never => {
      throw new Error('too late')
    }
    await assert.rejects(
      to.post(written(invoice()), { id: 'i', at: '', as: 'draft' }, context({ sending: late })),
      /too late/,
    )
    const outcomes = await Promise.all(['a', 'b'].map((id) => post(to, invoice({ id }))))
    assert.deepEqual(outcomes.map(({ kind }) => kind).sort(), ['posted', 'unknown'])
    assert.equal(posted().length, 1)
  })

  it('renew a token that X3 refused, once it is told to', async () => {
    const to = await open()
    const plan = createFaults('calm', 1, SOAP_SITES, { slowMs: 1, timeoutMs: 20, retryAfterSeconds: 1 })
    here.fixture.x3.setFaults(plan)
    await to.check(written(invoice()), context())
    plan.force('soap:save', 'unauthorized')
    const outcome = await post(to, invoice())
    assert.deepEqual([outcome.kind, outcome.kind === 'refused' && outcome.error.cause.class], ['refused', 'auth'])
    await to.renew?.()
    assert.equal((await post(to, invoice())).kind, 'posted')
  })
})
