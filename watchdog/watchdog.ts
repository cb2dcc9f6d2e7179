/**
 * Ends a process whose main thread has stopped turning, so that whoever runs it starts it again. A thread of its own looks, and
 * counts its own turns: a machine that slept, or a process that was paused, has missed them too and is not taken for frozen.
 */
import { Worker } from 'node:worker_threads'

const TURN_MS = 1000
/** Places of the shared memory: turns of the main thread, and how much work goes on there that may take long. */
const TURNS = 0
const BUSY = 1

const shared = new Int32Array(new SharedArrayBuffer(8))

/** Seconds without a turn after which the process ends, from TIEOUT_FROZEN_SECONDS: 120 where nothing is set, 0 switches it off. */
export function frozenSeconds(text: string | undefined): number {
  const seconds = text === undefined || text.trim() === '' ? 120 : Number(text)
  if (!Number.isInteger(seconds) || seconds < 0)
    throw new Error(`TIEOUT_FROZEN_SECONDS: "${text}" is no whole number of seconds; 0 switches the watchdog off.`)
  return seconds
}

/** Begins to watch; once for a process. */
export function startWatchdog(seconds: number): void {
  if (seconds === 0) return
  setInterval(() => Atomics.add(shared, TURNS, 1), TURN_MS).unref()
  new Worker(new URL(import.meta.url.replace(/watchdog(\.[jt]s)$/, 'thread$1')), {
    workerData: { shared, seconds, turnMs: TURN_MS },
    stdout: false,
  })
    .on('error', (error) => console.warn(`[tieout] The watchdog ended: ${error.message}`))
    .unref()
}

/** Work that may hold the main thread for long, and must not be cut off: a migration, a backup. */
export async function whileBusy<T>(work: () => Promise<T>): Promise<T> {
  Atomics.add(shared, BUSY, 1)
  try {
    return await work()
  } finally {
    Atomics.sub(shared, BUSY, 1)
  }
}
