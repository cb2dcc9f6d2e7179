/** X3 and Basware as a process of its own, for the bench of orders on their way: so many of them, and what Basware has at the end. */
import { basware as baswareEnd } from '../demo/ends/basware.ts'
import { endsOf } from '../demo/ends/index.ts'
import { environmentOf } from '../demo/job.ts'
import { type BaswareSandbox, startBasware } from '../sandbox/basware/server.ts'
import { createBooks } from '../sandbox/books/books.ts'
import { planFor } from '../sandbox/books/plan.ts'
import { receiptsOf } from '../sandbox/books/purchasing.ts'
import type { Books } from '../sandbox/books/types.ts'
import { startX3, type X3Sandbox } from '../sandbox/x3/server.ts'
import { serve } from './child.ts'
import { type Cost, measure } from './measure.ts'

const SEED = 1
const TODAY = new Date().toISOString().slice(0, 10)
/** What P2P makes of a record comes minutes later, after the run. */
const P2P_MS = 600_000

interface World {
  readonly basware: BaswareSandbox
  readonly x3: X3Sandbox
  readonly books: Books
}

let world: World | undefined
let cost: () => Cost = measure()
let before = 0

function opened(): World {
  if (!world) throw new Error('the sandbox is not open yet')
  return world
}

const requests = ({ basware, x3 }: World): number => basware.stats().requests + x3.stats().requests

async function close(): Promise<void> {
  await Promise.all([world?.basware.close(), world?.x3.close()])
  world = undefined
}

/** Rows of the smallest books with so many orders. */
function rowsFor(orders: number): number {
  let rows = 500
  while (planFor(rows).purchaseOrder < orders) rows += 500
  return rows
}

type Json = Readonly<Record<string, unknown>>
type Records = Readonly<Record<string, readonly Json[]>>

const commands = {
  /** A Basware in which little stands yet; the variables of the flow, and what the floor needs. */
  async open({ orders, latencyMs }: { readonly orders: number; readonly latencyMs: number }) {
    await close()
    const size = rowsFor(orders)
    const clock = { now: Date.now }
    const books = createBooks({ seed: SEED, size, today: TODAY, now: Date.now })
    const x3 = await startX3({ books, clock, latencyMs })
    const settings = { p2pMs: P2P_MS, statusMs: P2P_MS, latencyMs }
    const basware = await startBasware({
      ...{ seed: SEED, size: 'small', today: TODAY, clock, invoices: 0 },
      ...{ begins: 'byHand', settings },
    })
    world = { basware, x3, books }
    const login = { clientId: x3.clientId, secret: x3.secret, user: x3.user }
    return {
      orders: books.tables.purchaseOrder.count(),
      books: { seed: SEED, size: 'small' as const, today: TODAY },
      environment: environmentOf(endsOf('basware-to-x3'), {
        [baswareEnd.server]: { url: basware.url, clientId: basware.clientId, clientSecret: basware.clientSecret },
        x3: { url: x3.url, folder: x3.folder, pool: x3.soap.pool, ...login },
      }),
      floor: {
        ...{ basware: basware.url, clientId: basware.clientId, clientSecret: basware.clientSecret },
        x3: { url: x3.url, folder: x3.folder, ...login },
      },
    }
  },

  begin() {
    before = requests(opened())
    cost = measure()
  },

  /** What happened since `begin`. */
  end: () => ({ cpu: cost().cpu, requests: requests(opened()) - before }),

  /** Orders, lines and receipts of the books, and those that Basware has. What somebody typed there before is held, and left out. */
  compare() {
    const { basware, books } = opened()
    const { api } = basware.act('records', {}) as { api: Records }
    const headers = api.matchingOrders ?? []
    const isTyped = ({ externalCode }: Json): boolean => String(externalCode).startsWith('MAN-')
    const typed = new Set(headers.filter(isTyped).map(({ orderNumber }) => orderNumber))
    const sent = headers.filter(({ orderNumber }) => !typed.has(orderNumber)).map(({ externalCode }) => externalCode)
    const lines = (api.matchingOrderLines ?? []).filter(({ orderExternalCode }) => sent.includes(orderExternalCode))
    const orders = [...books.tables.purchaseOrder.walk()].filter(({ number }) => !typed.has(number))
    const count = (lists: readonly (readonly unknown[])[]): number => lists.reduce((sum, { length }) => sum + length, 0)
    return {
      wanted: [orders.length, count(orders.map((order) => order.lines)), count(orders.map(receiptsOf))],
      found: [
        sent.length,
        lines.length,
        count(lines.map(({ goodsReceipts }) => (goodsReceipts ?? []) as readonly unknown[])),
      ],
      typed: typed.size,
    }
  },
}

export type SendingSandbox = typeof commands
export type FloorSendingAddress = Awaited<ReturnType<SendingSandbox['open']>>['floor']

serve(commands, close)
