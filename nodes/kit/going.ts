/** Whether a source's run goes on, as the others of its ledger see it. */
import type { waitKeeper } from '../../sync/contract/wait.ts'
import type { Member } from './members.ts'

interface Run {
  readonly going?: AbortController
  readonly since?: string
  readonly waits?: ReturnType<typeof waitKeeper>
}

export const goingOf = (run: () => Run): Pick<Member, 'running' | 'going'> => ({
  running: () => run().going !== undefined,
  going() {
    const { going, since, waits } = run()
    const wait = waits?.current()
    return going && since ? { since, ...(wait && { wait }) } : undefined
  },
})
