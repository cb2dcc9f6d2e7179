import assert from 'node:assert/strict'
import type { X3Connection } from '../../nodes/x3/client/connection.ts'
import { referenceOf } from '../../nodes/x3/client/posting/reference.ts'
import type { PostingRules } from '../../nodes/x3/client/posting/rules.ts'
import { type VoucherReader, voucherReader } from '../../nodes/x3/client/posting/standing.ts'
import { createX3PostTarget, type X3PostOptions } from '../../nodes/x3/client/posting/target.ts'
import { createWebServices } from '../../nodes/x3/client/soap/client.ts'
import type { ChangingTable } from '../../sandbox/books/table.ts'
import type { Dimension } from '../../sandbox/books/types.ts'
import { createFaults } from '../../sandbox/faults.ts'
import { SOAP_SITES } from '../../sandbox/x3/soap/door.ts'
import { type SyncError, syncError } from '../../sync/contract/errors.ts'
import type { DataRecord, Row } from '../../sync/contract/message.ts'
import type { Found, PostFacts, PostResult, PostTarget, SendContext } from '../../sync/contract/posting.ts'
import type { WriteRecord } from '../../sync/contract/target.ts'
import { waitFor } from '../support/wait.ts'
import { startX3Fixture, type X3Fixture } from '../support/x3.ts'
import { connect, never, sourceOf } from '../support/x3-client.ts'
import { approved, codingRow, handRules, taxRule } from '../support/x3-posting.ts'

describe('journals posted to X3', () => {
  let fixture: X3Fixture
  let connection: X3Connection
  let accounts: string[]
  let centres: { active: string; inactive: string }
  let supplier: string
  const closing: (() => Promise<unknown>)[] = []
  afterEach(async () => {
    for (const close of closing.splice(0)) await close()
  })

  async function open(
    options: Parameters<typeof startX3Fixture>[0] = {},
    more: Partial<X3PostOptions> = {},
    rules: Partial<PostingRules> = {},
  ): Promise<PostTarget> {
    fixture = await startX3Fixture(options)
    connection = connect(fixture, { retry: { attempts: 2, firstDelayMs: 1 }, now: fixture.clock.now, timeoutMs: 2000 })
    closing.push(
      () => connection.close(),
      () => fixture.x3.close(),
    )
    const { account, dimension, supplier: suppliers } = fixture.books.tables
    accounts = [...account.walk()].filter(({ chart, active }) => chart === 'FRA' && active).map(({ code }) => code)
    const [first, second] = [...dimension.walk()].filter(({ type, active }) => type === 'CCT' && active)
    if (second) (dimension as ChangingTable<Dimension>).put({ ...second, active: false })
    centres = { active: first?.code ?? '', inactive: second?.code ?? '' }
    supplier = [...suppliers.walk()][0]?.code ?? ''
    return target(more, rules)
  }
  function target(more: Partial<X3PostOptions> = {}, rules: Partial<PostingRules> = {}): PostTarget {
    const services = createWebServices(connection, { url: '', pool: 'TIEOUT', language: 'ENG', requestConfig: '' })
    const [cost = '', tax = '', owed = '', control = '', rounding = ''] = accounts
    const taxes = [
      taxRule('FR-S20', { account: tax, accountOnly: true }),
      taxRule('FR-RC20', { treatment: 'reverse', account: tax, owedAccount: owed, rate: '20', accountOnly: true }),
      taxRule('STRICT', { account: tax }),
      taxRule('FR-E00', { treatment: 'none', x3Code: 'EXO' }),
    ]
    const companies = [{ company: 'FR10', site: 'FR011', accrual: '', rounding }]
    const own = { ...handRules, taxes, companies, suppliers: [{ company: '*', supplier: '*', account: control }] }
    return createX3PostTarget(connection, services, {
      rules: { ...own, ...rules },
      publication: 'WSGAS',
      referenceField: '',
      test: { site: 'FR011', entryType: 'GEN', journal: '', currency: 'EUR', debit: cost, credit: tax, dimensions: {} },
      ...more,
    })
  }

  const notes = new Map<string, string>()
  const context = (more: Partial<SendContext> = {}): SendContext => ({
    signal: never,
    waiting: () => undefined,
    note: { read: async () => notes.get('note'), save: async (text) => void notes.set('note', text) },
    sending: () => undefined,
    ...more,
  })
  beforeEach(() => notes.clear())

  const row = (more: Row = {}): Row => codingRow({ account: accounts[0] ?? '', cost_centre: centres.active, ...more })
  const invoice = (more: Row = {}, lines?: readonly Row[]): DataRecord =>
    approved({ supplier, ...more }, lines ?? [row()])
  const written = (record: DataRecord, read = 1): WriteRecord => ({
    ...{ record, read, hash: '' },
    key: `basware|${String(record.id)}|${String(record.revision)}`,
  })
  const post = (to: PostTarget, record: DataRecord, as: 'draft' | 'final' = 'draft') =>
    to.post(written(record), { id: 'i', at: '', as }, context())
  const findOf = async (to: PostTarget, record: DataRecord): Promise<Found | undefined> => {
    const { key } = written(record)
    return (await to.find([{ key, at: null }], context())).get(key)
  }
  const postedOf = (found: Found | undefined): PostResult => {
    assert.equal(found?.kind, 'posted', JSON.stringify(found))
    return (found as { result: PostResult }).result
  }
  const factsIn = ({ amount, currency, party }: PostFacts) => ({ amount, currency, party })
  const posted = () => fixture.x3.soap.accountant.posted()

  it('are shown to a person as X3 has them: read by the number that the look-up finds, or by its facts', async () => {
    const read: VoucherReader = (...asked) =>
      voucherReader((own) => sourceOf(connection, own), 'demo', 'journal')(...asked)
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
      lines.some((line) => line.business_partner === supplier),
      JSON.stringify(lines),
    )
    assert.deepEqual(there?.cut, [])
    const short = await to.standing?.(key, 1, context())
    assert.deepEqual([short?.record.lines, short?.cut], [lines.slice(0, 1), ['lines']])
    const facts = await target().standing?.(key, 10, context())
    assert.deepEqual([facts?.record.number, facts?.record.amount, facts?.record.party], [number, '120', supplier])
    assert.match(facts?.says?.[1] ?? '', /facts of the look-up/)
    await assert.rejects(async () => to.standing?.('basware|x', 10, context()), /does not say what stands there/)
  })

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
    fixture.x3.soap.accountant.closeBefore('2027-01-01')
    assert.match(JSON.stringify(await to.test?.(context())), /Period closed/)
    fixture.x3.soap.accountant.closeBefore('')
    const plan = createFaults('calm', 1, SOAP_SITES, { slowMs: 1, timeoutMs: 20, retryAfterSeconds: 1 })
    fixture.x3.setFaults(plan)
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
        assert.deepEqual(facts, { amount: '120', currency: 'EUR', party: supplier })
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
    const entry = fixture.books.tables.journalEntry.get(key)
    const seen = entry?.lines.map(({ account, sign, amount, businessPartner, tax, analytical }) => [
      ...[account, sign, amount, businessPartner, tax, analytical[0]?.dimensions.CCT ?? null],
    ])
    assert.deepEqual(seen, [
      [accounts[0], 1, '100.00', null, 'NOR', centres.active],
      [accounts[1], 1, '20.00', null, 'NOR', null],
      [accounts[3], -1, '120.00', supplier, null, null],
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
      const { lines = [] } = fixture.books.tables.journalEntry.get(key) ?? {}
      assert.equal(
        lines.reduce((sum, line) => sum + line.sign * Math.round(Number(line.amount) * 1000), 0),
        0,
        key,
      )
    }
  })

  it('are held with the words of X3 where it clearly refuses them', async () => {
    const to = await open()
    const inactive = [...fixture.books.tables.account.walk()].find(({ chart, active }) => chart === 'FRA' && !active)
    fixture.x3.soap.accountant.closeBefore('2026-02-01')
    const cases: readonly [RegExp, RegExp, DataRecord][] = [
      [/Period closed 2026-01-05/, /open the period/, invoice({ voucher_date: '2026-01-05' })],
      [/Dimension 99999-X does not exist/, /cost centre/, invoice({}, [row({ cost_centre: '99999-X' })])],
      [/inactive/, /cost centre/, invoice({}, [row({ cost_centre: centres.inactive })])],
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

  it('that were deleted, reversed, entered twice or changed are told from each other', async () => {
    const to = await open()
    const { accountant } = fixture.x3.soap
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
    fixture.x3.setFaults(plan)
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
    fixture.x3.setFaults(plan)
    await to.check(written(invoice()), context())
    plan.force('soap:save', 'unauthorized')
    const outcome = await post(to, invoice())
    assert.deepEqual([outcome.kind, outcome.kind === 'refused' && outcome.error.cause.class], ['refused', 'auth'])
    await to.renew?.()
    assert.equal((await post(to, invoice())).kind, 'posted')
  })
})
