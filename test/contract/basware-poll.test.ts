/** Approved invoices taken over from the sandbox: which, in which order, and what keeps the others. */
import { deepStrictEqual, match, ok, rejects, strictEqual } from 'node:assert/strict'
import {
  type BaswareSourceOptions,
  createBaswareSource,
  createMemory,
  unreadableText,
} from '../../nodes/basware/client/poll.ts'
import { type DataRecord, keyText, type Row } from '../../sync/contract/message.ts'
import type { EntityPlan, Page, RefusedRecord, Source } from '../../sync/contract/source.ts'
import { compileChecker } from '../../sync/values/types.ts'
import type { Json } from '../support/basware.ts'
import { type BaswareRig, startBaswareRig } from '../support/basware-client.ts'
import { type FakeInbox, fakeInbox } from '../support/fake-inbox.ts'

const signal = new AbortController().signal
const COMPANIES = ['FR10', 'FR20', 'GB10', 'US10', 'DE10', 'ZA10', 'CA10']
/** Cases of the sandbox that are not taken over: held, of no company here, or in another state. */
const HELD = ['prebooked', 'voucher number typed in Basware']

interface Run {
  readonly records: readonly DataRecord[]
  readonly refused: readonly RefusedRecord[]
  readonly notices: readonly string[]
}

describe('invoices taken over from Basware', function () {
  this.timeout(120_000)
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

  it('are all that wait in the companies that are read, each once, acknowledged, and as the books of the sandbox have them', async () => {
    const waiting = idsIn('WaitingForTransfer')
    const others = truth()
      .filter((one) => one.companyCode === 'IE10')
      .map(({ processingStatus }) => processingStatus)
    ok(waiting.length > 40 && others.includes('WaitingForTransfer'))
    const { records, refused } = await run()
    deepStrictEqual([...ids(records), ...ids(refused.map(({ record }) => record))].sort(), waiting)
    deepStrictEqual(new Set(ids(records)).size, records.length)
    for (const { id } of records) strictEqual(states().get(id), 'TransferInProgress')
    for (const { record, code } of refused) {
      const why = code.startsWith('basware.') && /prebooked|voucher|codings|two-orders/.test(code)
      ok(why, `${record.id}: ${code}`)
    }
    deepStrictEqual(
      truth()
        .filter((one) => one.companyCode === 'IE10')
        .map(({ processingStatus }) => processingStatus),
      others,
    )
    strictEqual(inbox.keys('acknowledged').length >= records.length, true)
    const check = compileChecker((await plan()).schema)
    for (const record of records) strictEqual(check(record), undefined)
    for (const record of records) {
      const one = truth().find(({ invoiceId }) => invoiceId === record.id) as Json
      strictEqual(Number(record.gross_amount), one.grossSum)
      strictEqual((record.lines as Row[]).length, (one.codingRows as Json[]).length)
      strictEqual(record.voucher_date, typeof one.voucherDate === 'string' ? one.voucherDate.slice(0, 10) : null)
    }
  })

  it('are found once more by nobody: the next run takes what is new, whatever pages, order and tokens are like', async () => {
    for (const more of [
      { paging: 'offset' },
      { repeats: true, order: 'reverse' },
      { pageRows: 5, order: 'id' },
      { tokenOn: 'redirect', emptyList: 200 },
    ] as const) {
      rig.sandbox.tune({ ...more })
      for (let count = 0; count < 8; count++) approve('coded by hand')
      const waiting = idsIn('WaitingForTransfer')
      const { records, refused } = await run({ pageSize: 3 })
      const found = [...ids(records), ...ids(refused.map(({ record }) => record))]
      deepStrictEqual(
        waiting.filter((id) => !found.includes(id)),
        [],
      )
      strictEqual(new Set(ids(records)).size, records.length, JSON.stringify(more))
      ok(records.length >= 8)
      for (const { id } of records) inbox.move(key(id), 'settled')
    }
  })

  it('that are approved while others are taken over are taken by the same run', async () => {
    await run()
    settle()
    const first = approve('coded by hand')
    let second = ''
    const { connection } = rig
    const { records } = await run(
      {},
      {
        ...connection,
        post(path, body, ask) {
          if (path.includes(first)) {
            // In the same company, and so that the list shows it before those that were there.
            second ||= String(
              (
                rig.sandbox.act('approve', {
                  document: { ...truth().find(({ invoiceId }) => invoiceId === first), invoiceId: 'second' },
                }) as { invoiceIds: string[] }
              ).invoiceIds[0],
            )
          }
          return connection.post(path, body, ask)
        },
      },
    )
    deepStrictEqual(ids(records), [first, second].sort())
  })

  it('of which the version is handed on that Basware has after the acknowledgement', async () => {
    const id = approve('coded by hand')
    let changed = false
    rig.sandbox.tune({ acknowledgeMs: 50 })
    const connection = rig.connect()
    const post: typeof connection.post = async (path, body, ask) => {
      const posted = await connection.post(path, body, ask)
      if (path.includes(id)) {
        rig.sandbox.act('change', { invoiceId: id, fields: { description: 'Changed by then' } })
        rig.pass(100)
        changed = true
      } else rig.pass(100)
      return posted
    }
    const { records } = await run({}, { ...connection, post })
    const found = records.find((record) => record.id === id)
    ok(changed)
    strictEqual(found?.description, 'Changed by then')
    strictEqual(found?.status, 'TransferInProgress')
    ok(Number(found?._read) > 0)
  })

  it('of which an order cannot be read are counted, told, and shown by the node in amber', async () => {
    const { records, notices } = await run()
    const rows = records.map(({ orders_not_readable: count }) => Number(count)).filter((count) => count > 0)
    ok(rows.length > 0)
    const sum = rows.reduce((all, count) => all + count, 0)
    const text = `order not readable: ${sum} matched row${sum === 1 ? '' : 's'} of ${rows.length} invoice${rows.length === 1 ? '' : 's'} took the coding that was approved`
    deepStrictEqual(
      notices.filter((notice) => /^order not readable/.test(notice)),
      [text],
    )
    strictEqual(unreadableText(memory), text)
    settle()
    await run()
    strictEqual(unreadableText(memory), undefined, 'what was taken over before is over')
  })

  it('are not touched where they are prebooked, or have a voucher that this ledger does not know', async () => {
    const held = HELD.map(approve)
    const answered = approve('coded by hand')
    await rig.transfer(answered, { voucherNumber1: 'BY-HAND-1' })
    rig.sandbox.act('retransfer', { invoiceId: answered })
    const kept = approve('coded by hand')
    rig.sandbox.tune({ keepsVoucher: false })
    await rig.transfer(kept, { voucherNumber1: 'BY-HAND-2' })
    rig.sandbox.act('retransfer', { invoiceId: kept })
    const { refused } = await run()
    const codes = [...held, answered, kept].map((id) => refused.find(({ record }) => record.id === id)?.code)
    deepStrictEqual(codes, ['basware.prebooked', 'basware.voucher', 'basware.voucher', 'basware.voucher'])
    for (const id of [...held, answered, kept]) {
      strictEqual(states().get(id), 'WaitingForTransfer')
      strictEqual(inbox.items.has(key(id)), false)
    }
    match(
      refused.find(({ record }) => record.id === kept)?.message ?? '',
      /voucher BY-HAND-2, of which this ledger does not know/,
    )
  })

  it('return to a run that goes on after each point at which one may end', async () => {
    await run()
    settle()
    const [recorded, lost, acknowledged, onItsWay] = [
      'coded by hand',
      'coded by hand',
      'coded by hand',
      'coded by hand',
    ].map(approve) as [string, string, string, string]
    const document = (id: string) => truth().find(({ invoiceId }) => invoiceId === id)
    inbox.move(key(recorded), 'recorded', { document: document(recorded) })
    // Its acknowledgement was begun and never arrived.
    inbox.move(key(lost), 'recorded', { document: document(lost), acknowledging: '2026-03-10T08:00:00Z' })
    await rig.acknowledge(acknowledged)
    inbox.move(key(acknowledged), 'acknowledged', { document: document(acknowledged) })
    await rig.acknowledge(onItsWay)
    inbox.move(key(onItsWay), 'handed on', { document: document(onItsWay), revision: 2 })
    const { records, refused } = await run()
    deepStrictEqual(ids(records), [recorded, lost, acknowledged, onItsWay].sort())
    deepStrictEqual(
      refused.filter(({ code }) => !/prebooked|voucher|codings|two-orders/.test(code)),
      [],
    )
    const schema = (await plan()).schema
    strictEqual(keyText(schema, records.find(({ id }) => id === onItsWay) as DataRecord), `basware|${onItsWay}|2`)
  })

  it('are asked about where the reply to an acknowledgement was lost and it is in transfer now', async () => {
    await run()
    settle()
    const id = approve('coded by hand')
    rig.sandbox.inject('no-request-id', { site: 'acknowledge' })
    const before = acknowledges()
    const first = await run()
    deepStrictEqual(ids(first.records), [])
    strictEqual(acknowledges(), before + 1)
    const item = inbox.items.get(key(id))
    deepStrictEqual([item?.state, /the reply never came/.test(item?.why ?? '')], ['asked', true])
    deepStrictEqual(ids((await run()).records), [])
    // A person says that it is ours.
    inbox.move(key(id), 'acknowledged')
    deepStrictEqual(ids((await run()).records), [id])
  })

  it('are asked for once more where an acknowledgement was lost and did not arrive', async () => {
    await run()
    settle()
    const id = approve('coded by hand')
    rig.sandbox.inject('html-502', { site: 'acknowledge' })
    deepStrictEqual(ids((await run()).records), [id])
  })

  it("are somebody else's where a request of ours was the first and was refused", async () => {
    await run()
    settle()
    const id = approve('coded by hand')
    const { connection } = rig
    const { records } = await run(
      {},
      {
        ...connection,
        async post(path, body, ask) {
          if (path.endsWith(`${id}/acknowledge`)) await rig.acknowledge(id)
          return connection.post(path, body, ask)
        },
      },
    )
    deepStrictEqual(records, [])
    strictEqual(inbox.items.get(key(id))?.state, 'asked')
    match(inbox.items.get(key(id))?.why ?? '', /in transfer at Basware, not by us/)
  })

  it('that are in transfer by others are listed for a person, and nothing else is done with them', async () => {
    await run()
    const others = truth().filter(
      (one) => one.processingStatus === 'TransferInProgress' && inbox.keys('asked').includes(key(one.invoiceId)),
    )
    ok(others.length > 0)
    for (const one of others) match(inbox.items.get(key(one.invoiceId))?.why ?? '', /in transfer at Basware, not by us/)
    // Taken over by a person.
    const id = String(others[0]?.invoiceId)
    inbox.move(key(id), 'acknowledged')
    ok(ids((await run()).records).includes(id))
  })

  it('that were returned, or are gone, go no further', async () => {
    await run()
    settle()
    const [before, after] = ['coded by hand', 'coded by hand'].map(approve) as [string, string]
    const document = (id: string) => truth().find(({ invoiceId }) => invoiceId === id)
    inbox.move(key(before), 'recorded', { document: document(before) })
    inbox.move(key('nobody'), 'recorded', { document: { ...document(before), invoiceId: 'nobody' } })
    rig.sandbox.act('return', { invoiceId: before })
    await rig.acknowledge(after)
    inbox.move(key(after), 'acknowledged', { document: document(after) })
    rig.sandbox.act('return', { invoiceId: after })
    const { records, refused } = await run()
    deepStrictEqual(ids(records), [])
    match(inbox.items.get(key(before))?.why ?? '', /It is Returned at Basware, and was not acknowledged/)
    match(inbox.items.get(key('nobody'))?.why ?? '', /not at Basware any more/)
    const held = refused.find(({ record }) => record.id === after)
    strictEqual(held?.code, 'basware.moved')
    match(held?.message ?? '', /acknowledged and not answered, but is Returned there now/)
  })

  it('that are transferred anew are acknowledged and handed on once more, under the key that they had', async () => {
    await run()
    settle()
    for (const keepsVoucher of [true, false]) {
      rig.sandbox.tune({ keepsVoucher })
      const id = approve('coded by hand')
      deepStrictEqual(ids((await run()).records), [id])
      await rig.transfer(id, { externalCode: `answer-${keepsVoucher}`, voucherNumber1: 'V1', sourceSystem: 'Tieout' })
      inbox.move(key(id), 'confirmed', { answerId: `answer-${keepsVoucher}` })
      rig.sandbox.act('retransfer', { invoiceId: id })
      const { records } = await run()
      deepStrictEqual(
        records.map((record) => [record.id, record.revision]),
        [[id, 0]],
      )
      strictEqual(states().get(id), 'TransferInProgress')
      inbox.move(key(id), 'settled')
    }
  })

  it('tell a ledger that is an old copy', async () => {
    const id = approve('coded by hand')
    await rig.acknowledge(id)
    inbox.move(key(id), 'acknowledged', { document: truth().find(({ invoiceId }) => invoiceId === id) })
    await rig.transfer(id, { voucherNumber1: 'V1', sourceSystem: 'Tieout' })
    await run()
    deepStrictEqual(inbox.old, [`Basware has an answer of ours for invoice ${id} that this ledger never gave`])
  })

  it('fail the run where another server answers, and nothing of the inbox is lost', async () => {
    const id = approve('coded by hand')
    rig.sandbox.inject('html-404', { site: 'document-get' })
    await rejects(run(), /is not Basware's API/)
    ok(inbox.keys('acknowledged').length > 0)
    const { records } = await run()
    ok(ids(records).includes(id))
    deepStrictEqual(
      idsIn('WaitingForTransfer').filter((one) => ids(records).includes(one)),
      [],
    )
  })

  it('of which one that is too large is held by its key, and the others go on', async () => {
    await run()
    settle()
    const [small, large] = [approve('coded by hand'), approve('many rows')]
    const document = truth().find(({ invoiceId }) => invoiceId === large) as Json
    await rig.acknowledge(large)
    inbox.move(key(large), 'acknowledged', { document })
    const bytes = JSON.stringify(document).length
    const connection = rig.connect({ maxReplyBytes: Math.floor(bytes * 0.9) })
    const { records, refused } = await run({ pageSize: 1 }, connection)
    deepStrictEqual(
      refused.filter(({ code }) => code === 'basware.too-large').map(({ record }) => record.id),
      [large],
    )
    ok(ids(records).includes(small))
  })

  it('are taken over whole at 6 MB, and in smaller pages where a reply is more than anybody wants', async () => {
    await run()
    settle()
    const small = approve('coded by hand')
    const document = truth().find(({ invoiceId }) => invoiceId === small) as Json
    const [row] = document.codingRows as [Json]
    const codingRows = Array.from({ length: 4500 }, (_, k) => ({
      ...row,
      ...{ externalCode: `row-${k}`, rowIndex: k, lastComment: 'ä'.repeat(900) },
    }))
    rig.sandbox.act('approve', { document: { ...document, invoiceId: 'large', codingRows } })
    ok(JSON.stringify(codingRows).length > 5_500_000)
    rig.sandbox.inject('huge', { site: 'documents-get' })
    const { records } = await run()
    deepStrictEqual(ids(records), ['large', small].sort())
    const large = records.find(({ id }) => id === 'large') as DataRecord
    strictEqual((large.lines as Row[]).length, 4500)
    const sizes = rig.sandbox.requests().flatMap(({ path }) => /pageSize=(\d+)/.exec(path)?.[1] ?? [])
    ok(sizes.includes('100') && sizes.includes('25'), sizes.join())
  })

  it('are read by their keys where they are ours and in transfer, and of the others it is said why not', async () => {
    const [ours, waiting, returned] = ['coded by hand', 'coded by hand', 'coded by hand'].map(approve) as [
      string,
      string,
      string,
    ]
    await rig.acknowledge(ours)
    rig.sandbox.act('return', { invoiceId: returned })
    let read = 0
    const { readKeys } = await plan()
    const keys = [ours, waiting, returned, 'nobody'].map((id) => `basware|${id}|1`)
    const page = await readKeys?.(keys, () => ++read, signal)
    deepStrictEqual(
      page?.records.map(({ id, revision, _read }) => [id, revision, _read]),
      [[ours, 1, 1]],
    )
    deepStrictEqual(
      page?.refused?.map(({ record, code }) => [record.id, code]),
      [
        [waiting, 'basware.waiting'],
        [returned, 'basware.moved'],
        ['nobody', 'basware.moved'],
      ],
    )
    strictEqual(acknowledges(), 1)
  })

  it('stop at an aborted run', async () => {
    const { readPage } = await plan()
    const stopped = AbortSignal.abort()
    await rejects(
      readPage({
        walk: 'approved',
        window: { from: null, bound: null },
        cursor: null,
        nextRead: () => 1,
        signal: stopped,
      }),
    )
    strictEqual(acknowledges(), 0)
  })
})
