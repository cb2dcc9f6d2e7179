import assert from 'node:assert/strict'
import fc from 'fast-check'
import { columnId, type ModelTable } from '../../../sandbox/powerbi/dax/model.ts'
import { neededColumns, needsOf } from '../../../sandbox/powerbi/dax/needs.ts'
import { parseExpression, parseQuery, type Query } from '../../../sandbox/powerbi/dax/parser.ts'
import { type MeasureSource, runQuery } from '../../../sandbox/powerbi/dax/run.ts'
import { fixedOf, jsonText, type Value } from '../../../sandbox/powerbi/dax/values.ts'

function table(name: string, columns: readonly string[], rows: readonly (readonly Value[])[]): ModelTable {
  return { name, rows, columns: columns.map((column) => ({ id: columnId(name, column), name: column, table: name })) }
}

const money = (text: string): Value => fixedOf(text)
/** Two versions of A, the second with one line less; one of B; C is deleted in its second version. */
const headers = table(
  'entry',
  ['key', 'version', 'company', 'gone'],
  [
    ['A', 'A@1', 'X', false],
    ['B', 'B@2', 'X', false],
    ['C', 'C@1', 'Y', false],
    ['A', 'A@3', 'Y', false],
    ['C', 'C@4', 'Y', true],
  ],
)
const lines = table(
  'entry line',
  ['key', 'version', 'account', 'amount', 'day'],
  [
    ['A', 'A@1', '10', money('100.10'), { micros: 0n }],
    ['A', 'A@1', '20', money('-100.10'), { micros: 0n }],
    ['B', 'B@2', '10', money('0.2'), null],
    ['C', 'C@1', '10', money('7'), null],
    ['A', 'A@3', '10', money('100.2'), { micros: 86_400_000_000n }],
  ],
)
const relationships = [{ from: columnId('entry line', 'version'), to: columnId('entry', 'version') }]

const LATEST = `SELECTCOLUMNS(ADDCOLUMNS(ALL('entry'[key]),"@v",CALCULATE(MAX('entry'[version]),ALLEXCEPT('entry','entry'[key]))),"@v",[@v])`
const measures: MeasureSource[] = [
  {
    name: 'line amount',
    expression: `VAR latest=${LATEST} RETURN CALCULATE(SUM('entry line'[amount]),TREATAS(latest,'entry line'[version]))`,
  },
  {
    name: 'entry rows',
    expression: `VAR latest=${LATEST} RETURN CALCULATE(COUNTROWS('entry'),TREATAS(latest,'entry'[version]),'entry'[gone]=FALSE())`,
  },
  { name: 'all amount', expression: `SUM('entry line'[amount])` },
]

/** The table with nothing in the columns that a query is said not to look at. */
function bare(query: Query, whole: ModelTable): ModelTable {
  const needs = needsOf(query, (name) => parsed.get(name), relationships)
  const names = neededColumns(
    needs,
    whole.name,
    whole.columns.map(({ name }) => name),
  )
  const kept = whole.columns.map(({ name }) => names?.includes(name))
  return {
    ...whole,
    rows: names === undefined ? [] : whole.rows.map((row) => row.map((cell, n) => (kept[n] ? cell : null))),
  }
}
const parsed = new Map(measures.map(({ name, expression }) => [name, parseExpression(expression)]))

/** Names and rows of a query's answer, values as the answer's JSON has them; the same from what is fetched for it alone. */
function dax(text: string): { names: readonly string[]; rows: unknown[][] } {
  const query = parseQuery(text)
  const { names, rows } = runQuery(query, { tables: [headers, lines], relationships }, measures)
  const fetched = runQuery(
    query,
    { tables: [headers, lines].map((each) => bare(query, each)), relationships },
    measures,
  )
  assert.deepEqual(fetched, { names, rows })
  return { names, rows: rows.map((row) => row.map((value) => JSON.parse(jsonText(value)))) }
}
/** The one value of an expression. */
const value = (expression: string): unknown => dax(`EVALUATE ROW("v", ${expression})`).rows[0]?.[0]
const rows = (query: string): unknown[][] => dax(query).rows

describe('Power BI sandbox: DAX', () => {
  const values: [string, unknown][] = [
    [`COUNTROWS('entry')`, 5],
    [`COUNTROWS(FILTER('entry','entry'[key]="a"))`, 2],
    [`COUNTROWS(FILTER('entry','entry'[key]="Z"))`, null],
    [`COUNTROWS(FILTER('entry','entry'[key]="Z")) + 0`, 0],
    [`SUM('entry line'[amount])`, 107.4],
    [`SUMX(FILTER('entry line','entry line'[amount]<0),-'entry line'[amount])`, 100.1],
    [`DISTINCTCOUNT('entry'[key])`, 3],
    [`MAX('entry'[version])`, 'C@4'],
    [`MAX(1, 2)`, 2],
    [`COUNTBLANK('entry line'[day])`, 2],
    [`AVERAGE('entry line'[amount])`, 21.48],
    ['0.1 + 0.2', 0.30000000000000004],
    ['CURRENCY(0.1) + CURRENCY(0.2)', 0.3],
    ['1 / 4', 0.25],
    ['DIVIDE(1, 0)', null],
    ['DIVIDE(1, 0, -1)', -1],
    ['2 + 3 * 4 ^ 2 - -1', 51],
    ['"a" & 1 & "b"', 'a1b'],
    ['"A" = "a" && NOT "a" = "b"', true],
    ['EXACT("A", "a")', false],
    ['BLANK() = 0', true],
    ['BLANK() == 0', false],
    ['IF(1 > 2, "x")', null],
    ['SWITCH(2, 1, "one", 2, "two", "more")', 'two'],
    ['COALESCE(BLANK(), 3)', 3],
    ['2 IN {1, 2}', true],
    ['VAR a = 2 VAR b = a * 3 RETURN a + b', 8],
    [`MAXX('entry', 'entry'[company])`, 'Y'],
    [`CONCATENATEX(VALUES('entry'[company]), 'entry'[company], "-")`, 'X-Y'],
    [`DATE(2026, 7, 28)`, '2026-07-28T00:00:00'],
    [`YEAR(DATE(2026, 7, 28))`, 2026],
    ['ROUND(1.005, 2)', 1.01],
    ['ROUND(CURRENCY(-1.005), 2)', -1.01],
    ['ROUND(155, -1)', 160],
    ['INT(CURRENCY(-1.25))', -2],
    [`CALCULATE(COUNTROWS('entry line'),'entry'[company]="Y")`, 2],
    [`CALCULATE(COUNTROWS('entry'),'entry line'[account]="20")`, 5],
    [`CALCULATE(COUNTROWS('entry'),'entry'[company]="Y",ALL('entry'))`, 3],
    [`CALCULATE(CALCULATE(COUNTROWS('entry'),'entry'[company]="Y"),'entry'[company]="X")`, 3],
    [`CALCULATE(CALCULATE(COUNTROWS('entry'),KEEPFILTERS('entry'[company]="Y")),'entry'[company]="X")`, null],
    [`CALCULATE(SELECTEDVALUE('entry'[company],"many"),'entry'[key]="A")`, 'many'],
    [`SUMX('entry',CALCULATE(SUM('entry line'[amount])))`, 107.4],
    [`SUMX('entry line',COUNTROWS(FILTER('entry line','entry line'[key]=EARLIER('entry line'[key]))))`, 11],
    [`COUNTROWS(FILTER('entry line',RELATED('entry'[company])="X"))`, 3],
    ['[line amount]', 100.4],
    ['[entry rows]', 2],
    ['[all amount]', 107.4],
  ]
  for (const [expression, wanted] of values) {
    it(`${expression.replace(LATEST, 'LATEST')} is ${JSON.stringify(wanted)}`, () =>
      assert.deepEqual(value(expression), wanted))
  }

  it('computes with decimals to the last digit', () => {
    const big = table(
      'big',
      ['a'],
      [[money('99337525444536.6064')], [money('-99337525444536.6065')], [money('0.0003')]],
    )
    const answer = (expression: string) => {
      const { rows } = runQuery(parseQuery(`EVALUATE {${expression}}`), { tables: [big], relationships: [] }, [])
      return jsonText(rows[0]?.[0] ?? null)
    }
    assert.equal(answer(`SUM('big'[a])`), '0.0002')
    assert.equal(answer(`MAX('big'[a])`), '99337525444536.6064')
    assert.equal(answer(`SUMX('big',INT('big'[a]))`), '-1')
    assert.equal(answer(`SUMX('big',ROUND(('big'[a]-INT('big'[a]))*10000,0))`), '10002')
    assert.equal(answer(`SUMX(FILTER('big','big'[a]<0),-'big'[a])`), '99337525444536.6065')
  })

  it('gives columns of the model their table, others none', () => {
    const { names } = dax(`EVALUATE SUMMARIZECOLUMNS('entry'[company],"n",COUNTROWS('entry'))`)
    assert.deepEqual(names, ['entry[company]', '[n]'])
  })

  it('groups, filters, and leaves out groups of which everything is blank', () => {
    assert.deepEqual(
      rows(
        `EVALUATE SUMMARIZECOLUMNS('entry line'[account],"s",SUM('entry line'[amount])) ORDER BY 'entry line'[account] DESC`,
      ),
      [
        ['20', -100.1],
        ['10', 207.5],
      ],
    )
    assert.deepEqual(
      rows(
        `EVALUATE SUMMARIZECOLUMNS('entry line'[account],TREATAS({"B@2"},'entry line'[version]),"s",SUM('entry line'[amount]))`,
      ),
      [['10', 0.2]],
    )
    assert.deepEqual(rows(`EVALUATE SUMMARIZECOLUMNS(TREATAS({"none"},'entry'[key]),"n",COUNTROWS('entry'))`), [])
    assert.deepEqual(
      rows(`EVALUATE SUMMARIZE('entry line','entry'[company],"s",SUM('entry line'[amount])) ORDER BY 'entry'[company]`),
      [
        ['X', 0.2],
        ['Y', 107.2],
      ],
    )
  })

  it('sums the newest versions, also by the groups of a report', () => {
    assert.deepEqual(rows(`EVALUATE SUMMARIZECOLUMNS('entry line'[account],"v",[line amount])`), [['10', 100.4]])
    assert.deepEqual(rows(`EVALUATE SUMMARIZECOLUMNS('entry'[company],"v",[entry rows]) ORDER BY 'entry'[company]`), [
      ['X', 1],
      ['Y', 1],
    ])
  })

  it('sums the newest versions of any records, as adding them up by hand does', () => {
    const cents = fc.integer({ min: -1_000_000, max: 1_000_000 })
    const made = fc.record({
      key: fc.constantFrom('A', 'B', 'C', 'D'),
      lines: fc.array(fc.tuple(fc.constantFrom('10', '20'), cents), { maxLength: 3 }),
    })
    fc.assert(
      fc.property(fc.array(made, { maxLength: 12 }), (records) => {
        const version = (n: number) => `${records[n]?.key}@${String(n).padStart(4, '0')}`
        const newest = new Map<string, number>(records.map(({ key }, n) => [key, n]))
        const all = records.flatMap(({ lines: of }, n) => of.map(([account, amount]) => ({ n, account, amount })))
        const source = [
          table(
            'entry',
            ['key', 'version', 'company', 'gone'],
            records.map(({ key }, n) => [key, version(n), 'X', false]),
          ),
          table(
            'entry line',
            ['key', 'version', 'account', 'amount', 'day'],
            all.map(({ n, account, amount }) => [
              records[n]?.key ?? '',
              version(n),
              account,
              { fixed: BigInt(amount) * 100n },
              null,
            ]),
          ),
        ]
        const wanted = new Map<string, number>()
        for (const { n, account, amount } of all) {
          if (newest.get(records[n]?.key ?? '') === n) wanted.set(account, (wanted.get(account) ?? 0) + amount)
        }
        const query = parseQuery(
          `EVALUATE SUMMARIZECOLUMNS('entry line'[account],"v",[line amount]) ORDER BY 'entry line'[account]`,
        )
        const { rows: got } = runQuery(query, { tables: source, relationships }, measures)
        assert.deepEqual(
          got.map(([account, amount]) => [account, amount]),
          [...wanted].sort().map(([account, amount]) => [account, { fixed: BigInt(amount) * 100n }]),
        )
      }),
    )
  })

  it('runs the totals of a run: variables, filters on two columns, debit and credit', () => {
    const query = `DEFINE VAR __latest=${LATEST} EVALUATE SUMMARIZECOLUMNS('entry line'[key],TREATAS(__latest,'entry line'[version]),TREATAS({"10","20"},'entry line'[account]),"n",COUNTROWS('entry line'),"d0",SUMX(FILTER('entry line','entry line'[amount]>0),'entry line'[amount]),"c0",SUMX(FILTER('entry line','entry line'[amount]<0),-'entry line'[amount]))`
    assert.deepEqual(rows(query), [
      ['B', 1, 0.2, null],
      ['A', 1, 100.2, null],
    ])
  })

  it('defines measures, and takes comments and quotes', () => {
    assert.deepEqual(
      rows(
        `DEFINE MEASURE 'entry'[two ]]] = 2 // two\nMEASURE 'entry'[four] = [two ]]] * 2 EVALUATE { [four], /* and */ 5 } -- end`,
      ),
      [[4], [5]],
    )
    assert.equal(value('"say ""x"""'), 'say "x"')
  })

  it('has table functions', () => {
    assert.deepEqual(rows(`EVALUATE TOPN(1,'entry','entry'[version],DESC)`), [['C', 'C@4', 'Y', true]])
    assert.deepEqual(rows(`EVALUATE TOPN(1,VALUES('entry'[company]),CALCULATE(COUNTROWS('entry')),ASC)`), [['X']])
    assert.deepEqual(rows(`EVALUATE EXCEPT(VALUES('entry'[key]),{"B"})`), [['A'], ['C']])
    assert.deepEqual(rows(`EVALUATE INTERSECT(VALUES('entry'[key]),{"B"})`), [['B']])
    assert.deepEqual(rows(`EVALUATE UNION({1},{1,2})`), [[1], [1], [2]])
    assert.deepEqual(rows(`EVALUATE DISTINCT(UNION({1},{1,2}))`), [[1], [2]])
    assert.equal(rows(`EVALUATE CROSSJOIN(VALUES('entry'[key]),VALUES('entry'[company]))`).length, 6)
    assert.deepEqual(rows(`EVALUATE CALCULATETABLE(VALUES('entry'[key]),'entry'[company]="X")`), [['A'], ['B']])
    assert.deepEqual(rows(`EVALUATE FILTER(SELECTCOLUMNS('entry',"c0",'entry'[key]),FALSE())`), [])
    assert.equal(rows(`EVALUATE ALLEXCEPT('entry','entry'[version])`).length, 5)
  })

  const fetches: [string, Record<string, string[] | undefined>][] = [
    [`SUMMARIZECOLUMNS('entry'[company],"n",COUNTROWS('entry'))`, { entry: ['company'], 'entry line': undefined }],
    [
      `ROW("a",COUNTROWS(FILTER('entry','entry'[key]="A")),"b",COUNTROWS('entry line'))`,
      { entry: ['key'], 'entry line': [] },
    ],
    [
      `SUMMARIZECOLUMNS('entry'[company],"n",COUNTROWS('entry line'))`,
      { entry: ['version', 'company'], 'entry line': ['version'] },
    ],
    [
      `ROW("n",SUMX(FILTER('entry line',RELATED('entry'[company])="X"),'entry line'[amount]))`,
      { entry: ['version', 'company'], 'entry line': ['key', 'version', 'account', 'amount', 'day'] },
    ],
  ]
  for (const [query, wanted] of fetches) {
    it(`fetches for ${query} what it looks at`, () => {
      const needs = needsOf(parseQuery(`EVALUATE ${query}`), (name) => parsed.get(name), relationships)
      for (const { name, columns } of [headers, lines]) {
        const names = columns.map((column) => column.name)
        assert.deepEqual(neededColumns(needs, name, names), wanted[name], name)
      }
    })
  }

  const failures: [string, RegExp][] = [
    [`EVALUATE nowhere`, /Cannot find table 'nowhere'/],
    [
      `EVALUATE FILTER(SELECTCOLUMNS('entry',"c",'entry'[nothing]),FALSE())`,
      /Column 'nothing' in table 'entry' cannot be found/,
    ],
    [`EVALUATE FILTER('entry','entry'[key]=1)`, /comparing values of type Text with values of type Integer/],
    [`EVALUATE ROW("v",'entry'[key])`, /A single value for column 'key' in table 'entry' cannot be determined/],
    [`EVALUATE ROW("v",NOSUCH(1))`, /Failed to resolve name 'NOSUCH'/],
    [`EVALUATE ROW("v",[nothing])`, /The value for 'nothing' cannot be determined/],
    [`EVALUATE ROW("v",COUNTROWS())`, /Too few arguments were passed to the COUNTROWS/],
    [`EVALUATE 1`, /not a valid table expression/],
    [`EVALUATE ROW("v",constructor(1))`, /Failed to resolve name 'CONSTRUCTOR'/],
    [`EVALUATE ROW("v" 1)`, /Query \(1, 18\) The syntax for '1' is incorrect/],
    [`EVALUATE {1} EVALUATE {2}`, /one EVALUATE/],
    [`SELECT 1`, /syntax for 'SELECT'/],
    [`EVALUATE SUMMARIZECOLUMNS('entry'[key],"n")`, /name and expression/],
    [`EVALUATE TREATAS({1},'entry'[key],'entry'[version])`, /number of columns/],
  ]
  for (const [query, message] of failures) {
    it(`refuses ${query}`, () => assert.throws(() => dax(query), message))
  }
})
