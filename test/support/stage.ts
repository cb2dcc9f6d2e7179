/** What the browser tests work on: both sandboxes in this process, a real Node-RED beside it, the editor in a Chromium. */
import { createBooks } from '../../sandbox/books/books.ts'
import type { ChangingTable } from '../../sandbox/books/table.ts'
import type { Books, BusinessPartner } from '../../sandbox/books/types.ts'
import { type DatabricksSandbox, startDatabricks, type Value } from '../../sandbox/databricks/server.ts'
import { startX3, type X3Sandbox } from '../../sandbox/x3/server.ts'
import { type Editor, openEditor } from './editor.ts'
import { type Red, startRed } from './node-red.ts'

export interface Stage {
  readonly books: Books
  readonly x3: X3Sandbox
  readonly databricks: DatabricksSandbox
  readonly red: Red
  readonly editor: Editor
  /** Rows of a query, run beside the driver. */
  rows(sql: string): Promise<Value[][]>
  /** Renames a supplier, on its business partner. */
  rename(supplier: string, name: string): void
  end(): Promise<void>
}

export async function startStage(): Promise<Stage> {
  const books = createBooks({ seed: 1, size: 'small', today: new Date().toISOString().slice(0, 10), now: Date.now })
  const [x3, databricks, red] = await Promise.all([
    startX3({ books, clock: { now: Date.now } }),
    startDatabricks(),
    startRed(),
  ])
  const editor = await openEditor(red)
  const partners = books.tables.businessPartner as ChangingTable<BusinessPartner>
  return {
    books,
    x3,
    databricks,
    red,
    editor,
    rows: async (sql) => (await databricks.query(sql)).rows,
    rename(supplier, name) {
      const partner = partners.get(supplier)
      if (!partner) throw new Error(`The books have no supplier ${supplier}`)
      partners.put({ ...partner, name })
    },
    async end() {
      await editor.close()
      await red.end()
      await Promise.all([x3.close(), databricks.close()])
    },
  }
}
