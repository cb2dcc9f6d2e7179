import assert from 'node:assert/strict'
import { createCloudLogin } from '../../nodes/x3/client/cloud/tokens.ts'
import type { X3Connection } from '../../nodes/x3/client/connection.ts'
import { createOperations, type OperationNames } from '../../nodes/x3/client/posting/operation.ts'
import { voucherReader } from '../../nodes/x3/client/posting/standing.ts'
import { createX3PostTarget } from '../../nodes/x3/client/posting/target.ts'
import { createFaults } from '../../sandbox/faults.ts'
import { x3FaultSites } from '../../sandbox/x3/server.ts'
import type { DataRecord, Row } from '../../sync/contract/message.ts'
import type { Found, PostTarget, SendContext } from '../../sync/contract/posting.ts'
import { ledgerFolder } from '../support/ledger.ts'
import { startX3Fixture, type X3Fixture } from '../support/x3.ts'
import { connect, never, sourceOf } from '../support/x3-client.ts'
import { startCloud } from '../support/x3-cloud.ts'
import { approved, codingRow, handRules, INVOICE_OPERATION, OPERATION, taxRule } from '../support/x3-posting.ts'

describe("journals posted by a customer's own operation of GraphQL", () => {
  let fixture: X3Fixture
  let connection: X3Connection
  let accounts: string[]
  let supplier: string
  const closing: (() => Promise<unknown>)[] = []
  afterEach(async () => {
    for (const close of closing.splice(0)) await close()
  })
  async function open(options: Parameters<typeof startX3Fixture>[0] = {}, names = OPERATION): Promise<PostTarget> {
    fixture = await startX3Fixture({ soap: { shape: 'wide' }, ...options })
    connection = connect(fixture, { retry: { attempts: 2, firstDelayMs: 1 }, now: fixture.clock.now, timeoutMs: 2000 })
    closing.push(
      () => connection.close(),
      () => fixture.x3.close(),
    )
    learnBooks()
    return target(names)
  }
  function learnBooks(): void {
    const { account, supplier: suppliers } = fixture.books.tables
    accounts = [...account.walk()].filter(({ chart, active }) => chart === 'FRA' && active).map(({ code }) => code)
    supplier = [...suppliers.walk()][0]?.code ?? ''
  }
  const accountsOf = async (options: Parameters<typeof startX3Fixture>[0]): Promise<string[]> => {
    await open(options)
    return accounts
  }
  function target(names = OPERATION): PostTarget {
    const [cost = '', tax = '', , control = ''] = accounts
    const rules = {
      ...handRules,
      taxes: [taxRule('FR-S20', { account: tax })],
      suppliers: [{ company: '*', supplier: '*', account: control }],
      dimensions: [],
    }
    return createX3PostTarget(connection, createOperations(connection, names), {
      ...{ rules, publication: 'journals', referenceField: 'REFINT' },
      test: { site: 'FR011', entryType: 'GEN', journal: '', currency: 'EUR', debit: cost, credit: tax, dimensions: {} },
    })
  }
  const notes = new Map<string, string>()
  const context = (): SendContext => ({
    ...{ signal: never, waiting: () => undefined, sending: () => undefined },
    note: { read: async () => notes.get('note'), save: async (text) => void notes.set('note', text) },
  })
  beforeEach(() => notes.clear())
  const invoice = (more: Row = {}, row: Row = {}): DataRecord =>
    approved({ supplier, ...more }, [codingRow({ account: accounts[0] ?? '', ...row })])
  const written = (record: DataRecord) => ({
    ...{ record, read: 1, hash: '', key: `basware|${String(record.id)}|${String(record.revision)}` },
  })
  const post = (to: PostTarget, record: DataRecord, as: 'draft' | 'final' = 'final') =>
    to.post(written(record), { id: 'i', at: '', as }, context())
  const findOf = async (to: PostTarget, record: DataRecord): Promise<Found | undefined> =>
    [...(await to.find([{ key: written(record).key, at: null }], context())).values()][0]
  const posted = () => fixture.x3.soap.accountant.posted()

  it('are tested, posted, found with what they owe to whom, and told from reversed and doubled ones', async () => {
    const to = await open()
    assert.deepEqual(await to.test?.(context()), { proved: true })
    assert.deepEqual(posted(), [], 'the test draft is deleted')
    assert.equal((await to.prove(context())).proved, true)
    const record = invoice()
    const facts = await to.check(written(record), context())
    const outcome = await post(to, record)
    assert.equal(outcome.kind, 'posted', JSON.stringify(outcome))
    const found = await findOf(to, record)
    const { key = '', header } = posted()[0] ?? {}
    const [type, number] = key.split('|')
    assert.deepEqual(found, {
      kind: 'posted',
      result: { ...facts, type, number, status: 'final', paymentBlock: false },
    })
    assert.deepEqual([header?.ACCDAT, header?.BPRVCR], ['2026-03-05', 'F-117'])
    fixture.x3.soap.accountant.reverse(key)
    assert.equal(((await findOf(to, record)) as { result: { status: string } }).result.status, 'reversed')
    const twice = invoice({ id: 'twice' })
    await post(to, twice)
    await post(to, twice)
    assert.equal((await findOf(to, twice))?.kind, 'twice')
    assert.deepEqual(await findOf(to, invoice({ id: 'none' })), { kind: 'absent' })
  })

  it('may be supplier invoices: tested, made with their taxes, and found with what they owe', async () => {
    const [cost = '', taxAccount = '', , control = ''] = await accountsOf({ custom: {} })
    await open({ custom: { invoices: { tax: taxAccount, control } } })
    const test = { site: 'FR011', entryType: 'BPSIN', journal: '', currency: 'EUR', debit: cost, credit: '' }
    const to = createX3PostTarget(connection, createOperations(connection, INVOICE_OPERATION), {
      rules: { ...handRules, dimensions: [], dueDateField: 'DUDDAT' },
      ...{ publication: 'invoices', referenceField: 'REFINT', document: 'invoice' },
      test: { ...test, dimensions: {}, supplier },
      read: voucherReader((own) => sourceOf(connection, own), 'demo', 'invoice'),
    })
    assert.deepEqual(await to.test?.(context()), { proved: true })
    const record = invoice()
    const facts = await to.check(written(record), context())
    const outcome = await post(to, record)
    assert.equal(outcome.kind, 'posted', JSON.stringify(outcome))
    const found = await findOf(to, record)
    assert.deepEqual(found?.kind === 'posted' && [found.result.amount, found.result.party, found.result.status], [
      facts.amount,
      supplier,
      'final',
    ])
    // The sandbox's purchasing does not have what the operation makes.
    const there = await to.standing?.(written(record).key, 10, context())
    assert.deepEqual(
      [there?.schema.entity, there?.record.amount, there?.record.party],
      ['supplier_invoice', '120', supplier],
    )
    assert.match(there?.says?.[1] ?? '', /facts of the look-up/)
    const { key = '' } = posted()[0] ?? {}
    const lines = fixture.books.tables.journalEntry.get(key)?.lines ?? []
    assert.deepEqual(
      lines.map(({ account, sign, amount, tax }) => [account, sign, amount, tax]),
      [
        [cost, 1, '100.00', 'NOR'],
        [taxAccount, 1, '20.00', 'NOR'],
        [control, -1, '120.00', null],
      ],
    )
  })

  it('are refused only where the member for success says no, or a severe diagnosis leaves no data', async () => {
    for (const refusal of ['member', 'diagnoses'] as const) {
      const to = await open({ custom: { refusal } })
      fixture.x3.soap.accountant.closeBefore('2027-01-01')
      const outcome = await post(to, invoice())
      assert.equal(outcome.kind, 'refused', JSON.stringify(outcome))
      assert.match(JSON.stringify(outcome.kind === 'refused' && outcome.error.message), /Period closed/)
      assert.deepEqual(posted(), [])
    }
    const silent = await open({ custom: { noNumber: true } })
    assert.equal((await post(silent, invoice())).kind, 'unknown', 'no number, and nobody says no')
    assert.equal((await findOf(silent, invoice()))?.kind, 'posted')
  })

  it('whose answer is lost, cut or a web page are unknown', async () => {
    const to = await open()
    await to.prove(context())
    const plan = createFaults('calm', 1, x3FaultSites, { slowMs: 1, timeoutMs: 20, retryAfterSeconds: 1 })
    fixture.x3.setFaults(plan)
    for (const kind of [
      'reset-after',
      'cut-body',
      'broken-body',
      'server-error',
      'unavailable',
      'reset-before',
    ] as const) {
      plan.force('graphql:write', kind)
      const outcome = await post(to, invoice({ id: kind }))
      assert.equal(outcome.kind, 'unknown', `${kind} ${JSON.stringify(outcome)}`)
    }
    // Once, it is sent again with the login made anew.
    plan.force('graphql:write', 'unauthorized', 2)
    assert.equal((await post(to, invoice({ id: 'u' }))).kind, 'refused')
    assert.deepEqual(posted().length, 3, 'what was cut behind the commit is in')
  })

  it('go through the gateway of the cloud, also with a login that ends in between', async () => {
    const folder = ledgerFolder()
    const cloud = await startCloud({}, { soap: { shape: 'wide' } })
    fixture = cloud
    const ledger = await folder.open()
    const login = createCloudLogin(cloud.name)
    await cloud.pair(login, ledger)
    connection = cloud.connect(login, ledger)
    closing.push(
      () => connection.close(),
      () => cloud.close(),
      () => folder.remove(),
    )
    learnBooks()
    const to = target()
    assert.equal((await to.prove(context())).proved, true)
    for (const id of ['a', 'b']) {
      cloud.gateway.pairings.endAccess()
      const outcome = await post(to, invoice({ id }))
      assert.equal(outcome.kind, 'posted', JSON.stringify(outcome))
      cloud.gateway.pairings.endAccess()
      assert.equal((await findOf(to, invoice({ id })))?.kind, 'posted')
    }
    assert.equal(posted().length, 2)
  })

  it('say which name is wrong, and send nothing', async () => {
    await open()
    const named = (more: Partial<OperationNames>) => target({ ...OPERATION, ...more })
    assert.throws(() => named({ post: { path: 'a { b } c', input: 'T' } }), { code: 'x3.operation-name' })
    const list = { ...OPERATION.found, list: 'nothing' }
    assert.match(JSON.stringify(await named({ found: list }).prove(context())), /proved":false.*nothing/)
    const find = { path: 'zTieout.journal.seek', input: 'ZFind_Input' }
    assert.match(JSON.stringify(await named({ find }).prove(context())), /proved":false.*seek/)
    const { STA: _, ...header } = OPERATION.header
    assert.match(JSON.stringify(await named({ header }).prove(context())), /does not publish STA/)
    assert.deepEqual(posted(), [])
  })
})
