/** The comparer's two sides for the demo: the books made anew from their seed, and the sandbox's tables. */
import { createBooks } from '../sandbox/books/books.ts'
import type { Books } from '../sandbox/books/types.ts'
import { type Cell, type Comparison, compare } from './compare.ts'
import { expectedTables } from './expected.ts'
import type { FlowNode } from './job.ts'

const DAY_MS = 86_400_000

/** Which books: what they say depends on these alone. */
export interface BookOptions {
  readonly seed: number
  readonly size: 'small' | 'medium' | 'large'
  /** Their first day. */
  readonly today: string
}

/** Books as the sandbox's are after the same days, whatever the hour: what they say depends on seed, size, first day and number of days alone. */
export function booksAfter(options: BookOptions & { readonly days: number }): Books {
  let now = Date.now()
  const books = createBooks({ seed: options.seed, size: options.size, today: options.today, now: () => now })
  for (let day = 0; day < options.days; day++) {
    now += DAY_MS
    books.day()
  }
  books.finish()
  return books
}

/** A group chart for the demo: each account of the books by the first three digits of its code. */
export function groupAccounts(books: Books): { from: string; to: string; valid_from: string; valid_to: string }[] {
  const rows = new Map<string, string>()
  for (const account of books.tables.account.walk()) rows.set(account.code, `G${account.code.slice(0, 3)}`)
  return [...rows].map(([from, to]) => ({ from, to, valid_from: '', valid_to: '' }))
}

/** Sets the books against the tables that the flow has filled. The flow says the source's name and the accounts' mapping. */
export async function compareBooks(options: {
  readonly books: Books
  readonly flows: readonly FlowNode[]
  readonly table: string
  readonly rows: (sql: string) => AsyncIterable<Cell[]>
}): Promise<Comparison> {
  const { books, flows, rows } = options
  const [catalog, schema] = options.table.split('.') as [string, string]
  const x3 = flows.find((node) => node.type === 'x3-connection')
  const poll = flows.find((node) => node.type === 'x3-poll')
  const tables = flows.find((node) => node.type === 'gl-mapping')?.tables as
    | { rows: { from: string; to: string }[] }[]
    | undefined
  const groups = new Map((tables ?? []).flatMap((table) => table.rows.map(({ from, to }) => [from, to] as const)))
  const expected = expectedTables(books, {
    source: String(x3?.source),
    entities: ((poll?.entities ?? []) as { entity: string }[]).map(({ entity }) => entity),
    transform: (table, row) => {
      if (table !== 'gl_entry_line') return row
      const account = row.account as string
      return { ...row, account: groups.get(account) ?? account, account_source: account }
    },
  })
  return compare(expected, {
    async columns(table) {
      const names: string[] = []
      const sql = `select column_name from information_schema.columns where table_catalog = '${catalog}' and table_schema = '${schema}' and table_name = '${table}' order by ordinal_position`
      for await (const [name] of rows(sql)) names.push(String(name))
      return names.length === 0 ? undefined : names
    },
    rows: (table, columns) =>
      rows(`select ${columns.map((name) => `\`${name}\``).join(', ')} from ${catalog}.${schema}.${table}`),
  })
}
