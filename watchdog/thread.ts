/** The watchdog's own thread. It writes to the error stream by itself: the main thread, which would, does not turn. */
import { writeSync } from 'node:fs'
import { workerData } from 'node:worker_threads'
import { frozenAfter } from './frozen.ts'

const { shared, seconds, turnMs } = workerData as {
  readonly shared: Int32Array
  readonly seconds: number
  readonly turnMs: number
}

const isFrozen = frozenAfter(Math.ceil((seconds * 1000) / turnMs))

setInterval(() => {
  if (!isFrozen(Atomics.load(shared, 0), Atomics.load(shared, 1) > 0)) return
  writeSync(
    2,
    `[tieout] Nothing has turned for ${seconds} s (TIEOUT_FROZEN_SECONDS): the process ends, so that it can be started again. What is settled is kept.\n`,
  )
  process.kill(process.pid, 'SIGKILL')
}, turnMs)
