/** What several ask at the same time, answered together: one statement in the place of many. */

/**
 * `answer` gets the questions of one kind and gives an answer for each, in their order; what it throws is thrown to all who
 * asked. Questions are gathered until `begin` runs the work: by default when all that goes on at this moment has asked.
 */
export function askTogether<Q, A>(
  answer: (questions: readonly Q[]) => Promise<readonly A[]>,
  kindOf: (question: Q) => unknown,
  begin: (work: () => Promise<void>) => unknown = setImmediate,
): (question: Q) => Promise<A> {
  interface Asked {
    readonly question: Q
    readonly resolve: (answer: A) => void
    readonly reject: (error: unknown) => void
  }
  const waiting = new Map<unknown, Asked[]>()
  const send = async (kind: unknown): Promise<void> => {
    const together = waiting.get(kind) ?? []
    waiting.delete(kind)
    try {
      const answers = await answer(together.map(({ question }) => question))
      for (const [i, { resolve }] of together.entries()) resolve(answers[i] as A)
    } catch (error) {
      for (const { reject } of together) reject(error)
    }
  }
  return (question) =>
    new Promise((resolve, reject) => {
      const kind = kindOf(question)
      const together = waiting.get(kind)
      if (together) together.push({ question, resolve, reject })
      else {
        waiting.set(kind, [{ question, resolve, reject }])
        begin(() => send(kind))
      }
    })
}
