/** An engine without a ledger: counts what is delivered and held, for tests of the nodes alone. */
import { z } from 'zod'
import type { Ledger, NewDecision } from '../../ledger/ledger.ts'
import { defineLedger } from '../../nodes/kit/kit.ts'
import type { Engine, PollOptions } from '../../sync/contract/engine.ts'
import { syncError } from '../../sync/contract/errors.ts'
import type { OutcomeCounts, RunSummary } from '../../sync/contract/summary.ts'

export const noOutcomes: OutcomeCounts = { delivered: 0, unchanged: 0, superseded: 0, held: 0, inDoubt: 0, filtered: 0 }

export interface FakeEngine extends Engine {
  readonly polls: PollOptions[]
  readonly delivered: Parameters<Engine['deliver']>[0][]
  readonly holds: Parameters<Engine['hold']>[0][]
  readonly replays: Parameters<Engine['replay']>[0][]
  /** What people decided. */
  readonly decisions: NewDecision[]
  closed: boolean
}

export const summaryOf = (sync: string, more: Partial<RunSummary> = {}): RunSummary => ({
  run: 'r1',
  sync,
  mode: 'poll',
  started: '2026-01-01T00:00:00Z',
  ended: '2026-01-01T00:00:01Z',
  state: 'done',
  entities: [],
  ties: true,
  requests: 0,
  statements: 0,
  notices: [],
  errors: [],
  ...more,
})

/** Each part can be replaced by a test. */
export function fakeEngine(parts: Partial<Engine> & { ledger?: Ledger } = {}): FakeEngine {
  const names = new Map<string, string>()
  const fake: FakeEngine = {
    polls: [],
    delivered: [],
    holds: [],
    replays: [],
    decisions: [],
    closed: false,
    ledger: {
      id: 'ledger-1',
      raiseAlert: async () => undefined,
      clearAlerts: async () => [],
      openItems: async () => [],
      addedCodes: async () => [],
      noteMaking: async () => 'a1b2c3d4',
      entitiesMade: async () => [],
      outdated: async () => [],
      decide: async (decision: NewDecision) => void fake.decisions.push(decision),
    } as unknown as Ledger,
    async poll(options) {
      return summaryOf(options.name)
    },
    async deliver({ message }) {
      return { ...noOutcomes, delivered: message.payload.length }
    },
    fail() {},
    followResults: () => () => undefined,
    lookAtResults: async () => 0,
    keepFailedStart: async () => undefined,
    declare() {},
    async hold() {},
    async replay(options) {
      return summaryOf(options.name, { mode: 'replay' })
    },
    claimName(name, nodeId) {
      if (names.has(name))
        throw syncError('config', 'sync.name', `The name ${name} is taken by node ${names.get(name)}`, {
          field: 'syncName',
        })
      names.set(name, nodeId)
      return () => names.delete(name)
    },
    resumeAppends: async () => undefined,
    attendSink: () => () => {},
    attendSource: () => () => {},
    posting: {} as Engine['posting'],
    running: () => [],
    async close() {
      fake.closed = true
    },
    ...parts,
  }
  const { poll, deliver, hold, replay } = fake
  fake.poll = (options) => {
    fake.polls.push(options)
    return poll(options)
  }
  fake.deliver = (options) => {
    fake.delivered.push(options)
    return deliver(options)
  }
  fake.hold = (options) => {
    fake.holds.push(options)
    return hold(options)
  }
  fake.replay = (options) => {
    fake.replays.push(options)
    return replay(options)
  }
  return fake
}

/** Registers a `sync-ledger` that opens an engine of the test: the one that is there when it is opened. */
export const ledgerNode =
  (engine: () => Engine) =>
  (RED: Parameters<typeof defineLedger>[0]): void =>
    defineLedger(RED, {
      type: 'sync-ledger',
      version: 1,
      config: z.object({}),
      credentials: z.object({}),
      open: async () => engine(),
      test: async () => [],
    })
