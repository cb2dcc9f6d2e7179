/** The DAX that is asked and put into measures: names and texts quoted, so that nothing in them can be DAX. */

export const table = (name: string): string => `'${name.replaceAll("'", "''")}'`
export const column = (tableName: string, name: string): string => `${table(tableName)}[${name.replaceAll(']', ']]')}]`
export const literal = (value: string): string => `"${value.replaceAll('"', '""')}"`

/** Rows of one post, or of one run, in each of some tables: `n0`, `n1`, ... */
export const countWhere = (tables: readonly string[], name: '_sync_batch' | '_sync_run', value: string): string =>
  `EVALUATE ROW(${tables.map((one, i) => `"n${i}",COUNTROWS(FILTER(${table(one)},${column(one, name)}=${literal(value)}))`).join(',')})`

/** Rows of each of some tables: `n0`, `n1`, ... */
export const countRows = (tables: readonly string[]): string =>
  `EVALUATE ROW(${tables.map((one, i) => `"n${i}",COUNTROWS(${table(one)})`).join(',')})`

/** Columns of a table as `c0`, `c1`, ... */
const selected = (tableName: string, names: readonly string[]): string =>
  names.map((name, i) => `"c${i}",${column(tableName, name)}`).join(',')

/** No rows; an error that names the first column that is not there. */
export const probeColumns = (tableName: string, names: readonly string[]): string =>
  `EVALUATE FILTER(SELECTCOLUMNS(${table(tableName)},${selected(tableName, names)}),FALSE())`

/** The newest version of each key, whatever a report filters. */
const latest = (header: string): string => {
  const key = column(header, '_sync_key')
  return `SELECTCOLUMNS(ADDCOLUMNS(ALL(${key}),"@v",CALCULATE(MAX(${column(header, '_sync_version')}),ALLEXCEPT(${table(header)},${key}))),"@v",[@v])`
}

/** A sum over the newest versions: an older one has no part in it, nor has what was deleted. */
export const sumMeasure = (header: string, tableName: string, name: string): string =>
  `VAR latest=${latest(header)} RETURN CALCULATE(SUM(${column(tableName, name)}),TREATAS(latest,${column(tableName, '_sync_version')}))`

export const rowsMeasure = (header: string, tableName: string): string => {
  const alive = header === tableName ? `,${column(header, '_sync_deleted')}=FALSE()` : ''
  return `VAR latest=${latest(header)} RETURN CALCULATE(COUNTROWS(${table(tableName)}),TREATAS(latest,${column(tableName, '_sync_version')})${alive})`
}

/** Count, debit and credit of the newest versions that one run wrote, by groups. */
export function totals(
  header: string,
  tableName: string,
  question: { readonly run: string; readonly by: readonly string[]; readonly amounts: readonly string[] },
  /** The run may have written two versions of one record. */
  twice: boolean,
): string {
  const own = table(tableName)
  const parts = [
    ...question.by.map((name) => column(tableName, name)),
    ...(twice ? [`TREATAS(__latest,${column(tableName, '_sync_version')})`] : []),
    `TREATAS({${literal(question.run)}},${column(tableName, '_sync_run')})`,
    ...(header === tableName ? [`TREATAS({FALSE()},${column(header, '_sync_deleted')})`] : []),
    `"n",COUNTROWS(${own})`,
    ...question.amounts.flatMap((name, i) => {
      const amount = column(tableName, name)
      return [...sums(`d${i}`, own, `${amount}>0`, amount), ...sums(`c${i}`, own, `${amount}<0`, `-${amount}`)]
    }),
  ]
  if (!twice) return `EVALUATE SUMMARIZECOLUMNS(${parts.join(',')})`
  return `DEFINE VAR __latest=${newestOf(header)} EVALUATE SUMMARIZECOLUMNS(${parts.join(',')})`
}

/** Without a report's filters one pass over the table gives the newest version of each key. */
const newestOf = (header: string): string =>
  `SELECTCOLUMNS(SUMMARIZECOLUMNS(${column(header, '_sync_key')},"@v",MAX(${column(header, '_sync_version')})),"@v",[@v])`

/** Rows of one source's newest versions in each of some tables, without what was deleted: `n0`, `n1`, ...; `v`: all its rows in the header's table; `h`: its highest read number. */
export function countNewest(header: string, tables: readonly string[], source: string): string {
  const of = (name: string): string => `${column(name, 'source')}=${literal(source)}`
  const counts = tables.map((name, i) => {
    const alive = name === header ? `,${column(header, '_sync_deleted')}=FALSE()` : ''
    return `"n${i}",CALCULATE(COUNTROWS(${table(name)}),TREATAS(__latest,${column(name, '_sync_version')}),${of(name)}${alive})`
  })
  const highest = `"h",CALCULATE(MAX(${column(header, '_sync_read')}),${of(header)})`
  const versions = `"v",CALCULATE(COUNTROWS(${table(header)}),${of(header)})`
  return `DEFINE VAR __latest=${newestOf(header)} EVALUATE ROW(${[...counts, versions, highest].join(',')})`
}

/** The newest version of one key, its columns as `c0`, `c1`, ...; `n`: how many versions there are. */
export const newestOfKey = (header: string, key: string, names: readonly string[]): string =>
  `DEFINE VAR __all=CALCULATETABLE(${table(header)},${column(header, '_sync_key')}=${literal(key)}) EVALUATE SELECTCOLUMNS(TOPN(1,__all,${column(header, '_sync_version')},DESC),${selected(header, names)},"n",COUNTROWS(__all))`

/** Rows of a list of one version, in an order, that many and those equal to the last of them. */
export function rowsOfVersion(
  tableName: string,
  version: string,
  names: readonly string[],
  order: readonly string[],
  most: number,
): string {
  const own = `CALCULATETABLE(${table(tableName)},${column(tableName, '_sync_version')}=${literal(version)})`
  const by = order.map((name) => `,${column(tableName, name)},ASC`).join('')
  return `EVALUATE SELECTCOLUMNS(TOPN(${most},${own}${by}),${selected(tableName, names)})`
}

/** Whole units and ten-thousandths apart: each sum is a whole number, which a double keeps to the last digit. */
const sums = (name: string, from: string, where: string, value: string): string[] => [
  `"${name}",SUMX(FILTER(${from},${where}),INT(${value}))`,
  `"${name}p",SUMX(FILTER(${from},${where}),ROUND((${value}-INT(${value}))*10000,0))`,
]
