import { deepStrictEqual, match, rejects, strictEqual } from 'node:assert'
import x3ConnectionNode from '../../nodes/x3/x3-connection.ts'
import x3PostNode from '../../nodes/x3/x3-post.ts'
import type { PostingSink } from '../../sync/contract/engine.ts'
import type { BatchMessage, DataRecord } from '../../sync/contract/message.ts'
import type { PostTarget } from '../../sync/contract/posting.ts'
import { fakeEngine, ledgerNode } from '../support/fake-engine.ts'
import { type FlowEntry, first, helper, inbox, load, node, watchRejections } from '../support/helper.ts'
import { waitFor } from '../support/wait.ts'
import { startX3Fixture, type X3Fixture } from '../support/x3.ts'
import { BASIC } from '../support/x3-api1.ts'
import { approved, codingRow, handRules } from '../support/x3-posting.ts'

describe('x3-post', () => {
  let fixture: X3Fixture
  let attended: PostingSink[] = []
  const stage = { engine: fakeEngine() }
  const ledger = ledgerNode(() => stage.engine)
  const types = [ledger, x3ConnectionNode, x3PostNode]
  watchRejections()
  before(async () => {
    fixture = await startX3Fixture({ basic: BASIC })
  })
  after(async () => fixture.x3.close())
  beforeEach(() => {
    attended = []
    const attendSink = (sink: PostingSink) => {
      attended.push(sink)
      return () => void attended.splice(attended.indexOf(sink), 1)
    }
    stage.engine = fakeEngine({ attendSink })
  })

  const { taxes, types: kinds, companies, suppliers, dimensions } = handRules
  const tables = { taxes, types: kinds, companies, suppliers, dimensions }
  const flow = (more: object = {}, pool = 'TIEOUT'): FlowEntry[] => [
    { id: 'L', type: 'sync-ledger' },
    {
      id: 'C',
      type: 'x3-connection',
      url: fixture.x3.url,
      folder: 'SEED',
      clientId: fixture.x3.clientId,
      user: fixture.x3.user,
      soapPool: pool,
      version: 3,
    },
    {
      id: 'p',
      type: 'x3-post',
      ledger: 'L',
      connection: 'C',
      ...tables,
      lookMinutes: '1, 5',
      version: 1,
      wires: [['out'], ['held']],
      ...more,
    },
    { id: 'out', type: 'helper' },
    { id: 'held', type: 'helper' },
    { id: 'catch', type: 'catch', scope: null, wires: [['caught']] },
    { id: 'caught', type: 'helper' },
  ]
  const secrets = () => ({ C: { secret: fixture.x3.secret } })
  const batch = (...payload: DataRecord[]): BatchMessage => ({
    topic: 'basware_invoice',
    payload,
    schema: {
      entity: 'basware_invoice',
      key: ['source', 'id', 'revision'],
      columns: [
        { name: 'source', type: 'string' },
        { name: 'id', type: 'string' },
        { name: 'revision', type: 'integer' },
      ],
    },
    parts: { id: 'x', index: 0, type: 'array' },
    sync: {
      name: 'invoices',
      run: 'r1',
      entity: 'basware_invoice',
      batch: 0,
      readNumber: 1,
      ledger: 'ledger-1',
      mode: 'poll',
    },
  })
  const preview = (config: object = tables) => helper.request().post('/tieout/x3-post/p/preview').send({ config })

  it('gives the engine a target that posts, and has it looked after while it is deployed', async () => {
    const delivered: { target: { address: string; mode: string; rules?: unknown } }[] = []
    stage.engine = fakeEngine({
      attendSink: stage.engine.attendSink,
      async deliver(options) {
        delivered.push(options as never)
        return { delivered: 1, unchanged: 0, superseded: 0, held: 0, inDoubt: 0, filtered: 0 }
      },
    })
    await load(types, flow(), secrets())
    await waitFor(() => attended.length === 1)
    const out = inbox('out')
    node('p').receive(batch(approved()) as never)
    await first(out)
    const [{ target }] = delivered as [(typeof delivered)[0]]
    deepStrictEqual([target.mode, target.address], ['post', `x3://127.0.0.1:${fixture.x3.port}/SEED/journals`])
    deepStrictEqual(target.rules, {
      lookAgainSeconds: [60, 300],
      settleSeconds: 1200,
      everySeconds: 300,
      whenAbsent: 'ask',
    })
    strictEqual(await attended[0]?.target('basware_invoice'), target)
    await helper.unload()
    strictEqual(attended.length, 0)
  })

  it('shows the journal for the last invoice that came, with the tables of the dialog', async () => {
    await load(types, flow(), secrets())
    match((await preview()).body.error, /No invoice has come to this node/)
    const out = inbox('out')
    node('p').receive(batch(approved({ number: 'F-1' }), approved({ number: 'F-2' })) as never)
    await first(out)
    const { body } = await preview()
    match(
      body.notices[0],
      /^Invoice F-2 of AE022: BPSIN, journal ACH, site FR011, 2026-03-05, EUR, reference [0-9A-Z]{18}\.$/,
    )
    deepStrictEqual(body.rows, [
      { account: '606300', partner: '', text: 'Spare parts', tax: 'NOR', debit: '100.00', credit: '', CCE1: 'CC100' },
      { account: '445660', partner: '', text: 'F-2', tax: 'NOR', debit: '20.00', credit: '' },
      { account: '401000', partner: 'AE022', text: 'F-2', tax: '', debit: '', credit: '120.00' },
    ])
    const other = await preview({ ...tables, suppliers: [{ company: 'FR10', supplier: 'AE022', account: '401900' }] })
    strictEqual(other.body.rows[2].account, '401900')
    match(
      (await preview({ ...tables, types: [{ type: 'X', entryType: 'Y' }] })).body.error,
      /its type "INVOICE" is unknown/,
    )
    match((await preview({ ...tables, companies: [] })).body.error, /companies.*the table is empty/)
  })

  it('has journals found by REST api1 where the connection reads by it, and by nothing that could not', async () => {
    const api1 = { door: 'api1', login: 'basic', user: BASIC.user, classes: 'gl_entry = GACCENTRY.YGAE' }
    const deployed = async (more: object, connection: object) => {
      const [ledgerNode, connectionNode, ...rest] = flow({ lookUp: 'api1', ...more })
      await load(types, [ledgerNode, { ...connectionNode, ...connection }, ...rest] as FlowEntry[], {
        C: { secret: fixture.x3.secret, password: BASIC.password },
      })
      await waitFor(() => attended.length === 1)
      return (await attended[0]?.target('basware_invoice')) as PostTarget
    }
    const note = { read: async () => undefined, save: async () => undefined }
    const context = { signal: new AbortController().signal, waiting: () => undefined, note }
    const target = await deployed({ dimensions: dimensions.slice(0, 1) }, api1)
    const before = fixture.x3.api1.requests().query ?? 0
    deepStrictEqual(await target.prove(context), { proved: true })
    strictEqual(fixture.x3.api1.requests().query, before + 1)
    strictEqual(fixture.x3.api1.sessions().open, 1)
    await helper.unload()
    strictEqual(fixture.x3.api1.sessions().open, 0, 'it is given back with the last deploy')
    for (const [more, connection, says] of [
      [{}, {}, /lookUp: the connection reads by GraphQL/],
      [{}, { ...api1, classes: '' }, /no class of X3 is chosen for gl_entry/],
      [{ door: 'operation' }, api1, /lookUp: what an operation of your own has made is found by an operation/],
    ] as const) {
      const names = ['list', 'number', 'type', 'reference', 'status'].map((ours) => ({
        part: 'found',
        ours,
        theirs: ours,
      }))
      const operation = {
        ...{ postOperation: 'z.j.post', postInput: 'P', findOperation: 'z.j.find', findInput: 'F' },
        names: [{ part: 'reply', ours: 'number', theirs: 'number' }, ...names],
      }
      await rejects(deployed({ ...operation, ...more }, connection), says)
      await helper.unload()
    }
  })

  it('names what of its tables is wrong', async () => {
    const failure = async (more: object, pool?: string) => {
      await load(types, flow(more, pool), secrets())
      const caught = inbox('caught')
      node('p').receive(batch(approved({}, [codingRow()])) as never)
      const { error } = (await first(caught)) as { error: { message: string } }
      await helper.unload()
      return error.message
    }
    match(
      await failure({ taxes: [{ code: 'S', treatment: 'reverse', account: '4' }] }),
      /the tax code S needs the account of the tax that is owed/,
    )
    match(
      await failure({ taxes: [{ code: 'S', treatment: 'tax' }] }),
      /needs the account of the tax that is taken back/,
    )
    match(await failure({ taxes: [{ code: 'S', treatment: 'none', deductible: '200' }] }), /must be a percentage/)
    match(await failure({ suppliers: [] }), /suppliers: the table is empty/)
    match(await failure({ lookMinutes: '1; 5' }), /lookMinutes: write minutes with commas/)
    match(await failure({ blockField: 'PAZ' }), /blockValue/)
    match(await failure({}, ''), /names no pool of web services/)
    const operation = {
      door: 'operation',
      postOperation: 'z.j.post',
      postInput: 'P',
      findOperation: 'z.j.find',
      findInput: 'F',
    }
    const name = (part: string, ours: string) => ({ part, ours, theirs: `the_${ours}` })
    const found = ['list', 'number', 'type', 'reference', 'status'].map((ours) => name('found', ours))
    const names = [name('reply', 'number'), ...found]
    match(await failure({ ...operation, postOperation: '' }), /postOperation: write package, node and operation/)
    match(await failure({ ...operation, findInput: '' }), /findInput: say the type of its parameters/)
    match(await failure({ ...operation, names: found }), /name the member of the reply that is the number/)
    match(await failure({ ...operation, names: names.slice(0, -1) }), /what is found that is the status/)
    match(await failure({ ...operation, names, postOperation: 'a b' }), /"a b \(P\)" is no name of an operation/)
  })
})
