/** How often a password may be tried: five wrong ones in ten minutes, for each name and address, then none for a while. */
const WINDOW_MS = 600_000
const MOST_WRONG = 5
/** So many names and addresses are remembered; the oldest go first. */
const MOST = 10_000

export interface Attempts {
  /** May it be tried? What is refused does not prolong the wait. */
  allowed(name: string, address: string): boolean
  failed(name: string, address: string): void
  succeeded(name: string, address: string): void
}

export function countAttempts(now: () => number = Date.now): Attempts {
  const wrong = new Map<string, number[]>()
  const keyOf = (name: string, address: string): string => JSON.stringify([name, address])
  const recent = (key: string): number[] => (wrong.get(key) ?? []).filter((at) => at > now() - WINDOW_MS)
  return {
    allowed: (name, address) => recent(keyOf(name, address)).length < MOST_WRONG,
    failed(name, address) {
      const key = keyOf(name, address)
      const times = [...recent(key), now()]
      wrong.delete(key)
      wrong.set(key, times)
      const [oldest] = wrong.keys()
      if (wrong.size > MOST && oldest !== undefined) wrong.delete(oldest)
    },
    succeeded: (name, address) => void wrong.delete(keyOf(name, address)),
  }
}
