/** Whether the lines of orders stand at Basware as they were sent: one request for each order, so that only some are asked for. */
import { createHash } from 'node:crypto'
import type { Reading } from '../invoices.ts'
import type { AlignmentRow } from './align.ts'
import { readLines } from './plan.ts'
import type { Body } from './schema.ts'
import { type Facts, hashOf, type SentBook } from './sent.ts'

const PLACE = 'matchingOrderLines'
/** Every order is looked at once in so many nights. */
export const NIGHTS = 30

type Line = Readonly<Record<string, unknown>>

/** A number as it was sent, or as Basware's doubles say it: what is behind twelve digits is noise. */
export const numberText = (value: unknown): string =>
  value === undefined || value === null
    ? ''
    : String(Number(Number(typeof value === 'object' ? JSON.stringify(value) : value).toPrecision(12)))

/** What is compared of the lines of an order. */
const textOf = (lines: readonly Line[]): string =>
  lines
    .filter(({ isDeleted }) => isDeleted !== true)
    .map(({ externalCode, quantity, netPrice, netSum, isClosed }) =>
      [externalCode, numberText(quantity), numberText(netPrice), numberText(netSum), isClosed === true].join(' '),
    )
    .sort()
    .join('\n')

/** What is kept of lines that were taken, by order; `at`: when, ISO. */
export const linesSent = (bodies: readonly Body[], at: string): { readonly code: string; readonly facts: Facts }[] =>
  [...Map.groupBy(bodies, ({ orderExternalCode }) => String(orderExternalCode))].map(([code, lines]) => ({
    code,
    facts: { code: at, name: textOf(lines), active: lines.some(({ isDeleted }) => isDeleted !== true) },
  }))

/** Whether it is an order's turn on this night. */
const isTurn = (order: string, night: number): boolean =>
  (createHash('sha256').update(order).digest().readUInt16BE() + night) % NIGHTS === 0

/** Which orders are looked at: those sent since then (ISO), and a part of the others, another one each night. */
export interface LinesAsked {
  readonly since: string
  readonly night: number
}

export async function lineAlignment(sent: SentBook, asked: LinesAsked, reading: Reading): Promise<AlignmentRow[]> {
  const differing = async (orders: Iterable<string>): Promise<string[]> => {
    const all = await sent.all(PLACE)
    const found: string[] = []
    for (const order of orders) {
      const [, hash] = all.get(order) ?? []
      if (hash === undefined) continue
      const there = await readLines(order, reading)
      if (there.uncoded.length > 0 || hashOf(textOf(there.found)) !== hash) found.push(order)
    }
    return found
  }
  const all = [...(await sent.all(PLACE))]
  const chosen = all.filter(([order, [at]]) => at >= asked.since || isTurn(order, asked.night)).map(([order]) => order)
  // Those that were just being sent are looked at once more.
  const orders = await differing(await differing(chosen))
  return orders.map((order) => ({
    ...{ place: PLACE, kind: 'differs', code: order, externalCode: order },
    text: 'its lines there are not those that were sent (number, quantity, price, amount, closed)',
  }))
}
