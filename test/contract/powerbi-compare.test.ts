import assert from 'node:assert/strict'
import { type Cell, compare } from '../../demo/compare.ts'
import { powerbi } from '../../demo/ends/powerbi.ts'
import type { ExpectedTable } from '../../demo/expected-table.ts'
import { type PowerbiCaller, startPowerbiCaller } from '../support/powerbi-caller.ts'

const own = ['_sync_key', '_sync_version', '_sync_batch'].map((name) => ({ name, dataType: 'String' }))
const tables = [
  {
    name: 'journal',
    columns: [
      ...own,
      { name: '_sync_deleted', dataType: 'Boolean' },
      { name: 'number', dataType: 'String' },
      { name: 'text', dataType: 'String' },
    ],
  },
  {
    name: 'journal_line',
    columns: [
      ...own,
      { name: 'number', dataType: 'String' },
      { name: 'line', dataType: 'Int64' },
      { name: 'amount', dataType: 'Decimal' },
    ],
  },
]
const expected: ExpectedTable[] = [
  {
    name: 'journal',
    main: true,
    key: ['number'],
    types: { number: 'string', text: 'string' },
    rows: () => [
      { number: 'A', text: 'new' },
      { number: 'B', text: 'one' },
    ],
  },
  {
    name: 'journal_line',
    main: false,
    key: ['number', 'line'],
    types: { number: 'string', line: 'integer', amount: 'decimal' },
    rows: () => [
      { number: 'A', line: 1, amount: '10.10' },
      { number: 'B', line: 1, amount: '1.00' },
      { number: 'B', line: 2, amount: '2.50' },
    ],
  },
]

interface Line {
  number: string
  line: number
  amount: string
}

describe('The comparer on Power BI', () => {
  let bi: PowerbiCaller
  let id = ''
  before(async () => {
    bi = await startPowerbiCaller()
  })
  after(() => bi.close())
  beforeEach(async () => {
    const { body } = await bi.call('POST', '/datasets', { name: 'Tieout journal', tables })
    id = (body as { id: string }).id
  })
  afterEach(() => bi.sandbox.removeDataset(id))

  /** Posts one version of a journal: its lines, then its header. */
  async function version(number: string, read: number, lines: readonly Line[], header: object = {}): Promise<void> {
    const sync = { _sync_key: number, _sync_version: `${number}@${read}`, _sync_batch: `batch ${read}` }
    if (lines.length > 0)
      await bi.post(
        id,
        lines.map((line) => ({ ...line, ...sync })),
        'journal_line',
      )
    await bi.post(id, [{ number, _sync_deleted: false, ...sync, ...header }], 'journal')
  }
  /** The journals that are expected, with an older version of one of them and a third that is deleted. */
  async function books(change: (line: Line) => Line | undefined = (line) => line): Promise<void> {
    const lines = (number: string, ...amounts: string[]) =>
      amounts.map((amount, n) => change({ number, line: n + 1, amount })).filter((line) => line !== undefined)
    await version('A', 1, lines('A', '9.00', '3.00'), { text: 'old' })
    await version('B', 2, lines('B', '1.00', '2.50'), { text: 'one' })
    await version('C', 3, lines('C', '5.00'), { text: 'gone' })
    await version('A', 4, lines('A', '10.10'), { text: 'new' })
    await version('C', 5, [], { _sync_deleted: true })
  }
  async function* ask(sql: string): AsyncGenerator<Cell[]> {
    for await (const rows of bi.sandbox.query(sql)) yield* rows
  }
  async function compared(): Promise<{ missing: number; extra: number; different: number }> {
    const { missing, extra, different, rows } = await compare(
      expected,
      powerbi.reader({ workspace: bi.sandbox.workspace.id }, ask),
    )
    assert.equal(rows, 5)
    return { missing, extra, different }
  }

  it('finds nothing where the newest versions are the books', async () => {
    await books()
    assert.deepEqual(await compared(), { missing: 0, extra: 0, different: 0 })
  })

  it('finds a cent', async () => {
    await books((line) => (line.amount === '2.50' ? { ...line, amount: '2.51' } : line))
    assert.deepEqual(await compared(), { missing: 0, extra: 0, different: 1 })
  })

  it('finds a line that is not there', async () => {
    await books((line) => (line.amount === '2.50' ? undefined : line))
    assert.deepEqual(await compared(), { missing: 1, extra: 0, different: 0 })
  })

  it('finds what came twice, in the newest version and in an older one', async () => {
    await books()
    await version('B', 2, [{ number: 'B', line: 2, amount: '2.50' }], { text: 'one' })
    assert.deepEqual(await compared(), { missing: 0, extra: 2, different: 0 })
    await bi.post(
      id,
      [{ number: 'A', line: 2, amount: '3.00', _sync_key: 'A', _sync_version: 'A@1', _sync_batch: 'again' }],
      'journal_line',
    )
    assert.deepEqual(await compared(), { missing: 0, extra: 3, different: 0 })
  })

  it('finds a deletion that was lost, and an older version that came last', async () => {
    await books()
    await version('C', 6, [{ number: 'C', line: 1, amount: '5.00' }], { text: 'gone' })
    assert.deepEqual(await compared(), { missing: 0, extra: 2, different: 0 })
    await version('A', 7, [{ number: 'A', line: 1, amount: '9.00' }], { text: 'old' })
    assert.deepEqual(await compared(), { missing: 0, extra: 2, different: 2 })
  })

  it('misses everything where there is no dataset', async () => {
    assert.deepEqual(await compared(), { missing: 5, extra: 0, different: 0 })
    await bi.sandbox.removeDataset(id)
    assert.deepEqual(await compared(), { missing: 5, extra: 0, different: 0 })
  })
})
