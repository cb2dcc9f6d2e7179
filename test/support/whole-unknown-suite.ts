/** Tables as a whole, with a ledger that does not know all that they hold: after an upgrade, and a new one. */
import assert from 'node:assert/strict'
import { DatabaseSync } from 'node:sqlite'
import { afterEach, beforeEach, describe, it } from 'mocha'
import type { SqlTarget } from '../../vendor/warehouse/warehouse.ts'
import { entrySchema } from './fakes.ts'
import { type LedgerFolder, ledgerFolder } from './ledger.ts'
import { warehouse } from './rig.ts'
import type { FreshOptions, TargetBench } from './target-suite.ts'
import { books } from './whole-books.ts'

export function unknownSuite(
  bench: () => TargetBench,
  some: (options: FreshOptions) => { target: SqlTarget; table: string },
): void {
  describe('with a ledger that does not know all of it', () => {
    let folder: LedgerFolder
    beforeEach(() => {
      folder = ledgerFolder()
    })
    afterEach(() => folder.remove())

    /** As a version before left a ledger. */
    const makeOld = () => {
      const db = new DatabaseSync(folder.file)
      for (const sql of [
        'UPDATE delivery SET rows = NULL, doubt = NULL',
        'DELETE FROM target_sum',
        "UPDATE address SET unsummed = 9007199254740991, counted = 0, lists = '[]'",
      ])
        db.exec(sql)
      db.close()
    }
    const first = async (mode: 'merge' | 'append' = 'merge') => {
      const { target, table } = some({ schema: entrySchema, mode })
      const before = await books(target, { file: folder.file })
      for (const number of ['1', '2', '3']) before.put(number, '10.00', '-10.00')
      await before.poll()
      // In the overlap of the next window nothing changed: it is known under a later number than it was written with.
      await before.poll({ scope: { kind: 'keys', entity: 'gl_entry', keys: ['erp|2'] } })
      await before.r.close()
      return { target, table, source: before.r.source }
    }
    const targetsOf = (target: SqlTarget) => ({ targets: async () => [{ ref: warehouse, target }] })
    const columns = ['number', '_sync_read', '_sync_run']

    for (const mode of ['merge', 'append'] as const)
      it(`is open after an upgrade until a sweep has read all of it again, which writes nothing (${mode})`, async () => {
        const { target, table, source } = await first(mode)
        makeOld()
        const { r, put, poll } = await books(target, { file: folder.file, source }, 200)
        const options = targetsOf(target)
        try {
          put('4', '1.00')
          const found = await poll(options)
          assert.equal(found.verdict, 'open')
          assert.match(found.open?.join() ?? '', /memory of the target not whole, sweep due/)
          assert.match((await poll(options)).open?.join() ?? '', /not whole/, 'a quiet run')
          const stored = () => bench().read(table, mode === 'merge' ? columns : ['key', '_sync_read', '_sync_run'])
          const before = await stored()
          const swept = await poll({ ...options, sweep: { since: null } })
          assert.deepEqual(await stored(), before)
          assert.doesNotMatch(swept.open?.join() ?? '', /not whole/)
          put('4', '2.00')
          const after = await poll(options)
          assert.equal(after.problem, undefined)
          assert.equal(after.verdict, mode === 'merge' ? 'ties' : 'open')
          await bench().sql(
            table,
            mode === 'merge' ? `DELETE FROM $T WHERE number = '1'` : `DELETE FROM $T WHERE key = 'erp|1'`,
          )
          put('4', '3.00')
          await poll(options)
          assert.equal((await r.ledger.differences({})).length, 1)
        } finally {
          await r.close()
        }
      })

    it('finds after an upgrade what somebody did to the tables before it', async () => {
      const { target, table, source } = await first()
      makeOld()
      await bench().sql(table, `UPDATE $T SET _row_hash = 'ffffffff' WHERE number = '1'`)
      await bench().sql(`${table}_line`, `DELETE FROM $T WHERE number = '3'`)
      const { r, put, poll } = await books(target, { file: folder.file, source }, 200)
      const options = targetsOf(target)
      try {
        put('4', '1.00')
        await poll({ ...options, sweep: { since: null } })
        put('4', '2.00')
        assert.equal((await poll(options)).verdict, 'ties')
        assert.equal((await bench().read(`${table}_line`, ['number'])).filter(([number]) => number === '3').length, 2)
      } finally {
        await r.close()
      }
    })

    it('is open for a new ledger that goes on from a mark, until its sweep has read everything', async () => {
      const { target, table, source } = await first()
      const old = await books(target, { file: folder.file, source }, 150)
      old.put('9', '1.00')
      assert.equal((await old.poll()).verdict, 'ties')
      await old.r.close()
      const { r, put, poll } = await books(target, { source }, 300)
      const options = targetsOf(target)
      try {
        put('4', '1.00')
        const found = await poll(options)
        assert.deepEqual([found.verdict, found.open], ['open', ['memory of the target not whole, sweep due']])
        const stored = () => bench().read(table, columns)
        const before = await stored()
        // the first one only asks the targets what they hold
        const asking = await poll({ ...options, sweep: { since: null } })
        assert.deepEqual([asking.read, asking.verdict], [0, 'open'])
        const swept = await poll({ ...options, sweep: { since: null } })
        assert.deepEqual([swept.delivered, swept.open], [0, undefined])
        assert.deepEqual(await stored(), before, 'what is as it was is not written')
        put('4', '2.00')
        assert.equal((await poll(options)).verdict, 'ties')
      } finally {
        await r.close()
      }
    })

    it('is whole again after everything was read anew', async () => {
      const { target, table, source } = await first()
      makeOld()
      await bench().sql(table, `DELETE FROM $T WHERE number = '1'`)
      const { r, poll } = await books(target, { file: folder.file, source }, 200)
      try {
        assert.equal((await poll({ scope: { kind: 'full' } })).verdict, 'ties')
      } finally {
        await r.close()
      }
    })
  })
}
