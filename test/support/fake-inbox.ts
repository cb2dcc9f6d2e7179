/** An inbox in memory, as `sync/contract/inbox.ts` says it. */
import type { Inbox, InboxItem, InboxState } from '../../sync/contract/inbox.ts'

export interface FakeInbox extends Inbox {
  readonly items: Map<string, InboxItem>
  /** What `behind` was told. */
  readonly old: string[]
  /** As the engine, or a person, would: brings an item to a state. */
  move(key: string, state: InboxState, more?: Partial<InboxItem>): void
  /** Keys by state. */
  keys(state: InboxState): string[]
}

export function fakeInbox(entity = 'basware_invoice'): FakeInbox {
  const items = new Map<string, InboxItem>()
  const old: string[] = []
  const put = (key: string, change: Partial<InboxItem>): void => {
    const before: InboxItem = items.get(key) ?? {
      ...{ key, entity, revision: 0, document: undefined, state: 'recorded', times: {} },
      ...{ acknowledging: null, answerId: null, why: null },
    }
    items.set(key, structuredClone({ ...before, ...change }))
  }
  const stateOf = (key: string): InboxState | undefined => items.get(key)?.state
  const all = (states: readonly InboxState[]) => [...items.values()].filter(({ state }) => states.includes(state))
  return {
    ...{ items, old },
    move: (key, state, more = {}) => put(key, { state, ...more }),
    keys: (state) => all([state]).map(({ key }) => key),
    async record(given) {
      for (const { key, document } of given)
        if ([undefined, 'asked', 'recorded'].includes(stateOf(key))) put(key, { document })
    },
    async reopen(given) {
      for (const { key, document } of given)
        if (!['acknowledged', 'handed on', 'asked'].includes(stateOf(key) ?? ''))
          put(key, { document, state: 'recorded', acknowledging: null, answerId: null, why: null })
    },
    async acknowledging(keys) {
      for (const key of keys) if (!items.get(key)?.acknowledging) put(key, { acknowledging: '2026-03-10T08:00:00Z' })
    },
    async acknowledged(keys) {
      for (const key of keys) if (stateOf(key) === 'recorded') put(key, { state: 'acknowledged' })
    },
    async dropped(given) {
      for (const { key, why } of given) put(key, { state: 'dropped', why })
    },
    async ask(given) {
      for (const { key, document, why } of given)
        if ([undefined, 'recorded'].includes(stateOf(key))) put(key, { document, state: 'asked', why })
    },
    open: async () => all(['recorded', 'acknowledged', 'handed on']),
    find: async (keys) => new Map(keys.flatMap((key) => (items.has(key) ? [[key, items.get(key) as InboxItem]] : []))),
    unanswered: async () => all(['acknowledged', 'handed on', 'settled', 'answered']),
    behind: async (why) => void old.push(why),
  }
}
