import assert from 'node:assert/strict'
import { DuckDBDecimalValue } from '@duckdb/node-api'
import fc from 'fast-check'
import { columnId, type ModelTable } from '../../../sandbox/powerbi/dax/model.ts'
import { needsOf } from '../../../sandbox/powerbi/dax/needs.ts'
import { parseQuery } from '../../../sandbox/powerbi/dax/parser.ts'
import { type Outcome, runQuery } from '../../../sandbox/powerbi/dax/run.ts'
import { jsonText, type Value } from '../../../sandbox/powerbi/dax/values.ts'
import { run } from '../../../sandbox/powerbi/queries.ts'
import { openStore, type Store } from '../../../sandbox/powerbi/store.ts'
import { sumOf } from '../../../sandbox/powerbi/sums.ts'

const TABLE = {
  name: 'T',
  columns: [
    { name: 'text', dataType: 'String' },
    { name: 'run', dataType: 'String' },
    { name: 'a', dataType: 'Decimal' },
    { name: 'b', dataType: 'Decimal' },
    { name: 'n', dataType: 'Int64' },
    { name: 'x', dataType: 'Double' },
  ],
}
const NAMES = TABLE.columns.map(({ name }) => name)

/** What the values of the columns are, as the interpreter has them. */
type Cells = readonly Value[]

const shown = ({ names, rows }: Outcome): unknown => ({ names, rows: rows.map((row) => row.map(jsonText)) })

/** From the whole rows: nothing is left to the store. */
function byRows(rows: readonly Cells[], text: string): unknown {
  const columns = NAMES.map((name) => ({ id: columnId('T', name), name, table: 'T' }))
  const table: ModelTable = { name: 'T', columns, rows }
  return shown(runQuery(parseQuery(text), { tables: [table], relationships: [] }, []))
}

const AMOUNTS = [`'T'[a]`, `-'T'[a]`, `INT('T'[a])`, `ROUND(('T'[a]-INT('T'[a]))*10000,0)`, `'T'[a]+'T'[b]`, `1-'T'[b]`]
const WHOLE = [`'T'[n]`, `'T'[n]*'T'[a]`, `INT('T'[n])-ROUND('T'[b],0)`, `INT(-'T'[b])`, '2']
const CONDITIONS = [
  `'T'[a]>0`,
  `'T'[a]<0`,
  `'T'[a]=0`,
  `'T'[a]<>'T'[b]`,
  `NOT 'T'[n]>=1`,
  `'T'[a]<='T'[n]&&'T'[b]>0`,
  `'T'[a]<0||'T'[n]=0`,
]

describe('Power BI sandbox: sums by the store', () => {
  let store: Store
  let made = 0
  before(async () => {
    store = await openStore(undefined)
  })
  after(() => store.close())

  async function fill(rows: readonly Cells[]): Promise<string> {
    const id = `d${made++}`
    await store.define(id, TABLE)
    const cell = (value: Value | undefined) =>
      typeof value === 'object' && value !== null && 'fixed' in value
        ? new DuckDBDecimalValue(value.fixed, 28, 4)
        : ((value ?? null) as string | bigint | null)
    const columns = new Map(NAMES.map((name, at) => [name, rows.map((row) => cell(row[at]))]))
    const post = { at: 0, dataset: id, table: 'T', rows: rows.length, bytes: 0, visibleAt: 0 }
    await store.append({ post, columns })
    return id
  }
  const byStore = async (id: string, text: string): Promise<unknown> =>
    shown(await run({ store, now: () => 1 }, { id, tables: [TABLE], relationships: [] }, text))

  const units = fc.oneof(
    fc.constantFrom(
      0n,
      1n,
      -1n,
      4_999n,
      5_000n,
      -5_000n,
      -5_001n,
      85_172_364_804_891_705n,
      9_999_999_999_999_999_999_999n,
    ),
    fc.bigInt({ min: -100_000n, max: 100_000n }),
  )
  const orBlank = <T extends Value>(values: fc.Arbitrary<T>) => fc.option(values, { nil: null, freq: 5 })
  const decimal = orBlank(units.map((fixed): Value => ({ fixed })))
  const row = fc.tuple(
    orBlank(fc.constantFrom('eur', 'EUR', 'ß', 'x')),
    fc.constantFrom('r1', 'R1', 'r2'),
    decimal,
    decimal,
    orBlank(fc.oneof(fc.bigInt({ min: -3n, max: 3n }), fc.constantFrom(2n ** 62n, -(2n ** 62n)))),
    orBlank(fc.constantFrom(0.5, -1.25)),
  )
  const filled = (value: string) =>
    fc.constantFrom(...CONDITIONS).map((condition) => `SUMX(FILTER('T',${condition}),${value})`)
  const sum = fc
    .constantFrom(...AMOUNTS, ...WHOLE)
    .chain((value) => fc.oneof(fc.constant(`SUMX('T',${value})`), filled(value)))
  const query = fc
    .tuple(fc.array(sum, { maxLength: 3 }), fc.subarray([`'T'[text]`, `'T'[n]`]), fc.boolean(), fc.boolean())
    .map(([sums, groups, filter, count]) => {
      const parts = [
        ...groups,
        ...(filter ? [`TREATAS({"r1"},'T'[run])`] : []),
        ...(count ? [`"rows",COUNTROWS('T')`] : []),
        ...sums.map((text, nth) => `"s${nth}",${text}`),
      ]
      return `EVALUATE SUMMARIZECOLUMNS(${[...parts, `"c",COUNTROWS(FILTER('T','T'[text]="EUR"))`].join(',')})`
    })

  it('gives what adding up row by row gives, whatever the rows', async () => {
    await fc.assert(
      fc.asyncProperty(
        fc.array(row, { maxLength: 15 }),
        fc.array(query, { minLength: 4, maxLength: 4 }),
        async (rows, queries) => {
          const id = await fill(rows)
          for (const text of queries) assert.deepEqual(await byStore(id, text), byRows(rows, text), text)
        },
      ),
      { numRuns: 60 },
    )
  })

  it('knows rows that are alike only where nothing depends on a single one', async () => {
    const rows: Cells[] = [
      ['x', 'r1', { fixed: 10_000n }, null, 1n, null],
      ['x', 'r1', { fixed: 10_000n }, null, 1n, null],
      ['y', 'r1', null, null, null, null],
    ]
    const id = await fill(rows)
    const texts = [
      `ROW("n",COUNTROWS('T'),"f",COUNTROWS(FILTER(FILTER('T','T'[text]="X"),'T'[n]=1)),"e",ISEMPTY('T'))`,
      `ROW("n",COUNTROWS('T'),"s",SUM('T'[a]))`,
      `ROW("n",COUNTROWS('T'),"s",COUNT('T'[a]),"b",COUNTBLANK('T'[a]),"d",DISTINCTCOUNT('T'[a]))`,
      `ROW("s",SUMX('T','T'[a]),"m",MAX('T'[a]),"a",AVERAGEX('T','T'[n]))`,
      `ROW("s",SUMX('T','T'[a]),"n",COUNTROWS(SELECTCOLUMNS('T',"t",'T'[text])))`,
      `ROW("s",SUMX(FILTER('T','T'[text]="x"),'T'[a]))`,
      `ROW("n",COUNTROWS(ALL('T')),"v",COUNTROWS(VALUES('T'[text])),"c",CALCULATE(COUNTROWS('T'),ALL('T')))`,
      `ROW("s",SUMX(VALUES('T'[n]),CALCULATE(SUMX('T','T'[a]))))`,
      `ROW("v",VAR T=FILTER('T','T'[n]=1) RETURN SUMX(T,'T'[a])+COUNTROWS(T))`,
      `ADDCOLUMNS('T',"s",SUMX('T','T'[a]),"c",CALCULATE(COUNTROWS('T')))`,
      `SUMMARIZE('T','T'[text],"s",SUMX('T','T'[a]))`,
      `CALCULATETABLE(ROW("n",COUNTROWS('T')),KEEPFILTERS(FILTER('T','T'[n]=1)))`,
    ]
    for (const text of texts)
      assert.deepEqual(await byStore(id, `EVALUATE ${text}`), byRows(rows, `EVALUATE ${text}`), text)
  })

  it('adds up amounts of 14 digits without their rows', async () => {
    const id = await fill([
      ['x', 'r', { fixed: 850_000_000_000_000_005n }, { fixed: -850_000_000_000_000_005n }, null, null],
      ['x', 'r', { fixed: 850_000_000_000_000_005n }, { fixed: -850_000_000_000_000_005n }, null, null],
    ])
    const read: Store['read'] = (dataset, table, asked, at) => {
      assert.equal(asked.sums?.length, 2)
      return store.read(dataset, table, asked, at)
    }
    const text = `EVALUATE ROW("a",SUMX('T','T'[a]),"p",SUMX('T',ROUND(('T'[b]-INT('T'[b]))*10000,0)))`
    const { rows } = await run(
      { store: { ...store, read }, now: () => 1 },
      { id, tables: [TABLE], relationships: [] },
      text,
    )
    assert.deepEqual(
      rows.map((row) => row.map(jsonText)),
      [['170000000000000.001', '19990']],
    )
  })

  it('leaves to the store what it can add up, and nothing else', () => {
    const left = (text: string): string[] => {
      const needs = needsOf(
        parseQuery(`EVALUATE ${text}`),
        () => undefined,
        [],
        (node) => sumOf(node, [TABLE])?.table.toLowerCase(),
      )
      return [...needs.alike].map(([table, sums]) => `${table} ${sums.length}`)
    }
    assert.deepEqual(left(`ROW("s",SUMX(FILTER('T','T'[a]>0),INT('T'[a])),"n",COUNTROWS('T'))`), ['t 1'])
    for (const other of [
      `ROW("s",SUMX('T','T'[x]))`,
      `ROW("s",SUMX('T','T'[a]*'T'[b]))`,
      `ROW("s",SUMX('T',ROUND('T'[a],2)))`,
      `ROW("s",SUMX('T','T'[a]),"t",SUM('T'[a]))`,
      `'T'`,
    ])
      assert.deepEqual(left(other), [], other)
  })
})
