/** Waits for a condition instead of sleeping and gives what it answered; fails with what it waited for. */
export function waitFor<T>(
  condition: () => T | Promise<T>,
  { timeout = 50_000, what = 'the condition' }: { timeout?: number; what?: string } = {},
): Promise<NonNullable<T>> {
  const end = Date.now() + timeout
  return new Promise((resolve, reject) => {
    const check = async () => {
      try {
        const answer = await condition()
        if (answer) return resolve(answer)
      } catch (error) {
        return reject(error)
      }
      if (Date.now() > end) return reject(new Error(`waited ${timeout} ms for ${what}`))
      setTimeout(check, 5)
    }
    void check()
  })
}
