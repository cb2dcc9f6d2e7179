/** Codes that are not in the table: one of many is held whole, a mass of them is a missing table. */
import { deepEqual, equal, match, ok } from 'node:assert/strict'
import { groupAccounts } from '../../demo/books.ts'
import type { FlowNode } from '../../demo/job.ts'
import type { JournalEntry } from '../../sandbox/books/types.ts'
import { entityOf, failed, type Job, startThread, succeeded, type Thread } from '../support/thread.ts'

describe('the mapping in a flow', function () {
  this.timeout(120_000)
  let thread: Thread
  before(async () => {
    thread = await startThread({ rows: 6000 })
  })
  afterEach(() => thread.checkLeaks())
  after(() => thread?.end())

  interface Table {
    name: string
    rows: { from: string; to: string; valid_from: string; valid_to: string }[]
  }
  const tableOf = (job: Job): Table => (job.node('gl-mapping').tables as Table[])[0] as Table
  const holding = (job: Job): void => {
    const [rule] = job.node('map-gl').rules as { unmapped: string }[]
    ok(rule)
    rule.unmapped = 'hold'
  }
  const journals = (job: Job): JournalEntry[] => [...job.books.tables.journalEntry.walk()]
  const uses = (entry: JournalEntry, account: string): boolean => entry.lines.some((line) => line.account === account)

  it('a journal with one code that is not mapped is held whole; with the table completed a replay delivers it', async () => {
    const job = thread.begin()
    holding(job)
    const all = groupAccounts(job.books)
    const counts = new Map(all.map(({ from }) => [from, journals(job).filter((entry) => uses(entry, from)).length]))
    const [rare, number] = [...counts].filter(([, n]) => n > 0).sort((a, b) => a[1] - b[1])[0] ?? []
    ok(rare && number)
    tableOf(job).rows = all.filter(({ from }) => from !== rare)
    await job.deploy()
    const ran = await job.run()
    equal(ran.summary?.state, 'done', JSON.stringify(ran))
    const counted = entityOf(ran, 'gl_entry')
    deepEqual([counted.held, counted.delivered], [number, counted.read - number])
    equal(counted.verdict, 'open')
    match(counted.says ?? '', new RegExp(`^open: ${number} held, [A-Z]{3} [\\d,]+\\.\\d\\d`))
    const held = await job.held()
    equal(held.length, number)
    match(
      held[0]?.cause.message ?? '',
      new RegExp(`^gl_entry .*: not in the code table on its day: account ${rare}\\.$`),
    )
    match(held[0]?.cause.hint ?? '', /Add the code to the table .* and replay/)
    const shown = job.seen.filter(({ kind }) => kind === 'unmapped')
    equal(shown.length, number)
    const partly = await job.rows(`select distinct number, entry_type from main.${job.name}.gl_entry_line`)
    const there = new Set(partly.map((row) => row.join()))
    for (const entry of journals(job).filter((one) => uses(one, rare)))
      ok(!there.has([entry.number, entry.entryType].join()), 'none of its lines came alone')

    tableOf(job).rows = all
    await job.deploy()
    const replayed = await job.replay()
    equal(replayed.summary?.state, 'done', JSON.stringify(replayed))
    deepEqual(await job.held(), [])
    await job.ties()
    equal(succeeded(await job.run()).statements, 0)
  })

  it('a mass of codes that are not mapped fails the entity with the list and the counts; nothing is held', async () => {
    const job = thread.begin()
    holding(job)
    await job.deploy()
    ok(journals(job).length > 150)
    const ran = await job.run()
    const error = failed(ran)
    match(
      error.message,
      /^gl_entry: \d+ records of one batch have codes that are not mapped: account \w+ \(\d+\), account/,
    )
    match(error.message, / and \d+ more/)
    match(error.cause.hint ?? '', /Complete the code tables/)
    equal(error.cause.entity, 'gl_entry')
    equal(entityOf(ran, 'supplier').delivered, entityOf(ran, 'supplier').read)
    deepEqual(await job.held(), [])
    ok(!(await job.tables()).includes('gl_entry'))
    tableOf(job).rows = groupAccounts(job.books)
    await job.deploy()
    succeeded(await job.run())
    await job.ties()
  })

  it('accounts that a rule folds into groups in their own key: nothing is written, the list says which, and another column takes the group', async () => {
    const job = thread.begin({ entities: ['gl_account'] })
    const accounts = [...job.books.tables.account.walk()]
    job.node('x3-poll').pageSize = Math.ceil(accounts.length / 2)
    const rule = {
      do: 'expression',
      entity: 'gl_account',
      list: '',
      column: 'code',
      expression: '$substring(code, 0, 2)',
    }
    job.node('map-gl').rules = [rule]
    await job.deploy()
    const error = failed(await job.run())
    match(error.message, /^gl_account: the flow gives one key to several records of the source/)
    match(error.message, /[^ ]+\|FRA\|10 \([^ ]+\|FRA\|101000, .*and \d+ more\)/)
    match(error.cause.hint ?? '', /Keep the ERP's code in the key, and map into another column/)
    deepEqual([error.code, error.cause.class, error.cause.entity], ['sync.keys-folded', 'config', 'gl_account'])
    deepEqual(await job.tables(), [])
    rule.column = 'account_group'
    await job.deploy()
    equal(entityOf(await job.run(), 'gl_account').delivered, accounts.length)
    deepEqual(await job.rows(`select count(*), count(account_group) from main.${job.name}.gl_account`), [
      [String(accounts.length), String(accounts.length)],
    ])
  })

  it('the same over two messages of one batch: the second is not written over the first', async () => {
    const job = thread.begin({ entities: ['gl_account'] })
    const poll = job.node('x3-poll')
    const [[next] = [], summary = []] = poll.wires as string[][]
    const func = `const of = (rest) => msg.payload.filter(({ _row }) => _row % 2 === rest)
      .map((record) => ({ ...record, code: 'G' + Math.floor(record._row / 2) }))
    return [[{ ...msg, payload: of(0) }, { ...msg, payload: of(1) }]]`
    const place = { z: job.flow[0]?.id, x: 460, y: 20 }
    job.flow.push({ id: 'halves', type: 'function', ...place, outputs: 1, func, wires: [[next]] } as FlowNode)
    poll.wires = [['halves'], summary]
    await job.deploy()
    const ran = await job.run()
    equal(failed(ran).code, 'sync.keys-folded')
    match(failed(ran).message, /a record before it/)
    equal(entityOf(ran, 'gl_account').ties, false)
    const half = Math.ceil([...job.books.tables.account.walk()].length / 2)
    deepEqual(await job.rows(`select count(*) from main.${job.name}.gl_account`), [[String(half)]])
  })

  it('a mapping node that is taken out: rows that hold its values are told until they were read again without it', async () => {
    const job = thread.begin({ entities: ['gl_entry'] })
    await job.deploy()
    succeeded(await job.run())
    const mapping = job.node('map-gl')
    const [[sink = ''] = []] = mapping.wires as string[][]
    for (const node of job.flow)
      node.wires = (node.wires as string[][] | undefined)?.map((ids) =>
        ids.map((id) => (id === mapping.id ? sink : id)),
      )
    job.flow.splice(job.flow.indexOf(mapping), 1)
    await job.deploy()
    const told = async () => {
      const { body } = await thread.red.call('GET', '/tieout/syncs')
      const [sync] = (body as { sync: string; outdated: { told: string }[] }[]).filter(({ sync }) => sync === job.name)
      return sync?.outdated.map((one) => one.told)
    }
    const count = journals(job).length.toLocaleString('en-US')
    const [says, ...more] = (await told()) ?? []
    match(
      says ?? '',
      new RegExp(`^gl_entry: ${count} rows at Write to Databricks hold values of the mapping of \\d+ \\w+ \\d{4}\\.$`),
    )
    deepEqual(more, [])
    deepEqual(
      (await job.run()).summary?.notices.filter((text) => /hold values/.test(text)),
      [says],
    )
    succeeded(await job.run({ full: true }))
    deepEqual(await told(), [])
  })

  it('a code table that a rule names and nobody made: the entity fails and says which', async () => {
    const job = thread.begin()
    ;(job.node('map-gl').rules as { table: string }[]).forEach((rule) => {
      rule.table = 'cost_centre'
    })
    await job.deploy()
    const error = failed(await job.run())
    match(error.message, /there is no code table "cost_centre" for column "account"/)
    match(error.cause.hint ?? '', /Code tables there are: account/)
    deepEqual(await job.held(), [])
  })
})
