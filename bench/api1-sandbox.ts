/** X3 with REST api1 as a process of its own: books that stand still, a latency for each reply. */
import { openHistory } from '../sandbox/history.ts'
import { startX3, type X3Sandbox } from '../sandbox/x3/server.ts'
import { serve } from './child.ts'
import { measure } from './measure.ts'

const BASIC = { user: 'tieout', password: 'bench' }

let x3: X3Sandbox | undefined
let cost = measure()
let before: Readonly<Record<string, number>> = {}

const running = (): X3Sandbox => {
  if (!x3) throw new Error('the sandbox is not open yet')
  return x3
}

const commands = {
  async open({ rows, latencyMs }: { readonly rows: number; readonly latencyMs: number }) {
    const { books, clock } = openHistory({ seed: 1, size: rows, today: '2026-03-02', frozen: true })
    x3 = await startX3({ books, clock, basic: BASIC, latencyMs })
    return { url: x3.api1.url, graphql: x3.url, folder: x3.folder, ...BASIC }
  },
  begin() {
    before = running().api1.requests()
    cost = measure()
  },
  end() {
    const { cpu } = cost()
    const after = running().api1.requests()
    const since = (kind: string): number => (after[kind] ?? 0) - (before[kind] ?? 0)
    return { cpu, pages: since('query'), documents: since('details'), sessions: running().api1.sessions().most }
  },
}
export type Api1Sandbox = typeof commands

serve(commands, () => x3?.close())
