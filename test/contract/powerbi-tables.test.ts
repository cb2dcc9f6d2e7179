/** Tables of a dataset of Power BI: their marks, and what each run finds of them. */
import assert from 'node:assert/strict'
import type { Connection } from '../../nodes/powerbi/client/connection.ts'
import { putTable } from '../../nodes/powerbi/client/datasets.ts'
import { writeMark } from '../../nodes/powerbi/client/mark.ts'
import { MARKS, type ModelTable } from '../../nodes/powerbi/client/model.ts'
import type { SyncError } from '../../sync/contract/errors.ts'
import type { Prepared } from '../../sync/contract/target.ts'
import { prepareContext } from '../support/powerbi.ts'
import { ownDatasets } from '../support/powerbi-datasets.ts'
import { batchOf, entry, journal } from '../support/warehouse.ts'

const statesOf = ({ tables }: Prepared) => tables.map(({ list, state }) => `${list} ${state}`)

describe('tables of a Power BI dataset', () => {
  const own = ownDatasets()
  const { fresh } = own

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
    /** A dataset and its note as the version before made them; `besides`: a column that its table of marks has besides. */
    const old = async (...besides: ModelTable['columns']) => {
      const kept: { text?: string } = {}
      const made = fresh()
      await made.target.prepare(journal, prepareContext({ kept }))
      const { id, tables, ...note } = JSON.parse(kept.text ?? '{}')
      const columns = MARKS.columns.filter(({ name }) => name !== 'source')
      const workspace = own.f.sandbox.workspace.id
      for (const more of [[], besides])
        await putTable(made.connection, workspace, id, { ...MARKS, columns: [...columns, ...more] }, prepareContext())
      delete tables[MARKS.name]
      kept.text = JSON.stringify({ ...note, id, tables })
      const quota = made.connection.line(id).quota
      const place = { connection: made.connection, workspace, dataset: id, quota, withSource: false }
      await writeMark(place, before, prepareContext())
      const target = own.f.target(own.f.connect(), 'gl_entry', { dataset: { kind: 'create', name: made.pattern } })
      const prepare = async () => (await target.prepare(journal, prepareContext({ kept }))).notices
      const columnsNow = () =>
        own.f.sandbox
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

  describe('looked at by each run', () => {
    /** Empties a table as a person does who has a token. */
    const empty = async (connection: Connection, dataset: string, table: string) => {
      const id = own.f.sandbox.datasets().find((one) => one.name === dataset)?.id
      const path = `/groups/${own.f.sandbox.workspace.id}/datasets/${id}/tables/${table}/rows`
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
      const before = own.f.sandbox.stats()
      await target.prepare(journal, prepareContext({ run: 'run-5' }))
      const news = Object.entries(own.f.sandbox.stats()).filter(([kind, count]) => count !== (before[kind] ?? 0))
      assert.equal(news.find(([kind]) => kind === 'requests')?.[1], (before.requests ?? 0) + 2, JSON.stringify(news))
    })

    it('rows that no query sees yet are waited for: nothing may be sent twice because it was only just taken', async () => {
      own.f.sandbox.tune({ visibleAfterMs: 150 })
      const { look } = await written()
      assert.deepEqual(await look('run-2'), ['lines filled', ' filled'])
      own.f.sandbox.tune({ visibleAfterMs: 0 })
    })

    it('an adopted dataset that lost a column meanwhile stops the next run, with its name', async () => {
      const { name } = await written()
      const made = own.f.sandbox.datasets().find((one) => one.name === name)
      const lines = made?.tables.find((table) => table.name === 'gl_entry_line')
      assert.ok(made && lines)
      const connection = own.f.connect()
      const adopted = own.f.target(connection, 'gl_entry', { dataset: { kind: 'adopt', id: made.id } })
      const kept = {}
      await adopted.prepare(journal, prepareContext({ kept }))
      const bare = { ...lines, columns: lines.columns.filter((column) => column.name !== 'account'), measures: [] }
      const path = `/groups/${own.f.sandbox.workspace.id}/datasets/${made.id}/tables/gl_entry_line`
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
