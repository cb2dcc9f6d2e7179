/** Further runs of a demo, for faults that its days left no request for. */

/** So many runs in a row may meet none of what is left: some faults are played only when others are over. */
const FRUITLESS = 6

/**
 * Runs for as long as that meets faults. How many runs it takes depends on the books: what a run sends once, such as a
 * sign-in or a file, can only fail a few times in it. What is left in the end no request of the flow meets.
 */
export async function meetFaults(
  pending: () => Promise<readonly string[]>,
  run: () => Promise<unknown>,
): Promise<void> {
  let left = await pending()
  for (let fruitless = 0; left.length > 0 && fruitless < FRUITLESS; ) {
    await run()
    const now = await pending()
    fruitless = now.join() === left.join() ? fruitless + 1 : 0
    left = now
  }
}
