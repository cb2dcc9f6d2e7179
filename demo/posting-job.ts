/** The job of a flow that posts: run, attended to by a person, run again day after day, and set against Basware and X3. */
import { createBooks } from '../sandbox/books/books.ts'
import type { RunSummary } from '../sync/contract/summary.ts'
import { type Accountant, createAccountant, vouchersIn } from './accountant.ts'
import { comparePostings, type Posted } from './compare-postings.ts'
import type { Editor } from './editor.ts'
import { COMPANIES } from './ends/basware.ts'
import type { Invoice } from './expected-postings.ts'
import { meetFaults } from './further.ts'
import type { Entrance } from './job.ts'
import type { DemoOptions } from './options.ts'
import { countEntities, describeHeld } from './report.ts'
import type { Sandbox } from './sandbox.ts'
import { settlePostings } from './settle-postings.ts'

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

/** Gives the exit code. */
export async function postingJob(given: Given): Promise<number> {
  const { options, sandbox, editor, run, door, today, say } = given
  const began = Date.now()
  const accountant = createAccountant({ editor, say, as: () => (options.drafts ? 'draft' : 'final') }, door)
  const approved = new Set<string>()
  const runs: RunSummary[] = []
  const invoices = async (): Promise<readonly Invoice[]> =>
    ((await sandbox.act('basware', 'documents')) as { p2p: readonly Invoice[] }).p2p
  const notice = async (): Promise<void> => {
    for (const { invoiceId, processingStatus, companyCode } of await invoices())
      if (processingStatus === 'WaitingForTransfer' && COMPANIES.includes(companyCode)) approved.add(invoiceId)
  }
  let finalised = 0
  const settle = async (): Promise<void> => {
    const round = { editor, door, accountant, run: async () => void runs.push(await run()) }
    await settlePostings(round)
    if (!options.drafts) return
    finalised += ((await sandbox.act('x3', 'finaliseAll')) as { final: readonly string[] }).final.length
    await settlePostings(round)
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

  return judge(given, { began, approved, runs, finalised, answers: accountant.answers, invoices: await invoices() })
}

interface Done {
  readonly began: number
  readonly approved: ReadonlySet<string>
  readonly runs: readonly RunSummary[]
  /** Drafts that X3's accountant made final. */
  readonly finalised: number
  readonly answers: Accountant['answers']
  readonly invoices: readonly Invoice[]
}

/** Sets what was done against Basware and X3, and tells it. Gives the exit code. */
async function judge({ options, sandbox, editor, door, today, say }: Given, done: Done): Promise<number> {
  const { began, approved, runs, finalised, answers, invoices } = done
  const held = (await editor.call('GET', `/tieout/held?ledger=${door.ledger}&limit=1000`)) as readonly HeldRecord[]
  const compare = comparePostings({
    // as Basware's masters were made: on their first day
    books: createBooks({ ...options, today, now: () => 0 }),
    seed: options.seed,
    approved,
    invoices,
    posted: (await vouchersIn(sandbox)) as readonly Posted[],
    held: new Map(held.map(({ key, cause }) => [key.split('|')[1] ?? '', cause.code])),
  })
  const state = await sandbox.state()
  const late = (await sandbox.act('x3', 'lateCommits')) as readonly { readonly looks: number }[]
  // Committed when the client had given up, and had looked for it in vain.
  const lateAfterLook = late.filter(({ looks }) => looks > 0).length
  for (const example of compare.examples) say(`  ${example}`)
  say(
    `Compared ${compare.invoices} approved invoices with ${compare.journals} journals: ${compare.posted} posted once and answered, ${compare.held} held, ${compare.missing} missing, ${compare.extra} extra, ${compare.different} different`,
  )
  for (const line of describeHeld(held)) say(line)
  say(`X3 committed ${late.length} after the time-out, ${lateAfterLook} of them after the first look-up`)
  if (options.drafts) say(`X3's accountant made ${finalised} drafts final`)
  if (state.faults.pending.length > 0) say(`Faults that were not met: ${state.faults.pending.join(', ')}`)
  if (options.json) {
    const { examples: _, ...counts } = compare
    say(
      JSON.stringify({
        flow: options.flow,
        entities: countEntities(runs),
        compare: counts,
        answers,
        late: { commits: late.length, afterLook: lateAfterLook },
        ...(options.drafts && { finalised }),
        verdict: runs.at(-1)?.verdict,
        faults: state.faults.met,
        seconds: Math.round((Date.now() - began) / 100) / 10,
        peakRssMb: editor.child.peakRssMb(),
        requests: state.requests.basware,
        posts: state.requests.x3,
      }),
    )
  }
  const isWell =
    state.faults.pending.length === 0 &&
    compare.posted > 0 &&
    compare.missing + compare.extra + compare.different === 0 &&
    (options.faults !== 'hostile' || options.door === 'cloud' || lateAfterLook > 0) &&
    finalised > 0 === options.drafts
  return isWell ? 0 : 1
}

/** The first day of the month before the last. */
export function closedBefore(today: string): string {
  const [year = 0, month = 0] = today.split('-').map(Number)
  return new Date(Date.UTC(year, month - 3, 1)).toISOString().slice(0, 10)
}
