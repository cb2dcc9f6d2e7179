/** Puts posting together: the batches of sinks that post, what follows without a run, and what people decide. */
import type { AnsweringSource, PostingDesk, PostingSink } from '../contract/engine.ts'
import type { PostWork } from '../delivering/deliver.ts'
import { createAnswers } from './answers.ts'
import { asker } from './asker.ts'
import type { PostingDeps } from './deps.ts'
import { createDesk } from './desk.ts'
import { givingBack } from './desk-held.ts'
import { createFollowed } from './follow.ts'
import { createSources } from './sources.ts'
import { createPostWork } from './work.ts'

export interface Postings {
  readonly work: PostWork
  readonly desk: PostingDesk
  attendSink(sink: PostingSink): () => void
  attendSource(source: AnsweringSource): () => void
  /** The sync's source answers. */
  answers(sync: string): boolean
  close(): Promise<void>
}

export function createPostings(deps: PostingDeps): Postings {
  const sources = createSources()
  const answers = createAnswers(deps)
  const inHand = new Set<string>()
  const followed = createFollowed(deps, { sources, answers, inHand })
  return {
    work: createPostWork(deps, {
      ...{ sources, answers, followed, inHand },
      giveBack: givingBack(deps, asker(deps, { followed, inHand })),
    }),
    desk: createDesk(deps, { followed, inHand }),
    attendSink: followed.attend,
    attendSource(source) {
      const leave = sources.attend(source)
      followed.wake()
      return leave
    },
    answers: (sync) => sources.names().includes(sync),
    close: followed.close,
  }
}
