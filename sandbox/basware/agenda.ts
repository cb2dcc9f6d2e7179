/** What comes later, when its time has come and somebody looks: no timers, so that a test's clock decides. */
export interface Agenda {
  after(ms: number, run: () => void): void
  /** Does what is due, in the order of its time. */
  settle(): void
  /** Does everything, due or not. */
  finish(): void
}

export function createAgenda(now: () => number): Agenda {
  let entries: { readonly at: number; readonly run: () => void }[] = []

  function work(until: number): void {
    for (;;) {
      const next = entries.reduce<(typeof entries)[number] | undefined>(
        (first, entry) => (entry.at <= until && (first === undefined || entry.at < first.at) ? entry : first),
        undefined,
      )
      if (!next) return
      entries = entries.filter((entry) => entry !== next)
      next.run()
    }
  }

  return {
    after(ms, run) {
      if (ms <= 0) run()
      else entries.push({ at: now() + ms, run })
    },
    settle: () => work(now()),
    finish: () => work(Number.POSITIVE_INFINITY),
  }
}
