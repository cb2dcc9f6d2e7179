import type { IntacctSettings } from './options.ts'

/** Lets so many requests of a company work at once; the others wait in line. */
export interface Queue {
  /** Gives back how to leave; undefined where the wait was too long. */
  enter(): Promise<(() => void) | undefined>
  /** The most that were there at once, waiting ones included. */
  most(): number
}

export function createQueue(settings: () => Pick<IntacctSettings, 'concurrent' | 'queueMs'>): Queue {
  const waiting: ((entered: boolean) => void)[] = []
  let inside = 0
  let most = 0

  function leave(): void {
    const next = waiting.shift()
    if (next) next(true)
    else inside--
  }

  return {
    async enter() {
      most = Math.max(most, inside + waiting.length + 1)
      if (inside < settings().concurrent) {
        inside++
        return leave
      }
      const entered = await new Promise<boolean>((resolve) => {
        const timer = setTimeout(() => {
          waiting.splice(waiting.indexOf(next), 1)
          resolve(false)
        }, settings().queueMs)
        const next = (yes: boolean): void => {
          clearTimeout(timer)
          resolve(yes)
        }
        waiting.push(next)
      })
      return entered ? leave : undefined
    },
    most: () => most,
  }
}
