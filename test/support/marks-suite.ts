/** What every warehouse must do with its table of marks, by which a lost ledger is noticed. */
import assert from 'node:assert/strict'
import { describe, it } from 'mocha'
import type { Mark } from '../../sync/contract/target.ts'
import type { Fresh, TargetBench } from './target-suite.ts'
import { batchOf, entry, journal, writeContext } from './warehouse.ts'

const context = writeContext()
const aMark = {
  sync: 'books',
  entity: 'gl_entry',
  sourceAddress: 'x3://h/SEED',
  ledger: 'L1',
  run: 'run-1',
  read: 1_763_636_400_000_001,
  floor: null,
}

export function marksSuite(bench: () => TargetBench, fresh: () => Fresh): void {
  describe('marked', () => {
    it('keeps a mark for each table, sync and source, and gives none while the table is empty', async () => {
      const { target } = fresh()
      const other = fresh()
      assert.deepEqual(await target.readMark(context), [], 'no tables yet')
      const mark = aMark
      await target.prepare(journal, context)
      await other.target.prepare(journal, context)
      await target.writeMark(mark, context)
      assert.deepEqual(await target.readMark(context), [], 'the table is empty')
      await target.write(batchOf('a', [entry('1', { read: 1, lines: [] })]), context)
      await other.target.write(batchOf('a', [entry('1', { read: 1, lines: [] })]), context)
      assert.deepEqual(await target.readMark(context), [mark])
      await target.writeMark({ ...mark, ledger: 'L2', read: mark.read + 1, floor: '2026-03-10T09:00:00Z' }, context)
      await target.writeMark({ ...mark, sync: "other's" }, context)
      assert.deepEqual(
        (await target.readMark(context)).map(({ sync, ledger, read, floor }) => [sync, ledger, read, floor]).sort(),
        [
          ['books', 'L2', mark.read + 1, '2026-03-10T09:00:00Z'],
          ["other's", 'L1', mark.read, null],
        ],
      )
      assert.deepEqual(await other.target.readMark(context), [])
    })

    it('keeps the source name in the mark, and moves the mark of a source that moved', async () => {
      const { target } = fresh()
      await target.prepare(journal, context)
      await target.write(batchOf('a', [entry('1', { read: 1, lines: [] })]), context)
      const mark = { ...aMark, source: 'x3' }
      const others = [
        { ...mark, sync: 'another', sourceAddress: 'x3://h/PROD' },
        { ...mark, entity: 'supplier' },
      ]
      for (const one of [mark, ...others]) await target.writeMark(one, context)
      const nameOf = ({ sync, entity }: typeof mark) => `${sync} ${entity}`
      const inOrder = (marks: readonly Mark[] = []) =>
        (marks as (typeof mark)[]).toSorted((a, b) => (nameOf(a) < nameOf(b) ? -1 : 1))
      assert.deepEqual(inOrder(await target.readMark(context)), inOrder([mark, ...others]))
      const moved = { ...mark, sourceAddress: 'x3://new/SEED', read: mark.read + 1 }
      await target.writeMark(moved, context, [mark])
      assert.deepEqual(inOrder(await target.readMark(context)), inOrder([moved, ...others]))
    })

    for (const first of ['read', 'written'] as const)
      it(`a table of marks that a version before made gets the column when it is first ${first}, and its marks stay`, async () => {
        const { target, table } = fresh()
        await target.prepare(journal, context)
        await target.write(batchOf('a', [entry('1', { read: 1, lines: [] })]), context)
        await target.writeMark(aMark, context)
        const [[name] = []] = await bench().read('_tieout_mark', ['table_name'])
        assert.ok(name)
        await bench().remove('_tieout_mark', 'table')
        const texts = ['table_name', 'sync', 'entity', 'source_address', 'ledger', 'run', 'floor']
        const old = Object.fromEntries(texts.map((column) => [column, 'string' as const]))
        await bench().create('_tieout_mark', { ...old, read: 'integer', at: 'timestamp' })
        const { sync, entity, ledger, run } = aMark
        const place = name.replace(/[^.]*$/, /[A-Z]/.test(name) ? table.toUpperCase() : table)
        const row = { table_name: place, sync, entity, source_address: aMark.sourceAddress, ledger, run, read: '7' }
        await bench().insert('_tieout_mark', { ...row, at: '2026-01-01 00:00:00' })
        const next = { ...aMark, sync: 'another', source: 'x3' }
        if (first === 'written') await target.writeMark(next, context)
        const marks = await target.readMark(context)
        assert.deepEqual(
          marks.find((mark) => mark.sync === sync),
          { ...aMark, read: 7 },
        )
        assert.equal(marks.length, first === 'written' ? 2 : 1)
        await target.writeMark({ ...aMark, source: 'x3', read: 8 }, context)
        const now = (await target.readMark(context)).find((mark) => mark.sync === sync)
        assert.deepEqual(now, { ...aMark, source: 'x3', read: 8 })
      })
  })
}
