/** Tables as a whole: what somebody does to them beside Tieout is found by the next run that writes, or mended and told. */
import assert from 'node:assert/strict'
import { describe, it } from 'mocha'
import type { EntitySummary } from '../../sync/contract/summary.ts'
import type { SqlTarget } from '../../vendor/warehouse/warehouse.ts'
import { entry, entrySchema, type FakeTarget } from './fakes.ts'
import { type RigOptions, rig, sums, warehouse } from './rig.ts'
import type { FreshOptions, TargetBench } from './target-suite.ts'

/** The gl_entry of an ERP in the tables of a warehouse. */
export async function books(target: SqlTarget, more: RigOptions = {}) {
  const entities = { gl_entry: { schema: entrySchema } }
  const r = await rig({
    entities,
    flow: (message, own) => void own.deliver(message, warehouse, target as unknown as FakeTarget),
    ...more,
  })
  let minute = 0
  const put = (number: string, ...amounts: string[]) => r.source.put('gl_entry', entry(number, ...amounts))
  const later = () => {
    minute += 10
    const at = `${8 + Math.floor(minute / 60)}`.padStart(2, '0')
    r.source.clockIs(`2026-03-01T${at}:${String(minute % 60).padStart(2, '0')}:00Z`)
  }
  const poll = async (options: Parameters<typeof r.poll>[0] = {}): Promise<EntitySummary> => {
    later()
    return sums(await r.poll(options), 'gl_entry')
  }
  return { r, put, later, poll }
}

export function wholeSuite(
  bench: () => TargetBench,
  some: (options: FreshOptions) => { target: SqlTarget; table: string },
): void {
  describe('as a whole', () => {
    const filled = async (mode: 'merge' | 'append' = 'merge') => {
      const { target, table } = some({ schema: entrySchema, mode })
      const b = await books(target)
      for (const number of ['1', '2', '3']) b.put(number, '10.00', '-10.00')
      const first = await b.poll()
      if (mode === 'merge') assert.equal(first.verdict, 'ties', JSON.stringify(first))
      // one statement, and what a session of its own takes
      assert.ok(first.whole && first.whole.statements > 0 && first.whole.statements < 5, JSON.stringify(first.whole))
      const next = async () => {
        b.put('4', '5.00', '-5.00')
        return b.poll()
      }
      return { ...b, table, next }
    }

    it('ties while nobody touches them: new, changed, with fewer lines, deleted', async () => {
      const { r, put, poll } = await filled()
      try {
        put('1', '7.00')
        put('4')
        assert.equal((await poll()).verdict, 'ties')
        put('1', '7.00', '-3.00', '-4.00')
        r.source.remove('gl_entry', 'erp|2')
        const swept = await poll({ sweep: { since: null } })
        assert.deepEqual([swept.verdict, swept.sweep?.gone], ['ties', 1])
        const quiet = await poll()
        assert.deepEqual([quiet.verdict, quiet.whole], ['nothing new', undefined])
      } finally {
        await r.close()
      }
    })

    const edits: readonly (readonly [string, (table: string) => readonly (readonly [string, string])[]])[] = [
      ['a row of the header is deleted', (t) => [[t, `DELETE FROM $T WHERE number = '2'`]]],
      ['a row of a list is deleted', (t) => [[`${t}_line`, `DELETE FROM $T WHERE number = '2' AND line = 1`]]],
      ['a list is emptied of one document', (t) => [[`${t}_line`, `DELETE FROM $T WHERE number = '2'`]]],
      ['a row is put in', (t) => [[`${t}_line`, `INSERT INTO $T SELECT * FROM $T WHERE number = '2' AND line = 1`]]],
      ['a hash is changed', (t) => [[t, `UPDATE $T SET _row_hash = 'ffffffff' WHERE number = '2'`]]],
    ]
    for (const [what, statements] of edits)
      it(`differs when ${what}, and stays so`, async () => {
        const { r, table, next, poll } = await filled()
        try {
          for (const [at, text] of statements(table)) await bench().sql(at, text)
          const found = await next()
          assert.equal(found.verdict, 'differs', JSON.stringify(found))
          assert.match(found.problem ?? '', /gl_entry.*row filter/i)
          assert.equal((await poll()).verdict, 'differs', 'a quiet run')
          assert.equal((await r.ledger.differences({ open: true })).length, 1)
        } finally {
          await r.close()
        }
      })

    it('differs when header and lists, or a list alone, are put back to older rows', async () => {
      for (const lists of [['', '_line'], ['_line']]) {
        const { r, put, table, next, poll } = await filled()
        try {
          const columns = ['_sync_read', '_sync_run']
          const before = new Map<string, readonly (string | null)[] | undefined>()
          for (const list of lists)
            before.set(list, (await bench().read(table + list, list === '' ? [...columns, '_row_hash'] : columns))[0])
          put('2', '11.00', '-11.00')
          assert.equal((await poll()).verdict, 'ties')
          for (const [list, row] of before) {
            const [read, run, hash] = row ?? []
            const more = hash ? `, _row_hash = '${hash}'` : ''
            await bench().sql(
              table + list,
              `UPDATE $T SET _sync_read = ${read}, _sync_run = '${run}'${more} WHERE number = '2'`,
            )
          }
          const found = await next()
          assert.equal(found.verdict, 'differs', lists.join())
          assert.equal((await r.ledger.differences({ open: true })).length, lists.length)
        } finally {
          await r.close()
        }
      }
    })

    it('appended: keys and their newest versions count, however many versions there are', async () => {
      const { r, put, table, next, poll } = await filled('append')
      try {
        put('1', '7.00')
        const found = await poll()
        assert.deepEqual([found.whole?.at === undefined, found.problem], [false, undefined])
        await r.poll({ scope: { kind: 'full' } })
        assert.deepEqual(await r.ledger.differences({ open: true }), [])
        await bench().sql(table, `DELETE FROM $T WHERE key = 'erp|2'`)
        assert.match((await next()).problem ?? '', /1 of the 4 rows/)
      } finally {
        await r.close()
      }
    })
  })
}
