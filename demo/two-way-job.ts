/**
 * The job of a flow that sends orders and posts invoices: both run and attended to by a person, day after day, and what came of it
 * set against the books, Basware and X3.
 */
import { createBooks } from '../sandbox/books/books.ts'
import type { RunSummary } from '../sync/contract/summary.ts'
import { createAccountant, vouchersIn } from './accountant.ts'
import { type Codes, codesIn, compareOrders, type Layer } from './compare-orders.ts'
import { comparePostings, type Posted } from './compare-postings.ts'
import type { Editor } from './editor.ts'
import { COMPANIES } from './ends/basware.ts'
import { expectedOrders, KINDS, keysHeld } from './expected-orders.ts'
import type { Invoice } from './expected-postings.ts'
import { meetFaults } from './further.ts'
import { type Entrance, entrance, type FlowNode } from './job.ts'
import type { DemoOptions } from './options.ts'
import { closedBefore } from './posting-job.ts'
import { createPurchaser, type Held } from './purchaser.ts'
import { countEntities, describeHeld } from './report.ts'
import type { Sandbox } from './sandbox.ts'
import { settlePostings } from './settle-postings.ts'

export interface TwoWay {
  readonly options: DemoOptions
  readonly sandbox: Sandbox
  readonly editor: Editor
  /** Runs the sync of an entrance once. */
  readonly run: (door: Entrance, order?: object) => Promise<RunSummary>
  readonly flows: readonly FlowNode[]
  readonly today: string
  readonly say: (text: string) => void
}

/** Names of the template's syncs. */
const SENDS = 'x3-to-basware'
const POSTS = 'basware-to-x3'
/** Lists all keys too: deletions leave no other trace. */
const SWEEP = { sweep: true }
const MOST_ROUNDS = 10
const MOST_FAILURES = 2

/** What a person types into Basware's own screens while the flow is running. */
const BANK = [{ paymentMeansCode: 'TRF', currencyCode: 'EUR', description: 'Typed by hand' }]

/** What goes wrong beside the faults of the wire: records that P2P fails with, and that it saves in part. */
async function troubleOf(sandbox: Sandbox): Promise<void> {
  for (const collection of ['vendors', 'matchingOrders']) {
    await sandbox.act('basware', 'plan', { collection, status: 'Error', message: 'P2P was being restarted.' })
    await sandbox.act('basware', 'plan', { collection, status: 'Warning', message: 'Something was left out.' })
  }
}

/** Both directions, and what they leave behind. */
function directionsOf(given: TwoWay) {
  const { sandbox, editor, run, flows, say } = given
  const doors = { sends: entrance(flows, SENDS), posts: entrance(flows, POSTS) }
  const accountant = createAccountant({ editor, say }, doors.posts)
  const purchaser = createPurchaser({ editor, say }, flows, doors.sends)
  const runs = { sends: [] as RunSummary[], posts: [] as RunSummary[] }
  const approved = new Set<string>()
  const days: Codes[] = []
  const p2p = async (): Promise<Layer> => ((await sandbox.act('basware', 'records')) as { p2p: Layer }).p2p
  const invoices = async (): Promise<readonly Invoice[]> =>
    ((await sandbox.act('basware', 'documents')) as { p2p: readonly Invoice[] }).p2p

  /** Runs until every result is there and the person has nothing left to answer. */
  async function send(order?: object): Promise<void> {
    for (let round = 0; round < MOST_ROUNDS; round++) {
      const summary = await run(doors.sends, round === 0 ? order : undefined)
      runs.sends.push(summary)
      if (await purchaser.attend()) continue
      const isOpen = summary.entities.some(({ open = [] }) => open.some((text) => text.includes('result pending')))
      // A right that is lost comes back another day.
      if (!isOpen && (summary.state === 'done' || round >= MOST_FAILURES)) break
    }
    days.push(codesIn(await p2p(), KINDS))
  }

  async function post(): Promise<void> {
    for (const { invoiceId, processingStatus, companyCode } of await invoices())
      if (processingStatus === 'WaitingForTransfer' && COMPANIES.includes(companyCode)) approved.add(invoiceId)
    const once = async (): Promise<void> => void runs.posts.push(await run(doors.posts))
    await settlePostings({ editor, door: doors.posts, accountant, run: once })
  }

  return { doors, accountant, purchaser, runs, approved, days, p2p, invoices, send, post }
}

type Directions = ReturnType<typeof directionsOf>

/** A vendor of ours gets a bank account, and an order of ours is closed, in Basware's own screens. */
async function typeInto(sandbox: Sandbox, p2p: Layer): Promise<Layer> {
  const vendor = p2p.vendors?.find(({ externalCode }) => !String(externalCode).startsWith('MAN-'))
  if (!vendor) return {}
  const record = { externalCode: vendor.externalCode, paymentMeans: BANK }
  await sandbox.act('basware', 'tune', { edits: 'published' })
  await sandbox.act('basware', 'edit', { collection: 'vendors', record })
  return { vendors: [{ ...vendor, ...record }] }
}

const joined = (a: Layer, b: Layer): Layer =>
  Object.fromEntries(
    [...new Set([...Object.keys(a), ...Object.keys(b)])].map((kind) => [
      kind,
      [...(a[kind] ?? []), ...(b[kind] ?? [])],
    ]),
  )

/** Gives the exit code. */
export async function twoWayJob(given: TwoWay): Promise<number> {
  const { options, sandbox, today } = given
  const began = Date.now()
  const ways = directionsOf(given)
  let typed = await ways.p2p()
  await sandbox.act('x3', 'closeBefore', { date: closedBefore(today) })
  if (options.faults !== 'calm') await troubleOf(sandbox)
  // Orders first: what is matched with one that has not come is coded otherwise.
  await ways.send()
  typed = joined(typed, await typeInto(sandbox, await ways.p2p()))
  await ways.post()
  let days = 0
  const day = async (): Promise<void> => {
    await sandbox.day()
    days++
    await ways.send(SWEEP)
    await ways.post()
  }
  while (days < options.days) await day()
  // Each day has more orders to send and more invoices to post.
  await meetFaults(async () => (await sandbox.state()).faults.pending, day)
  await sandbox.finish()
  await ways.send(SWEEP)
  await ways.post()
  return judge(given, ways, { began, typed, days })
}

async function judge(
  { options, sandbox, editor, today, say }: TwoWay,
  ways: Directions,
  { began, typed, days }: { readonly began: number; readonly typed: Layer; readonly days: number },
): Promise<number> {
  const books = { ...options, today }
  const { ledger } = ways.doors.posts
  const refused = (await editor.call(
    'GET',
    `/tieout/held?ledger=${ledger}&sync=${POSTS}&limit=1000`,
  )) as readonly Held[]
  const heldOrders = await ways.purchaser.held()
  const isHeld = keysHeld(heldOrders)
  const orders = compareOrders({
    ...{ expected: expectedOrders({ ...books, days }), p2p: await ways.p2p(), typed, days: ways.days, isHeld },
  })
  const postings = comparePostings({
    books: createBooks({ ...books, now: () => 0 }),
    ...{ seed: options.seed, ordersFrom: 'erp', approved: ways.approved, invoices: await ways.invoices() },
    posted: (await vouchersIn(sandbox)) as readonly Posted[],
    held: new Map(refused.map(({ key, cause }) => [key.split('|')[1] ?? '', cause.code])),
  })
  const state = await sandbox.state()
  for (const example of [...orders.examples, ...postings.examples]) say(`  ${example}`)
  for (const { entity, key, cause } of heldOrders) say(`  held: ${entity} ${key}: ${cause.code} ${cause.message}`)
  for (const line of describeHeld(refused)) say(line)
  say(
    `Compared ${orders.expected} records with P2P: ${orders.marked} gone and marked, ${orders.held} held, ${orders.missing} missing, ${orders.extra} extra, ${orders.different} different`,
  )
  say(
    `Compared ${postings.invoices} approved invoices with ${postings.journals} journals: ${postings.posted} posted once and answered, ${postings.held} held, ${postings.missing} missing, ${postings.extra} extra, ${postings.different} different`,
  )
  if (state.faults.pending.length > 0) say(`Faults that were not met: ${state.faults.pending.join(', ')}`)
  const last = ways.runs.sends.at(-1)
  if (options.json)
    say(
      JSON.stringify({
        flow: options.flow,
        entities: countEntities([...ways.runs.sends, ...ways.runs.posts]),
        ...{ orders: withoutExamples(orders), postings: withoutExamples(postings) },
        answers: { ...ways.purchaser.answers, ...ways.accountant.answers },
        ...{ days, verdict: last?.verdict, faults: state.faults.met, requests: state.requests },
        seconds: Math.round((Date.now() - began) / 100) / 10,
        peakRssMb: editor.child.peakRssMb(),
      }),
    )
  const wrong = [orders, postings].reduce((sum, one) => sum + one.missing + one.extra + one.different, 0)
  const isWell = wrong === 0 && orders.held === 0 && postings.posted > 0 && state.faults.pending.length === 0
  return isWell && last?.state === 'done' ? 0 : 1
}

const withoutExamples = <T extends { readonly examples: unknown }>({ examples: _, ...counts }: T) => counts
