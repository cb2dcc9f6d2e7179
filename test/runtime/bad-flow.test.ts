/** What a person may wire between source and sink: nothing gets lost in silence, and nothing comes twice. */
import { deepEqual, equal, match, ok } from 'node:assert/strict'
import type { FlowNode } from '../../demo/job.ts'
import { entityOf, failed, type Job, startThread, succeeded, type Thread } from '../support/thread.ts'
import { waitFor } from '../support/wait.ts'

describe('a flow that people bend', function () {
  this.timeout(120_000)
  let thread: Thread
  before(async () => {
    thread = await startThread()
  })
  afterEach(() => thread.checkLeaks())
  after(() => thread?.end())

  /** Puts nodes on the wire between x3-poll and map-gl; the first gets what the source sends. */
  const between = (job: Job, nodes: readonly Partial<FlowNode>[]): void => {
    const poll = job.node('x3-poll')
    const [[next] = []] = poll.wires as string[][]
    const made = nodes.map((node, n) => ({
      id: `bent-${n}`,
      z: job.flow[0]?.id,
      x: 460,
      y: 60,
      wires: [[n + 1 < nodes.length ? `bent-${n + 1}` : next]],
      ...node,
    }))
    poll.wires = [['bent-0'], (poll.wires as string[][])[1] ?? []]
    job.flow.push(...(made as FlowNode[]))
  }
  const code = (func: string, more: Partial<FlowNode> = {}): Partial<FlowNode> => ({
    type: 'function',
    name: 'bent',
    outputs: 1,
    func,
    ...more,
  })
  const quick = (job: Job): void => {
    job.node('x3-poll').receiptMinutes = 0.05
  }
  const dropThree = code("if (msg.topic === 'supplier') msg.payload = msg.payload.slice(3)\nreturn msg")

  it('a function node that drops records: the run names how many of which batch, and goes on where they are', async () => {
    const job = thread.begin()
    between(job, [dropThree])
    quick(job)
    await job.deploy()
    const ran = await job.run()
    const error = failed(ran)
    match(error.message, /^supplier: 3 records of batch 0 never reached a sink \(Write to Databricks\)\./)
    match(error.cause.hint ?? '', /drops records.*Records may be filtered in the flow/)
    equal(error.code, 'sync.not-received')
    equal(entityOf(ran, 'supplier').delivered, 27)
    ok(!entityOf(ran, 'supplier').ties)
    ok(entityOf(ran, 'gl_entry').ties)
    deepEqual(await job.held(), [])
    const bent = job.flow.find(({ id }) => id === 'bent-0') as FlowNode
    bent.func = 'return msg'
    await job.deploy()
    const next = succeeded(await job.run())
    equal(
      next.entities.find(({ entity }) => entity === 'supplier')?.delivered,
      3,
      'what was there is not written again',
    )
    await job.ties()
  })

  it('with "may filter" they count as filtered, and the run is good', async () => {
    const job = thread.begin()
    between(job, [dropThree])
    quick(job)
    job.node('x3-poll').mayFilter = true
    await job.deploy()
    const ran = await job.run()
    succeeded(ran)
    deepEqual([entityOf(ran, 'supplier').filtered, entityOf(ran, 'supplier').delivered], [3, 27])
    deepEqual(await job.rows(`select count(*) from main.${job.name}.supplier`), [['27']])
  })

  it('a flow that swallows a whole batch, and one that makes new records without _row', async () => {
    const job = thread.begin({ entities: ['supplier', 'product'] })
    between(job, [
      code(`if (msg.topic === 'supplier') return null
msg.payload = msg.payload.map(({ _row, ...record }) => record)
return msg`),
    ])
    quick(job)
    await job.deploy()
    const ran = await job.run()
    match(failed(ran).message, /supplier: 30 records of batch 0 never reached a sink/)
    const product = ran.summary?.errors.find(({ entity }) => entity === 'product')
    match(`${product?.message} ${product?.hint}`, /_row/)
    deepEqual(await job.held(), [])
    const bent = job.flow.find(({ id }) => id === 'bent-0') as FlowNode
    bent.func = 'return msg'
    await job.deploy()
    succeeded(await job.run())
    await job.ties()
  })

  it('a function node that doubles every amount: delivered, and differs by what was added, until the flow is right and all is read anew', async () => {
    const job = thread.begin({ entities: ['gl_entry'] })
    // Exactly, and as text.
    const double = `const twice = (text) => { const [whole, part = ''] = text.split('.')
  const digits = (BigInt(whole + part) * 2n).toString(), sign = digits.startsWith('-') ? '-' : ''
  const plain = digits.slice(sign.length).padStart(part.length + 1, '0'), at = plain.length - part.length
  return sign + plain.slice(0, at) + (part ? '.' + plain.slice(at) : '') }
for (const record of msg.payload) for (const list of ['lines', 'analytical'])
  for (const line of record[list] || []) for (const name of ['amount', 'amount_ledger'])
    if (line[name]) line[name] = twice(line[name])
return msg`
    between(job, [code(double)])
    const bent = job.flow.find(({ id }) => id === 'bent-0') as FlowNode
    await job.deploy()
    const ran = await job.run()
    const sum = entityOf(ran, 'gl_entry')
    equal(ran.summary?.verdict, 'differs')
    equal(ran.summary?.state, 'failed')
    ok(sum.delivered > 0)
    match(
      sum.problem ?? '',
      new RegExp(
        `^${sum.read} record\\(s\\) were changed in the flow by function "bent", such as .*: EUR [\\d,]+\\.\\d\\d`,
      ),
    )
    const lines = await job.rows(
      `select ledger_currency, ledger, amount_ledger from main.${job.name}.gl_entry_line where amount_ledger > 0`,
    )
    for (const [currency, told] of Object.entries(sum.changed?.amounts ?? {})) {
      const own = lines.filter(([of]) => of === currency)
      const ledger = own.map(([, of]) => `${of}`).sort()[0]
      const stored = own.reduce((all, [, of, amount]) => (of === ledger ? all + Number(amount) : all), 0)
      equal(Number(told).toFixed(2), (stored / 2).toFixed(2), currency)
    }
    ok(Object.keys(sum.changed?.amounts ?? {}).length > 0)
    equal((await job.run()).summary?.verdict, 'differs', 'it is not over with a run that moves nothing')

    job.node('x3-poll').mayChange = true
    await job.deploy()
    const allowed = succeeded(await job.run({ full: true }))
    equal(allowed.verdict, 'ties')
    match(allowed.entities[0]?.changed?.text ?? '', /^EUR [\d,]+\.\d\d.* changed in the flow, allowed$/)

    job.node('x3-poll').mayChange = false
    bent.func = 'return msg'
    await job.deploy()
    succeeded(await job.run({ full: true }))
    await job.ties()
  })

  it('a function node that appends a copy under the same _row: refused before anything is written, in the message and in one of its own', async () => {
    for (const func of [
      "const [first] = msg.payload\nmsg.payload.push({ ...first, code: 'COPY' })\nreturn msg",
      "const [first] = msg.payload\nreturn [[msg, { ...msg, payload: [{ ...first, code: 'COPY' }] }]]",
    ]) {
      const job = thread.begin({ entities: ['supplier'] })
      between(job, [code(func)])
      await job.deploy()
      const ran = await job.run()
      const error = failed(ran)
      deepEqual([error.code, error.cause.class, error.cause.entity], ['sync.rows', 'config', 'supplier'])
      match(error.message, /^supplier: row 0 of batch 0 .*comes as .*\|COPY\. Nothing of this message was written/)
      match(error.cause.hint ?? '', /copied a record/)
      const written = (await job.tables()).includes('supplier')
        ? await job.rows(`select count(*) from main.${job.name}.supplier where code = 'COPY'`)
        : [['0']]
      deepEqual(written, [['0']])
      const bent = job.flow.find(({ id }) => id === 'bent-0') as FlowNode
      bent.func = 'return msg'
      await job.deploy()
      succeeded(await job.run())
      await job.ties()
    }
  })

  it('a split into single messages loses nothing, and neither does a split with a join behind it', async () => {
    const job = thread.begin({ entities: ['supplier', 'product'] })
    quick(job)
    between(job, [
      { type: 'split', splt: '\\n', spltType: 'str', arraySplt: 1, arraySpltType: 'len', stream: false, addname: '' },
    ])
    await job.deploy()
    succeeded(await job.run())
    await job.ties()
    const bent = job.flow.find(({ id }) => id === 'bent-0') as FlowNode
    const [[next] = []] = bent.wires as string[][]
    bent.wires = [['bent-1']]
    job.flow.push({
      id: 'bent-1',
      type: 'join',
      z: job.flow[0]?.id,
      x: 460,
      y: 20,
      mode: 'auto',
      build: 'array',
      property: 'payload',
      propertyType: 'msg',
      key: 'topic',
      joiner: '\\n',
      joinerType: 'str',
      accumulate: false,
      timeout: '',
      count: '',
      reduceRight: false,
      wires: [[next]],
    })
    await job.deploy()
    succeeded(await job.run({ full: true }))
    await job.ties()
  })

  it('a switch to two sinks: with one answer enough each gets its own; with every answer wanted the run says what is missing', async () => {
    const job = thread.begin({ entities: ['supplier', 'product'] })
    quick(job)
    const map = job.node('map-gl')
    const [[sink] = []] = map.wires as string[][]
    const write = job.flow.find(({ id }) => id === sink) as FlowNode
    job.flow.push(
      { ...structuredClone(write), id: 'second', name: 'Second', pattern: '{catalog}.{schema}.second_{entity}' },
      {
        id: 'by-topic',
        type: 'switch',
        z: write.z,
        x: 460,
        y: 60,
        property: 'topic',
        propertyType: 'msg',
        rules: [{ t: 'eq', v: 'supplier', vt: 'str' }, { t: 'else' }],
        checkall: 'true',
        repair: false,
        outputs: 2,
        wires: [[write.id], ['second']],
      },
    )
    map.wires = [['by-topic'], (map.wires as string[][])[1] ?? []]
    job.node('x3-poll').answer = 'one'
    await job.deploy()
    const ran = await job.run()
    succeeded(ran)
    deepEqual((await job.tables()).sort(), ['_tieout_mark', 'second_product', 'supplier'])
    deepEqual(await job.rows(`select count(*) from main.${job.name}.second_product`), [['32']])
    deepEqual(await job.rows(`select count(*) from main.${job.name}.supplier`), [['30']])
    succeeded(await job.run())

    job.node('x3-poll').answer = 'every'
    const [supplier] = job.books.tables.supplier.walk()
    ok(supplier)
    job.put('supplier', { ...supplier, currency: 'XXX' })
    await job.deploy()
    match(failed(await job.run()).message, /supplier: 1 record of batch 0 never reached a sink \(Second\)/)
    job.node('x3-poll').answer = 'one'
    await job.deploy()
    succeeded(await job.run())
  })

  it('a function node that throws: its records are held with its words, and come by replay once it is mended', async () => {
    const job = thread.begin({ entities: ['supplier', 'product'] })
    const bad = "if (msg.topic === 'supplier') throw new Error('the door is <b>blue</b>')\nreturn msg"
    between(job, [code(bad)])
    await job.deploy()
    const ran = await job.run()
    equal(ran.summary?.state, 'done', JSON.stringify(ran))
    equal(entityOf(ran, 'supplier').held, 30)
    equal(entityOf(ran, 'supplier').verdict, 'open')
    equal(entityOf(ran, 'product').verdict, 'ties')
    const held = await job.held()
    equal(held.length, 30)
    match(held[0]?.cause.message ?? '', /^bent: .*the door is <b>blue<\/b>/)
    const dead = job.seen.filter(({ kind }) => kind === 'dead')
    equal((dead[0]?.message.deadLetter as { held?: number } | undefined)?.held, 30)
    const bent = job.flow.find(({ id }) => id === 'bent-0') as FlowNode
    bent.func = 'return msg'
    await job.deploy()
    const replayed = await job.replay()
    equal(replayed.summary?.state, 'done', JSON.stringify(replayed))
    deepEqual(await job.held(), [])
    await job.ties()
  })

  it('an outage behind a catch node holds nothing, and the node there gets a code and a plain cause', async () => {
    const job = thread.begin({ entities: ['supplier'] })
    await job.deploy()
    succeeded(await job.run())
    const [supplier] = job.books.tables.supplier.walk()
    ok(supplier)
    job.put('supplier', { ...supplier, currency: 'XXX' })
    thread.databricks.deny('MODIFY', `main.${job.name}.supplier`)
    const ran = await job.run()
    thread.databricks.allow()
    const atSink = ran.others.find(({ source }) => source.type === 'databricks-write')
    ok(atSink)
    for (const error of [atSink, failed(ran)]) {
      equal(error.code, 'databricks.42501')
      deepEqual(
        [error.cause?.class, error.cause?.code, error.cause?.entity],
        ['config', 'databricks.42501', 'supplier'],
      )
      equal(typeof error.cause?.hint, 'string')
    }
    await waitFor(() => job.seen.filter(({ kind }) => kind === 'dead').length === 2, { what: 'dead-letter' })
    for (const { message } of job.seen.filter(({ kind }) => kind === 'dead'))
      deepEqual(message.deadLetter && (message.deadLetter as { held: number }).held, 0)
    deepEqual(await job.held(), [])
    succeeded(await job.run())
    await job.ties()
  })

  it('a source that reaches no sink, or one of another ledger, does not start', async () => {
    const job = thread.begin({ entities: ['supplier'] })
    const map = job.node('map-gl')
    const wires = map.wires
    map.wires = [[], []]
    await job.deploy()
    const lonely = failed(await job.run())
    match(lonely.message, /supplier of the sync ".*" can reach no sink/)
    match(lonely.cause.hint ?? '', /Wire the source to a sink/)
    map.wires = wires
    job.flow.push({ ...job.node('sync-ledger'), id: 'other-ledger', file: `${job.name}-other.db` })
    job.node('databricks-write').ledger = 'other-ledger'
    await job.deploy()
    match(failed(await job.run()).message, /can reach no sink/)
    deepEqual(await job.tables(), [])
  })

  it('two nodes with one sync name: the second is refused and both are not run', async () => {
    const job = thread.begin({ entities: ['supplier'] })
    const poll = job.node('x3-poll')
    const inject = job.flow.find((node) => (node.wires as string[][] | undefined)?.flat().includes(poll.id)) as FlowNode
    job.flow.push({ ...structuredClone(poll), id: 'twin', name: 'Twin' })
    job.flow.push({ ...structuredClone(inject), id: 'press-twin', wires: [['twin']] })
    await job.deploy()
    const first = await job.run()
    await thread.red.inject('press-twin')
    const caught = await waitFor(
      () => job.seen.find(({ kind, message }) => kind === 'caught' && /sync name/.test(message.error?.message ?? '')),
      { what: 'the refusal' },
    )
    match(caught.message.error?.message ?? '', new RegExp(`Two nodes have the sync name "${job.name}"`))
    match(caught.message.error?.cause?.hint ?? '', /Give each its own name/)
    succeeded(first)
    equal((await job.runs()).length, 1)
    await job.ties()
  })
})
