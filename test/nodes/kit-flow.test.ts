import { deepStrictEqual, match, ok, strictEqual } from 'node:assert'
import type { ConnectionHandle } from '../../nodes/kit/members.ts'
import { fakeEngine, noOutcomes, summaryOf } from '../support/fake-engine.ts'
import {
  type FlowEntry,
  first,
  helper,
  inbox,
  load,
  node,
  statuses,
  unload,
  watchRejections,
} from '../support/helper.ts'
import { batch, flow, kitTypes, schema, secrets } from '../support/kit-nodes.ts'
import { waitFor } from '../support/wait.ts'

describe('node kit', () => {
  const stage = { engine: fakeEngine(), log: [] as string[] }
  const types = kitTypes(stage)
  watchRejections()
  beforeEach(() => {
    stage.engine = fakeEngine()
    stage.log.length = 0
  })

  describe('source, mapping and sink', () => {
    it('a run knows the sinks that each entity reaches, sends batches by output 1 and the summary by output 2', async () => {
      stage.engine = fakeEngine({
        async poll(options) {
          options.progress({ entity: 'supplier', records: 2, rows: 12400 })
          options.send(batch(['a', 'b']))
          return summaryOf('x', {
            entities: [
              { ...noOutcomes, entity: 'supplier', sink: 'w', read: 2, rows: 2, ties: true, amounts: {}, delivered: 2 },
            ],
          })
        },
      })
      await load(types, flow, secrets)
      const after = inbox('after')
      const sum = inbox('sum')
      const shown = statuses('s')
      node('s').receive({})
      strictEqual(((await first(sum)).payload as { sync: string }).sync, 'x')
      const passed = await first(after)
      deepStrictEqual(passed.result, { ...noOutcomes, delivered: 2 })
      const [options] = stage.engine.polls
      deepStrictEqual(options?.entities, ['supplier', 'product'])
      deepStrictEqual(
        options?.sinks('supplier').map((s) => s.name),
        ['warehouse'],
      )
      deepStrictEqual(
        options?.sinks('product').map((s) => s.id),
        ['w', 'v'],
      )
      deepStrictEqual(
        (await options?.targets?.('product'))?.map((t) => t.target.address),
        ['test://h/product', 'test://h/product'],
      )
      strictEqual(stage.engine.delivered.length, 2)
      ok(shown.includes('blue ring supplier 12,400 rows'), shown.join())
      match(shown.at(-1) ?? '', /^green dot 2 records, \d\d:\d\d$/)
    })

    it('a sink that is deployed asks about what a process before it had sent, for the entities that are for it', async () => {
      const asked: Record<string, string | undefined> = {}
      stage.engine = fakeEngine({
        async resumeAppends({ ref, target }) {
          for (const entity of ['supplier', 'product']) asked[`${ref.id} ${entity}`] = (await target(entity))?.address
        },
      })
      await load(types, flow, secrets)
      await waitFor(() => Object.keys(asked).length === 4)
      deepStrictEqual(asked, {
        'w supplier': 'test://h/supplier',
        'w product': 'test://h/product',
        'v supplier': undefined,
        'v product': 'test://h/product',
      })
    })

    const endsWith = async (more: Parameters<typeof summaryOf>[1]): Promise<string> => {
      stage.engine = fakeEngine({ poll: async () => summaryOf('x', more) })
      await load(types, flow, secrets)
      const sum = inbox('sum')
      const shown = statuses('s')
      node('s').receive({})
      await first(sum)
      return shown.at(-1) ?? ''
    }

    it('the status has the word for the run: green for ties and nothing new alone', async () => {
      match(await endsWith({ verdict: 'ties' }), /^green dot ties; 0 records/)
    })
    it('the sentence of the summary is the status, with the time that it says and no other', async () => {
      const says = 'ties: sums of this run and counts of the whole tables, 03:12'
      strictEqual(await endsWith({ verdict: 'ties', says }), `green dot ${says}; 0 records`)
    })
    it('and what is open with its amount', async () => {
      const open = 'open: gl_entry: 52 held, EUR 468,962.42'
      match(
        await endsWith({ verdict: 'open', ties: false, says: open }),
        new RegExp(`^yellow dot ${open}; 0 records, `),
      )
    })
    it('nothing new is green too', async () => {
      match(await endsWith({ verdict: 'nothing new' }), /^green dot nothing new; 0 records/)
    })
    it('a difference that an earlier run found is red, and no failure of this one', async () => {
      const says = 'differs: supplier: count 3 delivered, 2 stored'
      strictEqual(await endsWith({ verdict: 'differs', ties: false, says }), `red ring ${says}`)
    })

    it('also as the failure of the run that found it, whole, with the node that it comes from', async () => {
      const says =
        'differs: supplier: 52 record(s) were changed in the flow by function "double", such as erp|1: EUR 120.10'
      strictEqual(await endsWith({ state: 'failed', verdict: 'differs', ties: false, says }), `red ring ${says}`)
    })

    it('a mapping holds in the name of the sinks behind it and shows what it held without sensitive values', async () => {
      await load(types, flow, secrets)
      const held = inbox('mheld')
      const after = inbox('after')
      node('m').receive(batch(['a', 'bad']) as never)
      const message = await first(held)
      deepStrictEqual(message.payload, { source: 's', code: 'bad', iban: '•••' })
      strictEqual((message.error as { code: string }).code, 'map.code')
      deepStrictEqual(
        stage.engine.holds[0]?.sinks.map((s) => s.id),
        ['w'],
      )
      strictEqual(stage.engine.holds[0]?.stage, 'map')
      strictEqual(stage.engine.holds[0]?.records[0]?.record._row, 1)
      deepStrictEqual(
        ((await first(after)).payload as { code: string }[]).map((r) => r.code),
        ['a'],
      )
    })

    it('a second start is refused with a warning, and a stop message aborts the first', async () => {
      stage.engine = fakeEngine({
        poll: (options) =>
          new Promise((resolve) => {
            options.signal.addEventListener('abort', () => resolve(summaryOf('x', { state: 'stopped' })))
          }),
      })
      await load(types, flow, secrets)
      const caught = inbox('caught')
      const sum = inbox('sum')
      const shown = statuses('s')
      node('s').receive({})
      await waitFor(() => stage.engine.polls.length === 1)
      node('s').receive({})
      await waitFor(() => shown.includes('yellow ring still running'))
      strictEqual(stage.engine.polls.length, 1)
      node('s').receive({ tieout: { stop: true } })
      strictEqual(((await first(sum)).payload as { state: string }).state, 'stopped')
      strictEqual(caught.length, 0)
      node('s').receive({})
      await waitFor(() => stage.engine.polls.length === 2)
    })

    it('closing during a run aborts it, waits for it, then closes connection and engine', async () => {
      stage.engine = fakeEngine({
        poll: (options) =>
          new Promise((resolve) => {
            options.signal.addEventListener('abort', () =>
              setImmediate(() => {
                stage.log.push('run ended')
                resolve(summaryOf('x', { state: 'stopped' }))
              }),
            )
          }),
        async close() {
          stage.log.push('engine closed')
        },
      })
      await load(types, flow, secrets)
      node('s').receive({})
      await waitFor(() => stage.engine.polls.length === 1)
      await helper.clearFlows()
      deepStrictEqual(stage.log, ['open h', 'run ended', 'close h', 'engine closed'].sort(byOrder(stage.log)))
      strictEqual(
        stage.log.indexOf('run ended') < stage.log.indexOf('close h') &&
          stage.log.indexOf('run ended') < stage.log.indexOf('engine closed'),
        true,
      )
    })

    it('a failed run sends its summary and fails the message with the first error', async () => {
      stage.engine = fakeEngine({
        poll: async () =>
          summaryOf('x', {
            state: 'failed',
            ties: false,
            errors: [{ class: 'auth', code: 'x3.21', message: 'The token was refused', hint: 'Look at the clock.' }],
          }),
      })
      await load(types, flow, secrets)
      const caught = inbox('caught')
      const sum = inbox('sum')
      node('s').receive({})
      const { error } = (await first(caught)) as unknown as {
        error: { message: string; code: string; cause: { class: string; hint: string } }
      }
      strictEqual(error.message, 'The token was refused. Look at the clock.')
      strictEqual(error.code, 'x3.21')
      strictEqual(error.cause.hint, 'Look at the clock.')
      strictEqual((await first(sum)).topic, 'x')
    })

    for (const [order, scope] of [
      [{ full: true }, { kind: 'full' }],
      [
        { from: '2026-01-01', to: '2026-01-31' },
        { kind: 'backfill', from: '2026-01-01', to: '2026-01-31' },
      ],
      [
        { entity: 'supplier', keys: ['s|a'] },
        { kind: 'keys', entity: 'supplier', keys: ['s|a'] },
      ],
      [undefined, { kind: 'changes' }],
    ] as const)
      it(`msg.tieout ${JSON.stringify(order)} asks for ${scope.kind}`, async () => {
        await load(types, flow, secrets)
        const sum = inbox('sum')
        node('s').receive({ tieout: order })
        await first(sum)
        deepStrictEqual(stage.engine.polls[0]?.scope, scope)
      })

    for (const [order, sweep] of [
      [{ sweep: true }, { since: null }],
      [
        { sweep: { confirm: ['supplier', 'customer'] }, by: 'anna', reason: 'they were archived' },
        { since: null, confirm: ['supplier', 'customer'] },
      ],
    ] as const)
      it(`msg.tieout ${JSON.stringify(order)} asks for what changed and a sweep`, async () => {
        await load(types, flow, secrets)
        const sum = inbox('sum')
        node('s').receive({ tieout: order })
        await first(sum)
        const { scope, sweep: asked } = stage.engine.polls[0] ?? {}
        deepStrictEqual({ scope, asked }, { scope: { kind: 'changes' }, asked: sweep })
      })

    for (const [order, about] of [
      [{ sweep: { confirm: 'supplier' } }, 'supplier they were really deleted'],
      [{ identity: 'anew' }, ' anew'],
      [{ full: true, identity: 'keep' }, ' keep'],
    ] as const)
      it(`msg.tieout ${JSON.stringify(order)} is a decision: refused without a reason, with the message to send, and kept`, async () => {
        await load(types, [...flow, { id: 'T', type: 'tab', label: 'Books' }], secrets)
        const [caught, sum] = [inbox('caught'), inbox('sum')]
        node('s').receive({ tieout: order } as never)
        const { message, cause } = (await first(caught)).error as { message: string; cause: { hint: string } }
        match(message, /is a decision that is kept with its reason, and the message has none/)
        const [, json = ''] = /msg\.tieout = (\{.*\})\. /.exec(cause.hint) ?? []
        const meant = JSON.parse(json) as Record<string, string>
        deepStrictEqual({ ...meant, by: undefined, reason: undefined }, { ...order, by: undefined, reason: undefined })
        strictEqual(stage.engine.polls.length, 0)
        const { by: _, ...unnamed } = { ...meant, by: '', reason: 'the folder was archived' }
        node('s').receive({ tieout: unnamed } as never)
        await first(sum)
        const [decision] = stage.engine.decisions
        match(decision?.by ?? '', /node .+/)
        deepStrictEqual(
          [`${decision?.entity} ${decision?.about}`, decision?.reason],
          [about, 'the folder was archived'],
        )
      })

    it('an order that is not known fails in words instead of reading everything', async () => {
      await load(types, flow, secrets)
      const caught = inbox('caught')
      node('s').receive({ tieout: { full: 'yes' } })
      match(((await first(caught)).error as { message: string }).message, /msg\.tieout must be one of/)
      strictEqual(stage.engine.polls.length, 0)
    })

    it('two sources with one sync name: the second is red and fails its messages', async () => {
      await load(types, [...flow, { ...(flow[2] as FlowEntry), id: 's2' }], secrets)
      const caught = inbox('caught')
      node('s2').receive({})
      match(((await first(caught)).error as { message: string }).message, /The name x is taken by node s/)
    })

    it('a sink refuses the batch of another ledger, a message without a schema, and what is no record', async () => {
      await load(types, flow, secrets)
      const caught = inbox('caught')
      const text = async (message: object): Promise<string> => {
        caught.length = 0
        node('w').receive(message as never)
        return ((await first(caught)).error as { message: string }).message
      }
      const other = batch(['a'])
      match(await text({ ...other, sync: { ...other.sync, ledger: 'ledger-2' } }), /another ledger/)
      match(await text({ payload: [{ code: 'a' }] }), /msg\.schema is missing/)
      match(await text({ ...other, payload: ['a'] }), /msg\.payload\[0\] is no record/)
      match(
        await text({ ...other, schema: { ...schema, columns: [{ name: 'code', type: 'text' }] } }),
        /msg\.schema\.columns\.0\.type is not string, integer/,
      )
      strictEqual(stage.engine.delivered.length, 0)
    })

    it('a record alone, as a split leaves it, is a batch of one', async () => {
      await load(types, flow, secrets)
      const after = inbox('after')
      node('w').receive({ ...batch(['a']), payload: batch(['a']).payload[0] } as never)
      await first(after)
      strictEqual(stage.engine.delivered[0]?.message.payload.length, 1)
    })

    it('a node without a ledger or a connection says which field is empty', async () => {
      await load(
        types,
        flow.map((n) => (n.id === 'w' ? { ...n, connection: '' } : n)),
        secrets,
      )
      const caught = inbox('caught')
      node('w').receive(batch(['a']) as never)
      match(
        ((await first(caught)).error as { message: string }).message,
        /Field connection: no test-connection is chosen/,
      )
    })
  })

  describe('connection routes', () => {
    const post = (path: string, body: object) => helper.request().post(path).send(body)
    const unsaved = { id: 'C', config: { host: 'other' }, credentials: { token: '__PWRD__' } }

    it('tests unsaved values with the stored secret, and never answers it', async () => {
      await load(types, flow, secrets)
      const { body } = await post('/tieout/connections/test-connection/test', unsaved)
      deepStrictEqual(body, { lines: [{ ok: true, text: 'reached other with •••' }] })
    })

    it('takes the variable that the flow names for a secret, before and after the deploy', async () => {
      process.env.TEST_TOKEN = 'of the variable'
      after(() => delete process.env.TEST_TOKEN)
      const named = { id: 'new', config: { host: 'h', tokenFrom: 'TEST_TOKEN' }, credentials: {} }
      await load(types, [])
      const fresh = await post('/tieout/connections/test-connection/test', named)
      deepStrictEqual(fresh.body, { lines: [{ ok: true, text: 'reached h with •••' }] })
      const wrong = { ...named, config: { host: 'h', tokenFrom: 'TIEOUT_ADMIN_PASSWORD_HASH' } }
      const refused = await post('/tieout/connections/test-connection/test', wrong)
      match(refused.body.lines[0].text, /Field token: "TIEOUT_ADMIN_PASSWORD_HASH" is no variable for a secret/)
      await unload()
      const deployed = flow.map((node) => (node.id === 'C' ? { ...node, tokenFrom: 'TEST_TOKEN' } : node))
      await load(types, deployed, secrets)
      const { tieout } = node('C') as unknown as { tieout: ConnectionHandle<{ token: string }> }
      strictEqual((await tieout.client.get()).token, 'of the variable')
    })

    it('works before the first deploy, and names what is missing', async () => {
      await load(types, [])
      const fresh = await post('/tieout/connections/test-connection/test', {
        id: 'new',
        config: { host: 'h' },
        credentials: { token: 'typed-in' },
      })
      deepStrictEqual(fresh.body.lines, [{ ok: true, text: 'reached h with •••' }])
      const empty = await post('/tieout/connections/test-connection/test', {
        id: 'new',
        config: { host: `\${NOPE}` },
        credentials: { token: 'x' },
      })
      match(empty.body.lines[0].text, /Field host: the environment variable NOPE is not set/)
      strictEqual(empty.body.lines[0].ok, false)
    })

    it("does not give a node's secret to a dialog of another type", async () => {
      await load(types, flow, secrets)
      const { body } = await post('/tieout/connections/sync-ledger/test', { ...unsaved })
      deepStrictEqual(body, { lines: [] })
      const other = await post('/tieout/connections/test-connection/test', {
        id: 'L',
        config: { host: 'h' },
        credentials: { token: '__PWRD__' },
      })
      match(other.body.lines[0].text, /the token is missing/)
    })

    it('gives pick lists, closes what it opened, and answers an unknown list in words', async () => {
      await load(types, flow, secrets)
      const { body } = await post('/tieout/connections/test-connection/lists/codes', {
        ...unsaved,
        query: { like: 'a' },
      })
      deepStrictEqual(body, { items: [{ value: 'other-a', label: '•••' }] })
      deepStrictEqual(stage.log, ['open other', 'close other'])
      const unknown = await post('/tieout/connections/test-connection/lists/constructor', unsaved)
      strictEqual(unknown.status, 422)
      match(unknown.body.error, /There is no list constructor/)
    })

    it('previews with sensitive values masked, and names the sinks that the deployed source reaches', async () => {
      await load(types, flow, secrets)
      process.env.TIEOUT_TEST_NAME = 'x'
      const { body } = await post('/tieout/sources/test-source/preview', {
        config: { syncName: `\${TIEOUT_TEST_NAME}`, entities: ['supplier'] },
        entity: 'supplier',
        connection: unsaved,
      })
      deepStrictEqual(
        body.records.map((r: { iban: string }) => r.iban),
        ['•••', '•••'],
      )
      const reached = await helper.request().get('/tieout/sources/test-source/s/sinks')
      deepStrictEqual(reached.body, { deployed: true, sinks: ['warehouse', 'test-sink'] })
    })

    it('refuses a body that is not one', async () => {
      await load(types, flow, secrets)
      const { status, body } = await post('/tieout/connections/test-connection/test', { id: 7 })
      strictEqual(status, 400)
      match(body.error, /^id: /)
    })
  })
})

/** Sorts a list as another one has it, so that only the members are compared. */
const byOrder = (order: readonly string[]) => (a: string, b: string) => order.indexOf(a) - order.indexOf(b)
