/** What comes later, when its time has come and somebody looks: no timers, so that a test's clock decides. */
export interface Agenda {
  /** The time, or while something that was due is done, when it was. */
  moment(): number
  after(ms: number, run: () => void): void
  /** Does what is due, in the order of its time. */
  settle(): void
  /** Does everything, due or not. */
  finish(): void
}

interface Entry {
  readonly at: number
  readonly run: () => void
}

export function createAgenda(now: () => number): Agenda {
  /** By their time; those of one moment in the order in which they came. */
  const entries: Entry[] = []
  let doing: number | undefined
  const moment = (): number => doing ?? now()

  function work(until: number): void {
    for (let next = entries[0]; next !== undefined && next.at <= until; next = entries[0]) {
      entries.shift()
      doing = Math.min(next.at, now())
      try {
        next.run()
      } finally {
        doing = undefined
      }
    }
  }

  return {
    moment,
    after(ms, run) {
      if (ms <= 0) {
        run()
        return
      }
      const at = moment() + ms
      entries.splice(entries.findLastIndex((entry) => entry.at <= at) + 1, 0, { at, run })
    },
    settle: () => work(now()),
    finish: () => work(Number.POSITIVE_INFINITY),
  }
}
