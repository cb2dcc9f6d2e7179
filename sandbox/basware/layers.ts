import { ORDER_LINES } from './collections.ts'
import type { Json } from './company/invoice.ts'
import { createShelf, type Shelf } from './shelf.ts'

/** Records that stand there at the beginning, by collection. */
export interface Masters {
  all(collection: string): readonly Json[]
  lines(orderExternalCode: string): readonly Json[]
}

/** A collection, or the lines of an order, in both layers. */
export interface Both {
  readonly api: Shelf
  readonly p2p: Shelf
}

export interface Layers {
  /** A collection but that of lines. */
  whole(collection: string): Both
  linesOf(orderExternalCode: string): Both
  /** Where a record belongs. */
  of(collection: string, record: Json): Both
  /** A record of the API layer, a line too. */
  api(collection: string, externalCode: string): Json | undefined
  /** Of each order. */
  everyLine(): readonly Both[]
}

export const LINES = ORDER_LINES.path
const codeOf = (record: Json): string => String(record.externalCode)

/** Shelves of both layers; lines have one for each order. */
export function createLayers(first: Masters): Layers {
  const kept = new Map<string, Both>()
  /** Order of each line that was asked for or sent. */
  const orders = new Map<string, string>()
  const both = (name: string, records: () => readonly Json[]): Both => {
    const known = kept.get(name)
    if (known) return known
    const made = { api: createShelf(records()), p2p: createShelf(records()) }
    kept.set(name, made)
    return made
  }
  const linesOf = (order: string): Both =>
    both(`${LINES} ${order}`, () => {
      const lines = first.lines(order)
      for (const line of lines) orders.set(codeOf(line), order)
      return lines
    })
  const whole = (collection: string): Both => both(collection, () => first.all(collection))
  return {
    linesOf,
    of(collection, record) {
      if (collection !== LINES) return whole(collection)
      const order = String(record.orderExternalCode)
      orders.set(codeOf(record), order)
      return linesOf(order)
    },
    whole,
    api(collection, externalCode) {
      if (collection !== LINES) return whole(collection).api.get(externalCode)
      // Codes of the beginning are those of their order with a number.
      const order = orders.get(externalCode) ?? externalCode.slice(0, externalCode.lastIndexOf('_'))
      return linesOf(order).api.get(externalCode)
    },
    everyLine() {
      for (const order of whole('matchingOrders').p2p.all()) linesOf(codeOf(order))
      return [...kept].filter(([name]) => name.startsWith(`${LINES} `)).map(([, each]) => each)
    },
  }
}
