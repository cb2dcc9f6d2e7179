import { deepStrictEqual, match, ok, strictEqual } from 'node:assert'
import { mkdtempSync, rmSync } from 'node:fs'
import { createRequire } from 'node:module'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { z } from 'zod'
import { defineConnection, type defineNode, defineSink, defineSource } from '../../nodes/kit/kit.ts'
import deadLetter from '../../nodes/operations/dead-letter.ts'
import replay from '../../nodes/operations/replay.ts'
import syncAlert from '../../nodes/operations/sync-alert.ts'
import syncLedger from '../../nodes/operations/sync-ledger.ts'
import { syncError } from '../../sync/contract/errors.ts'
import type { RunSummary } from '../../sync/contract/summary.ts'
import { type FakeTarget, fakeTarget } from '../support/fake-target.ts'
import { type FakeSource, fakeSource, supplier, supplierSchema } from '../support/fakes.ts'
import { type FlowEntry, first, helper, inbox, load, node, statuses, watchRejections } from '../support/helper.ts'
import { noConnection } from '../support/no-connection.ts'
import { waitFor } from '../support/wait.ts'

type RED = Parameters<typeof defineNode>[0]

const functionNode = createRequire(import.meta.url)('@node-red/nodes/core/function/10-function.js') as (
  RED: RED,
) => void

/** The ERP and the warehouse of the test that runs. */
const world: { source: FakeSource; target: FakeTarget } = { source: fakeSource({}), target: fakeTarget() }
const types = [
  syncLedger,
  deadLetter,
  replay,
  syncAlert,
  functionNode,
  (RED: RED) => defineConnection(RED, noConnection),
  (RED: RED) =>
    defineSource(RED, {
      type: 'test-source',
      version: 1,
      config: z.object({}),
      connection: noConnection,
      entities: () => ['supplier'],
      source: () => world.source,
    }),
  (RED: RED) =>
    defineSink(RED, {
      type: 'test-sink',
      version: 1,
      config: z.object({}),
      connection: noConnection,
      target: () => world.target,
    }),
]

describe('operations', () => {
  let dir: string
  watchRejections()
  beforeEach(() => {
    dir = mkdtempSync(join(tmpdir(), 'tieout-ops-'))
    world.source = fakeSource({ supplier: { schema: supplierSchema } })
    world.target = fakeTarget({ address: 'fake://host/books.supplier' })
    for (const code of ['A', 'B', 'C']) world.source.put('supplier', supplier(code, `Supplier ${code}`))
  })
  afterEach(() => rmSync(dir, { recursive: true, force: true }))

  /** source -> function -> sink, a catch node before dead-letter, replay before function and sink. */
  const flow = (
    code: string,
    more: readonly FlowEntry[] = [],
    caught = { scope: ['f', 'w'], to: 'd' },
  ): FlowEntry[] => [
    { id: 'L', type: 'sync-ledger', name: 'Books', file: join(dir, 'ledger.db') },
    { id: 'C', type: 'test-connection' },
    { id: 's', type: 'test-source', syncName: 'books', ledger: 'L', connection: 'C', wires: [['f'], ['sum']] },
    { id: 'f', type: 'function', name: 'check', func: code, outputs: 1, timeout: 0, libs: [], wires: [['w']] },
    { id: 'w', type: 'test-sink', name: 'warehouse', ledger: 'L', connection: 'C', wires: [['after'], ['shown']] },
    { id: 'c', type: 'catch', scope: caught.scope, wires: [[caught.to]] },
    { id: 'd', type: 'dead-letter', ledger: 'L', wires: [['dead']] },
    { id: 'r', type: 'replay', ledger: 'L', wires: [['f'], ['w'], ['rsum']] },
    ...['sum', 'after', 'shown', 'dead', 'rsum', 'alerts'].map((id) => ({ id, type: 'helper' })),
    ...more,
  ]
  const secrets = { L: { key: 'a secret for held records' } }
  const run = async (message: Record<string, unknown> = {}): Promise<RunSummary> => {
    const sum = inbox('sum')
    node('s').receive(message)
    return (await first(sum)).payload as RunSummary
  }
  const mended = { tieout: { reason: 'the cause is mended' } } as never
  const held = async (): Promise<
    { id: string; key: string; record: Record<string, unknown>; cause: { message: string } }[]
  > => (await helper.request().get('/tieout/held')).body

  describe('dead-letter', () => {
    it('holds what a function node fails on, the run ties, and replay brings it in through output 1', async () => {
      await load(types, flow(`if (!global.get('fixed')) throw new Error('no rate for EUR'); return msg`), secrets)
      const dead = inbox('dead')
      const summary = await run()
      deepStrictEqual((await first(dead)).deadLetter, {
        held: 3,
        reason: 'Error: no rate for EUR',
        node: 'check',
      })
      strictEqual(summary.entities[0]?.held, 3)
      strictEqual(world.target.stored.size, 0)
      match((await held())[0]?.cause.message ?? '', /^check: .*no rate for EUR/)

      node('f').context().global.set('fixed', true)
      const done = inbox('rsum')
      node('r').receive(mended)
      strictEqual(((await first(done)).payload as RunSummary).mode, 'replay')
      deepStrictEqual([...world.target.stored.keys()].sort(), ['erp|A', 'erp|B', 'erp|C'])
      deepStrictEqual(await held(), [])
    })

    for (const cls of ['transient', 'throttled', 'auth', 'config', 'unknown-outcome'])
      it(`holds nothing for an error of class ${cls}`, async () => {
        await load(types, flow('return msg'), secrets)
        const after = inbox('after')
        await run()
        const dead = inbox('dead')
        node('d').receive({
          ...(await first(after)),
          error: {
            message: 'down',
            code: 'x',
            cause: { class: cls, code: 'x' },
            source: { id: 'w', type: 'test-sink', name: 'warehouse' },
          },
        } as never)
        strictEqual(((await first(dead)).deadLetter as { held: number }).held, 0)
        deepStrictEqual(await held(), [])
      })

    it('says so when it is not wired to a catch node', async () => {
      await load(types, flow('return msg', [], { scope: ['d'], to: 'alerts' }), secrets)
      const caught = inbox('alerts')
      node('d').receive({ payload: 1 })
      match(((await first(caught)).error as { message: string }).message, /no error of a catch node/)
    })
  })

  describe('replay and the monitor', () => {
    it('a record held at the sink is listed, edited under its user, and delivered through output 2', async () => {
      world.target.tells = true
      world.target.refuses = ({ name }) => (name === 'Supplier B' ? 'the name is not known' : undefined)
      await load(types, flow('return msg'), secrets)
      const shown = inbox('shown')
      const summary = await run()
      strictEqual(((await first(shown)).payload as { code: string }).code, 'B')
      deepStrictEqual(
        [summary.entities[0]?.delivered, summary.entities[0]?.held, summary.entities[0]?.verdict],
        [2, 1, 'open'],
      )
      const [record] = await held()
      strictEqual(record?.key, 'erp|B')
      const get = async (path: string) => (await helper.request().get(path)).body as Record<string, unknown>[]
      const [{ alerts, ...ledger } = {}] = await get('/tieout/ledgers')
      deepStrictEqual(
        [typeof alerts, ledger],
        ['number', { id: 'L', name: 'Books', held: 1, inDoubt: 0, results: 0, postings: 0 }],
      )
      const { record: _, schema: __, ...brief } = { schema: null, ...record }
      deepStrictEqual(await get('/tieout/held?brief=true'), [brief])
      deepStrictEqual(await get(`/tieout/held?id=${record?.id}`), [record])
      deepStrictEqual(await get('/tieout/held?id=another'), [])

      const edit = (changes: object) =>
        helper.request().post('/tieout/held/edit').send({ id: record?.id, changes, reason: 'the name was wrong' })
      match((await edit({ code: 'X' })).body.error, /code is part of the key/)
      match((await edit({ nme: 'X' })).body.error, /no column nme/)
      strictEqual((await edit({ name: 'Supplier Bee' })).status, 200)
      const done = inbox('rsum')
      deepStrictEqual(
        (
          await helper
            .request()
            .post('/tieout/held/replay')
            .send({ ids: [record?.id], reason: 'it is mended' })
        ).body,
        { started: true },
      )
      strictEqual(((await first(done)).payload as RunSummary).state, 'done')
      strictEqual(world.target.stored.get('erp|B')?.record.name, 'Supplier Bee')
      deepStrictEqual(await held(), [])
      deepStrictEqual(
        (await get('/tieout/decisions')).map(({ kind, by, reason, about }) => [kind, by, reason, about]),
        [
          ['replay', 'anonymous', 'it is mended', 'erp|B'],
          ['edit', 'anonymous', 'the name was wrong', 'erp|B'],
        ],
      )
      const runs = (await helper.request().get('/tieout/runs?limit=10')).body as RunSummary[]
      deepStrictEqual(
        runs.map(({ mode }) => mode),
        ['replay', 'poll'],
      )
    })

    for (const [name, syncs, sends] of [
      ['the one of its sync sends a record', ['another', 'books'], 'r1'],
      ['one is to be named where two could send it', ['books', 'books'], undefined],
    ] as const)
      it(`of several replay nodes, ${name}`, async () => {
        world.target.tells = true
        world.target.refuses = ({ name }) => (name === 'Supplier B' ? 'the name is not known' : undefined)
        const more = syncs.flatMap((syncName, n): FlowEntry[] => [
          { id: `r${n}`, type: 'replay', ledger: 'L', syncName, wires: [['f'], ['w'], [`sum${n}`]] },
          { id: `sum${n}`, type: 'helper' },
        ])
        await load(types, flow('return msg', more), secrets)
        await run()
        const done = inbox(sends === undefined ? 'sum0' : 'sum1')
        const send = async (named: object = {}): Promise<Record<string, string>> => {
          const body = { ledger: 'L', ids: [(await held())[0]?.id], reason: 'it is mended', ...named }
          return (await helper.request().post('/tieout/held/replay').send(body)).body
        }
        const { error } = await send()
        if (sends === undefined) {
          match(error ?? '', /several replay nodes: name one \(r0, r1\)/)
          deepStrictEqual(await send({ node: 'r0' }), { started: true })
        }
        strictEqual(((await first(done)).payload as RunSummary).entities[0]?.held, 1)
      })

    it('no replay node of another sync is taken: that would send nothing', async () => {
      world.target.tells = true
      world.target.refuses = ({ name }) => (name === 'Supplier B' ? 'the name is not known' : undefined)
      const nodes = flow('return msg').map((one) => (one.id === 'r' ? { ...one, syncName: 'another' } : one))
      await load(types, nodes, secrets)
      await run()
      const body = { ids: [(await held())[0]?.id], reason: 'it is mended' }
      const { error } = (await helper.request().post('/tieout/held/replay').send(body)).body
      match(error, /No replay node is deployed for books/)
    })

    it('no second replay begins while one goes on', async () => {
      world.target.tells = true
      world.target.refuses = ({ name }) => (name === 'Supplier B' ? 'the name is not known' : undefined)
      await load(types, flow('return msg'), secrets)
      await run()
      const ids = [(await held())[0]?.id]
      const { promise: answered, resolve: answer } = Promise.withResolvers<void>()
      let asked = false
      world.target.refuses = () => undefined
      const { write } = world.target
      world.target.write = async (...args) => {
        asked = true
        await answered
        return write(...args)
      }
      const send = () => helper.request().post('/tieout/held/replay').send({ ids, reason: 'it is mended' })
      const done = inbox('rsum')
      deepStrictEqual((await send()).body, { started: true })
      await waitFor(() => asked, { what: 'the write of the first replay' })
      const { status, body } = await send()
      deepStrictEqual(
        [status, /A replay is still running.*Wait until it has ended/s.test(JSON.stringify(body))],
        [422, true],
      )
      answer()
      strictEqual(((await first(done)).payload as RunSummary).entities[0]?.delivered, 1)
    })

    it('a record that fails again is held again; a discarded one is no more to be replayed, and not without a reason', async () => {
      world.target.tells = true
      world.target.refuses = ({ name }) => (name === 'Supplier B' ? 'the name is not known' : undefined)
      await load(types, flow('return msg'), secrets)
      await run()
      const done = inbox('rsum')
      node('r').receive({ tieout: { entity: 'supplier', by: 'anna', reason: 'the name was mended' } } as never)
      await first(done)
      const [again] = await held()
      strictEqual(again?.key, 'erp|B')
      deepStrictEqual(
        (
          await helper
            .request()
            .post('/tieout/held/discard')
            .send({ ids: [again?.id], reason: 'a test supplier' })
        ).body,
        { discarded: 1 },
      )
      const without = await helper
        .request()
        .post('/tieout/held/discard')
        .send({ ids: [again?.id] })
      strictEqual(without.status, 400)
      match(without.body.error, /^reason: /)
      deepStrictEqual(await held(), [])
      const shown = statuses('r')
      node('r').receive(mended)
      await waitFor(() => shown.some((text) => text.includes('nothing is held')))
    })

    it('a replay by message needs a reason; without "by" the node stands for who', async () => {
      world.target.tells = true
      world.target.refuses = ({ name }) => (name === 'Supplier B' ? 'the name is not known' : undefined)
      await load(types, flow('return msg', [], { scope: ['r'], to: 'alerts' }), secrets)
      await run()
      const [caught, done] = [inbox('alerts'), inbox('rsum')]
      node('r').receive({})
      const { message, cause } = (await first(caught)).error as { message: string; cause: { hint: string } }
      match(message, /A replay is a decision that is kept with its reason/)
      match(cause.hint, /^Send msg\.tieout = \{"by":"your name","reason":"why"\}/)
      strictEqual((await held()).length, 1)
      node('r').receive(mended)
      await first(done)
      const [decision] = (await helper.request().get('/tieout/decisions')).body as Record<string, string>[]
      deepStrictEqual(
        [decision?.kind, decision?.by, decision?.reason],
        ['replay', 'node replay', 'the cause is mended'],
      )
    })

    it('refuses an order that it does not know', async () => {
      await load(types, flow('return msg', [], { scope: ['r'], to: 'alerts' }), secrets)
      const caught = inbox('alerts')
      node('r').receive({ tieout: { everything: true } })
      match(((await first(caught)).error as { message: string }).message, /msg\.tieout must be/)
    })
  })

  describe('sync-alert', () => {
    const alert = (more: object = {}): FlowEntry => ({
      id: 'a',
      type: 'sync-alert',
      ledger: 'L',
      everySeconds: 1,
      wires: [['alerts']],
      ...more,
    })
    const told = (seen: readonly Record<string, unknown>[]): string[] =>
      seen.map(({ payload }) => `${(payload as { kind: string }).kind} ${(payload as { state: string }).state}`)

    it('tells a failed run once, and once that it is over', async () => {
      await load(types, flow('return msg', [alert()]), secrets)
      const alerts = inbox('alerts')
      world.source.onPage(() => {
        throw syncError('config', 'x3.right', 'The right to read supplier is missing')
      })
      await run()
      await waitFor(() => alerts.length > 0)
      deepStrictEqual(told(alerts), ['run-failed raised'])
      match(
        String(alerts[0] && (alerts[0].payload as { message: string }).message),
        /right to read supplier is missing/,
      )
      await run()
      world.source.onPage(() => undefined)
      await run()
      await waitFor(() => alerts.length > 1)
      deepStrictEqual(told(alerts), ['run-failed raised', 'run-failed cleared'])
    })

    it('tells held records over the limit, and nothing again after a redeploy', async () => {
      world.target.tells = true
      world.target.refuses = ({ name }) => (name === 'Supplier B' ? 'the name is not known' : undefined)
      await load(types, flow('return msg', [alert({ heldOver: 0 })]), secrets)
      await run()
      const alerts = inbox('alerts')
      await waitFor(() => alerts.length > 0)
      deepStrictEqual(told(alerts), ['held raised'])
      match(String(alerts[0] && (alerts[0].payload as { message: string }).message), /1 record of books is held/)
      await helper.unload()
      await helper.stopServer()
      await load(types, flow('return msg', [alert({ heldOver: 0 })]), secrets)
      const later = inbox('alerts')
      const shown = statuses('a')
      await waitFor(() => shown.some((text) => text === 'red ring 1 open alert'))
      deepStrictEqual(told(later), [])
      world.target.refuses = () => undefined
      node('r').receive(mended)
      await waitFor(() => later.length > 0)
      deepStrictEqual(told(later), ['held cleared'])
    })
  })

  describe('the colour of the nodes while something is held', () => {
    beforeEach(() => {
      world.target.tells = true
      world.target.refuses = ({ name }) => (name === 'Supplier B' ? 'the name is not known' : undefined)
    })
    const alert: FlowEntry = { id: 'a', type: 'sync-alert', ledger: 'L', everySeconds: 1, heldOver: 10, wires: [[]] }

    it('is amber at source and sink, and at sync-alert though no limit is passed; a later batch changes nothing', async () => {
      await load(types, flow('return msg', [alert]), secrets)
      const [source, sink, alerts] = [statuses('s'), statuses('w'), statuses('a')]
      const after = inbox('after')
      await run()
      await first(after)
      await waitFor(() => sink.some((text) => text.startsWith('yellow dot open: 1 held; supplier: 2 delivered')))
      await waitFor(() => source.some((text) => text.startsWith('yellow dot open: supplier: 1 held')))
      await waitFor(() => alerts.some((text) => text.startsWith('yellow dot open: books: 1 held; no alert')))
      world.source.clockIs('2026-03-01T09:00:00Z')
      world.source.put('supplier', supplier('D', 'Supplier D'))
      sink.length = 0
      alerts.length = 0
      await run()
      await waitFor(() => sink.some((text) => text.startsWith('yellow dot open: 1 held; supplier: 1 delivered')))
      ok(![...source, ...sink, ...alerts].some((text) => text.startsWith('green')), [...source, ...sink].join('\n'))
    })

    it('is green again when the record is delivered', async () => {
      await load(types, flow('return msg', [alert]), secrets)
      await run()
      world.target.refuses = () => undefined
      const [sink, alerts] = [statuses('w'), statuses('a')]
      node('r').receive(mended)
      await waitFor(() => sink.some((text) => text.startsWith('green dot supplier: 1 delivered')))
      await waitFor(() => alerts.some((text) => text.startsWith('green dot no alert')))
    })

    it('is amber at dead-letter that holds', async () => {
      await load(types, flow(`throw new Error('no rate for EUR')`), secrets)
      const shown = statuses('d')
      await run()
      await waitFor(() => shown.some((text) => text.startsWith('yellow dot 3 records held')))
    })
  })

  it('sync-ledger refuses another secret than the ledger was made with, and the nodes say so', async () => {
    await load(types, flow('return msg'), secrets)
    await run()
    await helper.unload()
    await helper.stopServer()
    await load(types, flow('return msg', [], { scope: ['s'], to: 'alerts' }), {
      L: { key: 'another' },
    })
    const caught = inbox('alerts')
    node('s').receive({})
    const { message, cause } = (await first(caught)).error as { message: string; cause: { code: string } }
    match(message, /made with another secret/)
    strictEqual(cause.code, 'ledger.key')
    ok(!message.includes('another secret for'))
  })
})
