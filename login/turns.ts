/** Work of which only so much goes on at a time; the rest waits, in order. */
export interface Turns {
  run<T>(work: () => Promise<T>): Promise<T>
  /** How much waits. */
  waiting(): number
}

export function turns(most: number): Turns {
  const queue: (() => void)[] = []
  let going = 0
  return {
    async run(work) {
      if (going < most) going++
      else await new Promise<void>((resolve) => queue.push(resolve))
      try {
        return await work()
      } finally {
        // The place goes to the next one as it is.
        const next = queue.shift()
        if (next) next()
        else going--
      }
    },
    waiting: () => queue.length,
  }
}
