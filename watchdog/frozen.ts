/**
 * Tells at each turn of the watchdog's own thread whether the main thread has stood still for so many turns of it. A machine that
 * slept, or a process that was paused, has missed these turns too: only those are counted in which the other could have turned.
 */
export function frozenAfter(most: number): (turns: number, isBusy: boolean) => boolean {
  let last = -1
  let still = 0
  return (turns, isBusy) => {
    still = turns === last && !isBusy ? still + 1 : 0
    last = turns
    return still >= most
  }
}
