/** The sources that answer, by their syncs: the first witness of each post, and who is told what became of it. */
import type { AnsweringSource } from '../contract/engine.ts'
import { syncError } from '../contract/errors.ts'
import type { Source } from '../contract/source.ts'

/** A source that can be asked and told. */
export type Answering = Source & Required<Pick<Source, 'stillOurs' | 'answer'>>

export interface Sources {
  attend(source: AnsweringSource): () => void
  names(): readonly string[]
  /** Throws `sync.post-source` where the sync has no source that answers. */
  with<T>(sync: string, signal: AbortSignal, work: (source: Answering) => Promise<T>): Promise<T>
}

export function createSources(): Sources {
  const all = new Map<string, AnsweringSource>()
  return {
    attend(source) {
      all.set(source.sync, source)
      return () => {
        if (all.get(source.sync) === source) all.delete(source.sync)
      }
    },
    names: () => [...all.keys()],
    async with(sync, signal, work) {
      const source = await all.get(sync)?.open(signal)
      try {
        if (!source?.stillOurs || !source.answer) throw noAnswers(sync)
        return await work(source as Answering)
      } finally {
        await source?.close?.()
      }
    },
  }
}

export const noAnswers = (sync: string) =>
  syncError(
    'config',
    'sync.post-source',
    `The source of the sync "${sync}" cannot be asked whether a record still waits.`,
    {
      hint: 'What is posted cannot be taken back. Wire the sink behind a source that keeps its documents until they are answered, such as basware-poll, and deploy both.',
    },
  )
