/** Push datasets as a whole: rows of the newest versions, as their own measures count them, against what was delivered. */
import assert from 'node:assert/strict'
import { DatabaseSync } from 'node:sqlite'
import type { PowerbiTargetOptions } from '../../nodes/powerbi/client/target-options.ts'
import { syncError } from '../../sync/contract/errors.ts'
import type { Target } from '../../sync/contract/target.ts'
import { settleDoubt } from '../../sync/delivering/answer-doubt.ts'
import { ledgerFolder } from '../support/ledger.ts'
import { type PowerbiFixture, startPowerbiFixture } from '../support/powerbi.ts'
import { type RigOptions, warehouse } from '../support/rig.ts'
import { books } from '../support/whole-books.ts'

describe('Power BI datasets as a whole', () => {
  let f: PowerbiFixture
  let n = 0
  before(async () => {
    f = await startPowerbiFixture()
  })
  after(() => f.close())

  const opened = async (
    more: RigOptions & { readonly name?: string } = {},
    options: Partial<PowerbiTargetOptions> = {},
    begin = 0,
    seenAs: (target: Target) => Target = (target) => target,
  ) => {
    const name = more.name ?? `Whole ${++n} {entity}`
    const target = seenAs(f.target(f.connect(), 'gl_entry', { dataset: { kind: 'create', name }, ...options }))
    const own = await books(target as never, more, begin)
    const targets = async () => [{ ref: warehouse, target }]
    return {
      ...own,
      name,
      dataset: name.replace('{entity}', 'gl_entry'),
      poll: (given = {}) => own.poll({ targets, ...given }),
    }
  }
  const count = async (dataset: string): Promise<number> => (await f.rows(dataset, 'gl_entry')).length

  it('tie while nobody touches them: new, changed, with fewer lines, deleted and made anew', async () => {
    const { r, put, poll } = await opened()
    try {
      for (const number of ['1', '2', '3']) put(number, '10.00', '-10.00')
      const first = await poll()
      assert.deepEqual(first.by, ['sums of this run', 'counts of the whole tables'])
      assert.deepEqual(first.whole?.kept, { versions: 3, records: 3 })
      put('1', '7.00')
      put('4')
      const second = await poll()
      assert.deepEqual([second.verdict, second.whole?.kept], ['ties', { versions: 5, records: 4 }])
      put('3', '7.00', '-3.00', '-4.00')
      r.source.remove('gl_entry', 'erp|2')
      const swept = await poll({ sweep: { since: null } })
      assert.deepEqual([swept.verdict, swept.sweep?.gone], ['ties', 1])
      assert.deepEqual(swept.whole?.kept, { versions: 7, records: 3 }, 'a deletion is a version too')
    } finally {
      await r.close()
    }
  })

  it('differ where rows are trimmed, and nothing is sent once more for it', async () => {
    const { r, put, poll } = await opened({}, { retention: 'basicFIFO' })
    try {
      for (const number of ['1', '2', '3']) put(number, '10.00', '-10.00')
      assert.equal((await poll()).verdict, 'ties')
      f.sandbox.tune({ limits: { fifoUpper: 6, fifoRows: 4 } })
      put('4', '1.00')
      const found = await poll()
      assert.equal(found.verdict, 'differs', JSON.stringify(found))
      assert.match(found.problem ?? '', /gl_entry_line: 3 of the 7 rows that were delivered are not there/)
      const posts = f.sandbox.stats().posts
      put('4', '2.00')
      assert.equal((await poll()).verdict, 'differs')
      assert.ok(f.sandbox.stats().posts - posts <= 3, 'one record and the mark')
    } finally {
      f.sandbox.tune({ limits: { fifoUpper: 200_000, fifoRows: 150_000 } })
      await r.close()
    }
  })

  it('know the rows of lists of a post in doubt that a person found there', async () => {
    const { r, put, poll } = await opened({}, {}, 0, (target) => {
      let first = true
      return {
        ...target,
        async write(batch, context) {
          await target.write(batch, context)
          if (first) throw syncError('unknown-outcome', 'powerbi.reset', 'the connection was reset')
        },
        async resolve(...question) {
          if (!first) return (await target.resolve?.(...question)) ?? 'in-doubt'
          first = false
          return 'in-doubt'
        },
      }
    })
    try {
      put('1', '10.00', '-10.00')
      assert.match((await poll()).open?.[0] ?? '', /^1 in doubt/)
      const [intent] = await r.ledger.doubtful()
      assert.ok(intent)
      await settleDoubt(r.ledger, intent, 'delivered', { by: 'anna', reason: 'looked there' })
      put('2', '1.00')
      const after = await poll()
      assert.equal(after.verdict, 'ties', JSON.stringify(after))
      assert.deepEqual(after.by, ['sums of this run', 'counts of the whole tables'])
    } finally {
      await r.close()
    }
  })

  it('are open after an upgrade until a sweep has read everything again, which sends nothing', async () => {
    const folder = ledgerFolder()
    const old = await opened({ file: folder.file })
    for (const number of ['1', '2', '3']) old.put(number, '10.00', '-10.00')
    await old.poll()
    await old.poll({ scope: { kind: 'keys', entity: 'gl_entry', keys: ['erp|2'] } })
    await old.r.close()
    const db = new DatabaseSync(folder.file)
    // As a version before left it, which counted no push datasets.
    for (const sql of [
      'UPDATE delivery SET rows = NULL',
      'DELETE FROM target_sum',
      "UPDATE address SET counted = 0, lists = '[]', unsummed = 0",
    ])
      db.exec(sql)
    db.close()
    const { r, put, poll, dataset } = await opened({ file: folder.file, source: old.r.source, name: old.name }, {}, 200)
    try {
      put('4', '1.00')
      const found = await poll()
      assert.equal(found.verdict, 'open', JSON.stringify(found))
      assert.match(found.open?.join() ?? '', /memory of the target not whole, sweep due/)
      const before = await count(dataset)
      // Five places: held. No sweep makes the memory whole as long as it is.
      put('5', '1.00001')
      for (const sweep of [{ since: null }, undefined]) {
        const { open = [], says } = await poll(sweep ? { sweep } : {})
        assert.equal(open.at(-1), 'memory of the target not whole: 1 held', JSON.stringify(open))
        assert.doesNotMatch(`${open.join()} ${says}`, /sweep due|99 %/)
      }
      put('5', '1.00')
      await poll()
      const swept = await poll({ sweep: { since: null } })
      assert.equal(await count(dataset), before + 1)
      assert.doesNotMatch(swept.open?.join() ?? '', /not whole/)
      put('4', '2.00')
      const after = await poll()
      assert.equal(after.verdict, 'ties', JSON.stringify(after))
      assert.deepEqual(after.by, ['sums of this run', 'counts of the whole tables'])
    } finally {
      await r.close()
      await folder.remove()
    }
  })

  it('are emptied and loaded anew by a full reading where a person has said so, and tie', async () => {
    const { r, put, poll, dataset } = await opened()
    try {
      for (const number of ['1', '2', '3']) put(number, '10.00', '-10.00')
      await poll()
      put('1', '7.00', '-7.00')
      await poll()
      assert.equal(await count(dataset), 4)
      const refused = await r.poll({ scope: { kind: 'full' } })
      assert.match(refused.errors[0]?.hint ?? '', /"clear": true/)
      assert.equal(await count(dataset), 4)
      r.source.remove('gl_entry', 'erp|3')
      const anew = await poll({ scope: { kind: 'full', clear: true }, sweep: { since: null } })
      assert.equal(anew.verdict, 'ties', JSON.stringify(anew))
      assert.deepEqual(anew.by, ['sums of this run', 'counts of the whole tables'])
      assert.equal(await count(dataset), 3, 'two, and the deletion that the sweep tells')
    } finally {
      await r.close()
    }
  })

  it('say once why they are not verified where queries are not allowed', async () => {
    const { r, put, poll } = await opened({}, { ask: false })
    try {
      put('1', '10.00', '-10.00')
      assert.deepEqual((await poll()).open, ['not verified: queries are switched off for this node'])
    } finally {
      await r.close()
    }
  })
})
