/** Journals that the web services write and REST api1 finds: what the look-up says, and what is no proof of it. */
import { deepStrictEqual, equal, match, ok } from 'node:assert/strict'
import { API1_ENTITIES } from '../../nodes/x3/client/api1/entities.ts'
import { createX3Connection, type X3Connection } from '../../nodes/x3/client/connection.ts'
import { type Api1LookUp, api1LookUp } from '../../nodes/x3/client/posting/api1-lister.ts'
import { createX3PostTarget } from '../../nodes/x3/client/posting/target.ts'
import { createWebServices } from '../../nodes/x3/client/soap/client.ts'
import { createFaults } from '../../sandbox/faults.ts'
import { API1_SITES } from '../../sandbox/x3/api1/door.ts'
import type { DataRecord, Row } from '../../sync/contract/message.ts'
import type { Found, PostTarget, Proof, SendContext } from '../../sync/contract/posting.ts'
import { startX3Fixture, type X3Fixture } from '../support/x3.ts'
import { api1Settings, BASIC } from '../support/x3-api1.ts'
import { never } from '../support/x3-client.ts'
import { approved, codingRow, handRules, taxRule } from '../support/x3-posting.ts'

describe('journals of X3 found by REST api1', () => {
  let fixture: X3Fixture
  let connection: X3Connection
  let accounts: string[]
  let supplier: string
  let lookUp: Api1LookUp
  const closing: (() => Promise<unknown>)[] = []
  const notes = new Map<string, string>()
  beforeEach(() => notes.clear())
  afterEach(async () => {
    for (const close of closing.splice(0)) await close()
  })

  async function open(
    options: NonNullable<Parameters<typeof startX3Fixture>[0]> = {},
    settings: Partial<ReturnType<typeof api1Settings>> = {},
  ): Promise<PostTarget> {
    fixture = await startX3Fixture({ soap: { shape: 'wide' }, basic: BASIC, ...options })
    const { x3, clock, books } = fixture
    const retry = { attempts: 3, firstDelayMs: 1, maxDelayMs: 2 }
    connection = createX3Connection({
      ...{ url: x3.url, folder: x3.folder, auth: { kind: 'basic', ...BASIC }, retry, now: clock.now, timeoutMs: 2000 },
    })
    closing.push(
      () => connection.close(),
      () => x3.close(),
    )
    accounts = [...books.tables.account.walk()]
      .filter((one) => one.chart === 'FRA' && one.active)
      .map(({ code }) => code)
    supplier = [...books.tables.supplier.walk()][0]?.code ?? ''
    lookUp = api1LookUp(connection, { ...api1Settings(x3.api1.url), ...settings })
    const [cost = '', tax = '', , control = ''] = accounts
    const services = createWebServices(connection, { url: '', pool: 'TIEOUT', language: 'ENG', requestConfig: '' })
    return createX3PostTarget(connection, services, {
      rules: {
        ...handRules,
        taxes: [taxRule('FR-S20', { account: tax })],
        suppliers: [{ company: '*', supplier: '*', account: control }],
      },
      ...{ publication: 'WSGAS', referenceField: '' },
      lookUp: lookUp.ask,
      test: { site: 'FR011', entryType: 'GEN', journal: '', currency: 'EUR', debit: cost, credit: tax, dimensions: {} },
    })
  }
  const context = (): SendContext => ({
    ...{ signal: never, waiting: () => undefined, sending: () => undefined },
    note: { read: async () => notes.get('note'), save: async (text) => void notes.set('note', text) },
  })
  const invoice = (more: Row = {}): DataRecord =>
    approved({ supplier, ...more }, [codingRow({ account: accounts[0] ?? '', cost_centre: null })])
  const written = (record: DataRecord) => ({
    ...{ record, read: 1, hash: '', key: `basware|${String(record.id)}|${String(record.revision)}` },
  })
  const post = (to: PostTarget, record: DataRecord, as: 'draft' | 'final' = 'final') =>
    to.post(written(record), { id: 'i', at: '', as }, context())
  const findOf = async (to: PostTarget, record: DataRecord): Promise<Found | undefined> =>
    [...(await to.find([{ key: written(record).key, at: null }], context())).values()][0]
  const posted = () => fixture.x3.soap.accountant.posted()
  /** *Test posting*, and whether a look-up that has not proved itself is taken for one. */
  const proofOf = async (to: PostTarget): Promise<Proof> => {
    const tried = await to.test?.(context())
    ok(tried)
    if (!tried.proved) equal(notes.get('note'), undefined, 'no field is kept that it was not found by')
    return tried
  }

  it('are tested, posted, and found as what they are, by one session, which is given back', async () => {
    const to = await open()
    deepStrictEqual(await proofOf(to), { proved: true })
    deepStrictEqual([posted(), notes.get('note')], [[], JSON.stringify({ fields: ['REFINT'] })])
    equal((await to.prove(context())).proved, true)
    for (const [id, as] of [
      ['d', 'draft'],
      ['f', 'final'],
    ] as const) {
      const record = invoice({ id })
      deepStrictEqual(await findOf(to, record), { kind: 'absent' })
      const outcome = await post(to, record, as)
      equal(outcome.kind, 'posted', JSON.stringify(outcome))
      const found = await findOf(to, record)
      const number = outcome.kind === 'posted' ? outcome.result.number : ''
      const facts = await to.check(written(record), context())
      deepStrictEqual(found, {
        kind: 'posted',
        result: { ...facts, number, type: 'BPSIN', status: as, paymentBlock: false },
      })
    }
    const [, last] = posted()
    fixture.x3.soap.accountant.reverse(last?.key ?? '')
    equal(((await findOf(to, invoice({ id: 'f' }))) as { result: { status: string } }).result.status, 'reversed')
    await post(to, invoice({ id: 'd' }))
    equal((await findOf(to, invoice({ id: 'd' })))?.kind, 'twice')
    deepStrictEqual(fixture.x3.api1.sessions(), { open: 1, most: 1 })
    await lookUp.leave()
    equal(fixture.x3.api1.sessions().open, 0)
    equal((await findOf(to, invoice({ id: 'none' })))?.kind, 'absent', 'and goes on with another one')
  })

  it('are found by the best field that the class shows; by none, nothing is proved and nothing called absent', async () => {
    const cases: readonly [string[], string | undefined][] = [
      [['GACCENTRY.REFINT'], 'REF'],
      [['GACCENTRY.REFINT', 'GACCENTRY.REF'], 'BPRVCR'],
      [['GACCENTRY.REFINT', 'GACCENTRY.REF', 'GACCENTRY.BPRVCR'], undefined],
      [['GACCENTRY'], undefined],
    ]
    for (const [hidden, field] of cases) {
      notes.clear()
      const to = await open({ api1: { hidden } })
      equal((await proofOf(to)).proved, field !== undefined, String(hidden))
      deepStrictEqual(posted(), [], 'the test draft is deleted by the door that wrote it')
      if (field !== undefined) equal(JSON.parse(notes.get('note') ?? '{}').fields[0], field)
      else {
        equal((await to.prove(context())).proved, false)
        const answer = await findOf(to, invoice()).catch((error: Error) => error)
        ok(answer instanceof Error, `${hidden}: ${JSON.stringify(answer)}`)
      }
    }
  })

  it('are unknown where X3 does not look at the condition, and a user without the right proves nothing', async () => {
    const to = await open({ api1: { ignoresWhere: true } })
    match(JSON.stringify(await to.prove(context())), /"proved":false.*REFINT is no condition of its list/)
    equal((await proofOf(to)).proved, false)
    equal((await findOf(to, invoice()))?.kind, 'unknown')
    const other = await open()
    fixture.x3.deny('JournalEntry')
    match(JSON.stringify(await other.prove(context())), /"proved":false.*refuses to read/)
    equal((await proofOf(other)).proved, false)
  })

  it('are not judged by details without lines, amounts or sides', async () => {
    const { gl_entry: of } = API1_ENTITIES
    ok(of?.lists.lines)
    const wrong = [
      { ...of.lists.lines, collection: 'NOTHING' },
      { ...of.lists.lines, sign: 'NOSIDE' },
      { ...of.lists.lines, columns: { ...of.lists.lines.columns, amount: 'NOAMOUNT' } },
    ]
    for (const lines of wrong) {
      notes.clear()
      const to = await open({}, { entities: { ...API1_ENTITIES, gl_entry: { ...of, lists: { lines } } } })
      equal((await proofOf(to)).proved, false)
      await post(to, invoice())
      match(String(await findOf(to, invoice()).catch((error: Error) => error)), /have no (NOTHING|NOSIDE|NOAMOUNT)/)
    }
  })

  it('are asked for again through faults and a pool that is used up, which is no answer', async () => {
    const to = await open()
    equal((await to.prove(context())).proved, true)
    await post(to, invoice())
    const plan = createFaults('calm', 1, API1_SITES, { slowMs: 1, timeoutMs: 20, retryAfterSeconds: 0 })
    fixture.x3.setFaults(plan)
    for (const kind of ['server-error', 'unavailable', 'cut-body', 'broken-body', 'reset-after', 'throttled'] as const)
      for (const site of ['api1:query', 'api1:details'] as const) {
        plan.force(site, kind)
        // A session whose reply was lost ends by X3's own time-out.
        fixture.x3.api1.endSessions()
        equal((await findOf(to, invoice()))?.kind, 'posted', `${kind} at ${site}`)
      }
    fixture.x3.api1.set({ sessions: 0 })
    fixture.x3.api1.endSessions()
    match(String(await findOf(to, invoice()).catch((error: Error) => error)), /no session free/)
  })

  it('need a class', async () => {
    await open()
    const settings = { ...api1Settings(fixture.x3.api1.url), classes: {} }
    try {
      api1LookUp(connection, settings)
      ok(false)
    } catch (error) {
      match(String(error), /no class of X3 is chosen for gl_entry/)
    }
  })
})
