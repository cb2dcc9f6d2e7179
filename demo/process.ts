/** Child processes of the demo: started, listened to, ended. */
import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { readFileSync } from 'node:fs'
import { createServer } from 'node:net'

export interface Child {
  readonly process: ChildProcess
  /** Text of both streams so far, the last 64 kB. */
  output(): string
  /** Greatest resident memory so far in MB; 0 where the system does not tell. */
  peakRssMb(): number
  /** Ends it: SIGTERM, and SIGKILL after ten seconds. */
  stop(): Promise<void>
}

/** Starts a Node script with this very Node. `watched` sees each chunk of its standard output. */
export function startNode(args: readonly string[], env: NodeJS.ProcessEnv, watched?: (chunk: string) => void): Child {
  const child = spawn(process.execPath, [...args], { env, stdio: ['pipe', 'pipe', 'pipe'] })
  let text = ''
  const keep = (chunk: string): void => {
    text = (text + chunk).slice(-65_536)
  }
  child.stdout.setEncoding('utf8').on('data', (chunk: string) => {
    keep(chunk)
    watched?.(chunk)
  })
  child.stderr.setEncoding('utf8').on('data', keep)
  let peak = 0
  const sample = (): number => {
    try {
      const status = readFileSync(`/proc/${child.pid}/status`, 'utf8')
      peak = Math.max(peak, Math.ceil(Number(/VmHWM:\s+(\d+)/.exec(status)?.[1] ?? 0) / 1024))
    } catch {
      // Not Linux, or the process has ended: what was sampled stays.
    }
    return peak
  }
  return {
    process: child,
    output: () => text,
    peakRssMb: sample,
    async stop() {
      sample()
      if (child.exitCode !== null || child.signalCode !== null) return
      const ended = once(child, 'exit')
      child.kill('SIGTERM')
      const hard = setTimeout(() => child.kill('SIGKILL'), 10_000)
      await ended
      clearTimeout(hard)
    },
  }
}

/** Asks again until it gets an answer that is not undefined; ends with an error in words. */
export async function until<T>(
  what: string,
  ask: () => Promise<T | undefined>,
  { seconds = 60, everyMs = 100 } = {},
): Promise<T> {
  const end = Date.now() + seconds * 1000
  for (;;) {
    const answer = await ask()
    if (answer !== undefined) return answer
    if (Date.now() > end) throw new Error(`${what} did not come within ${seconds} s`)
    await new Promise((next) => setTimeout(next, everyMs))
  }
}

/** A free port on 127.0.0.1, the wished one if it is free. */
export async function freePort(wished = 0): Promise<number> {
  for (const port of wished === 0 ? [0] : [wished, 0]) {
    const server = createServer()
    try {
      server.listen(port, '127.0.0.1')
      await once(server, 'listening')
      const address = server.address()
      server.close()
      await once(server, 'close')
      if (address && typeof address === 'object') return address.port
    } catch {
      // Taken: try any.
    }
  }
  throw new Error('no free port on 127.0.0.1')
}

/**
 * `fetch` for a process that computes for seconds: what only asks is asked once more, since a connection that the other side has
 * closed meanwhile is noticed with the next request. Where no answer comes, an `Error` says what was asked of whom, and why.
 */
export async function ask(url: string, init: RequestInit): Promise<Response> {
  const { method = 'GET' } = init
  try {
    return await fetch(url, init).catch((error: unknown) => {
      if (method !== 'GET') throw error
      return fetch(url, init)
    })
  } catch (error) {
    throw new Error(`${method} ${url}: no answer, ${whyOf(error)}`, { cause: error })
  }
}

/** What is below *fetch failed*: code and words of the innermost cause. */
function whyOf(error: unknown): string {
  if (!(error instanceof Error)) return String(error)
  const inner = error instanceof AggregateError ? error.errors[0] : error.cause
  if (inner !== undefined) return whyOf(inner)
  const { code } = error as NodeJS.ErrnoException
  return code === undefined || error.message.includes(code) ? error.message : `${code} ${error.message}`
}
