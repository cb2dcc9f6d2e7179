/** Basware and X3 as a process of its own, for the bench of a flow that posts: invoices that wait, and what stands in X3 at the end. */
import { randomBytes } from 'node:crypto'
import { comparePostings, type Posted } from '../demo/compare-postings.ts'
import { basware as baswareEnd } from '../demo/ends/basware.ts'
import { endsOf } from '../demo/ends/index.ts'
import type { Invoice } from '../demo/expected-postings.ts'
import { environmentOf } from '../demo/job.ts'
import { type BaswareSandbox, startBasware } from '../sandbox/basware/server.ts'
import { createBooks } from '../sandbox/books/books.ts'
import { openHistory } from '../sandbox/history.ts'
import { accountantActs } from '../sandbox/x3/acts.ts'
import { startX3, type X3Sandbox } from '../sandbox/x3/server.ts'
import { serve } from './child.ts'
import { type Cost, measure } from './measure.ts'

/** The books' seed, and the day on which they begin. */
const BOOKS = { seed: 1, size: 'small', today: new Date().toISOString().slice(0, 10) } as const
/** What P2P makes of an answer comes minutes later, after the run. */
const P2P_MS = 600_000
/** Plain rows that somebody coded: no list of orders has to be read. */
const LIKE = 'coded by hand'

interface World {
  readonly basware: BaswareSandbox
  readonly x3: X3Sandbox
  readonly posted: () => readonly Posted[]
  readonly approved: ReadonlySet<string>
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

const commands = {
  /** Invoices that wait, an X3 without any of them; the variables of the flow, and what the floor needs. */
  async open({ invoices, latencyMs }: { readonly invoices: number; readonly latencyMs: number }) {
    await close()
    const history = openHistory(BOOKS)
    const basic = { user: 'bench', password: randomBytes(12).toString('hex') }
    const { clock } = history
    const x3 = await startX3({ books: history.books, clock, basic, soap: { shape: 'wide', workMs: latencyMs } })
    const settings = { p2pMs: P2P_MS, statusMs: P2P_MS, latencyMs }
    const basware = await startBasware({ ...BOOKS, clock, invoices: 0, settings })
    const { invoiceIds } = basware.act('approve', { count: invoices, like: LIKE }) as { invoiceIds: string[] }
    const act = accountantActs(x3.soap.accountant, history.books)
    world = { basware, x3, posted: () => act('posted', {}) as Posted[], approved: new Set(invoiceIds) }
    const { pool, url: soapUrl } = x3.soap
    const ends = endsOf('basware-to-x3')
    return {
      environment: environmentOf(ends, {
        [baswareEnd.server]: { url: basware.url, clientId: basware.clientId, clientSecret: basware.clientSecret },
        x3: { url: x3.url, folder: x3.folder, clientId: x3.clientId, secret: x3.secret, user: x3.user, pool },
      }),
      floor: {
        books: BOOKS,
        ...{ basware: basware.url, clientId: basware.clientId, clientSecret: basware.clientSecret },
        ...{ soapUrl, pool, publication: x3.soap.publication, ...basic },
      },
    }
  },

  begin() {
    before = requests(opened())
    cost = measure()
  },

  /** What happened since `begin`. */
  end: () => ({ cpu: cost().cpu, requests: requests(opened()) - before }),

  /** What stands in X3 and at Basware, against what must. */
  compare() {
    const { basware, posted, approved } = opened()
    const { api } = basware.act('documents', {}) as { api: readonly Invoice[] }
    const books = createBooks({ ...BOOKS, now: () => 0 })
    return comparePostings({ books, seed: BOOKS.seed, approved, invoices: api, posted: posted(), held: new Map() })
  },
}

export type PostingSandbox = typeof commands
export type FloorAddress = Awaited<ReturnType<PostingSandbox['open']>>['floor']

serve(commands, close)
