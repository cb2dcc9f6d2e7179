import { GraphQLError } from 'graphql'
import type { Books, BookTables, Stamped, TableName } from '../books/types.ts'
import { type Code, type Context, emptyDate, type Ref } from './model.ts'

/** How an empty change stamp is told: both are met, so by default it depends on the record. */
export type EmptyStamp = 'null' | 'sentinel' | 'mixed'

export interface FolderOptions {
  books: Books
  maxFirst: number
  emptyStamp: EmptyStamp
  /** Stamps with `.000` as some releases may answer. */
  milliseconds: boolean
  /** Requests that touch a table before its right is lost in mid-run. */
  lostAfter: number
}

/** A folder (X3 says endpoint): one set of books, with what the user may not read there. */
export interface Folder {
  readonly books: Books
  /** Reads for one request; `types` are the nodes that its query touches. */
  open(types: ReadonlySet<string>, now: number, partial: boolean): OpenRequest
  /** Applies what waited for a reader in the middle of a document; true if something changed. */
  applyAmbushes(): boolean
  deny(node: string): void
  allow(node?: string): void
  denied(): string[]
  /** Whether a request of another door for this node is refused. */
  refuses(node: string): boolean
  /** A new business day: the right that gets lost in mid-run is there again until the day's run has begun. */
  newDay(): void
}

export interface OpenRequest {
  context: Context
  /** Whether the planned partial error was put into the reply. */
  tookPartial(): boolean
}

/** Which nodes a table's right covers; the first is the one that is lost in mid-run. */
export const nodesOf: Readonly<Record<TableName, readonly [string, ...string[]]>> = {
  businessPartner: ['BusinessPartner'],
  supplier: ['Supplier'],
  customer: ['Customer'],
  product: ['Product'],
  account: ['Account'],
  dimension: ['Dimension'],
  purchaseOrder: ['PurchaseOrder', 'PurchaseOrderLine', 'PurchaseReceiptLine'],
  supplierInvoice: ['PurchaseInvoice', 'PurchaseInvoiceLine', 'SupplierInvoiceHeader'],
  salesInvoice: ['SalesInvoice', 'SalesInvoiceLine'],
  journalEntry: ['JournalEntry', 'JournalEntryLine', 'JournalEntryAnalyticalLine'],
}

/** `journalEntry`, `JournalEntry` and `JournalEntry.read` all name the same right. */
function typeName(node: string): string {
  const name = node.replace(/\.read$/, '').replace(/_node$/, '')
  return name.charAt(0).toUpperCase() + name.slice(1)
}

/** An error as X3 words it: the reason for people is in the diagnoses, with a numeric severity and more than one line. */
function refusal(type: string): GraphQLError {
  const message = `${type}: read access denied`
  return new GraphQLError(message, {
    extensions: {
      diagnoses: [
        { severity: 3, message: `${message}.\nThe function ${type}.read is not authorized for the current user.` },
      ],
    },
  })
}

export function createFolder(options: FolderOptions): Folder {
  const { books } = options
  const denied = new Set<string>()
  const codes = new Map<string, Code>()
  const refs = new Map<string, Ref>()
  const paused = new Set<string>()
  let lost: { table: TableName; requests: number } | undefined

  /** Counts the request against the table whose right goes lost, and says which node it is once it is gone. */
  function lostType(types: ReadonlySet<string>): string | undefined {
    const table = books.lostRight()
    if (!table) {
      lost = undefined
      return undefined
    }
    if (lost?.table !== table) lost = { table, requests: 0 }
    const gone = lost.requests >= options.lostAfter
    if (nodesOf[table].some((type) => types.has(type))) lost.requests++
    return gone ? nodesOf[table][0] : undefined
  }

  function open(types: ReadonlySet<string>, now: number, partial: boolean): OpenRequest {
    const gone = lostType(types)
    const loaded = new Map<string, unknown>()
    let pendingPartial = partial
    let guards = 0
    const context: Context = {
      books,
      now,
      maxFirst: options.maxFirst,
      load<N extends TableName>(table: N, key: string): BookTables[N] | undefined {
        const id = `${table} ${key}`
        if (loaded.has(id)) return loaded.get(id) as BookTables[N] | undefined
        const thing = books.tables[table].get(key) as (BookTables[N] & Stamped) | undefined
        const seen = thing?.visibleFrom !== undefined && Date.parse(thing.visibleFrom) > now ? undefined : thing
        loaded.set(id, seen)
        return seen
      },
      ref<N extends TableName>(table: N, key: string | null): Ref<N> | null {
        if (!key) return null
        const id = `${table} ${key}`
        const known = refs.get(id)
        if (known) return known as Ref<N>
        const ref: Ref<N> = { table, key }
        refs.set(id, ref as Ref)
        return ref
      },
      code(kind, code) {
        if (!code) return null
        const id = `${kind} ${code}`
        const known = codes.get(id)
        if (known) return known
        const made: Code = { code, title: books.codes[kind]?.[code] ?? '' }
        codes.set(id, made)
        return made
      },
      stamp(stamp, key) {
        if (stamp) return options.milliseconds ? stamp.replace(/Z$/, '.000Z') : stamp
        const sentinel =
          options.emptyStamp === 'sentinel' || (options.emptyStamp === 'mixed' && key.charCodeAt(key.length - 1) % 2)
        return sentinel ? `${emptyDate}T00:00:00Z` : null
      },
      guarded: partial || gone !== undefined || denied.size > 0,
      guard(type) {
        if (denied.has(type) || gone === type) throw refusal(type)
        // Not the root: the header has to come back with a part missing.
        if (pendingPartial && guards > 0) {
          pendingPartial = false
          throw refusal(type)
        }
        guards++
      },
      paused: (table, key) => paused.add(`${table} ${key}`),
    }
    return { context, tookPartial: () => partial && !pendingPartial }
  }

  return {
    books,
    open,
    applyAmbushes() {
      if (paused.size === 0) return false
      const due = books.ambushes().filter(({ table, key }) => paused.has(`${table} ${key}`))
      for (const ambush of due) ambush.apply()
      paused.clear()
      return due.length > 0
    },
    deny: (node) => denied.add(typeName(node)),
    allow(node) {
      if (node === undefined) denied.clear()
      else denied.delete(typeName(node))
    },
    denied: () => [...denied],
    refuses: (node) => denied.has(node) || lostType(new Set([node])) === node,
    newDay() {
      lost = undefined
    },
  }
}
