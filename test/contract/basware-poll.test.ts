/** Approved invoices taken over from the sandbox: which, in which order, and what keeps the others. */
import { deepStrictEqual, match, ok, rejects, strictEqual } from 'node:assert/strict'
import { unreadableText } from '../../nodes/basware/client/poll.ts'
import type { DataRecord, Row } from '../../sync/contract/message.ts'
import { compileChecker } from '../../sync/values/types.ts'
import type { Json } from '../support/basware.ts'
import { HELD, signal, takenInvoices } from '../support/basware-taken.ts'

describe('invoices taken over from Basware', function () {
  this.timeout(120_000)
  const own = takenInvoices()
  const { plan, run, settle, truth, states, idsIn, ids, approve, key, acknowledges } = own

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
    strictEqual(own.inbox.keys('acknowledged').length >= records.length, true)
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
      own.rig.sandbox.tune({ ...more })
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
      for (const { id } of records) own.inbox.move(key(id), 'settled')
    }
  })

  it('that are approved while others are taken over are taken by the same run', async () => {
    await run()
    settle()
    const first = approve('coded by hand')
    let second = ''
    const { connection } = own.rig
    const { records } = await run(
      {},
      {
        ...connection,
        post(path, body, ask) {
          if (path.includes(first)) {
            // In the same company, and so that the list shows it before those that were there.
            second ||= String(
              (
                own.rig.sandbox.act('approve', {
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
    own.rig.sandbox.tune({ acknowledgeMs: 50 })
    const connection = own.rig.connect()
    const post: typeof connection.post = async (path, body, ask) => {
      const posted = await connection.post(path, body, ask)
      if (path.includes(id)) {
        own.rig.sandbox.act('change', { invoiceId: id, fields: { description: 'Changed by then' } })
        own.rig.pass(100)
        changed = true
      } else own.rig.pass(100)
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
    strictEqual(unreadableText(own.memory), text)
    settle()
    await run()
    strictEqual(unreadableText(own.memory), undefined, 'what was taken over before is over')
  })

  it('are not touched where they are prebooked, or have a voucher that this ledger does not know', async () => {
    const held = HELD.map(approve)
    const answered = approve('coded by hand')
    await own.rig.transfer(answered, { voucherNumber1: 'BY-HAND-1' })
    own.rig.sandbox.act('retransfer', { invoiceId: answered })
    const kept = approve('coded by hand')
    own.rig.sandbox.tune({ keepsVoucher: false })
    await own.rig.transfer(kept, { voucherNumber1: 'BY-HAND-2' })
    own.rig.sandbox.act('retransfer', { invoiceId: kept })
    const { refused } = await run()
    const codes = [...held, answered, kept].map((id) => refused.find(({ record }) => record.id === id)?.code)
    deepStrictEqual(codes, ['basware.prebooked', 'basware.voucher', 'basware.voucher', 'basware.voucher'])
    for (const id of [...held, answered, kept]) {
      strictEqual(states().get(id), 'WaitingForTransfer')
      strictEqual(own.inbox.items.has(key(id)), false)
    }
    match(
      refused.find(({ record }) => record.id === kept)?.message ?? '',
      /voucher BY-HAND-2, of which this ledger does not know/,
    )
  })

  it('fail the run where another server answers, and nothing of the inbox is lost', async () => {
    const id = approve('coded by hand')
    own.rig.sandbox.inject('html-404', { site: 'document-get' })
    await rejects(run(), /is not Basware's API/)
    ok(own.inbox.keys('acknowledged').length > 0)
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
    await own.rig.acknowledge(large)
    own.inbox.move(key(large), 'acknowledged', { document })
    const bytes = JSON.stringify(document).length
    const connection = own.rig.connect({ maxReplyBytes: Math.floor(bytes * 0.9) })
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
    own.rig.sandbox.act('approve', { document: { ...document, invoiceId: 'large', codingRows } })
    ok(JSON.stringify(codingRows).length > 5_500_000)
    own.rig.sandbox.inject('huge', { site: 'documents-get' })
    const { records } = await run()
    deepStrictEqual(ids(records), ['large', small].sort())
    const large = records.find(({ id }) => id === 'large') as DataRecord
    strictEqual((large.lines as Row[]).length, 4500)
    const sizes = own.rig.sandbox.requests().flatMap(({ path }) => /pageSize=(\d+)/.exec(path)?.[1] ?? [])
    ok(sizes.includes('100') && sizes.includes('25'), sizes.join())
  })

  it('are read by their keys where they are ours and in transfer, and of the others it is said why not', async () => {
    const [ours, waiting, returned] = ['coded by hand', 'coded by hand', 'coded by hand'].map(approve) as [
      string,
      string,
      string,
    ]
    await own.rig.acknowledge(ours)
    own.rig.sandbox.act('return', { invoiceId: returned })
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
