import { deepStrictEqual, match, ok, strictEqual } from 'node:assert/strict'
import { type Answer, type BaswareFixture, type Json, startBaswareFixture } from '../support/basware.ts'

interface Item extends Json {
  readonly status: string
  readonly externalCode: string
  readonly errors: readonly { readonly category: string; readonly message: string }[]
}
interface Request extends Json {
  readonly requestId: string
  readonly requestStatus: string
  readonly systems: readonly {
    readonly system: string
    readonly systemStatus: string
    readonly items: readonly Item[]
  }[]
}

const requestsOf = (answer: Answer): readonly Request[] =>
  (answer.json as { requestStatus?: readonly Request[] } | undefined)?.requestStatus ?? []
const idOf = (answer: Answer): string => answer.headers.get('x-amzn-requestid') ?? ''

describe('Basware sandbox: what P2P makes of it', () => {
  let basware: BaswareFixture
  let invoiceId: string
  beforeEach(async () => {
    basware = await startBaswareFixture()
    invoiceId = String((await basware.waiting()).invoiceId)
    await basware.acknowledge(invoiceId)
    basware.sandbox.tune({ p2pMs: 10_000 })
  })
  afterEach(() => basware.close())

  const status = async (requestId: string, query = ''): Promise<Request | undefined> =>
    requestsOf(await basware.get(`/v1/requestStatus/${requestId}${query}`))[0]
  const truth = (): Json | undefined =>
    (basware.sandbox.act('documents', {}) as { p2p: readonly Json[] }).p2p.find((each) => each.invoiceId === invoiceId)

  it('is told by the request id of the answer', async () => {
    const answer = await basware.transfer(invoiceId, { externalCode: 'answer-1', voucherNumber1: 'V1' })
    strictEqual((await basware.invoice(invoiceId)).processingStatus, 'Transferred')
    strictEqual(truth()?.processingStatus, 'TransferInProgress')
    const early = await status(idOf(answer))
    deepStrictEqual([early?.requestStatus, early?.entityType], ['InProgress', 'TransferResponse'])
    deepStrictEqual(early?.systems[0]?.items, [
      { externalCode: 'answer-1', parentExternalCode: invoiceId, status: 'InProgress', errors: [] },
    ])
    basware.pass(10_000)
    strictEqual((await status(idOf(answer)))?.requestStatus, 'Success')
    deepStrictEqual([truth()?.processingStatus, truth()?.voucherNumber1], ['Transferred', 'V1'])
    deepStrictEqual((await status(idOf(answer), '?ignoreSuccessfulItems=true'))?.systems[0]?.items, [])
    strictEqual((await basware.get('/v1/requestStatus/unknown')).status, 404)
  })

  it('is an error where the invoice was returned in the meantime, and the API shows what P2P has', async () => {
    const answer = await basware.transfer(invoiceId)
    basware.sandbox.act('return', { invoiceId })
    strictEqual((await basware.invoice(invoiceId)).processingStatus, 'Transferred')
    basware.pass(10_000)
    const late = await status(idOf(answer))
    strictEqual(late?.requestStatus, 'Error')
    const [item] = late?.systems[0]?.items ?? []
    deepStrictEqual([item?.status, item?.errors[0]?.category], ['Error', 'DataValidation'])
    match(item?.errors[0]?.message ?? '', /Returned/)
    strictEqual((await basware.invoice(invoiceId)).processingStatus, 'Returned')
  })

  it('takes an acknowledgement back where the invoice was returned before P2P had it', async () => {
    const other = String((await basware.waiting()).invoiceId)
    strictEqual((await basware.acknowledge(other)).status, 200)
    basware.sandbox.act('return', { invoiceId: other })
    strictEqual((await basware.invoice(other)).processingStatus, 'TransferInProgress')
    basware.pass(10_000)
    strictEqual((await basware.invoice(other)).processingStatus, 'Returned')
  })

  it('keeps a change that P2P made while an acknowledgement was on its way', async () => {
    const other = String((await basware.waiting()).invoiceId)
    await basware.acknowledge(other)
    basware.sandbox.act('change', { invoiceId: other, fields: { description: 'Edited' } })
    const between = await basware.invoice(other)
    deepStrictEqual([between.processingStatus, between.description], ['TransferInProgress', 'Edited'])
    basware.pass(10_000)
    strictEqual((await basware.invoice(other)).processingStatus, 'TransferInProgress')
  })

  it('changes the state of the invoice only when P2P has the answer, where the tenant works so', async () => {
    basware.sandbox.tune({ responded: 'afterP2p' })
    await basware.transfer(invoiceId, { voucherNumber1: 'V1' })
    const early = await basware.invoice(invoiceId)
    deepStrictEqual([early.processingStatus, early.voucherNumber1], ['TransferInProgress', undefined])
    basware.pass(10_000)
    const late = await basware.invoice(invoiceId)
    deepStrictEqual([late.processingStatus, late.voucherNumber1], ['Transferred', 'V1'])
  })

  it('is a 404 until it can be asked for', async () => {
    basware.sandbox.tune({ statusMs: 3000 })
    const answer = await basware.transfer(invoiceId)
    strictEqual((await basware.get(`/v1/requestStatus/${idOf(answer)}`)).status, 404)
    basware.pass(3000)
    ok(await status(idOf(answer)))
  })

  it('is listed: errors unless told otherwise, without what was acknowledged', async () => {
    const list = async (query = ''): Promise<string[]> =>
      (await basware.pages(`/v1/requestStatus${query}`)).flat().map(({ requestId }) => String(requestId))
    const good = idOf(await basware.transfer(invoiceId))
    const second = String((await basware.waiting()).invoiceId)
    const bad = idOf(await basware.transfer(second))
    basware.sandbox.act('remove', { invoiceId: second })
    deepStrictEqual(await list('?status=InProgress'), [good, bad].sort())
    basware.pass(10_000)
    deepStrictEqual(await list(), [bad])
    deepStrictEqual((await list('?entityType=TransferResponse')).sort(), [good, bad].sort())
    deepStrictEqual(await list('?entityType=Vendor'), [])
    deepStrictEqual(await list('?system=Network'), [])
    const acknowledge = async (requestIds: unknown) =>
      (await basware.call('POST', '/v1/requestStatus/acknowledge', { requestIds })).status
    strictEqual(await acknowledge(['unknown']), 404)
    strictEqual(await acknowledge([bad]), 200)
    strictEqual(await acknowledge([bad]), 405)
    for (const wrong of [[], 'x', [1], null]) strictEqual(await acknowledge(wrong), 400)
    deepStrictEqual(await list(), [])
    deepStrictEqual(await list('?entityType=TransferResponse'), [good])
    deepStrictEqual(await list('?status=AcknowledgedError'), [bad])
  })

  it('is listed in pages of at most 500', async () => {
    basware.sandbox.tune({ p2pMs: 0 })
    for (let k = 0; k < 502; k++) await basware.transfer(invoiceId, { success: false, externalCode: `e${k}` })
    const pages = await basware.pages('/v1/requestStatus?entityType=TransferResponse')
    deepStrictEqual(
      pages.map(({ length }) => length),
      [500, 2],
    )
    strictEqual(new Set(pages.flat().map(({ requestId }) => requestId)).size, 502)
    strictEqual((await basware.get('/v1/requestStatus?pageSize=501')).status, 400)
  })
})
