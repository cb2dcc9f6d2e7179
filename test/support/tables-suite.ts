/** What every warehouse must do with its tables: narrower ones refused, dropped ones noticed, columns added, rows seen. */
import assert from 'node:assert/strict'
import { describe, it } from 'mocha'
import type { SyncError } from '../../sync/contract/errors.ts'
import type { ColumnType, Schema } from '../../sync/contract/message.ts'
import type { SqlTarget } from '../../vendor/warehouse/warehouse.ts'
import type { Fresh, FreshOptions, TargetBench } from './target-suite.ts'
import { batchOf, entry, foundTables as found, journal, two, writeContext } from './warehouse.ts'

const context = writeContext()

export function tablesSuite(
  bench: () => TargetBench,
  fresh: () => Fresh,
  some: (options: FreshOptions) => { target: SqlTarget; table: string },
): void {
  describe('its tables', () => {
    it('refuses a narrower column, naming table, column and both types, before anything is written', async () => {
      const { target, table } = fresh()
      await bench().create(`${table}_line`, {
        source: 'string',
        number: 'string',
        line: 'integer',
        company: 'string',
        account: 'string',
        accounting_date: 'date',
        amount: 'decimal(18,2)',
      })
      await assert.rejects(target.prepare(journal, context), (error: SyncError) => {
        assert.equal(error.cause.class, 'config')
        assert.equal(error.cause.field, 'amount')
        for (const part of [`${table}_line`, 'amount', '(18,2)', 'decimal(28,8)'])
          assert.ok(error.message.toLowerCase().includes(part), part)
        return true
      })
    })

    for (const [list, suffix] of [
      ['', ''],
      ['lines', '_line'],
    ] as const)
      it(`looks anew each time it is prepared: the table of ${list || 'the header'} emptied, dropped, made again with other types`, async () => {
        const { target, table } = fresh()
        await target.prepare(journal, context)
        const state = async (filled: readonly string[] = ['', 'lines']) =>
          (await found(target, { filled: new Set(filled) })).find((one) => one.startsWith(`${list} `))
        const fill = (id: string, read: number) =>
          target.write(batchOf(id, [entry('1', { read, lines: two })]), context)
        await fill('a', 1)
        assert.equal(await state(), `${list} filled`)
        assert.equal(await state([]), `${list} filled`)
        await bench().remove(table + suffix, 'rows')
        assert.equal(await state(), `${list} empty`)
        await fill('b', 2)
        assert.equal(await state(), `${list} filled`)
        await bench().remove(table + suffix, 'table')
        assert.equal(await state(), `${list} new`)
        assert.equal(await state(), `${list} empty`)
        await fill('c', 3)
        await bench().remove(table + suffix, 'table')
        const other = list === '' ? 'accounting_date' : 'amount'
        const columns: Record<string, ColumnType> = { source: 'string', number: 'string', line: 'integer' }
        await bench().create(table + suffix, { ...columns, [other]: list === '' ? 'boolean' : 'decimal(18,1)' })
        for (const _ of ['run', 'next run'])
          await assert.rejects(state(), ({ cause }: SyncError) => cause.class === 'config' && cause.field === other)
      })

    for (const mode of ['merge', 'append'] as const)
      it(`tells a table that was dropped in mid-run from other failures, and writes to it once it is made anew (${mode})`, async () => {
        const { target, table } = some({ mode })
        await target.prepare(journal, context)
        await target.write(batchOf('a', [entry('1', { read: 1, lines: two })]), context)
        await bench().remove(table, 'table')
        const error = await target.write(batchOf('b', [entry('2', { read: 2 })]), context).then(
          () => assert.fail('it was written nowhere'),
          (failure: unknown) => failure,
        )
        assert.equal(target.isLost(error), true, String(error))
        assert.equal(target.isLost(new Error('the network is down')), false)
        assert.equal((await found(target))[0], ' new')
        await target.write(batchOf('c', [entry('2', { read: 2 })]), context)
        assert.equal((await found(target))[0], ' filled')
      })

    it('adds a column that is new, and the technical ones to a table that was there', async () => {
      const { target, table } = fresh()
      await bench().create(table, { source: 'string', number: 'string', status: 'string' })
      await bench().insert(table, { source: 'x3', number: '1', status: 'before' })
      assert.deepEqual(await found(target), [' filled', 'lines new'])
      const wider: Schema = {
        ...journal,
        columns: [...journal.columns, { name: 'site', type: 'string', description: "the site's code" }],
      }
      const prepared = await target.prepare(wider, context)
      assert.match((prepared.notices ?? []).join(), /site/)
      await target.write(batchOf('a', [{ ...entry('1', { read: 1, lines: [] }), site: 'S1' }], wider), context)
      const rows = await bench().read(table, ['status', 'site'])
      assert.deepEqual(rows, [['posted', 'S1']], 'a row without a read number is older than any')
    })

    it('says all the tables that it writes, and whether one of them has a row', async () => {
      const { target, table } = fresh()
      const other = fresh()
      const tables = target.tables(journal)
      assert.deepEqual(
        tables.map(({ list, address }) => [list, address.toLowerCase().split('.').at(-1)]),
        [
          ['', table],
          ['lines', `${table}_line`],
        ],
      )
      assert.equal(tables[0]?.address, target.address)
      assert.equal(await target.hasRows(tables, journal, context), false, 'not there')
      await target.prepare(journal, context)
      await other.target.prepare(journal, context)
      assert.equal(await target.hasRows(tables, journal, context), false)
      await target.write(batchOf('a', [entry('1', { read: 1, lines: [] })]), context)
      const some = async (list: string) =>
        target.hasRows(
          tables.filter((one) => one.list === list),
          journal,
          context,
        )
      assert.deepEqual([await some(''), await some('lines')], [true, false])
    })
  })
}
