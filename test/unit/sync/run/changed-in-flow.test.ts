/** Between the source and a sink anybody may change a record; what does not arrive as it was read is told, in amounts. */
import { deepEqual, equal, match, ok } from 'node:assert/strict'
import { syncError } from '../../../../sync/contract/errors.ts'
import type { BatchMessage, DataRecord, Row } from '../../../../sync/contract/message.ts'
import type { RunSummary } from '../../../../sync/contract/summary.ts'
import { entry, entrySchema } from '../../../support/fakes.ts'
import { type Rig, type RigOptions, rig, sums, warehouse } from '../../../support/rig.ts'

type Flow = (message: BatchMessage) => BatchMessage

const linesOf = (record: DataRecord): Row[] => record.lines as Row[]
/** Changes every record in place, as a function node does. */
const each =
  (change: (record: DataRecord) => void): Flow =>
  (message) => {
    message.payload.forEach(change)
    return message
  }
const doubled = each((record) => {
  for (const line of linesOf(record)) line.amount = String(Number(line.amount) * 2)
})

describe('what is changed in the flow', () => {
  let open: Rig | undefined
  afterEach(() => open?.close())

  const opened = async (flow: Flow, more: RigOptions = {}): Promise<Rig> => {
    open = await rig({
      entities: { gl_entry: { schema: entrySchema } },
      flow: (message, made) => void made.deliver(flow(message)),
      ...more,
    })
    open.source.put('gl_entry', entry('1', '100.10', '-100.10'))
    open.source.put('gl_entry', entry('2', '20', '-20'))
    return open
  }
  const at = (summary: RunSummary) => sums(summary, 'gl_entry')

  it('doubled amounts are delivered and differ, with how many, which, how much and by whom', async () => {
    const { poll, ledger, target } = await opened(doubled)
    const first = await poll({ foreign: () => ['function "double"'] })
    const sum = at(first)
    equal(sum.delivered, 2)
    equal(sum.verdict, 'differs')
    equal(first.verdict, 'differs')
    equal(first.state, 'failed')
    ok(!first.ties)
    match(
      sum.problem ?? '',
      /^2 record\(s\) were changed in the flow by function "double", such as erp\|1: EUR 120\.10\. .*switch on "May change amounts"/,
    )
    deepEqual(sum.changed?.amounts, { EUR: '120.1' })
    equal(target('gl_entry').stored.size, 2)
    equal((await ledger.differences({ sync: 's', open: true })).length, 1)
    const [alert] = await ledger.alerts({ sync: 's', open: true })
    match(alert?.message ?? '', /2 record\(s\) were changed in the flow/)
  })

  it('what is unchanged since the flow put the old amounts in counts as it was read, too', async () => {
    const old = each((record) => {
      for (const line of linesOf(record)) line.amount = `${line.amount}`.replace('70', '20')
    })
    const { poll, ledger, target, source } = await opened(old)
    await poll()
    const drift = async () =>
      (await ledger.groupSums(target('gl_entry').address)).filter(({ declared, delivered }) => declared !== delivered)
    deepEqual(await drift(), [])
    source.put('gl_entry', entry('2', '70', '-70'))
    const next = at(await poll({ scope: { kind: 'keys', entity: 'gl_entry', keys: ['erp|2'] } }))
    deepEqual([next.unchanged, next.verdict, next.changed?.amounts], [1, 'differs', { EUR: '-50' }])
    ok((await drift()).length > 0)
  })

  it('it stays a difference in a run that moves nothing', async () => {
    const { poll } = await opened(doubled)
    await poll()
    equal((await poll()).verdict, 'differs')
  })

  it('over once everything there is as it was read, and no sooner: record by record, by key', async () => {
    let flow = doubled
    const { poll, ledger } = await opened((message) => flow(message))
    await poll()
    flow = (message) => message
    const again = (key: string) => poll({ scope: { kind: 'keys', entity: 'gl_entry', keys: [key] } })
    const first = await again('erp|1')
    equal(first.verdict, 'differs')
    const [left] = await ledger.differences({ sync: 's', open: true })
    match(left?.problem ?? '', /has records that were changed in the flow before: EUR 20\.00\./)
    equal((await again('erp|2')).verdict, 'ties')
    deepEqual(await ledger.differences({ sync: 's', open: true }), [])
    deepEqual(await ledger.alerts({ sync: 's', open: true }), [])
  })

  it('where the sync allows it, it ties, and the amount stands in a line of its own', async () => {
    const { poll, ledger } = await opened(doubled)
    const first = await poll({ mayChange: true })
    equal(first.verdict, 'ties')
    equal(at(first).changed?.text, 'EUR 120.10 changed in the flow, allowed')
    deepEqual(await ledger.differences({ sync: 's', open: true }), [])
  })

  it('a flow that leaves everything as it was, in another order of members and lines and another notation, changes nothing', async () => {
    const { poll } = await opened((message) => ({
      ...message,
      payload: message.payload.toReversed().map((record) => ({
        ...Object.fromEntries(Object.entries(record).toReversed()),
        _row: record._row,
        note: 'seen',
        lines: linesOf(record)
          .toReversed()
          .map((line) => ({ ...line, amount: `${line.amount}${`${line.amount}`.includes('.') ? '' : '.'}00` })),
      })),
      schema: { ...message.schema, columns: [...message.schema.columns, { name: 'note', type: 'string' }] },
    }))
    const first = await poll()
    equal(first.verdict, 'ties')
    equal(at(first).changed, undefined)
  })

  it('null and empty text are one, in what arrives and in what is stored', async () => {
    const { poll, source, ledger } = await opened(
      each((record) => {
        record.company ??= ''
      }),
    )
    source.put('gl_entry', { ...entry('3', '5', '-5'), company: null })
    source.put('gl_entry', { ...entry('4', '7', '-7'), company: '' })
    const sum = at(await poll())
    deepEqual([sum.verdict, sum.problem, sum.changed], ['ties', undefined, undefined])
    deepEqual(await ledger.differences({ sync: 's', open: true }), [])
  })

  const changes: Record<string, Flow> = {
    'an amount': each((record) => {
      if (record.number === '2') for (const line of linesOf(record)) line.amount = `${line.amount}.01`
    }),
    'a currency': each((record) => {
      if (record.number === '2') for (const line of linesOf(record)) line.currency = 'USD'
    }),
    'a company': each((record) => {
      if (record.number === '2') record.company = 'C2'
    }),
    'a key': each((record) => {
      if (record.number !== '2') return
      record.number = '3'
      for (const line of linesOf(record)) line.number = '3'
    }),
    'a line that is left out': each((record) => {
      if (record.number === '2') record.lines = linesOf(record).slice(1)
    }),
    'a column that is taken away': (message) => {
      const { lines } = message.schema.lists ?? {}
      ok(lines)
      const columns = lines.columns.filter(({ name }) => name !== 'amount')
      for (const record of message.payload) for (const line of linesOf(record)) delete line.amount
      return { ...message, schema: { ...message.schema, lists: { lines: { ...lines, columns } } } }
    },
    'two records that changed places': (message) => {
      for (const record of message.payload) record._row = 1 - record._row
      return message
    },
  }
  for (const [what, flow] of Object.entries(changes))
    it(`${what}: differs`, async () => {
      const { poll } = await opened(flow)
      const first = await poll()
      equal(first.verdict, 'differs', JSON.stringify(first))
      match(at(first).problem ?? '', /changed in the flow/)
    })

  it('two currencies are never one sum', async () => {
    const { poll, source } = await opened(doubled)
    const dollars = entry('3', '7')
    for (const line of dollars.lines as Row[]) line.currency = 'USD'
    source.put('gl_entry', dollars)
    deepEqual(at(await poll()).changed?.amounts, { EUR: '120.1', USD: '7' })
  })

  it('what comes unchanged or is refused by the target was changed all the same', async () => {
    const made = await opened(doubled)
    made.target('gl_entry').onWrite(() => {
      throw syncError('data', 'fake.22001', 'too long')
    })
    const first = await made.poll()
    equal(at(first).held, 2)
    equal(at(first).verdict, 'differs')
    equal(at(first).changed?.records, 2)
  })

  it('a record is counted once, however often its message comes', async () => {
    const { poll } = await opened(doubled, {
      flow: (message, made) => {
        const sent = doubled(message)
        void made.deliver(structuredClone(sent))
        void made.deliver(sent)
      },
    })
    equal(at(await poll()).changed?.records, 2)
  })

  for (const stage of ['map', 'sink'] as const)
    it(`what was changed and then held before a ${stage} is read again by a replay, not sent as it was held`, async () => {
      const made = await opened(doubled, {
        flow(message, own) {
          const changed = doubled(message)
          if (stage === 'sink') return void own.deliver(changed)
          const records = changed.payload.map((record) => ({ record, cause }))
          void own.engine.hold({
            ref: { id: 'map-1', name: 'map-gl' },
            sinks: [warehouse],
            message: changed,
            stage,
            records,
          })
        },
      })
      const cause = { class: 'data', code: 'map.unmapped', message: 'not mapped' } as const
      const { poll, engine, target, ledger } = made
      if (stage === 'sink')
        target('gl_entry').onWrite(() => {
          throw syncError('data', 'fake.refused', 'refused')
        })
      const targets = async () => [{ ref: warehouse, target: target('gl_entry') }]
      await poll({ targets })
      equal(
        (await ledger.held({})).every(({ changed }) => changed),
        true,
      )
      target('gl_entry').onWrite(() => undefined)
      const asked: (readonly string[])[] = []
      const replayed = await engine.replay({
        ...{ name: 'replay', ref: warehouse, filter: {}, sinks: () => [warehouse], receiptSeconds: 1 },
        send: () => ok(false, 'what was changed is not sent'),
        async readAgain(_sync, entity, keys) {
          asked.push([...keys].sort())
          return poll({ scope: { kind: 'keys', entity, keys }, send: (message) => void made.deliver(message) })
        },
        progress: () => undefined,
        signal: new AbortController().signal,
      })
      deepEqual(asked, [['erp|1', 'erp|2']])
      equal(replayed.verdict, 'ties', JSON.stringify(replayed))
      deepEqual([...target('gl_entry').stored.values()].map(({ record }) => linesOf(record)[0]?.amount).sort(), [
        '100.10',
        '20',
      ])
    })

  it('at each sink on its own', async () => {
    const other = { id: 'write-2', name: 'snowflake-merge' }
    const { poll } = await opened(doubled, {
      flow: (message, made) => {
        void made.deliver(structuredClone(message))
        void made.deliver(doubled(message), other, made.target('other'))
      },
    })
    const summary = await poll({ sinks: () => [warehouse, other] })
    equal(sums(summary, 'gl_entry').verdict, 'ties')
    equal(sums(summary, 'gl_entry', other.name).verdict, 'differs')
  })

  it('what a mapping of ours declares is no change, what comes before or behind it is', async () => {
    const map = (made: Rig, message: BatchMessage): BatchMessage => {
      const payload = message.payload.map((record): DataRecord => ({ ...record, company: `M-${record.company}` }))
      const mapped = { ...message, payload }
      made.engine.declare({ ref: { id: 'map-1', name: 'map-gl' }, message, mapped })
      return mapped
    }
    const flows: [string, RigOptions['flow']][] = [
      ['ties', (message, made) => void made.deliver(map(made, message))],
      ['ties', (message, made) => void made.deliver(map(made, map(made, message)))],
      ['differs', (message, made) => void made.deliver(map(made, doubled(message)))],
      ['differs', (message, made) => void made.deliver(doubled(structuredClone(map(made, message))))],
    ]
    for (const [verdict, flow] of flows) {
      const { poll, close } = await opened(doubled, flow ? { flow } : {})
      const summary = await poll()
      equal(summary.verdict, verdict)
      if (verdict === 'differs') deepEqual(at(summary).changed?.amounts, { EUR: '120.1' })
      await close()
    }
    open = undefined
  })
})
