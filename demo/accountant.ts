/**
 * The person of a flow that posts: lets a new ledger begin, chooses drafts or final vouchers, and answers what only a person can, by
 * the guarded routes that a user has. He looks into X3 before he answers. Every answer is told with its reason, and counted.
 */
import type { Editor } from './editor.ts'
import type { Entrance } from './job.ts'
import type { Sandbox } from './sandbox.ts'

interface Listed {
  readonly places: readonly {
    readonly sync: string
    readonly entity: string
    readonly address: string
    readonly started: unknown
    readonly final: boolean
  }[]
  readonly attempts: readonly {
    readonly id: string
    readonly state: 'open' | 'in-doubt'
    readonly key: string
    readonly sync: string
  }[]
  readonly inbox: readonly {
    readonly source: string
    readonly key: string
    readonly state: string
    readonly acknowledging: string | null
  }[]
}

/** A voucher as X3 shows it. */
export interface Voucher {
  readonly key: string
  readonly status: 'temporary' | 'final'
  readonly header: Readonly<Record<string, string>>
}

export interface Accountant {
  /** Answers what is asked now; whether anything was. */
  attend(): Promise<boolean>
  /** What was answered so far, by kind. */
  readonly answers: Readonly<Record<string, number>>
}

const TESTS = 5
const UNCLEAR = /no clear answer/
const REASONS = { draft: 'everything is to be looked through first', final: 'the drafts were looked through' } as const

export function createAccountant(
  {
    editor,
    say,
    as = () => 'final',
  }: {
    readonly editor: Pick<Editor, 'call'>
    readonly say: (text: string) => void
    /** What is to be posted from now on. */
    readonly as?: () => 'draft' | 'final'
  },
  { ledger }: Entrance,
): Accountant {
  const answers: Record<string, number> = {}
  const decide = async (kind: string, path: string, body: object, reason: string): Promise<void> => {
    const { message } = (await editor.call('POST', `/tieout/${path}`, {
      ledger,
      ...body,
      reason,
    })) as { message: string }
    answers[kind] = (answers[kind] ?? 0) + 1
    say(`  person: ${kind}, since ${reason}: ${message}`)
  }

  /** A test whose draft X3 did not answer clearly is made again. */
  async function test(place: object): Promise<void> {
    for (let left = TESTS; ; left--)
      try {
        return await decide('test posting', 'posting/test', place, 'the look-up must find what it posts')
      } catch (error) {
        if (left <= 1 || !(error instanceof Error) || !UNCLEAR.test(error.message)) throw error
        say(`  person: tests again (${error.message})`)
      }
  }

  async function begin(places: Listed['places']): Promise<boolean> {
    const wanted = as()
    const fresh = places.filter(({ started, final }) => started === null || final !== (wanted === 'final'))
    for (const { sync, entity, address, started, final } of fresh) {
      const place = { sync, entity, address }
      if (started === null) {
        await test(place)
        await decide('start', 'posting/start', place, 'this ledger is the first one')
      }
      if (final !== (wanted === 'final')) await decide(wanted, 'posting/as', { ...place, as: wanted }, REASONS[wanted])
    }
    return fresh.length > 0
  }

  /** An invoice whose supplier's number stands in X3 was posted; one that is nowhere was not. */
  async function settle(attempts: Listed['attempts']): Promise<boolean> {
    const doubted = attempts.filter(({ state }) => state === 'in-doubt')
    if (doubted.length === 0) return false
    for (const { id, key } of doubted) {
      const answer = await decide(
        'post once more',
        'posting/settle',
        { attempt: id, as: 'again' },
        `${key} does not stand in X3`,
      ).then(
        () => undefined,
        (error: Error) => error,
      )
      // It came in the end: what was refused says that it stands there.
      if (answer)
        await decide('stands there', 'posting/settle', { attempt: id, as: 'posted' }, `${key} stands in X3`).catch(
          (error: Error) => say(`  person: ${key} waits (${error.message})`),
        )
    }
    return true
  }

  async function claim(inbox: Listed['inbox']): Promise<boolean> {
    const asked = inbox.filter(({ state }) => state === 'asked')
    for (const { source, key, acknowledging } of asked)
      await (acknowledging === null
        ? decide('not ours', 'inbox/settle', { source, key, as: 'not-ours' }, 'somebody else took it over')
        : decide('ours', 'inbox/settle', { source, key, as: 'ours' }, 'we had begun to acknowledge it'))
    return asked.length > 0
  }

  return {
    answers,
    async attend() {
      const { places, attempts, inbox } = (await editor.call(
        'GET',
        `/tieout/postings?ledger=${ledger}&limit=1000`,
      )) as Listed
      const done = [await begin(places), await settle(attempts), await claim(inbox)]
      return done.includes(true)
    },
  }
}

/** What was posted to X3, as its accountant sees it. */
export const vouchersIn = (sandbox: Sandbox): Promise<readonly Voucher[]> =>
  sandbox.act('x3', 'posted') as Promise<readonly Voucher[]>
