/** Runs of a flow that posts, until nothing moves any more and nobody is asked. */
import type { Accountant } from './accountant.ts'
import type { Editor } from './editor.ts'
import type { Entrance } from './job.ts'
import { until } from './process.ts'

/** More than any invoice needs: each run posts what it can, and the person answers what it cannot. */
const MOST_ROUNDS = 25

export async function settlePostings(given: {
  readonly editor: Pick<Editor, 'call'>
  readonly door: Entrance
  readonly accountant: Accountant
  readonly run: () => Promise<unknown>
}): Promise<void> {
  const { editor, door, accountant, run } = given
  const quiet = async () => ((await isQuiet(editor, door)) ? true : undefined)
  for (let round = 0; round < MOST_ROUNDS; round++) {
    await run()
    if (await accountant.attend()) continue
    if (await quiet()) return
    await until('what is under way', quiet, { seconds: 30, everyMs: 500 }).catch(() => undefined)
  }
}

/** No attempt is open or in doubt, and every answer is confirmed. What is held stays where it is. */
async function isQuiet(editor: Pick<Editor, 'call'>, { ledger, sync }: Entrance): Promise<boolean> {
  await editor.call('POST', '/tieout/posting/look', { ledger, sync })
  const { attempts, inbox } = (await editor.call('GET', `/tieout/postings?ledger=${ledger}&limit=1000`)) as {
    readonly attempts: readonly unknown[]
    readonly inbox: readonly { readonly state: string }[]
  }
  return attempts.length === 0 && !inbox.some(({ state }) => state === 'answered')
}
