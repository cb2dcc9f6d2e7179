import { deepStrictEqual, match, strictEqual } from 'node:assert'
import type { RunSummary } from '../../sync/contract/summary.ts'
import { type FlowEntry, first, helper, inbox, load, node, statuses } from '../support/helper.ts'
import { mended, operationsFlow, secrets, types, world } from '../support/operations-flow.ts'
import { waitFor } from '../support/wait.ts'

describe('operations: what is held and replayed', () => {
  const { flow, run, held } = operationsFlow()

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
})
