/** Waits for a condition instead of sleeping; fails with what it waited for. */
export function waitFor(
  condition: () => unknown,
  { timeout = 5000, what = 'the condition' }: { timeout?: number; what?: string } = {},
): Promise<void> {
  const end = Date.now() + timeout
  return new Promise((resolve, reject) => {
    const check = async () => {
      try {
        if (await condition()) return resolve()
      } catch (error) {
        return reject(error)
      }
      if (Date.now() > end) return reject(new Error(`waited ${timeout} ms for ${what}`))
      setTimeout(check, 5)
    }
    void check()
  })
}
