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
  let entries: Entry[] = []
  let doing: number | undefined
  const moment = (): number => doing ?? now()

  function work(until: number): void {
    for (;;) {
      const next = entries.reduce<Entry | undefined>(
        (first, entry) => (entry.at <= until && (first === undefined || entry.at < first.at) ? entry : first),
        undefined,
      )
      if (!next) return
      entries = entries.filter((entry) => entry !== next)
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
      if (ms <= 0) run()
      else entries.push({ at: moment() + ms, run })
    },
    settle: () => work(now()),
    finish: () => work(Number.POSITIVE_INFINITY),
  }
}
