/** One record of a push dataset as it stands there, for a person who asks. */
import assert from 'node:assert/strict'
import type { PowerbiTargetOptions } from '../../nodes/powerbi/client/target-options.ts'
import { keyText } from '../../sync/contract/message.ts'
import { type PowerbiFixture, prepareContext, startPowerbiFixture } from '../support/powerbi.ts'
import { batchOf, entry, journal } from '../support/warehouse.ts'

describe('a record as it stands in a push dataset', () => {
  let f: PowerbiFixture
  before(async () => {
    f = await startPowerbiFixture()
  })
  after(() => f.close())
  let n = 0
  const named = (options: Partial<PowerbiTargetOptions> = {}) => {
    const dataset = { kind: 'create', name: `Standing ${++n} {entity}` } as const
    return (more = {}) => f.target(f.connect(), 'gl_entry', { dataset, ...options, ...more })
  }
  const two = [
    [2, 'B', '-99337525444536.6064'],
    [1, 'A', '100.25'],
  ] as const
  const line = (number: string, [no, account, amount]: (typeof two)[number]) => ({
    ...{ source: 'x3', number, line: String(no), company: 'C1', account, accounting_date: '2026-03-10', amount },
  })

  it('is the newest version of its key, with its lines in order, and says how many versions there are', async () => {
    const target = named()()
    const context = prepareContext()
    assert.equal(await target.standing?.('x3|1', journal, 5, context), undefined, 'no dataset yet')
    await target.prepare(journal, context)
    const first = [entry('1', { read: 9, lines: [[1, 'A', '7']] }), entry('2', { read: 9 })]
    await target.write(batchOf('b1', first), context)
    const more = entry('1', { read: 10, lines: two, status: 'final' })
    await target.write(batchOf('b2', [more, entry('2', { read: 10, delete: true })], journal, 'run-2'), context)
    const there = await target.standing?.('x3|1', journal, 5, context)
    assert.deepEqual(there, {
      record: {
        ...{ source: 'x3', number: '1', status: 'final', accounting_date: '2026-03-10' },
        lines: [line('1', two[1]), line('1', two[0])],
      },
      ...{ read: '10', run: 'run-2', at: '2026-03-10T09:00:00Z', cut: [], versions: 2 },
    })
    const short = await target.standing?.('x3|1', journal, 1, context)
    assert.deepEqual([short?.record.lines, short?.cut], [[line('1', two[1])], ['lines']])
    assert.equal(await target.standing?.('x3|2', journal, 5, context), undefined, 'it was deleted')
    assert.equal(await target.standing?.('x3|9', journal, 5, context), undefined)
    const less = { ...journal, columns: journal.columns.filter(({ name }) => name !== 'status'), lists: {} }
    const { status, lines, ...rest } = there?.record ?? {}
    assert.deepEqual(
      (await target.standing?.('x3|1', less, 5, context))?.record,
      rest,
      'columns of no schema are not asked for',
    )
  })

  it('is told apart from keys that are alike for DAX, by a process that has written nothing yet', async () => {
    const make = named()
    const context = prepareContext()
    const odd = 'A"\' ]'
    const writer = make()
    await writer.prepare(journal, context)
    const records = ['a', 'A', odd].map((number, i) => entry(number, { read: 4, status: `s${i}` }))
    await writer.write(batchOf('b1', records), context)
    const target = make()
    const statusOf = async (number: string) =>
      (await target.standing?.(keyText(journal, { source: 'x3', number }), journal, 5, context))?.record.status
    assert.deepEqual([await statusOf('a'), await statusOf('A'), await statusOf(odd)], ['s0', 's1', 's2'])
  })

  it('is found in a dataset of before, whose keys stand as they are', async () => {
    const make = named()
    const context = prepareContext()
    const writer = make()
    await writer.prepare(journal, context)
    const { keys: _, ...before } = JSON.parse((await context.note.read()) ?? '{}')
    await context.note.save(JSON.stringify(before))
    const old = make()
    await old.prepare(journal, context)
    await old.write(batchOf('b1', [entry('A', { read: 4 })]), context)
    assert.equal((await make().standing?.('x3|A', journal, 5, context))?.record.number, 'A')
  })

  it('cannot be shown where queries are not allowed, which is said with what to do', async () => {
    const make = named()
    const context = prepareContext()
    await make().prepare(journal, context)
    const off = make({ ask: false })
    await assert.rejects(
      async () => off.standing?.('x3|1', journal, 5, context),
      /gl_entry x3\|1 as it stands in the dataset: queries are switched off for this node/,
    )
    f.sandbox.tune({ executeQueries: false })
    try {
      await assert.rejects(
        async () => make().standing?.('x3|1', journal, 5, context),
        /as it stands in the dataset: Power BI answers HTTP 40[13].*"Dataset Execute Queries REST API"/,
      )
    } finally {
      f.sandbox.tune({ executeQueries: true })
    }
  })
})
