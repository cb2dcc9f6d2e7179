/** What a stretch of work costs the process that does it. */
import { readFileSync } from 'node:fs'

export interface Cost {
  /** Seconds by the clock. */
  readonly wall: number
  /** Seconds of all threads of the process, in user and system mode. */
  readonly cpu: number
  /** Of them those of the main thread; the rest collects garbage, compiles and compresses. */
  readonly main: number
}

/** Begins to measure; the function that it gives ends it. */
export function measure(): () => Cost {
  const began = performance.now()
  const before = process.cpuUsage()
  const mainBefore = process.threadCpuUsage()
  return () => {
    const { user, system } = process.cpuUsage(before)
    const main = process.threadCpuUsage(mainBefore)
    return {
      wall: (performance.now() - began) / 1000,
      cpu: (user + system) / 1e6,
      main: (main.user + main.system) / 1e6,
    }
  }
}

/** Greatest resident memory of this process so far in MB, as Linux counts it. */
export function peakRssMb(): number {
  const status = readFileSync('/proc/self/status', 'utf8')
  return Math.ceil(Number(/VmHWM:\s+(\d+)/.exec(status)?.[1] ?? Number.NaN) / 1024)
}

/** Resident memory of this process now, in MB. */
const rssMb = (): number => Math.ceil(process.memoryUsage.rss() / 2 ** 20)

/** Collects garbage and looks at resident memory from now on; the function that it gives ends it. MB. */
export function watchMemory(): () => { readonly idleMb: number; readonly peakMb: number } {
  global.gc?.()
  const idleMb = rssMb()
  let peakMb = idleMb
  const watch = setInterval(() => {
    peakMb = Math.max(peakMb, rssMb())
  }, 20)
  return () => {
    clearInterval(watch)
    return { idleMb, peakMb }
  }
}

export function median(values: readonly number[]): number {
  const sorted = [...values].sort((a, b) => a - b)
  const middle = sorted.length >> 1
  const upper = sorted[middle] ?? Number.NaN
  return sorted.length % 2 === 1 ? upper : ((sorted[middle - 1] ?? Number.NaN) + upper) / 2
}
