import assert from 'node:assert/strict'
import fc from 'fast-check'
import { after, before, describe, it } from 'mocha'
import type { DataRecord } from '../../sync/contract/message.ts'
import type { Target, WriteBatch } from '../../sync/contract/target.ts'
import { type DatabricksFixture, startDatabricksFixture } from '../support/databricks.ts'
import { batchOf, entry, journal, writeContext } from '../support/warehouse.ts'

const context = writeContext()
const HEADER = 'main.finance.gl_entry'

interface StoredHeader {
  readonly status: string
  readonly read: number
  readonly run: string
  readonly hash: string
}
interface StoredLine {
  readonly amount: string
  readonly read: number
  readonly run: string
}
/** What the tables of a journal should hold: the rules of the two MERGEs, told without SQL. */
interface Model {
  readonly headers: Map<string, StoredHeader>
  readonly lines: Map<string, Map<number, StoredLine>>
}

type Written = WriteBatch['records'][number]
const numberOf = ({ record }: Written): string => String(record.number)
const isGone = ({ record }: Written): boolean => record._op === 'delete'

function writeLines({ headers, lines }: Model, batch: WriteBatch): void {
  for (const written of batch.records) {
    const [number, header] = [numberOf(written), headers.get(numberOf(written))]
    const isIn =
      header?.read === written.read && header.hash === written.hash && header.run === batch.run && !isGone(written)
    const isOld =
      (header?.read ?? 0) > written.read ||
      [...(lines.get(number)?.values() ?? [])].some(({ read }) => read > written.read)
    if (isIn || isOld) continue
    const own = isGone(written) ? [] : (written.record.lines as unknown as readonly { line: number; amount: string }[])
    lines.set(
      number,
      new Map(own.map(({ line, amount }) => [line, { amount, read: written.read, run: batch.run }] as const)),
    )
  }
}

function writeHeaders({ headers }: Model, batch: WriteBatch): void {
  for (const written of batch.records) {
    const [number, { read, hash }] = [numberOf(written), written]
    const header = headers.get(number)
    if (isGone(written)) {
      if (header && header.read <= read) headers.delete(number)
      continue
    }
    const isRepeat = header?.read === read && header.hash === hash && header.run === batch.run
    if (header && (header.read > read || isRepeat)) continue
    headers.set(number, { status: String(written.record.status), read, run: batch.run, hash })
  }
}

const stored = ({ headers, lines }: Model): readonly string[] =>
  [
    ...[...headers].map(([number, { status, read, run }]) => [number, 'header', status, read, run]),
    ...[...lines].flatMap(([number, own]) =>
      [...own].map(([line, { amount, read, run }]) => [number, line, `${amount}000000`, read, run]),
    ),
  ]
    .map((row) => row.join(' '))
    .sort()

/** One journal of a batch: which of three, its read number, the numbers of its lines, all of one amount; `undefined`: a deletion. */
const document = fc.record({
  number: fc.integer({ min: 1, max: 3 }),
  read: fc.integer({ min: 1, max: 6 }),
  status: fc.constantFrom('draft', 'posted'),
  lines: fc.option(fc.subarray([1, 2, 3]), { freq: 5, nil: undefined }),
  euro: fc.integer({ min: 1, max: 2 }),
})
const batches = fc.array(
  fc.record({
    documents: fc.uniqueArray(document, { minLength: 1, maxLength: 3, selector: ({ number }) => number }),
    run: fc.constantFrom('run-1', 'run-2'),
    stopsBeforeHeader: fc.boolean(),
  }),
  { minLength: 2, maxLength: 6 },
)

describe('the MERGE statements of databricks-write', () => {
  let f: DatabricksFixture
  let target: Target
  before(async () => {
    f = await startDatabricksFixture()
    target = f.target(f.connect(), 'gl_entry')
    await target.prepare(journal, context)
  })
  after(() => f.close())

  /** Writes a batch, or only its lines, as a process does that dies before the header. */
  async function write(batch: WriteBatch, stopsBeforeHeader = false): Promise<void> {
    if (!stopsBeforeHeader) return target.write(batch, context)
    f.sandbox.deny('MODIFY', HEADER)
    await assert.rejects(target.write(batch, context), /MODIFY/)
    f.sandbox.allow()
  }

  async function rows(prefix: string): Promise<readonly string[]> {
    const found = await f.rows(`
      SELECT number, 'header', status, CAST(_sync_read AS STRING), _sync_run FROM ${HEADER} WHERE number LIKE '${prefix}%'
      UNION ALL SELECT number, CAST(line AS STRING), CAST(amount AS STRING), CAST(_sync_read AS STRING), _sync_run
      FROM ${HEADER}_line WHERE number LIKE '${prefix}%'`)
    return found.map((row) => row.join(' ')).sort()
  }

  it('leaves lines alone that are newer than their header, or have none yet', async () => {
    const euro = (read: number, line: number): readonly DataRecord[] =>
      ['g1', 'g2'].map((number) => entry(number, { read, lines: [[line, '4000', `${read}.00`]] }))
    await write(batchOf('g5', euro(5, 1).slice(0, 1)))
    await write(batchOf('g9', euro(9, 9)), true)
    const newer = ['g1 9 9.00000000 9 run-1', 'g2 9 9.00000000 9 run-1']
    const lines = async () => (await rows('g')).filter((row) => !row.includes('header'))
    assert.deepEqual(await lines(), newer)
    await write(batchOf('g8', euro(8, 1)))
    assert.deepEqual(await lines(), newer, 'a batch that comes late')
    const deletions = ['g1', 'g2'].map((number) => entry(number, { read: 8, delete: true }))
    await write(batchOf('g8d', deletions), true)
    assert.deepEqual(await lines(), newer, 'a deletion that comes late')
  })

  it('do what the rules say, whatever comes in whatever order and wherever it stops', async () => {
    let next = 0
    await fc.assert(
      fc.asyncProperty(batches, async (list) => {
        const prefix = `p${next++}-`
        const model: Model = { headers: new Map(), lines: new Map() }
        for (const [i, { documents, run, stopsBeforeHeader }] of list.entries()) {
          const records = documents.map(({ number, read, status, lines, euro }) =>
            lines === undefined
              ? entry(`${prefix}${number}`, { read, delete: true })
              : entry(`${prefix}${number}`, {
                  read,
                  status,
                  lines: lines.map((line) => [line, '4000', `${euro}.00`] as const),
                }),
          )
          const batch = batchOf(`${prefix}${i}`, records, journal, run)
          await write(batch, stopsBeforeHeader)
          writeLines(model, batch)
          if (!stopsBeforeHeader) writeHeaders(model, batch)
          assert.deepEqual(await rows(prefix), stored(model))
        }
      }),
      { numRuns: 20 },
    )
  })
})
