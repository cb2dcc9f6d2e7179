/** Tables as a whole: what somebody does to them beside Tieout is found by the next run that writes, or mended and told. */
import assert from 'node:assert/strict'
import { describe, it } from 'mocha'
import type { SinkRef } from '../../sync/contract/engine.ts'
import type { DataRecord, Row } from '../../sync/contract/message.ts'
import type { SqlTarget } from '../../vendor/warehouse/warehouse.ts'
import { entrySchema, type FakeTarget } from './fakes.ts'
import { sums, warehouse } from './rig.ts'
import type { FreshOptions, TargetBench } from './target-suite.ts'
import { books } from './whole-books.ts'
import { unknownSuite } from './whole-unknown-suite.ts'

export function wholeSuite(
  bench: () => TargetBench,
  some: (options: FreshOptions) => { target: SqlTarget; table: string },
): void {
  describe('as a whole', () => {
    const filled = async (
      mode: 'merge' | 'append' = 'merge',
      seenAs: (target: SqlTarget) => SqlTarget = (target) => target,
    ) => {
      const { target, table } = some({ schema: entrySchema, mode })
      const b = await books(seenAs(target))
      for (const number of ['1', '2', '3']) b.put(number, '10.00', '-10.00')
      const first = await b.poll()
      if (mode === 'merge') assert.equal(first.verdict, 'ties', JSON.stringify(first))
      // one statement, and what a session of its own takes
      assert.ok(first.whole && first.whole.statements > 0 && first.whole.statements < 5, JSON.stringify(first.whole))
      assert.equal(first.whole.kept?.versions, mode === 'append' ? 3 : undefined)
      const next = async () => {
        b.put('4', '5.00', '-5.00')
        return b.poll()
      }
      const stored = async () =>
        (await bench().read(`${table}_line`, ['number', 'line', 'amount'])).map(([number, line, amount]) => [
          number,
          line,
          String(Number(amount)),
        ])
      return { ...b, table, next, stored }
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

    it('an older version is taken away where the sync says so: its lines too, and what is left ties', async () => {
      const { target, table } = some({ schema: entrySchema, mode: 'merge' })
      const other: SinkRef = { id: 'write-2', name: 'elsewhere' }
      let isMoved = (_: DataRecord): boolean => false
      const { r, put, poll } = await books(target, {
        flow(message, own) {
          const part = (which: boolean) => ({
            ...message,
            payload: message.payload.filter((record) => isMoved(record) === which),
          })
          const [here, there] = [part(false), part(true)]
          if (here.payload.length > 0) void own.deliver(here, warehouse, target as unknown as FakeTarget)
          if (there.payload.length > 0) void own.deliver(there, other, own.target('other'))
        },
      })
      const both = {
        ...{ mustReport: 'one' as const, takesOlder: true, sinks: () => [warehouse, other] },
        targets: async () => [
          { ref: warehouse, target },
          { ref: other, target: r.target('other') },
        ],
      }
      try {
        for (const number of ['1', '2']) put(number, '10.00', '-10.00')
        assert.equal((await poll(both)).verdict, 'ties')
        isMoved = ({ number }) => number === '1'
        put('1', '11.00', '-11.00')
        const moved = await poll(both)
        assert.deepEqual([moved.verdict, moved.open], ['ties', undefined], JSON.stringify(moved))
        assert.ok(moved.whole, 'the tables were compared')
        for (const name of [table, `${table}_line`])
          assert.deepEqual([...new Set((await bench().read(name, ['number'])).flat())], ['2'])
        assert.deepEqual([...r.target('other').stored.keys()], ['erp|1'])
        put('2', '12.00', '-12.00')
        assert.equal((await poll(both)).verdict, 'ties')
      } finally {
        await r.close()
      }
    })

    const edits: readonly (readonly [string, (table: string) => readonly (readonly [string, string])[]])[] = [
      ['a row of the header is deleted', (t) => [[t, `DELETE FROM $T WHERE number = '2'`]]],
      ['a row of a list is deleted', (t) => [[`${t}_line`, `DELETE FROM $T WHERE number = '2' AND line = 1`]]],
      ['a list is emptied of one document', (t) => [[`${t}_line`, `DELETE FROM $T WHERE number = '2'`]]],
      ['a hash is changed', (t) => [[t, `UPDATE $T SET _row_hash = 'ffffffff' WHERE number = '2'`]]],
      [
        'a row is copied from elsewhere, with a read number that was never given out',
        (t) => [[t, `UPDATE $T SET _sync_read = 4000000000000000, _row_hash = 'abcdef01' WHERE number = '2'`]],
      ],
    ]
    for (const [what, statements] of edits)
      it(`mends it when ${what}, in the same run, and tells`, async () => {
        const { r, table, stored, put } = await filled()
        try {
          for (const [at, text] of statements(table)) await bench().sql(at, text)
          put('4', '5.00', '-5.00')
          const found = await r.poll()
          const sum = sums(found, 'gl_entry')
          assert.equal(sum.verdict, 'ties', JSON.stringify(sum))
          assert.match(found.notices.join('\n'), /erp\|2.*they are read again from the source/)
          assert.match(found.notices.join('\n'), /is there now/)
          assert.equal(/never given out/.test(found.notices.join('\n')), /never given out/.test(what))
          assert.deepEqual(await stored(), [
            ['1', '1', '10'],
            ['1', '2', '-10'],
            ['2', '1', '10'],
            ['2', '2', '-10'],
            ['3', '1', '10'],
            ['3', '2', '-10'],
            ['4', '1', '5'],
            ['4', '2', '-5'],
          ])
          assert.deepEqual(
            (await bench().read(table, ['number'])).map(([number]) => number),
            ['1', '2', '3', '4'],
          )
          assert.deepEqual(await r.ledger.openItems('s'), [])
          const [difference] = await r.ledger.differences({})
          assert.match(difference?.closed?.reason ?? '', /agrees/)
        } finally {
          await r.close()
        }
      })

    it('differs until it agrees, and is not mended a third time: a row filter hides a document', async () => {
      let isHidden = false
      const { r, put, poll } = await filled('merge', (target) => ({
        ...target,
        whole: async (...question) => {
          const tables = await target.whole(...question)
          return isHidden && typeof tables !== 'string'
            ? tables.map((table) => (table.list === '' ? { ...table, rows: table.rows - 1 } : table))
            : tables
        },
        async *keys(...question) {
          for await (const page of target.keys(...question))
            yield page.filter(({ key }) => !isHidden || key !== 'erp|2')
        },
      }))
      try {
        isHidden = true
        const asked: (readonly string[])[] = []
        r.source.onKeys((_, keys) => void asked.push(keys))
        for (const amount of ['1.00', '2.00', '3.00']) {
          put('1', amount)
          const found = await poll()
          assert.equal(found.verdict, 'differs', JSON.stringify(found))
          assert.match(found.problem ?? '', /1 of the 3 rows that were delivered are not there.*row filter/i)
        }
        assert.deepEqual(asked, [['erp|2'], ['erp|2']])
        assert.equal((await poll()).verdict, 'differs', 'a quiet run')
        assert.equal((await r.ledger.differences({ open: true })).length, 1)
        isHidden = false
        put('1', '9.00')
        assert.equal((await poll()).verdict, 'ties')
      } finally {
        await r.close()
      }
    })

    it('mends header and lists, or a list alone, that are put back to older rows', async () => {
      for (const lists of [['', '_line'], ['_line']]) {
        const { r, put, table, next, poll, stored } = await filled()
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
              `UPDATE $T SET _sync_read = ${read}, _sync_run = '${run}'${list === '' ? '' : ', amount = 7'}${more} WHERE number = '2'`,
            )
          }
          const found = await next()
          assert.equal(found.verdict, 'ties', lists.join())
          assert.match((await r.ledger.differences({}))[0]?.closed?.reason ?? '', /agrees/)
          assert.deepEqual(
            (await stored()).filter(([number]) => number === '2'),
            [
              ['2', '1', '11'],
              ['2', '2', '-11'],
            ],
          )
        } finally {
          await r.close()
        }
      }
    })

    it('is open while there are rows that no sync wrote, which nobody touches, until a person takes them as they are', async () => {
      const { r, table, put, poll } = await filled()
      try {
        const line = { source: 'erp', number: '2', line: '9', currency: 'EUR', amount: '30.5' }
        await bench().insert(`${table}_line`, line)
        await bench().insert(table, { source: 'erp', number: 'of others', company: 'C1' })
        put('4', '1.00')
        const found = await poll({ sweep: { since: null } })
        assert.equal(found.verdict, 'open', JSON.stringify(found))
        assert.match(found.open?.join('; ') ?? '', /1 row\(s\) of others under our source name in .*_line, EUR 30.5/i)
        assert.equal((await bench().read(table, ['number'])).length, 5, 'they stay')
        assert.equal((await poll()).verdict, 'open', 'a quiet run')
        for (const { id } of await r.ledger.differences({ open: true }))
          await r.ledger.closeDifference(id, { by: 'anna', reason: 'opening balances' })
        put('4', '2.00')
        assert.equal((await poll()).verdict, 'ties')
        await bench().insert(table, { source: 'erp', number: 'one more', company: 'C1' })
        put('4', '3.00')
        assert.match((await poll()).open?.join() ?? '', /2 row\(s\) of others/)
        await bench().sql(table, 'DELETE FROM $T WHERE _sync_run IS NULL')
        put('4', '4.00')
        assert.equal((await poll()).verdict, 'ties')
      } finally {
        await r.close()
      }
    })

    it('mends what a mapping wrote under other keys, and leaves alone what nobody can trace', async () => {
      const { target, table } = some({ schema: entrySchema })
      const { r, put, poll } = await books(target, {
        flow(message, own) {
          const payload = message.payload.map((record) => ({
            ...record,
            number: `G${record.number}`,
            lines: (record.lines as Row[]).map((line) => ({ ...line, number: `G${record.number}` })),
          }))
          void own.deliver({ ...message, payload }, warehouse, target as unknown as FakeTarget)
        },
      })
      const options = { mayChange: true, sweep: { since: '2026-03-01T00:00:00Z' } }
      const numbers = async () => (await bench().read(table, ['number'])).map(([number]) => number)
      try {
        for (const number of ['1', '2']) put(number, '1.00')
        assert.equal((await poll(options)).verdict, 'ties')
        await bench().sql(table, `DELETE FROM $T WHERE number = 'G2'`)
        put('1', '2.00')
        assert.equal((await poll(options)).verdict, 'ties')
        assert.deepEqual(await numbers(), ['G1', 'G2'])
        const row = {
          source: 'erp',
          number: '2',
          company: 'C1',
          _sync_run: 'r0',
          _sync_read: '5',
          _row_hash: 'abcdef01',
        }
        await bench().insert(table, row)
        put('1', '3.00')
        assert.equal((await poll(options)).verdict, 'differs')
        assert.deepEqual(await numbers(), ['2', 'G1', 'G2'])
      } finally {
        await r.close()
      }
    })

    it('takes a row away that carries a run and that the source does not have', async () => {
      const { r, table, put } = await filled()
      try {
        const row = {
          source: 'erp',
          number: '99',
          company: 'C1',
          _sync_run: 'r0',
          _sync_read: '5',
          _row_hash: 'abcdef01',
        }
        await bench().insert(table, row)
        put('4', '1.00')
        const found = await r.poll()
        assert.equal(sums(found, 'gl_entry').verdict, 'ties', JSON.stringify(found))
        assert.match(
          found.notices.join('\n'),
          /1 record\(s\) that a target lacks, or has otherwise, are not in the source/,
        )
        assert.equal((await bench().read(table, ['number'])).length, 4)
      } finally {
        await r.close()
      }
    })

    unknownSuite(bench, some)

    it('appended: keys and their newest versions count, however many versions there are', async () => {
      const { r, put, table, next, poll } = await filled('append')
      try {
        put('1', '7.00')
        const found = await poll()
        assert.deepEqual([found.whole?.kept, found.problem], [{ versions: 4, records: 3 }, undefined])
        await r.poll({ scope: { kind: 'full' } })
        assert.deepEqual(await r.ledger.differences({ open: true }), [])
        await bench().sql(table, `DELETE FROM $T WHERE key = 'erp|2'`)
        await next()
        assert.equal((await bench().read(table, ['key'])).filter(([key]) => key === 'erp|2').length, 1, 'it is back')
        assert.match((await r.ledger.differences({}))[0]?.problem ?? '', /1 of the 4 rows/)
        assert.deepEqual(await r.ledger.differences({ open: true }), [])
      } finally {
        await r.close()
      }
    })
  })
}
