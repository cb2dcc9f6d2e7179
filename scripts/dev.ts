// `npm run dev`: the compiler watches, the demo starts again whenever what was built changes.
import { type ChildProcess, spawn } from 'node:child_process'
import { watch } from 'node:fs'

const children: ChildProcess[] = []
const start = (command: string, ...args: string[]): void => {
  const child = spawn(command, args, { stdio: 'inherit' })
  child.once('exit', (code) => stop(code ?? 1))
  children.push(child)
}
const stop = (code: number): void => {
  for (const child of children.splice(0)) child.kill()
  process.exitCode = code
}
for (const signal of ['SIGINT', 'SIGTERM'] as const) process.once(signal, () => stop(0))

start('tsc', '-p', 'tsconfig.build.json', '--watch', '--preserveWatchOutput')
start(process.execPath, '--watch-path=dist', '--watch-path=settings.js', 'demo/start.ts')

let copying: NodeJS.Timeout | undefined
for (const folder of ['nodes', 'flows'])
  watch(folder, { recursive: true }, (_event, file) => {
    if (!/\.(html|svg|json)$/.test(file ?? '')) return
    clearTimeout(copying)
    copying = setTimeout(() => spawn(process.execPath, ['scripts/assets.ts'], { stdio: 'inherit' }), 100)
  })
