import { deepStrictEqual, ok, rejects, strictEqual } from 'node:assert'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, before, describe, it } from 'mocha'
import { openLedger } from '../../ledger/open.ts'
import { fileName } from '../../nodes/databricks/client/files.ts'
import { batchPath, stagePath } from '../../nodes/snowflake/client/stage.ts'
import type { Supplier } from '../../sandbox/books/types.ts'
import type { RunSummary } from '../../sync/contract/summary.ts'
import {
  askLedger,
  type BeforeSource,
  beforeSource,
  entitiesOf,
  kept,
  restoreLedger,
  runSaved,
  savedFlow,
} from '../support/before.ts'
import {
  type BeforeTarget,
  beforeDatabricks,
  beforePowerbi,
  beforeSnowflake,
  type Contents,
  linesOf,
} from '../support/before-targets.ts'

/** Targets in which a new version takes the place of the one before. */
const MERGES = /-(silver|merge)$/
const AMOUNT = /^\d+\.\d{8}$/
const LEDGER_KEY = 'the key of the fixtures'
const quiet = { debug() {}, info() {}, warn() {}, error() {} }

const asText = (row: unknown): string => JSON.stringify(row)

/** Rows by table that were not there; those that were must be there still, each as often, but for one that was `replaced`. */
function added(was: Contents, now: Contents, replaced = false): Record<string, readonly unknown[]> {
  const found: Record<string, readonly unknown[]> = {}
  for (const [table, rows] of Object.entries(now)) {
    const had = (was[table] ?? []).map(asText)
    const more = rows.filter((row) => !had.includes(asText(row)))
    found[table] = more
    strictEqual(rows.length - more.length, had.length - (replaced ? more.length : 0), `${table}: each row once`)
  }
  return found
}

interface Case {
  readonly name: string
  readonly source: 'x3' | 'intacct'
  readonly target: () => Promise<BeforeTarget>
  /** The table of supplier invoices of X3, whose credit memos stood there positive. */
  readonly positive?: string
  /** What was open when the last process of then was killed, and what of it has to be done yet. */
  readonly open?: {
    /** Statements and posts that the open batch still needs. */
    readonly writes: number
    /** Tables that get the row of the document that had not come in. */
    readonly grown: readonly string[]
  }
}

const CASES: readonly Case[] = [
  { name: 'databricks-silver', source: 'x3', target: beforeDatabricks, positive: 'supplier_invoice' },
  {
    name: 'databricks-bronze',
    source: 'x3',
    target: beforeDatabricks,
    open: { writes: 1, grown: ['sales_invoice_bronze'] },
  },
  { name: 'snowflake-merge', source: 'x3', target: beforeSnowflake, positive: 'SUPPLIER_INVOICE' },
  {
    name: 'snowflake-append',
    source: 'x3',
    target: beforeSnowflake,
    open: { writes: 1, grown: ['SALES_INVOICE_VERSIONS'] },
  },
  {
    name: 'powerbi-push',
    source: 'x3',
    target: beforePowerbi,
    open: { writes: 2, grown: ['sales_invoice', 'sales_invoice_line'] },
  },
  { name: 'intacct-silver', source: 'intacct', target: beforeDatabricks },
]

const MEMORY =
  'SELECT a.address, d.key, hex(d.hash) AS hash FROM delivery AS d JOIN address AS a ON a.id = d.address ORDER BY 1, 2'
const KNOWN =
  'SELECT s.entity, k.key FROM known_key AS k JOIN source_entity AS s ON s.id = k.entity WHERE s.sync = (SELECT max(sync) FROM run) ORDER BY 1, 2'
const HELD = "SELECT sink, stage, entity, key FROM held WHERE state = 'open' ORDER BY 1, 2, 3, 4"
const OPEN =
  "SELECT i.id, i.address, r.value ->> 'key' AS key, upper(r.value ->> 'hash') AS hash FROM intent AS i, json_each(i.records) AS r ORDER BY i.at"

for (const { name, source: erp, target: startTarget, positive, open } of CASES)
  describe(`what the version before left: ${name}`, () => {
    let source: BeforeSource
    let target: BeforeTarget
    let dir: string
    let file: string
    /** As it was before the step. */
    let was: Contents
    let memory: ReturnType<typeof askLedger>
    const ask = (sql: string) => askLedger(file, sql)
    const run = async (order?: object): Promise<RunSummary> => {
      const summary = await runSaved(savedFlow(name, file), { ...source.env, ...target.env }, order)
      strictEqual(summary.state, 'done', JSON.stringify(summary.errors))
      return summary
    }
    before(async () => {
      dir = mkdtempSync(join(tmpdir(), 'tieout-before-'))
      file = join(dir, 'ledger.db')
      source = await beforeSource(erp)
      target = await startTarget()
      const known = await target.restore(kept(`${name}.target.jsonl`))
      restoreLedger(name, file, { ...known, source: String(source.port) })
      was = await target.contents()
      ok(Object.values(was).flat().length > 10, 'the target is filled')
      memory = ask(MEMORY)
    })
    after(async () => {
      await Promise.all([source.close(), target.close()])
      rmSync(dir, { recursive: true, force: true })
    })

    it('its ledger opens, and its held records with it', async () => {
      const ledger = await openLedger({ file, key: LEDGER_KEY, log: quiet })
      const found = (await ledger.held({})).map(({ id, key, stage, record }) => ({ id, key, stage, record }))
      await ledger.close()
      const held = linesOf<(typeof found)[number] & { sink: string }>(kept(`${name}.held.jsonl`))
      deepStrictEqual(
        found,
        held.map(({ sink, ...one }) => one),
      )
      ok(found.some(({ stage }) => stage === 'source'))
    })

    if (positive)
      it('supplier invoices stop until they are read anew: their credit memos stand there positive', async () => {
        const stopped = runSaved(savedFlow(name, file), { ...source.env, ...target.env })
        await rejects(stopped, /supplier_invoice: amounts are signed by another rule now .*full: true/)
        deepStrictEqual(await target.contents(), was)
        deepStrictEqual(target.writes(), [])
        await run({ full: true, entities: ['supplier_invoice'] })
        const now = await target.contents()
        for (const [table, rows] of Object.entries(was))
          if (!table.startsWith(positive)) deepStrictEqual(now[table], rows, table)
        // source, number, category first; debit_or_credit and the amounts behind
        const turned = (row: (typeof was)[string][number]) =>
          row.map((cell, at) => (row[2] === 'creditMemo' && AMOUNT.test(cell ?? '') && at > 15 ? `-${cell}` : cell))
        const told = (rows: Contents[string] = []) => rows.map((row) => asText(row.slice(0, 20))).sort()
        ok(now[positive]?.some((row) => row.some((cell) => /^-\d+\.\d{8}$/.test(cell ?? ''))))
        deepStrictEqual(told(now[positive]), told(was[positive]?.map(turned)))
        was = now
        memory = ask(MEMORY)
      })

    it('a run sends nothing again, and settles what was open when the process of then was killed', async () => {
      const [known, held, opened] = [ask(KNOWN), ask(HELD), ask(OPEN)]
      const written = target.writes().length
      strictEqual(opened.length, open ? 2 : 0)
      const { entities } = await run()
      deepStrictEqual(
        entities.map(({ entity }) => entity),
        entitiesOf(savedFlow(name)),
      )
      strictEqual(target.writes().length - written, open?.writes ?? 0, target.writes().join('\n'))
      const now = await target.contents()
      for (const [table, more] of Object.entries(added(was, now)))
        strictEqual(more.length > 0, open?.grown.includes(table) ?? false, `${table}: ${JSON.stringify(more)}`)
      deepStrictEqual(ask('SELECT id FROM intent'), [])
      const isOpened = (one: Record<string, unknown>) =>
        opened.some(({ address, key }) => address === one.address && key === one.key)
      const expected = [
        ...memory.filter((one) => !isOpened(one)),
        ...opened.map(({ address, key, hash }) => ({ address, key, hash })),
      ]
      memory = ask(MEMORY)
      deepStrictEqual(new Set(memory.map(asText)), new Set(expected.map(asText)), 'addresses, keys and fingerprints')
      deepStrictEqual(ask(KNOWN), known)
      deepStrictEqual(ask(HELD), held)
      was = now
    })

    it('everything read anew is known as it is, and nothing is written', async () => {
      ask('DELETE FROM position')
      const before = target.writes().length
      const summary = await run({ sweep: true })
      for (const { entity, read, delivered } of summary.entities) strictEqual(delivered, 0, `${entity}: ${read} read`)
      // what was delivered and is not deleted, but for what a later version of is held
      const held = new Set(ask(HELD).map(({ key }) => key))
      const live = memory.filter(({ hash, key }) => hash !== '' && !held.has(key))
      // The sweep reads once more what the sums of the target's tables do not have yet.
      const unchanged = summary.entities.reduce((sum, { unchanged: n }) => sum + n, 0)
      ok(unchanged >= live.length && unchanged <= 2 * live.length, `${unchanged} of ${live.length}`)
      deepStrictEqual(target.writes().slice(before), [])
      deepStrictEqual(await target.contents(), was)
      deepStrictEqual(ask(MEMORY), memory)
    })

    it('a record that changes now is written under its key, and no other', async () => {
      source.advance()
      const { supplier } = source.books.tables
      const [, , one] = supplier.walk() as Iterable<Supplier> & Supplier[]
      supplier.put({ ...(one as Supplier), category: 'TURNED', updated: source.stamp() })
      source.advance()
      const summary = await run()
      deepStrictEqual(
        summary.entities.filter(({ delivered }) => delivered > 0).map((e) => [e.entity, e.delivered]),
        [['supplier', 1]],
      )
      const now = await target.contents()
      for (const [table, more] of Object.entries(added(was, now, MERGES.test(name))))
        strictEqual(
          more.length,
          /^supplier(_bronze|_versions)?$/i.test(table) ? 1 : 0,
          `${table}: ${JSON.stringify(more)}`,
        )
      deepStrictEqual(
        ask(MEMORY).map(({ address, key }) => [address, key]),
        memory.map(({ address, key }) => [address, key]),
      )
      const marks = await target.marks()
      ok(
        marks.some(([entity, name]) => entity === 'supplier' && name === erp),
        'the mark got the column, and says the source name',
      )
      strictEqual(new Set(marks.map(([entity]) => entity)).size, new Set(memory.map(({ address }) => address)).size)
    })
  })

describe('what the version before left: names of staged files', () => {
  it('the batch that was open is looked for under the name that it was staged as', () => {
    const [, batch = ''] = /INSERT INTO "intent" VALUES \('([^']*sales_invoice[^']*)'/.exec(
      kept('databricks-bronze.ledger.sql'),
    ) as RegExpExecArray
    const staged = fileName(batch, 'main.finance.sales_invoice_bronze', 0)
    ok(kept('databricks-bronze.target.jsonl').includes(`{"file":"${staged}"`))
    const [, other = ''] = /INSERT INTO "intent" VALUES \('([^']*sales_invoice[^']*)'/.exec(
      kept('snowflake-append.ledger.sql'),
    ) as RegExpExecArray
    const path = batchPath(stagePath('@~'), other).replace('@~/', '')
    ok(kept('snowflake-append.target.jsonl').includes(`{"file":"${path}/rows.json.gz"`))
  })
})
