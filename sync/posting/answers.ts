/** Tells sources what became of their records, until they have confirmed it. */
import type { Unanswered } from '../../ledger/ledger.ts'
import { asSyncError } from '../contract/errors.ts'
import type { Answer } from '../contract/posting.ts'
import type { PostingDeps } from './deps.ts'
import type { Answering } from './sources.ts'

/** A document that is acknowledged and not confirmed for longer needs a person. */
const LONGEST_MS = 24 * 3_600_000

export interface Answers {
  /** What fails is told again later; only an alert of the source is for a person. Throws what the ledger throws, and when stopped. */
  give(sync: string, source: Answering, signal: AbortSignal): Promise<void>
}

export function createAnswers({ ledger, log, now, newId }: PostingDeps): Answers {
  const give = async (sync: string, source: Answering, signal: AbortSignal): Promise<void> => {
    const open = await ledger.unanswered(sync, source.address)
    if (open.length > 0) await tell(sync, source, open, signal)
    else await ledger.clearAlerts({ sync, kind: 'answer' })
    await tellOverdue(sync, source.address)
  }

  const tell = async (sync: string, source: Answering, open: readonly Unanswered[], signal: AbortSignal) => {
    const fresh = new Map(open.filter(({ answerId }) => answerId === null).map(({ key }) => [key, newId()]))
    // First in the ledger: an answer whose reply is lost is given again under the same id.
    if (fresh.size > 0) await ledger.beginAnswers(source.address, fresh)
    const answers = open.map(
      ({ key, answerId, answered, say }): Answer => ({
        ...{ key, answered, say },
        answerId: answerId ?? (fresh.get(key) as string),
      }),
    )
    let told: Awaited<ReturnType<Answering['answer']>>
    try {
      told = await source.answer(answers, signal)
    } catch (error) {
      signal.throwIfAborted()
      log.warn(
        `${sync}: ${answers.length} answer(s) could not be given, and are given again later: ${asSyncError(error).message}`,
      )
      return
    }
    const alerts: string[] = []
    const moved = new Map<string, 'answered' | 'confirmed'>()
    for (const { key, answered } of answers) {
      const became = told.get(key)
      if (typeof became === 'object') alerts.push(`${key}: ${became.alert}`)
      else if (became === 'confirmed' || (became && !answered)) moved.set(key, became)
    }
    if (moved.size > 0) await ledger.saveAnswers(source.address, moved)
    const about = { sync, kind: 'answer' }
    if (alerts.length > 0) await ledger.raiseAlert({ ...about, message: few(alerts) })
    else await ledger.clearAlerts(about)
  }

  const tellOverdue = async (sync: string, source: string) => {
    const before = new Date(Date.parse(now()) - LONGEST_MS).toISOString()
    const late = await ledger.overdue(sync, source, before)
    const about = { sync, kind: 'unanswered' }
    if (late.length === 0) await ledger.clearAlerts(about)
    else
      await ledger.raiseAlert({
        ...about,
        message: `${late.length} document(s) were acknowledged more than a day ago and are not answered: ${few(late)}. See what holds them.`,
      })
  }

  return { give }
}

const MOST = 10

const few = (texts: readonly string[]): string =>
  texts.length <= MOST ? texts.join('; ') : `${texts.slice(0, MOST).join('; ')}; and ${texts.length - MOST} more`
