/** The target of Power BI against the sandbox: what a report reads, and that nothing is in twice. */
import assert from 'node:assert/strict'
import { withRetry } from '../../sync/contract/retry.ts'
import type { Prepared } from '../../sync/contract/target.ts'
import { prepareContext } from '../support/powerbi.ts'
import { ownDatasets } from '../support/powerbi-datasets.ts'
import { batchOf, entry, journal } from '../support/warehouse.ts'

const statesOf = ({ tables }: Prepared) => tables.map(({ list, state }) => `${list} ${state}`)

describe('Power BI target', () => {
  const own = ownDatasets()
  const { fresh, measure } = own

  it('makes a dataset, writes a document to a table for each list, and a changed one again: measures sum the newest alone', async () => {
    const { connection, name, target } = fresh()
    const context = prepareContext()
    assert.deepEqual(statesOf(await target.prepare(journal, context)), ['lines new', ' new'])
    await target.write(
      batchOf('b1', [
        entry('1', {
          read: 4,
          lines: [
            [1, 'A', '100.25'],
            [2, 'B', '-100.25'],
          ],
        }),
        entry('2', { read: 4, lines: [[1, 'A', '7']] }),
      ]),
      context,
    )
    await target.write(
      batchOf('b2', [entry('1', { read: 9, lines: [[1, 'A', '50.5']] }), entry('2', { read: 9, delete: true })]),
      context,
    )
    assert.equal((await own.f.rows(name, 'gl_entry')).length, 4)
    assert.equal((await own.f.rows(name, 'gl_entry_line')).length, 4)
    assert.deepEqual(await measure(connection, name, 'EVALUATE ROW("v",[gl_entry_line amount])'), [{ '[v]': 50.5 }])
    assert.deepEqual(await measure(connection, name, 'EVALUATE ROW("v",[gl_entry rows])'), [{ '[v]': 1 }])
    assert.deepEqual(
      await measure(
        connection,
        name,
        'EVALUATE SUMMARIZECOLUMNS(\'gl_entry_line\'[account],"v",[gl_entry_line amount])',
      ),
      [{ 'gl_entry_line[account]': 'A', '[v]': 50.5 }],
    )
    const totals = await target.totals?.(
      { run: 'run-1', schema: journal, list: 'lines', amounts: ['amount'], by: ['company'] },
      context,
    )
    assert.deepEqual(totals, [
      { list: 'lines', group: ['C1'], count: 1, debit: { amount: '50.5000' }, credit: { amount: '0.0000' } },
    ])
    const columns = own.f.sandbox
      .datasets()
      .find((one) => one.name === name)
      ?.tables.find((table) => table.name === 'gl_entry_line')?.columns
    assert.equal(columns?.find((column) => column.name === 'amount')?.isHidden, true)
  })

  it('keys that differ only in case or in a blank at the end are apart in a dataset made now, and stand as ever in one made before', async () => {
    const { connection, name, target } = fresh()
    const context = prepareContext()
    await target.prepare(journal, context)
    const keys = async () =>
      [...new Set((await own.f.rows(name, 'gl_entry')).map((row) => String(row._sync_key)))].sort()
    const lines = [[1, 'A', '10']] as const
    const both = ['a', 'A', 'A '].map((number) => entry(number, { read: 4, lines }))
    await target.write(batchOf('b1', both), context)
    assert.deepEqual(await keys(), ['x3|^a', 'x3|^a~0020', 'x3|a'])
    assert.deepEqual(await measure(connection, name, 'EVALUATE ROW("v",[gl_entry_line amount])'), [{ '[v]': 30 }])
    // As the version before left its note: without a word of keys.
    const { keys: form, ...before } = JSON.parse((await context.note.read()) ?? '{}')
    assert.equal(form, 'apart')
    await context.note.save(JSON.stringify(before))
    const again = own.f.target(connection, 'gl_entry', {
      dataset: { kind: 'create', name: name.replace('gl_entry', '{entity}') },
    })
    await again.prepare(journal, context)
    await again.write(batchOf('b2', [entry('B', { read: 5, lines })]), context)
    assert.ok((await keys()).includes('x3|B'))
  })

  it('sums what a run wrote, deletions left out, groups and decimals exact', async () => {
    const { target } = fresh()
    const context = prepareContext()
    await target.prepare(journal, context)
    const lines = [
      [1, 'A', '99337525444536.6064'],
      [2, 'B', '0.0003'],
      [3, 'B', '-12.5'],
    ] as const
    await target.write(batchOf('b1', [entry('1', { read: 4, lines }), entry('2', { read: 4, delete: true })]), context)
    await target.write(batchOf('b2', [entry('3', { read: 5, lines: [[1, 'A', '1']] })], journal, 'run-2'), context)
    const ask = (list: string, amounts: string[], by: string[]) =>
      target.totals?.({ run: 'run-1', schema: journal, list, amounts, by }, context)
    assert.deepEqual(await ask('lines', ['amount'], ['company']), [
      {
        list: 'lines',
        group: ['C1'],
        count: 3,
        debit: { amount: '99337525444536.6067' },
        credit: { amount: '12.5000' },
      },
    ])
    assert.deepEqual(await ask('', [], []), [{ list: '', group: [], count: 1, debit: {}, credit: {} }])
  })

  it('posts within rows and bytes, each row once, whatever the size of the batch', async () => {
    const { name, target } = fresh({ limits: { rows: 10_000, bytes: 15_000_000 } })
    const context = prepareContext()
    await target.prepare(journal, context)
    // 10,001 documents: two parts, since a header goes in one post
    const many = Array.from({ length: 10_001 }, (_, i) => entry(String(i), { read: 1, lines: [[1, 'A', '1']] }))
    const batch = batchOf('big', many)
    const parts = target.parts?.(batch.records, journal) ?? []
    assert.deepEqual(
      parts.map(({ length }) => length),
      [10_000, 1],
    )
    for (const [i, records] of parts.entries()) await target.write({ ...batch, id: `big-${i}`, records }, context)
    const posts = (await own.f.sandbox.posts()).filter(
      ({ dataset }) => own.f.sandbox.datasets().find((one) => one.name === name)?.id === dataset,
    )
    assert.ok(posts.every(({ rows, bytes }) => rows <= 10_000 && bytes <= 16_000_000))
    assert.equal((await own.f.rows(name, 'gl_entry')).length, 10_001)
    assert.equal((await own.f.rows(name, 'gl_entry_line')).length, 10_001)
  })

  it('20 MB go in posts of less than 16', async () => {
    const { name, target } = fresh()
    const context = prepareContext()
    await target.prepare(journal, context)
    const wide = Array.from({ length: 6000 }, (_, i) => entry(String(i), { read: 1, status: 'x'.repeat(3500) }))
    const batch = batchOf('wide', wide)
    const parts = target.parts?.(batch.records, journal) ?? []
    assert.ok(parts.length > 1)
    for (const [i, records] of parts.entries()) await target.write({ ...batch, id: `wide-${i}`, records }, context)
    const id = own.f.sandbox.datasets().find((one) => one.name === name)?.id
    const posts = (await own.f.sandbox.posts()).filter(({ dataset }) => dataset === id)
    assert.ok(
      posts.every(({ bytes }) => bytes <= 16_000_000) && posts.reduce((sum, { bytes }) => sum + bytes, 0) > 20_000_000,
    )
    assert.equal(
      posts.reduce((sum, { rows }) => sum + rows, 0),
      6000,
    )
  })

  it('a token that is refused twice in a row is renewed twice', async () => {
    const { target } = fresh()
    const context = prepareContext()
    await target.prepare(journal, context)
    own.f.sandbox.faults().force('rows-post', 'token-expired', 2)
    const batch = batchOf('t', [entry('1', { read: 1, lines: [] })])
    await withRetry(() => target.write(batch, context), {
      ...context,
      idempotent: false,
      renew: () => target.renew?.() ?? Promise.resolve(),
    })
  })

  it('what was confirmed before a refusal is not sent again when the batch goes on', async () => {
    const { name, target } = fresh({ limits: { rows: 2, bytes: 15_000_000 } })
    const context = prepareContext()
    await target.prepare(journal, context)
    const batch = batchOf('h', [
      entry('1', {
        read: 1,
        lines: [
          [1, 'A', '1'],
          [2, 'A', '1'],
          [3, 'A', '1'],
        ],
      }),
      entry('2', { read: 1, lines: [[1, 'B', '2']] }),
    ])
    await target.write(batchOf('first', [entry('9', { read: 1, lines: [] })]), context)
    const plan = own.f.sandbox.faults()
    // the second post of the list is refused
    const next = plan.next.bind(plan)
    let posts = 0
    own.f.sandbox.setFaults({
      ...plan,
      next: (site, text) => (site === 'rows-post' && ++posts === 2 ? 'throttled' : next(site, text)),
    })
    await assert.rejects(target.write(batch, context), /HTTP 429/)
    await target.write(batch, context)
    own.f.sandbox.setFaults()
    assert.equal((await own.f.rows(name, 'gl_entry_line')).length, 4)
    assert.equal((await own.f.rows(name, 'gl_entry')).length, 3)
  })

  it('a new column is added to tables of its own, and known to rows from then on', async () => {
    const kept = {}
    const { name, target } = fresh()
    await target.prepare(journal, prepareContext({ kept }))
    await target.write(batchOf('b1', [entry('1', { read: 1, lines: [] })]), prepareContext({ kept }))
    const wider = { ...journal, columns: [...journal.columns, { name: 'site', type: 'string' as const }] }
    const prepared = await target.prepare(wider, prepareContext({ kept }))
    assert.deepEqual(prepared.notices, ['Added to gl_entry: site.'])
    await target.write(
      batchOf('b2', [{ ...entry('2', { read: 2, lines: [] }), site: 'PAR' }], wider),
      prepareContext({ kept }),
    )
    assert.deepEqual((await own.f.rows(name, 'gl_entry')).map(({ site }) => site).sort(), ['PAR', null])
    const other = {
      ...journal,
      columns: journal.columns.map((one) => (one.name === 'status' ? { ...one, type: 'integer' as const } : one)),
    }
    await assert.rejects(
      target.prepare(other, prepareContext({ kept })),
      /Column status of gl_entry was made as String, and would now be Int64/,
    )
  })

  it('rebuild: a full refresh empties the tables once, and what was remembered is forgotten', async () => {
    const kept = {}
    const { name, target } = fresh({ changes: 'rebuild' })
    await target.prepare(journal, prepareContext({ kept }))
    await target.write(batchOf('b1', [entry('1', { read: 1, lines: [[1, 'A', '1']] })]), prepareContext({ kept }))
    const full = prepareContext({ kept, full: true, run: 'run-2' })
    const prepared = await target.prepare(journal, full)
    assert.deepEqual([statesOf(prepared), prepared.cleared], [['lines new', ' new'], true])
    await target.write(batchOf('b2', [entry('1', { read: 2, lines: [[1, 'A', '1']] })]), full)
    assert.equal((await target.prepare(journal, full)).cleared, undefined, 'only once a run')
    assert.deepEqual(
      [(await own.f.rows(name, 'gl_entry')).length, (await own.f.rows(name, 'gl_entry_line')).length],
      [1, 1],
    )
  })
})
