/** The target of Power BI against the sandbox: what a report reads, and that nothing is in twice. */
import assert from 'node:assert/strict'
import type { Connection } from '../../nodes/powerbi/client/connection.ts'
import { putTable } from '../../nodes/powerbi/client/datasets.ts'
import { writeMark } from '../../nodes/powerbi/client/mark.ts'
import { MARKS, type ModelTable } from '../../nodes/powerbi/client/model.ts'
import type { SyncError } from '../../sync/contract/errors.ts'
import { withRetry } from '../../sync/contract/retry.ts'
import type { Prepared } from '../../sync/contract/target.ts'
import { type PowerbiFixture, prepareContext, startPowerbiFixture } from '../support/powerbi.ts'
import { batchOf, entry, journal } from '../support/warehouse.ts'

const statesOf = ({ tables }: Prepared) => tables.map(({ list, state }) => `${list} ${state}`)

describe('Power BI target', () => {
  let f: PowerbiFixture
  before(async () => {
    f = await startPowerbiFixture()
  })
  after(() => f.close())
  let n = 0
  /** A target with a dataset of its own. */
  const fresh = (options: Parameters<PowerbiFixture['target']>[2] = {}) => {
    const name = `T${++n} {entity}`
    const connection = f.connect()
    return {
      connection,
      name: name.replace('{entity}', 'gl_entry'),
      target: f.target(connection, 'gl_entry', { dataset: { kind: 'create', name }, ...options }),
    }
  }
  const measure = async (connection: ReturnType<PowerbiFixture['connect']>, name: string, dax: string) => {
    const id = f.sandbox.datasets().find((one) => one.name === name)?.id
    return connection.query(
      `/groups/${f.sandbox.workspace.id}/datasets/${id}/executeQueries`,
      dax,
      'test',
      prepareContext(),
    )
  }

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
    assert.equal((await f.rows(name, 'gl_entry')).length, 4)
    assert.equal((await f.rows(name, 'gl_entry_line')).length, 4)
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
    const columns = f.sandbox
      .datasets()
      .find((one) => one.name === name)
      ?.tables.find((table) => table.name === 'gl_entry_line')?.columns
    assert.equal(columns?.find((column) => column.name === 'amount')?.isHidden, true)
  })

  it('keys that differ only in case or in a blank at the end are apart in a dataset made now, and stand as ever in one made before', async () => {
    const { connection, name, target } = fresh()
    const context = prepareContext()
    await target.prepare(journal, context)
    const keys = async () => [...new Set((await f.rows(name, 'gl_entry')).map((row) => String(row._sync_key)))].sort()
    const lines = [[1, 'A', '10']] as const
    const both = ['a', 'A', 'A '].map((number) => entry(number, { read: 4, lines }))
    await target.write(batchOf('b1', both), context)
    assert.deepEqual(await keys(), ['x3|^a', 'x3|^a~0020', 'x3|a'])
    assert.deepEqual(await measure(connection, name, 'EVALUATE ROW("v",[gl_entry_line amount])'), [{ '[v]': 30 }])
    // As the version before left its note: without a word of keys.
    const { keys: form, ...before } = JSON.parse((await context.note.read()) ?? '{}')
    assert.equal(form, 'apart')
    await context.note.save(JSON.stringify(before))
    const again = f.target(connection, 'gl_entry', {
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
    const posts = (await f.sandbox.posts()).filter(
      ({ dataset }) => f.sandbox.datasets().find((one) => one.name === name)?.id === dataset,
    )
    assert.ok(posts.every(({ rows, bytes }) => rows <= 10_000 && bytes <= 16_000_000))
    assert.equal((await f.rows(name, 'gl_entry')).length, 10_001)
    assert.equal((await f.rows(name, 'gl_entry_line')).length, 10_001)
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
    const id = f.sandbox.datasets().find((one) => one.name === name)?.id
    const posts = (await f.sandbox.posts()).filter(({ dataset }) => dataset === id)
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
    f.sandbox.faults().force('rows-post', 'token-expired', 2)
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
    const plan = f.sandbox.faults()
    // the second post of the list is refused
    const next = plan.next.bind(plan)
    let posts = 0
    f.sandbox.setFaults({
      ...plan,
      next: (site, text) => (site === 'rows-post' && ++posts === 2 ? 'throttled' : next(site, text)),
    })
    await assert.rejects(target.write(batch, context), /HTTP 429/)
    await target.write(batch, context)
    f.sandbox.setFaults()
    assert.equal((await f.rows(name, 'gl_entry_line')).length, 4)
    assert.equal((await f.rows(name, 'gl_entry')).length, 3)
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
    assert.deepEqual((await f.rows(name, 'gl_entry')).map(({ site }) => site).sort(), ['PAR', null])
    const other = {
      ...journal,
      columns: journal.columns.map((one) => (one.name === 'status' ? { ...one, type: 'integer' as const } : one)),
    }
    await assert.rejects(
      target.prepare(other, prepareContext({ kept })),
      /Column status of gl_entry was made as String, and would now be Int64/,
    )
  })

  describe('marks', () => {
    const mark = {
      sync: 'books',
      entity: 'gl_entry',
      sourceAddress: 'x3://h/SEED',
      source: 'x3',
      ledger: 'L1',
      run: 'run-1',
      read: 1_763_636_400_000_001,
      floor: null,
    }
    const { source: _, ...before } = mark
    /** A dataset and its note as the version before made them; `own`: a column that its table of marks has besides. */
    const old = async (...own: ModelTable['columns']) => {
      const kept: { text?: string } = {}
      const made = fresh()
      await made.target.prepare(journal, prepareContext({ kept }))
      const { id, tables, ...note } = JSON.parse(kept.text ?? '{}')
      const columns = MARKS.columns.filter(({ name }) => name !== 'source')
      const workspace = f.sandbox.workspace.id
      for (const more of [[], own])
        await putTable(made.connection, workspace, id, { ...MARKS, columns: [...columns, ...more] }, prepareContext())
      delete tables[MARKS.name]
      kept.text = JSON.stringify({ ...note, id, tables })
      const quota = made.connection.line(id).quota
      const place = { connection: made.connection, workspace, dataset: id, quota, withSource: false }
      await writeMark(place, before, prepareContext())
      const target = f.target(f.connect(), 'gl_entry', { dataset: { kind: 'create', name: `T${n} {entity}` } })
      const prepare = async () => (await target.prepare(journal, prepareContext({ kept }))).notices
      const columnsNow = () =>
        f.sandbox
          .datasets()
          .find((one) => one.id === id)
          ?.tables.find(({ name }) => name === MARKS.name)
      return { target, prepare, columnsNow }
    }

    it('say the source name; of a source that moved the last one counts, and another one beside it', async () => {
      const { target } = fresh()
      const context = prepareContext()
      await target.prepare(journal, context)
      await target.writeMark?.(mark, context)
      assert.deepEqual(await target.readMark?.(context), [mark])
      const moved = { ...mark, sourceAddress: 'x3://h/PROD' }
      await target.writeMark?.(moved, context, [mark])
      assert.deepEqual(await target.readMark?.(context), [moved])
      const other = { ...mark, sync: 'another', source: 'x4', read: 1 }
      await target.writeMark?.(other, context)
      assert.deepEqual(await target.readMark?.(context), [other, moved])
    })

    it('of an entity with tables of its own in the dataset refuse nothing: they are given without the name', async () => {
      const { target } = fresh()
      const context = prepareContext()
      await target.prepare(journal, context)
      const { source: _name, ...nameless } = { ...mark, entity: 'supplier' }
      await target.writeMark?.({ ...mark, entity: 'supplier' }, context)
      assert.deepEqual(await target.readMark?.(context), [nameless])
    })

    it('a dataset of the version before gets the column once; its marks stay', async () => {
      const { target, prepare, columnsNow } = await old()
      assert.deepEqual(await prepare(), [])
      assert.equal(columnsNow()?.columns.find(({ name }) => name === 'source')?.dataType, 'String')
      assert.equal(columnsNow()?.isHidden, true)
      const context = prepareContext()
      assert.deepEqual(await target.readMark?.(context), [before])
      await target.writeMark?.({ ...mark, read: mark.read + 1000 }, context)
      assert.deepEqual(await target.readMark?.(context), [{ ...mark, read: mark.read + 1000 }])
      const seen = columnsNow()
      await prepare()
      assert.equal(columnsNow(), seen, 'not once more')
    })

    it('a dataset that does not take the column is written without it, and it is said once', async () => {
      const { target, prepare } = await old({ name: 'source', dataType: 'Int64' })
      const [notice, ...more] = (await prepare()) ?? []
      assert.match(
        notice ?? '',
        /^The table _tieout_mark of the dataset has no column "source", and it could not be added \(/,
      )
      assert.deepEqual([more, await prepare()], [[], []])
      const context = prepareContext()
      await target.writeMark?.({ ...mark, read: mark.read + 1000 }, context)
      assert.deepEqual(await target.readMark?.(context), [{ ...before, read: mark.read + 1000 }])
    })
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
    assert.deepEqual([(await f.rows(name, 'gl_entry')).length, (await f.rows(name, 'gl_entry_line')).length], [1, 1])
  })

  describe('looked at by each run', () => {
    /** Empties a table as a person does who has a token. */
    const empty = async (connection: Connection, dataset: string, table: string) => {
      const id = f.sandbox.datasets().find((one) => one.name === dataset)?.id
      const path = `/groups/${f.sandbox.workspace.id}/datasets/${id}/tables/${table}/rows`
      await connection.call({ method: 'DELETE', path, what: 'emptying', kind: 'call' }, prepareContext())
    }
    const written = async (options: Parameters<typeof fresh>[0] = {}) => {
      const kept = {}
      const made = fresh(options)
      await made.target.prepare(journal, prepareContext({ kept }))
      await made.target.write(
        batchOf('b1', [entry('1', { read: 1, lines: [[1, 'A', '1']] })]),
        prepareContext({ kept }),
      )
      /** Another run. */
      const look = async (run: string, more: Parameters<typeof prepareContext>[0] = {}) =>
        statesOf(
          await made.target.prepare(journal, prepareContext({ kept, run, filled: new Set(['', 'lines']), ...more })),
        )
      return { ...made, look }
    }
    const isFull = (error: SyncError) => {
      assert.deepEqual([error.code, error.cause.class], ['powerbi.full', 'config'])
      assert.match(error.cause.hint ?? '', /rebuild.*empty them/s)
      return true
    }

    it('a table that somebody emptied is found, header or list, by one query and one list of datasets', async () => {
      const { connection, name, target, look } = await written()
      assert.deepEqual(await look('run-2'), ['lines filled', ' filled'])
      await empty(connection, name, 'gl_entry_line')
      assert.deepEqual(await look('run-3'), ['lines empty', ' filled'])
      await empty(connection, name, 'gl_entry')
      assert.deepEqual(await look('run-4'), ['lines empty', ' empty'])
      const before = f.sandbox.stats()
      await target.prepare(journal, prepareContext({ run: 'run-5' }))
      const news = Object.entries(f.sandbox.stats()).filter(([kind, count]) => count !== (before[kind] ?? 0))
      assert.equal(news.find(([kind]) => kind === 'requests')?.[1], (before.requests ?? 0) + 2, JSON.stringify(news))
    })

    it('rows that no query sees yet are waited for: nothing may be sent twice because it was only just taken', async () => {
      f.sandbox.tune({ visibleAfterMs: 150 })
      const { look } = await written()
      assert.deepEqual(await look('run-2'), ['lines filled', ' filled'])
      f.sandbox.tune({ visibleAfterMs: 0 })
    })

    it('an adopted dataset that lost a column meanwhile stops the next run, with its name', async () => {
      const { name } = await written()
      const made = f.sandbox.datasets().find((one) => one.name === name)
      const lines = made?.tables.find((table) => table.name === 'gl_entry_line')
      assert.ok(made && lines)
      const connection = f.connect()
      const adopted = f.target(connection, 'gl_entry', { dataset: { kind: 'adopt', id: made.id } })
      const kept = {}
      await adopted.prepare(journal, prepareContext({ kept }))
      const bare = { ...lines, columns: lines.columns.filter((column) => column.name !== 'account'), measures: [] }
      const path = `/groups/${f.sandbox.workspace.id}/datasets/${made.id}/tables/gl_entry_line`
      const request = { method: 'PUT', path, body: JSON.stringify(bare), what: 'bare', kind: 'call' } as const
      await connection.call(request, prepareContext())
      await assert.rejects(
        adopted.prepare(journal, prepareContext({ kept, run: 'run-2' })),
        /Table gl_entry_line has no column account/,
      )
    })

    it('a full refresh is refused in words as long as it has rows, and let in when it is empty, made now or rebuilt', async () => {
      const { connection, name, target, look } = await written()
      await assert.rejects(look('run-2', { full: true }), isFull)
      await empty(connection, name, 'gl_entry')
      await assert.rejects(look('run-3', { full: true }), isFull, 'the lines are still there')
      await empty(connection, name, 'gl_entry_line')
      assert.deepEqual(await look('run-4', { full: true }), ['lines empty', ' empty'])
      const batch = batchOf('b4', [entry('1', { read: 4, lines: [[1, 'A', '1']] })])
      await target.write(batch, prepareContext({ run: 'run-4' }))
      assert.deepEqual(await look('run-4', { full: true }), ['lines filled', ' filled'], 'what the run itself sent')
      await assert.rejects(look('run-5', { full: true }), isFull)
      const rebuilt = await written({ changes: 'rebuild' })
      assert.deepEqual(await rebuilt.look('run-2', { full: true }), ['lines new', ' new'])
      const made = fresh()
      const first = prepareContext({ full: true })
      assert.deepEqual(statesOf(await made.target.prepare(journal, first)), ['lines new', ' new'])
    })

    it('where nothing may be asked nobody knows whether it is empty: a full refresh is refused', async () => {
      const { look } = await written({ ask: false })
      assert.deepEqual(await look('run-2'), ['lines filled', ' filled'])
      await assert.rejects(look('run-3', { full: true }), isFull)
    })
  })
})
