/** Processes of the bench: each is told what to do by messages of its parent, and ends with it. */
import { type ChildProcess, fork } from 'node:child_process'
import { once } from 'node:events'

/** Commands of a child by name; each takes and gives plain JSON. */
export type Commands = Record<string, (argument: never) => unknown>

type Reply = { readonly id: number; readonly result?: unknown; readonly error?: string }

export interface Child<C extends Commands> {
  /** Runs a command in the child; an `Error` has the child's own words. */
  ask<N extends keyof C & string>(name: N, argument: Parameters<C[N]>[0]): Promise<Awaited<ReturnType<C[N]>>>
  stop(): Promise<void>
}

/** Starts a script that calls `serve`. What it prints goes to standard error. */
export function startChild<C extends Commands>(script: string, execArgv: readonly string[] = []): Child<C> {
  const process: ChildProcess = fork(script, [], { execArgv: [...execArgv], stdio: ['ignore', 2, 2, 'ipc'] })
  const waiting = new Map<number, (reply: Reply) => void>()
  let ids = 0
  process.on('message', (reply) => waiting.get((reply as Reply).id)?.(reply as Reply))
  process.once('exit', (code) => {
    for (const [id, settle] of waiting) settle({ id, error: `${script} ended with ${code}` })
  })
  return {
    async ask(name, argument) {
      const id = ids++
      const reply = await new Promise<Reply>((resolve) => {
        waiting.set(id, resolve)
        process.send({ id, name, argument })
      })
      waiting.delete(id)
      if (reply.error !== undefined) throw new Error(reply.error)
      return reply.result as never
    },
    async stop() {
      if (process.exitCode !== null || process.signalCode !== null) return
      const ended = once(process, 'exit')
      process.disconnect()
      await ended
    },
  }
}

/** The child's side: answers commands until the parent lets go, then cleans up and ends. */
export function serve(commands: Commands, end: () => unknown = () => undefined): void {
  process.on('message', async ({ id, name, argument }: { id: number; name: string; argument: never }) => {
    try {
      process.send?.({ id, result: (await commands[name]?.(argument)) ?? null })
    } catch (error) {
      process.send?.({ id, error: error instanceof Error ? (error.stack ?? error.message) : String(error) })
    }
  })
  process.once('disconnect', async () => {
    await end()
    process.exit(0)
  })
}
