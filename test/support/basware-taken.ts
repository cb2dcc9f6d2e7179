/** Invoices of the sandbox taken over into an inbox of the test, run by run. */
import { ok } from 'node:assert/strict'
import { type BaswareSourceOptions, createBaswareSource, createMemory } from '../../nodes/basware/client/poll.ts'
import type { DataRecord, Row } from '../../sync/contract/message.ts'
import type { EntityPlan, Page, RefusedRecord, Source } from '../../sync/contract/source.ts'
import type { Json } from './basware.ts'
import { type BaswareRig, startBaswareRig } from './basware-client.ts'
import { type FakeInbox, fakeInbox } from './fake-inbox.ts'

export const signal = new AbortController().signal
export const COMPANIES = ['FR10', 'FR20', 'GB10', 'US10', 'DE10', 'ZA10', 'CA10']
/** Cases of the sandbox that are not taken over: held, of no company here, or in another state. */
export const HELD = ['prebooked', 'voucher number typed in Basware']

interface Run {
  readonly records: readonly DataRecord[]
  readonly refused: readonly RefusedRecord[]
  readonly notices: readonly string[]
}

/** To be called in a `describe`. */
export function takenInvoices() {
  let rig: BaswareRig
  let inbox: FakeInbox
  let memory: Parameters<typeof createBaswareSource>[1]
  beforeEach(async () => {
    rig = await startBaswareRig()
    inbox = fakeInbox()
    memory = createMemory()
  })
  afterEach(() => rig.close())

  const source = (more: Partial<BaswareSourceOptions> = {}, connection = rig.connection): Source =>
    createBaswareSource(connection, memory, {
      ...{ source: 'basware', companies: COMPANIES, pageSize: 100, dateZone: '', sensitive: [], visibleMs: 2000 },
      coding: { matched: 'order', unreadable: 'row' },
      ...more,
    })
  const plan = (more: Partial<BaswareSourceOptions> = {}): Promise<EntityPlan> =>
    source(more).plan('basware_invoice', signal, inbox)
  /** Everything that a run reads. */
  async function run(more: Partial<BaswareSourceOptions> = {}, connection = rig.connection): Promise<Run> {
    const { readPage } = await source(more, connection).plan('basware_invoice', signal, inbox)
    const pages: Page[] = []
    let read = 0
    for (let cursor: string | null | undefined; cursor !== null; ) {
      const window = { from: null, bound: null }
      const page: Page = await readPage({
        ...{ walk: 'approved', window, cursor: cursor ?? null, nextRead: () => ++read, signal },
      })
      pages.push(page)
      ok(page.cursor !== cursor)
      cursor = page.cursor
    }
    return {
      records: pages.flatMap(({ records }) => records),
      refused: pages.flatMap(({ refused }) => refused ?? []),
      notices: pages.flatMap(({ notices }) => notices ?? []),
    }
  }
  /** What an earlier run read is done with. */
  const settle = (): void => {
    for (const { key } of [...inbox.items.values()]) inbox.move(key, 'settled')
  }
  const truth = (): readonly Json[] => (rig.sandbox.act('documents', {}) as { p2p: readonly Json[] }).p2p
  const states = (): Map<unknown, unknown> => new Map(truth().map((one) => [one.invoiceId, one.processingStatus]))
  const idsIn = (state: string): unknown[] =>
    truth()
      .filter((one) => one.processingStatus === state && COMPANIES.includes(String(one.companyCode)))
      .map(({ invoiceId }) => invoiceId)
      .sort()
  const ids = (records: readonly Row[]): unknown[] => records.map(({ id }) => id).sort()
  const approve = (like: string): string =>
    (rig.sandbox.act('approve', { like }) as { invoiceIds: [string] }).invoiceIds[0]
  const key = (id: unknown): string => `basware|${id}`
  const acknowledges = (): number => rig.sandbox.stats().acknowledge ?? 0
  return {
    get rig() {
      return rig
    },
    get memory() {
      return memory
    },
    get inbox() {
      return inbox
    },
    source,
    plan,
    run,
    settle,
    truth,
    states,
    idsIn,
    ids,
    approve,
    key,
    acknowledges,
  }
}
