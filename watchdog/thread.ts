/** The watchdog's own thread. It writes to the error stream by itself: the main thread, which would, does not turn. */
import { writeSync } from 'node:fs'
import { workerData } from 'node:worker_threads'

const { shared, seconds, turnMs } = workerData as {
  readonly shared: Int32Array
  readonly seconds: number
  readonly turnMs: number
}

let last = -1
let still = 0

setInterval(() => {
  const turns = Atomics.load(shared, 0)
  still = turns === last && Atomics.load(shared, 1) === 0 ? still + 1 : 0
  last = turns
  if (still * turnMs < seconds * 1000) return
  writeSync(
    2,
    `[tieout] Nothing has turned for ${seconds} s (TIEOUT_FROZEN_SECONDS): the process ends, so that it can be started again. What is settled is kept.\n`,
  )
  process.kill(process.pid, 'SIGKILL')
}, turnMs)
