/** The way out in the drill of both directions: orders and masters go to Basware, a person answers, and P2P is set against the books. */
import { type Codes, codesIn, compareOrders, type Layer } from '../../demo/compare-orders.ts'
import type { Editor } from '../../demo/editor.ts'
import { expectedOrders, KINDS, keysHeld } from '../../demo/expected-orders.ts'
import { type Entrance, entrance, type FlowNode } from '../../demo/job.ts'
import { createPurchaser } from '../../demo/purchaser.ts'
import type { BaswareSandbox } from '../../sandbox/basware/server.ts'
import type { RunSummary } from '../../sync/contract/summary.ts'

interface Given {
  readonly flows: readonly FlowNode[]
  readonly basware: Pick<BaswareSandbox, 'act'>
  readonly call: Editor['call']
  readonly run: (door: Entrance, order: object) => Promise<RunSummary>
  readonly say: (text: string) => void
}

type Books = Omit<Parameters<typeof expectedOrders>[0], 'days'>

/** What came and went on days whose run was killed was never sent: what is gone must not be there, but for its mark. */
const expected = (books: Books, days: number): ReturnType<typeof expectedOrders> =>
  expectedOrders({ ...books, days }).map((kind) => ({
    ...kind,
    gone: new Map([...kind.gone.keys()].map((key) => [key, false])),
  }))

/** Lists all keys too: deletions leave no other trace. */
const SWEEP = { sweep: true }
const MOST_ROUNDS = 10

export function createSending({ flows, basware, call, run, say }: Given) {
  const door = entrance(flows, 'x3-to-basware')
  const purchaser = createPurchaser({ editor: { call }, say }, flows, door)
  const p2p = (): Layer => (basware.act('records', {}) as { p2p: Layer }).p2p
  const typed = p2p()
  const codes: Codes[] = []
  const pending = async (): Promise<number> =>
    ((await call('GET', `/tieout/results?ledger=${door.ledger}&limit=1000`)) as { state: string }[]).filter(
      ({ state }) => state === 'pending',
    ).length
  return {
    /** A run, and what a person answers to it. */
    async work(): Promise<void> {
      await run(door, SWEEP)
      await purchaser.attend()
    },
    /** Until every result is there and nothing is asked. */
    async settle(): Promise<void> {
      for (let round = 0; round < MOST_ROUNDS; round++) {
        const { state } = await run(door, SWEEP)
        if (await purchaser.attend()) continue
        if (state === 'done' && (await pending()) === 0) break
      }
      codes.push(codesIn(p2p(), KINDS))
    },
    /** Whether everything that the books have stands in P2P once, and every result was followed. */
    async judge(books: Books, days: number): Promise<boolean> {
      const held = await purchaser.held()
      const found = compareOrders({
        ...{ expected: expected(books, days), p2p: p2p(), typed, days: codes, isHeld: keysHeld(held) },
      })
      for (const example of found.examples) say(`  ${example}`)
      for (const { entity, key, cause } of held) say(`  held: ${entity} ${key}: ${cause.code} ${cause.message}`)
      const open = await pending()
      say(
        `Compared ${found.expected} records with P2P after ${days} days: ${found.marked} gone and marked, ${found.held} held, ${found.missing} lost, ${found.extra} doubled, ${found.different} different, ${open} results not followed`,
      )
      return found.expected > 0 && found.held + found.missing + found.extra + found.different + open === 0
    },
  }
}
