/**
 * What the target's tables must hold, told from the books and from `docs/entities.md` alone.
 * Nothing here comes from the engine, the nodes or a sandbox's wire: a mistake made there cannot be repeated here.
 */
import type { Books } from '../sandbox/books/types.ts'
import { documentTables } from './expected-documents.ts'
import { entryTables } from './expected-entries.ts'
import { masterTables } from './expected-masters.ts'
import type { ExpectedOptions, ExpectedTable } from './expected-table.ts'

/** The tables that the chosen entities fill, masters first. */
export function expectedTables(books: Books, options: ExpectedOptions): ExpectedTable[] {
  const all = [...masterTables(books, options), ...documentTables(books, options), ...entryTables(books, options)]
  const { entities, transform } = options
  const chosen = all.filter(({ name }) => entities === undefined || entities.includes(entityOf(name)))
  if (transform === undefined) return chosen
  return chosen.map((table) => ({
    ...table,
    *rows() {
      for (const row of table.rows()) yield transform(table.name, row)
    },
  }))
}

/** `gl_entry_line` belongs to `gl_entry`. */
function entityOf(table: string): string {
  return table.replace(/_(line|analytical)$/, '')
}
