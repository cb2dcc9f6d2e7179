import { deepStrictEqual, match, ok, strictEqual } from 'node:assert'
import { z } from 'zod'
import {
  type ConnectionSpec,
  defineConnection,
  defineLedger,
  defineNode,
  defineSink,
  defineSource,
  defineTransform,
  field,
} from '../../nodes/kit/kit.ts'
import { syncError } from '../../sync/errors.ts'
import type { BatchMessage, Schema } from '../../sync/message.ts'
import type { Source } from '../../sync/source.ts'
import type { Target } from '../../sync/target.ts'
import { type FakeEngine, fakeEngine, noOutcomes, summaryOf } from '../support/fake-engine.ts'
import { type FlowEntry, first, helper, inbox, load, node, statuses, unload } from '../support/helper.ts'
import { waitFor } from '../support/wait.ts'

type RED = Parameters<typeof defineNode>[0]

const schema: Schema = {
  entity: 'supplier',
  key: ['source', 'code'],
  columns: [
    { name: 'source', type: 'string' },
    { name: 'code', type: 'string' },
    { name: 'iban', type: 'string', sensitive: true },
  ],
}
const batch = (codes: readonly string[], more: Partial<BatchMessage> = {}): BatchMessage => ({
  topic: 'supplier',
  payload: codes.map((code, _row) => ({ source: 's', code, iban: 'DE1', _row })),
  schema,
  parts: { id: 'p', index: 0, type: 'array' },
  sync: { name: 'x', run: 'r1', entity: 'supplier', batch: 0, readNumber: 1, ledger: 'ledger-1', mode: 'poll' },
  ...more,
})

const log: string[] = []
const connection: ConnectionSpec<
  z.ZodObject<{ host: ReturnType<typeof field.text> }>,
  z.ZodObject<{ token: ReturnType<typeof field.text> }>,
  { host: string; token: string }
> = {
  type: 'test-connection',
  version: 1,
  config: z.object({ host: field.text() }),
  credentials: z.object({ token: field.text('the token is missing') }),
  open: ({ host }, { token }) => {
    log.push(`open ${host}`)
    return { host, token }
  },
  close: ({ host }) => {
    log.push(`close ${host}`)
  },
  test: async ({ host }, { token }) => [{ ok: true, text: `reached ${host} with ${token}` }],
  lists: { codes: async ({ host, token }, query) => [{ value: `${host}-${query.like ?? ''}`, label: token }] },
}

let engine: FakeEngine
const ledger = (RED: RED): void =>
  defineLedger(RED, {
    type: 'sync-ledger',
    version: 1,
    config: z.object({}),
    credentials: z.object({}),
    open: async () => engine,
    test: async () => [],
  })
const source = (RED: RED): void =>
  defineSource(RED, {
    type: 'test-source',
    version: 1,
    config: z.object({ entities: field.list() }),
    connection,
    entities: (config) => config.entities,
    source: (_config, client) => ({ address: `test://${client.host}`, requests: () => 0 }) as Source,
    preview: async () => ({ schema, records: batch(['a', 'b']).payload }),
  })
const sink = (RED: RED): void =>
  defineSink(RED, {
    type: 'test-sink',
    version: 1,
    config: z.object({ only: field.optional() }),
    connection,
    target: (_config, client, entity) => ({ address: `test://${client.host}/${entity}` }) as Target,
    accepts: ({ only }, entity) => !only || only === entity,
  })
const transform = (RED: RED): void =>
  defineTransform(RED, {
    type: 'test-map',
    version: 1,
    config: z.object({}),
    uses: { field: 'mapping', spec: connection },
    transform: (_config, _mapping, { payload, schema: shape }) => ({
      payload: payload.filter((r) => r.code !== 'bad'),
      schema: shape,
      held: payload
        .filter((r) => r.code === 'bad')
        .map((record) => ({ record, cause: { class: 'data' as const, code: 'map.code', message: 'no such code' } })),
    }),
  })
const types = [ledger, (RED: RED) => defineConnection(RED, connection), source, sink, transform]

const config: FlowEntry[] = [
  { id: 'L', type: 'sync-ledger' },
  { id: 'C', type: 'test-connection', host: 'h' },
]
const flow: FlowEntry[] = [
  ...config,
  {
    id: 's',
    type: 'test-source',
    syncName: 'x',
    ledger: 'L',
    connection: 'C',
    entities: ['supplier', 'product'],
    wires: [['m'], ['sum']],
  },
  { id: 'm', type: 'test-map', ledger: 'L', mapping: 'C', wires: [['w', 'v'], ['mheld']] },
  { id: 'w', type: 'test-sink', name: 'warehouse', ledger: 'L', connection: 'C', wires: [['after'], ['held']] },
  { id: 'v', type: 'test-sink', ledger: 'L', connection: 'C', only: 'product', wires: [[], []] },
  ...['sum', 'after', 'held', 'mheld'].map((id) => ({ id, type: 'helper' })),
  { id: 'catch', type: 'catch', scope: null, wires: [['caught']] },
  { id: 'caught', type: 'helper' },
]
const secrets = { C: { token: 'tok-1234' } }

describe('node kit', () => {
  const rejections: unknown[] = []
  const onRejection = (reason: unknown): void => void rejections.push(reason)
  before(() => process.on('unhandledRejection', onRejection))
  after(() => process.off('unhandledRejection', onRejection))
  beforeEach(() => {
    engine = fakeEngine()
    log.length = 0
    rejections.length = 0
  })
  afterEach(async () => {
    await unload()
    deepStrictEqual(rejections, [])
  })

  describe('defineNode', () => {
    const handlers: Record<
      string,
      (message: Record<string, unknown>, context: { signal: AbortSignal; send(o: number, m: object): void }) => unknown
    > = {}
    const any = (RED: RED): void =>
      defineNode(RED, {
        type: 'any',
        version: 1,
        config: z.object({ how: field.text(), limit: field.number(1, 0, 9) }),
        input: (m, c) => handlers[c.config.how]?.(m, c) as Promise<void>,
      })
    const one = (how: string, more: object = {}): FlowEntry[] => [
      { id: 'n', type: 'any', how, wires: [['out']], ...more },
      { id: 'out', type: 'helper' },
      { id: 'catch', type: 'catch', scope: null, wires: [['caught']] },
      { id: 'caught', type: 'helper' },
      { id: 'complete', type: 'complete', scope: ['n'], wires: [['completed']] },
      { id: 'completed', type: 'helper' },
    ]

    for (const [how, handler] of Object.entries({
      rejects: async () => Promise.reject(new TypeError('boom')),
      throws: () => {
        throw new TypeError('boom')
      },
    }))
      it(`a handler that ${how} gives one caught error with code and cause, without a stack`, async () => {
        handlers[how] = handler
        await load([any], one(how))
        const caught = inbox('caught')
        const completed = inbox('completed')
        node('n').receive({ payload: 1 })
        const { error } = (await first(caught)) as unknown as { error: Record<string, unknown> }
        strictEqual(error.message, 'Unexpected: boom')
        strictEqual(error.code, 'tieout.unexpected')
        strictEqual((error.cause as { class: string }).class, 'config')
        strictEqual(error.stack, undefined)
        node('n').receive({ payload: 2 })
        await waitFor(() => caught.length === 2)
        strictEqual(completed.length, 0)
      })

    it('a SyncError reaches the catch node with its cause as a plain object', async () => {
      handlers.data = () =>
        Promise.reject(syncError('data', 'x.7', 'Supplier A: field name is too long', { field: 'name', key: 's|A' }))
      await load([any], one('data'))
      const caught = inbox('caught')
      node('n').receive({})
      const { error } = (await first(caught)) as unknown as { error: Record<string, unknown> }
      strictEqual(error.message, 'Supplier A: field name is too long')
      deepStrictEqual(JSON.parse(JSON.stringify(error.cause)), {
        class: 'data',
        code: 'x.7',
        field: 'name',
        key: 's|A',
      })
    })

    it('completes once for each message', async () => {
      handlers.sends = async (m, { send }) => send(0, m)
      await load([any], one('sends'))
      const completed = inbox('completed')
      const out = inbox('out')
      for (let i = 0; i < 3; i++) node('n').receive({ payload: i })
      await waitFor(() => completed.length >= 3 && out.length >= 3)
      deepStrictEqual(completed.map((m) => m.payload).sort(), [0, 1, 2])
    })

    it('close aborts the signal and waits for the handler that is running', async () => {
      let began = false
      let ended = false
      handlers.slow = (_m, { signal }) =>
        new Promise<void>((resolve) => {
          began = true
          signal.addEventListener('abort', () =>
            setImmediate(() => {
              ended = true
              resolve()
            }),
          )
        })
      await load([any], one('slow'))
      const completed = inbox('completed')
      node('n').receive({})
      await waitFor(() => began)
      await helper.clearFlows()
      strictEqual(ended, true)
      strictEqual(completed.length, 0)
    })

    it('a status that throws does not fail the message', async () => {
      handlers.status = async (m, c) => {
        ;(c as unknown as { status: { done(t: string): void } }).status.done('fine')
        c.send(0, m)
      }
      await load([any], one('status'))
      node('n').status = () => {
        throw new Error('no status today')
      }
      const out = inbox('out')
      node('n').receive({ payload: 'through' })
      strictEqual((await first(out)).payload, 'through')
    })

    it('a wrong field makes the node red and fails each message with its name', async () => {
      await load([any], one('sends', { limit: 'many' }))
      const caught = inbox('caught')
      node('n').receive({})
      const { error } = (await first(caught)) as unknown as { error: { message: string; cause: { field: string } } }
      match(error.message, /Field limit: must be a number/)
      strictEqual(error.cause.field, 'limit')
    })

    it('an unset environment variable, and one inside a longer text, are named', async () => {
      await load([any], one(`\${TIEOUT_TEST_UNSET}`))
      const caught = inbox('caught')
      node('n').receive({})
      match(
        String((await first(caught)).error && ((await first(caught)).error as { message: string }).message),
        /Field how: the environment variable TIEOUT_TEST_UNSET is not set/,
      )
      await unload()
      await load([any], one(`x-\${TIEOUT_TEST_UNSET}`))
      const again = inbox('caught')
      node('n').receive({})
      match(
        ((await first(again)).error as { message: string }).message,
        /Field how: \$\{TIEOUT_TEST_UNSET\} stands inside a longer text/,
      )
    })

    it('a set environment variable gives its value, also to a number field', async () => {
      process.env.TIEOUT_TEST_LIMIT = '7'
      let seen: unknown
      handlers.env = (_m, c) => {
        seen = (c as unknown as { config: { limit: number } }).config.limit
      }
      await load([any], one('env', { limit: `\${TIEOUT_TEST_LIMIT}` }))
      const completed = inbox('completed')
      node('n').receive({})
      await first(completed)
      strictEqual(seen, 7)
      delete process.env.TIEOUT_TEST_LIMIT
    })
  })

  describe('source, mapping and sink', () => {
    it('a run knows the sinks that each entity reaches, sends batches by output 1 and the summary by output 2', async () => {
      engine = fakeEngine({
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
      const [options] = engine.polls
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
        (await options?.targets?.('product', schema))?.map((t) => t.target.address),
        ['test://h/product', 'test://h/product'],
      )
      strictEqual(engine.delivered.length, 2)
      ok(shown.includes('blue ring supplier 12,400 rows'), shown.join())
      match(shown.at(-1) ?? '', /^green dot 2 records \d\d:\d\d$/)
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
        engine.holds[0]?.sinks.map((s) => s.id),
        ['w'],
      )
      strictEqual(engine.holds[0]?.stage, 'map')
      strictEqual(engine.holds[0]?.records[0]?.record._row, 1)
      deepStrictEqual(
        ((await first(after)).payload as { code: string }[]).map((r) => r.code),
        ['a'],
      )
    })

    it('a second start is refused with a warning, and a stop message aborts the first', async () => {
      engine = fakeEngine({
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
      await waitFor(() => engine.polls.length === 1)
      node('s').receive({})
      await waitFor(() => shown.includes('yellow ring still running'))
      strictEqual(engine.polls.length, 1)
      node('s').receive({ tieout: { stop: true } })
      strictEqual(((await first(sum)).payload as { state: string }).state, 'stopped')
      strictEqual(caught.length, 0)
      node('s').receive({})
      await waitFor(() => engine.polls.length === 2)
    })

    it('closing during a run aborts it, waits for it, then closes connection and engine', async () => {
      engine = fakeEngine({
        poll: (options) =>
          new Promise((resolve) => {
            options.signal.addEventListener('abort', () =>
              setImmediate(() => {
                log.push('run ended')
                resolve(summaryOf('x', { state: 'stopped' }))
              }),
            )
          }),
        async close() {
          log.push('engine closed')
        },
      })
      await load(types, flow, secrets)
      node('s').receive({})
      await waitFor(() => engine.polls.length === 1)
      await helper.clearFlows()
      deepStrictEqual(log, ['open h', 'run ended', 'close h', 'engine closed'].sort(byOrder(log)))
      strictEqual(
        log.indexOf('run ended') < log.indexOf('close h') && log.indexOf('run ended') < log.indexOf('engine closed'),
        true,
      )
    })

    it('a failed run sends its summary and fails the message with the first error', async () => {
      engine = fakeEngine({
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
      strictEqual(error.message, 'The token was refused')
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
        deepStrictEqual(engine.polls[0]?.scope, scope)
      })

    it('an order that is not known fails in words instead of reading everything', async () => {
      await load(types, flow, secrets)
      const caught = inbox('caught')
      node('s').receive({ tieout: { full: 'yes' } })
      match(((await first(caught)).error as { message: string }).message, /msg\.tieout must be one of/)
      strictEqual(engine.polls.length, 0)
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
        /msg\.schema\.columns\.0\.type is no column type/,
      )
      strictEqual(engine.delivered.length, 0)
    })

    it('a record alone, as a split leaves it, is a batch of one', async () => {
      await load(types, flow, secrets)
      const after = inbox('after')
      node('w').receive({ ...batch(['a']), payload: batch(['a']).payload[0] } as never)
      await first(after)
      strictEqual(engine.delivered[0]?.message.payload.length, 1)
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
      deepStrictEqual(log, ['open other', 'close other'])
      const unknown = await post('/tieout/connections/test-connection/lists/constructor', unsaved)
      strictEqual(unknown.status, 422)
      match(unknown.body.error, /There is no list constructor/)
    })

    it('previews with sensitive values masked, and names the sinks that the deployed source reaches', async () => {
      await load(types, flow, secrets)
      const { body } = await post('/tieout/sources/test-source/preview', {
        config: { syncName: 'x', entities: ['supplier'] },
        entity: 'supplier',
        connection: unsaved,
      })
      deepStrictEqual(
        body.records.map((r: { iban: string }) => r.iban),
        ['•••', '•••'],
      )
      const reached = await helper.request().get('/tieout/sources/test-source/s/sinks')
      deepStrictEqual(reached.body, { sinks: ['warehouse', 'test-sink'] })
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
