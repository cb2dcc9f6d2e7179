/** Marks of several entities end up in one table: what comes while one statement writes there is written by the next, together. */

import type { Mark, WriteContext } from '../../sync/contract/target.ts'
import { createFifo } from '../../sync/values/queue.ts'
import { askTogether } from './ask-together.ts'

interface ToWrite {
  readonly mark: Mark
  readonly context: WriteContext
}

/** Resolves when the mark is in. */
export type MarkWriter<T> = (mark: T) => Promise<void>

/** Fits any warehouse's limit on the parameters of a statement (Databricks: 256). */
const MOST_MARKS = 25

/** `write` gets marks of one run and of one table of marks (`placeOf`), never two at a time: a run would conflict with itself. */
export function writeMarksTogether<T extends ToWrite>(
  placeOf: (mark: T) => string,
  write: (marks: readonly [T, ...T[]]) => Promise<void>,
): MarkWriter<T> {
  const line = createFifo()
  const together = askTogether<T, void>(
    async (marks) => {
      for (const some of Map.groupBy(marks, placeOf).values())
        for (let at = 0; at < some.length; at += MOST_MARKS) await write(some.slice(at, at + MOST_MARKS) as [T, ...T[]])
      return marks.map(() => undefined)
    },
    // a run that was stopped stops only its own marks
    ({ context }) => context.signal,
    (work) => line.run('', work),
  )
  return together
}
