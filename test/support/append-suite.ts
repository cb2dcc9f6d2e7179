/** What every warehouse must do where all versions are kept: each once, the newest told, an unknown outcome found out. */
import assert from 'node:assert/strict'
import { describe, it } from 'mocha'
import { type SyncError, syncError } from '../../sync/contract/errors.ts'
import type { BatchMessage } from '../../sync/contract/message.ts'
import type { StoredKey, Target } from '../../sync/contract/target.ts'
import { settleDoubt } from '../../sync/delivering/answer-doubt.ts'
import { openInWords } from '../../sync/run/verdict.ts'
import type { AppendTarget } from '../../vendor/warehouse/warehouse.ts'
import { type FakeTarget, supplier, supplierSchema } from './fakes.ts'
import { mapping, type Rig, rig, sums, warehouse } from './rig.ts'
import type { FreshOptions, TargetBench } from './target-suite.ts'
import { batchOf, entry, foundTables as found, journal, writeContext } from './warehouse.ts'

const context = writeContext()

export function appendSuite(
  bench: () => TargetBench,
  versions: (options?: FreshOptions) => { target: AppendTarget; table: string },
): void {
  describe('appended', () => {
    const columns = ['key', 'operation', 'record', '_sync_read', '_source_stamp', '_sync_batch']

    it('a batch in doubt that is not there is read by its source keys in the next run, and stands there once', async () => {
      const { target, table } = versions({ schema: supplierSchema })
      let away = true
      const doubtful: Target = {
        ...target,
        async write(batch, given) {
          if (away) throw syncError('unknown-outcome', 'test.reset', 'the connection was reset')
          await target.write(batch, given)
        },
        resolve: async () => 'in-doubt',
      }
      // A mapping gives the table other keys than the source's.
      const mapped = (own: Rig, message: BatchMessage): BatchMessage =>
        mapping(own, message, (record) => ({ ...record, code: `G${record.code}` }))
      const r = await rig({
        entities: { supplier: { schema: supplierSchema } },
        flow: (message, own) => void own.deliver(mapped(own, message), warehouse, doubtful as FakeTarget),
      })
      try {
        for (const code of ['A', 'B']) r.source.put('supplier', supplier(code, 'first'))
        r.source.clockIs('2026-03-02T08:00:00Z')
        assert.deepEqual(sums(await r.poll({ mayChange: true }), 'supplier').open, ['2 in doubt'])
        away = false
        assert.deepEqual(sums(await r.poll({ mayChange: true }), 'supplier').open, ['2 in doubt'])
        const [intent] = await r.ledger.doubtful()
        assert.ok(intent)
        const who = { by: 'anna', reason: 'looked there' }
        const settled = await settleDoubt(r.ledger, intent, 'absent', who)
        assert.deepEqual([settled.again, settled.unfound], [2, 0])
        assert.deepEqual(openInWords(await r.ledger.openItems('s')), ['2 to be read again'])
        await r.poll({ mayChange: true })
        assert.deepEqual(await bench().read(table, ['key', 'operation']), [
          ['erp|GA', 'upsert'],
          ['erp|GB', 'upsert'],
        ])
        assert.deepEqual(await r.ledger.openItems('s'), [])
        await r.poll({ mayChange: true, scope: { kind: 'keys', entity: 'supplier', keys: ['erp|A', 'erp|B'] } })
        assert.equal((await bench().read(table, ['key'])).length, 2, 'and not again')
      } finally {
        await r.close()
      }
    })

    it('tells the newest version of one record, of the columns that the schema names, and none that was deleted', async () => {
      const { target } = versions()
      await target.prepare(journal, context)
      const lines = [[1, '4000', '10.50'] as const, [2, '7000', '-10.50'] as const]
      const more = { ...entry('1', { read: 5, lines, status: 'final' }), iban: 'of no schema' }
      const first = [entry('1', { read: 4, lines: [] }), entry('2', { read: 4 })]
      await target.write(batchOf('b1', first), context)
      await target.write(batchOf('b2', [more, entry('2', { read: 5, delete: true })]), context)
      const there = await target.standing('x3|1', journal, 1, context)
      const { _row, _read, _stamp, ...content } = entry('1', { read: 5, lines, status: 'final' })
      assert.deepEqual(there?.record, { ...content, lines: (content.lines as unknown[]).slice(0, 1) })
      assert.deepEqual([there?.read, there?.cut], ['5', ['lines']])
      assert.equal(await target.standing('x3|2', journal, 1, context), undefined)
    })

    it('has each record as it came, once for a batch that is sent again', async () => {
      const { target, table } = versions()
      await target.prepare(journal, context)
      const record = entry('1', { read: 4, lines: [[1, '4000', '10.50']] })
      const batch = batchOf('b1', [record, { ...entry('2', { read: 4, delete: true }), _stamp: null }])
      await target.write(batch, context)
      await target.write(batch, context)
      const { _row, _read, _stamp, ...content } = record
      const rows = await bench().read(table, columns)
      assert.deepEqual(
        rows.map(([key, operation, text, ...rest]) => [key, operation, JSON.parse(text ?? ''), ...rest]),
        [
          ['x3|1', 'upsert', content, '4', 'S4', 'b1'],
          ['x3|2', 'delete', { source: 'x3', number: '2' }, '4', null, 'b1'],
        ],
      )
      await target.write(batchOf('b2', [record]), context)
      assert.equal((await bench().read(table, columns)).length, 3, 'another batch is another version')
    })

    it('names the contract that each record was read under, also where a batch of unknown outcome is loaded later; none is the first', async () => {
      const { target, table } = versions()
      await target.prepare(journal, context)
      const signed = { ...journal, contract: 2 }
      await target.write(batchOf('b1', [entry('1', { read: 4 })]), context)
      await target.write(batchOf('b2', [entry('1', { read: 5 })], signed), context)
      assert.equal(await target.resolve('b2', signed, context, 1), 'delivered')
      assert.deepEqual((await bench().read(table, ['key', '_sync_read', '_contract'])).toSorted(), [
        ['x3|1', '4', null],
        ['x3|1', '5', '2'],
      ])
      assert.equal(target.namesContract, true)
    })

    it('looks anew each time it is prepared: emptied, dropped, made again with other types', async () => {
      const { target, table } = versions()
      const state = () => found(target, { filled: new Set(['']) })
      await target.prepare(journal, context)
      await target.write(batchOf('a', [entry('1', { read: 1 })]), context)
      assert.deepEqual(await state(), [' filled'])
      await bench().remove(table, 'rows')
      assert.deepEqual(await state(), [' empty'])
      await bench().remove(table, 'table')
      assert.deepEqual(await state(), [' new'])
      await bench().remove(table, 'table')
      await bench().create(table, { source: 'string', key: 'string', _sync_read: 'date' })
      for (const _ of ['run', 'next run'])
        await assert.rejects(state(), ({ cause }: SyncError) => cause.field === '_sync_read')
    })

    it('gives the newest version of each key of a source, in the order of their bytes, deleted ones left out', async () => {
      const { target } = versions()
      await target.prepare(journal, context)
      const odd = ['10', '9', 'Z', 'a', 'B|x', 'é', '\u{1f600}', '\uffee', "it's"]
      const records = odd.map((number) => entry(number, { read: 3, status: 'old' }))
      await target.write(
        batchOf('new', [entry('9', { read: 7 }), { ...entry('a', { read: 8 }), _stamp: null }]),
        context,
      )
      await target.write(batchOf('old', [...records, entry('gone', { read: 3 }), entry('back', { read: 3 })]), context)
      const deleted = ['gone', 'back'].map((number) => entry(number, { read: 5, delete: true }))
      await target.write(batchOf('deleted', deleted), context)
      const back = [entry('back', { read: 6 }), { ...entry('1', { read: 6 }), source: 'x3a' }]
      await target.write(batchOf('back', back), context)
      const stored = async (source: string) => {
        const found: StoredKey[] = []
        for await (const page of target.keys(journal, source, context)) found.push(...page)
        return found
      }
      const bytes = (a: string, b: string) => Buffer.compare(Buffer.from(a), Buffer.from(b))
      const keys = await stored('x3')
      assert.deepEqual(
        keys.map(({ key }) => key),
        [...odd, 'back'].map((number) => `x3|${number.replace('|', '\\|')}`).sort(bytes),
      )
      const of = (number: string) => keys.find(({ key }) => key === `x3|${number}`)
      assert.deepEqual([of('9')?.read, of('9')?.stamp], [7, 'S7'])
      assert.deepEqual([of('a')?.read, of('a')?.stamp], [8, null], 'not the stamp of the version before')
      assert.equal(of('9')?.hash, batchOf('x', [entry('9', { read: 7 })]).records[0]?.hash)
      assert.deepEqual(
        (await stored('x3a')).map(({ key }) => key),
        ['x3a|1'],
      )
      assert.deepEqual(await stored('nobody'), [])
    })

    it('has no keys where there is no table', async () => {
      const { target } = versions()
      for await (const page of target.keys(journal, 'x3', context)) assert.deepEqual(page, [])
      assert.deepEqual(await found(target), [' new'], 'and did not make one')
    })

    it('tells what became of a batch: delivered or absent', async () => {
      const { target, table } = versions()
      await target.prepare(journal, context)
      assert.equal(await target.resolve('b1', journal, context, 1), 'absent')
      await target.write(batchOf('b1', [entry('1', { read: 4 })]), context)
      assert.equal(await target.resolve('b1', journal, context, 1), 'delivered')
      assert.equal((await bench().read(table, columns)).length, 1)
    })
  })
}
