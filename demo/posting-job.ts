/** The job of a flow that posts: run, attended to by a person, run again day after day, and set against Basware and X3. */
import { createBooks } from '../sandbox/books/books.ts'
import type { RunSummary } from '../sync/contract/summary.ts'
import { createAccountant, vouchersIn } from './accountant.ts'
import { comparePostings, type Posted } from './compare-postings.ts'
import type { Editor } from './editor.ts'
import { COMPANIES } from './ends/basware.ts'
import type { Invoice } from './expected-postings.ts'
import { meetFaults } from './further.ts'
import type { Entrance } from './job.ts'
import type { DemoOptions } from './options.ts'
import { until } from './process.ts'
import { countEntities } from './report.ts'
import type { Sandbox } from './sandbox.ts'

interface HeldRecord {
  readonly key: string
  readonly cause: { readonly code: string; readonly message: string }
}

interface Given {
  readonly options: DemoOptions
  readonly sandbox: Sandbox
  readonly editor: Editor
  readonly run: () => Promise<RunSummary>
  readonly door: Entrance
  readonly today: string
  readonly say: (text: string) => void
}

/** More than any invoice needs: each run posts what it can, and the person answers what it cannot. */
const MOST_ROUNDS = 25

/** Gives the exit code. */
export async function postingJob(given: Given): Promise<number> {
  const { options, sandbox, editor, run, door, today, say } = given
  const began = Date.now()
  const accountant = createAccountant({ editor, say }, door)
  const approved = new Set<string>()
  const runs: RunSummary[] = []
  const invoices = async (): Promise<readonly Invoice[]> =>
    ((await sandbox.act('basware', 'documents')) as { p2p: readonly Invoice[] }).p2p
  const notice = async (): Promise<void> => {
    for (const { invoiceId, processingStatus, companyCode } of await invoices())
      if (processingStatus === 'WaitingForTransfer' && COMPANIES.includes(companyCode)) approved.add(invoiceId)
  }
  /** Runs until nothing moves any more and nobody is asked. */
  const settle = async (): Promise<void> => {
    for (let round = 0; round < MOST_ROUNDS; round++) {
      runs.push(await run())
      if (await accountant.attend()) continue
      if (await isQuiet(editor, door)) return
      const quiet = async () => ((await isQuiet(editor, door)) ? true : undefined)
      await until('what is under way', quiet, { seconds: 30, everyMs: 500 }).catch(() => undefined)
    }
  }

  // A month is closed in X3: what belongs to it is for a person.
  await sandbox.act('x3', 'closeBefore', { date: closedBefore(today) })
  await notice()
  await settle()
  for (let day = 0; day < options.days; day++) {
    await sandbox.day()
    await notice()
    await settle()
  }
  // Each further invoice is asked, acknowledged, posted and answered: a few are enough for what was not met yet.
  await meetFaults(
    async () => (await sandbox.state()).faults.pending,
    async () => {
      for (const like of ['coded by hand', 'matched order']) await sandbox.act('basware', 'approve', { count: 4, like })
      await notice()
      await settle()
    },
  )
  await sandbox.finish()
  await settle()

  const held = (await editor.call('GET', `/tieout/held?ledger=${door.ledger}&limit=1000`)) as readonly HeldRecord[]
  const compare = comparePostings({
    // as Basware's masters were made: on their first day
    books: createBooks({ ...options, today, now: () => 0 }),
    seed: options.seed,
    approved,
    invoices: await invoices(),
    posted: (await vouchersIn(sandbox)) as readonly Posted[],
    held: new Map(held.map(({ key, cause }) => [key.split('|')[1] ?? '', cause.code])),
  })
  const state = await sandbox.state()
  for (const example of compare.examples) say(`  ${example}`)
  say(
    `Compared ${compare.invoices} approved invoices with ${compare.journals} journals: ${compare.posted} posted once and answered, ${compare.held} held, ${compare.missing} missing, ${compare.extra} extra, ${compare.different} different`,
  )
  for (const [code, count] of Object.entries(countBy(held.map(({ cause }) => cause.code))))
    say(`  held: ${count} ${code}`)
  if (state.faults.pending.length > 0) say(`Faults that were not met: ${state.faults.pending.join(', ')}`)
  if (options.json) {
    const { examples: _, ...counts } = compare
    say(
      JSON.stringify({
        flow: options.flow,
        entities: countEntities(runs),
        compare: counts,
        answers: accountant.answers,
        verdict: runs.at(-1)?.verdict,
        faults: state.faults.met,
        seconds: Math.round((Date.now() - began) / 100) / 10,
        peakRssMb: editor.child.peakRssMb(),
        requests: state.requests.basware,
        posts: state.requests.x3,
      }),
    )
  }
  return state.faults.pending.length === 0 &&
    compare.posted > 0 &&
    compare.missing + compare.extra + compare.different === 0
    ? 0
    : 1
}

/** No attempt is open or in doubt, and every answer is confirmed. What is held stays where it is. */
async function isQuiet(editor: Editor, { ledger, sync }: Entrance): Promise<boolean> {
  await editor.call('POST', '/tieout/posting/look', { ledger, sync })
  const { attempts, inbox } = (await editor.call('GET', `/tieout/postings?ledger=${ledger}&limit=1000`)) as {
    readonly attempts: readonly unknown[]
    readonly inbox: readonly { readonly state: string }[]
  }
  return attempts.length === 0 && !inbox.some(({ state }) => state === 'answered')
}

/** The first day of the month before the last. */
function closedBefore(today: string): string {
  const [year = 0, month = 0] = today.split('-').map(Number)
  return new Date(Date.UTC(year, month - 3, 1)).toISOString().slice(0, 10)
}

function countBy(texts: readonly string[]): Record<string, number> {
  const counts: Record<string, number> = {}
  for (const text of texts) counts[text] = (counts[text] ?? 0) + 1
  return counts
}
