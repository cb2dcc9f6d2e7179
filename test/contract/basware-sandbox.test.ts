import { deepStrictEqual, match, notDeepStrictEqual, notStrictEqual, ok, strictEqual, throws } from 'node:assert/strict'
import { randomUUID } from 'node:crypto'
import { type BaswareFixture, type Json, startBaswareFixture } from '../support/basware.ts'

const WAITING = '/v1/accountingDocuments?ProcessingStatus=WaitingForTransfer'

describe('Basware sandbox: an invoice', () => {
  let basware: BaswareFixture
  beforeEach(async () => {
    basware = await startBaswareFixture()
  })
  afterEach(() => basware.close())

  const idOf = (document: Json): string => String(document.invoiceId)
  const stateOf = async (id: string): Promise<unknown> => (await basware.invoice(id)).processingStatus
  const errorsOf = (json: unknown): readonly Json[] => (json as { errors: readonly Json[] }).errors

  it('is acknowledged, answered and transferred', async () => {
    const id = idOf(await basware.waiting())
    strictEqual((await basware.acknowledge(id)).status, 200)
    strictEqual(await stateOf(id), 'TransferInProgress')
    ok(!(await basware.pages(WAITING)).flat().some((document) => idOf(document) === id))
    const body = {
      externalCode: randomUUID(),
      voucherNumber1: 'ACH-000123',
      voucherNumber2: 'BPSIN',
      paymentBlock: true,
    }
    const answer = await basware.transfer(id, body)
    strictEqual(answer.status, 200)
    strictEqual((answer.json as Json).externalCode, body.externalCode)
    const document = await basware.invoice(id)
    strictEqual(document.processingStatus, 'Transferred')
    deepStrictEqual(
      [document.voucherNumber1, document.voucherNumber2, document.paymentBlock],
      ['ACH-000123', 'BPSIN', true],
    )
    strictEqual((document.transferResponses as readonly Json[]).at(-1)?.externalCode, body.externalCode)
  })

  it('is acknowledged once', async () => {
    const id = idOf(await basware.waiting())
    strictEqual((await basware.acknowledge(id)).status, 200)
    const again = await basware.acknowledge(id)
    strictEqual(again.status, 405)
    strictEqual(again.text, '')
    strictEqual((await basware.acknowledge('nobody')).status, 404)
  })

  it('is acknowledged for one of two that want it at once', async () => {
    const id = idOf(await basware.waiting())
    const both = await Promise.all([basware.acknowledge(id), basware.acknowledge(id)])
    deepStrictEqual(both.map(({ status }) => status).sort(), [200, 405])
  })

  it('comes back from a person, and can be acknowledged again', async () => {
    const id = idOf(await basware.waiting())
    await basware.acknowledge(id)
    await basware.transfer(id, { voucherNumber1: 'V1' })
    basware.pass(1000)
    basware.sandbox.act('retransfer', { invoiceId: id, fields: { description: 'Once more' } })
    const document = await basware.invoice(id)
    deepStrictEqual([document.processingStatus, document.voucherNumber1], ['WaitingForTransfer', 'V1'])
    strictEqual(document.description, 'Once more')
    strictEqual((document.transferResponses as readonly Json[]).length, 1)
    strictEqual(document.lastUpdated, '2026-03-10T08:00:01.000Z')
    strictEqual((await basware.acknowledge(id)).status, 200)
  })

  it('loses its voucher with a new transfer where the tenant says so', async () => {
    basware.sandbox.tune({ keepsVoucher: false })
    const id = idOf(await basware.waiting())
    await basware.transfer(id, { voucherNumber1: 'V1' })
    basware.sandbox.act('retransfer', { invoiceId: id })
    strictEqual((await basware.invoice(id)).voucherNumber1, undefined)
  })

  it('keeps only the message of a refusal, and may be answered again', async () => {
    const id = idOf(await basware.waiting())
    await basware.acknowledge(id)
    strictEqual(
      (await basware.transfer(id, { success: false, responseMessage: 'No', voucherNumber1: 'V' })).status,
      200,
    )
    const document = await basware.invoice(id)
    deepStrictEqual([document.processingStatus, document.voucherNumber1], ['TransferFailed', undefined])
    strictEqual((document.transferResponses as readonly Json[])[0]?.responseMessage, 'No')
    strictEqual((await basware.transfer(id)).status, 200)
  })

  for (const [transferredAgain, code] of [
    [400, 'DATA_VALIDATION_FAILED'],
    [409, 'CONFLICT_IN_POST'],
  ] as const) {
    it(`refuses an answer once it is transferred, with ${transferredAgain}`, async () => {
      basware.sandbox.tune({ transferredAgain })
      const id = idOf(await basware.waiting())
      await basware.transfer(id, { voucherNumber1: 'FIRST' })
      const again = await basware.transfer(id, { voucherNumber1: 'SECOND' })
      strictEqual(again.status, transferredAgain)
      strictEqual(errorsOf(again.json)[0]?.code, code)
      strictEqual((again.json as Json).requestId, again.headers.get('x-amzn-requestid'))
      strictEqual((await basware.invoice(id)).voucherNumber1, 'FIRST')
    })
  }

  it('takes the same answer twice, or refuses it', async () => {
    const id = idOf(await basware.waiting())
    const failed = { success: false, externalCode: 'the-same' }
    strictEqual((await basware.transfer(id, failed)).status, 200)
    strictEqual((await basware.transfer(id, failed)).status, 409)
    basware.sandbox.tune({ sameResponse: 'taken' })
    strictEqual((await basware.transfer(id, failed)).status, 200)
  })

  it('is answered without an acknowledgement, or is not', async () => {
    basware.sandbox.tune({ unacknowledged: 'refused' })
    const id = idOf(await basware.waiting())
    strictEqual((await basware.transfer(id)).status, 400)
    strictEqual(await stateOf(id), 'WaitingForTransfer')
    await basware.acknowledge(id)
    strictEqual((await basware.transfer(id)).status, 200)
  })

  it('is not answered before its acknowledgement has taken effect', async () => {
    basware.sandbox.tune({ acknowledgeMs: 2000 })
    const id = idOf(await basware.waiting())
    strictEqual((await basware.acknowledge(id)).status, 200)
    strictEqual(await stateOf(id), 'WaitingForTransfer')
    strictEqual((await basware.acknowledge(id)).status, 405)
    strictEqual((await basware.transfer(id)).status, 400)
    basware.pass(2000)
    strictEqual(await stateOf(id), 'TransferInProgress')
    strictEqual((await basware.transfer(id)).status, 200)
  })

  it('keeps the last hundred answers', async () => {
    const id = idOf(await basware.waiting())
    for (let k = 0; k < 103; k++) await basware.transfer(id, { success: false, externalCode: `answer-${k}` })
    const kept = (await basware.invoice(id)).transferResponses as readonly Json[]
    deepStrictEqual([kept.length, kept[0]?.externalCode], [100, 'answer-3'])
  })

  it('is changed, returned, removed and prebooked by people', async () => {
    const [first, second, third, fourth] = (await basware.pages(WAITING)).flat().map(idOf)
    basware.sandbox.act('change', { invoiceId: first, fields: { grossSum: 12.34 } })
    strictEqual((await basware.invoice(first ?? '')).grossSum, 12.34)
    basware.sandbox.act('return', { invoiceId: second })
    strictEqual((await basware.acknowledge(second ?? '')).status, 405)
    basware.sandbox.act('remove', { invoiceId: third })
    strictEqual(await stateOf(third ?? ''), 'Removed')
    basware.sandbox.act('prebook', { invoiceId: fourth })
    strictEqual((await basware.acknowledge(fourth ?? '')).status, 200)
    strictEqual(await stateOf(fourth ?? ''), 'PrebookInProgress')
    const answer = { externalCode: 'p', success: true, responseMessage: 'Prebooked', paymentBlock: false }
    strictEqual((await basware.call('POST', `/v1/accountingDocuments/${fourth}/prebookResponses`, answer)).status, 200)
    strictEqual(await stateOf(fourth ?? ''), 'Prebooked')
  })

  it('has a voucher number that somebody typed', async () => {
    const id = idOf(await basware.waiting())
    basware.sandbox.act('typed', { invoiceId: id, voucherNumber1: 'BY-HAND' })
    deepStrictEqual([await stateOf(id), (await basware.invoice(id)).voucherNumber1], ['WaitingForTransfer', 'BY-HAND'])
  })

  it('is approved by people, given whole or the next of the company', async () => {
    const before = (await basware.pages(WAITING)).flat().length
    const { invoiceIds } = basware.sandbox.act('approve', { count: 3 }) as { invoiceIds: readonly string[] }
    strictEqual(new Set(invoiceIds).size, 3)
    strictEqual((await basware.pages(WAITING)).flat().length, before + 3)
    const document = { ...(await basware.waiting()), invoiceId: 'given', grossSum: 0.01 }
    basware.sandbox.act('approve', { document })
    strictEqual((await basware.invoice('given')).grossSum, 0.01)
    throws(
      () => basware.sandbox.act('approve', { document: { ...document, invoiceId: 'x'.repeat(37), other: 1 } }),
      /invoiceId: length over 36; other: no such field/,
    )
  })

  it('is approved of a kind and in other habits', async () => {
    const approved = async (body: Json): Promise<Json> => {
      const { invoiceIds } = basware.sandbox.act('approve', body) as { invoiceIds: readonly string[] }
      return await basware.invoice(invoiceIds[0] ?? '')
    }
    const usual = await approved({ like: 'credit note' })
    const other = await approved({ like: 'credit note', habits: { creditNotes: 'positive' } })
    deepStrictEqual([usual.invoiceTypeCode, other.invoiceTypeCode], ['CREDIT', 'CREDIT'])
    deepStrictEqual([Number(usual.grossSum) < 0, Number(other.grossSum) > 0], [true, true])
    for (const wrong of [{ like: 'nothing' }, { habits: { creditNotes: 'odd' } }, { count: 0 }])
      throws(() => basware.sandbox.act('approve', wrong))
  })

  it('is not seen before P2P has handed it on', async () => {
    basware.sandbox.tune({ publishMs: 5000 })
    await basware.waiting()
    const { invoiceIds } = basware.sandbox.act('approve', {}) as { invoiceIds: readonly string[] }
    const path = `/v1/accountingDocuments/${invoiceIds[0]}`
    strictEqual((await basware.get(path)).status, 404)
    strictEqual((await basware.acknowledge(invoiceIds[0] ?? '')).status, 404)
    basware.pass(5000)
    strictEqual((await basware.get(path)).status, 200)
  })

  it('has sums as doubles leave them, where the tenant does so', async () => {
    const { invoiceId, grossSum, codingRows } =
      (await basware.pages(WAITING)).flat().find((each) => Number(each.grossSum) % 1 !== 0) ?? {}
    basware.sandbox.tune({ sums: 'noisy' })
    const noisy = await basware.invoice(String(invoiceId))
    notStrictEqual(noisy.grossSum, grossSum)
    ok(Math.abs(Number(noisy.grossSum) - Number(grossSum)) < 1e-6)
    notDeepStrictEqual(noisy.codingRows, codingRows)
    strictEqual((codingRows as readonly Json[])[0]?.rowIndex, (noisy.codingRows as readonly Json[])[0]?.rowIndex)
  })

  it('is paid', async () => {
    const id = idOf(await basware.waiting())
    const path = `/v1/accountingDocuments/${id}/paymentResponses`
    const body = { externalCode: 'paid', success: true, paymentBlock: false, paymentMethod: 'SEPA' }
    strictEqual((await basware.call('POST', path, body)).status, 400)
    await basware.transfer(id)
    strictEqual((await basware.call('POST', path, body)).status, 200)
    const document = await basware.invoice(id)
    deepStrictEqual([document.processingStatus, document.paymentMethod], ['Paid', 'SEPA'])
  })

  it('is answered only as the contract says', async () => {
    const id = idOf(await basware.waiting())
    const wrong: readonly (readonly [Json, RegExp])[] = [
      [{ externalCode: 'x'.repeat(37) }, /externalCode: length over 36/],
      [{ externalCode: '' }, /externalCode: length under 1/],
      [{ success: 'true' }, /success: true or false/],
      [{ responseMessage: 'x'.repeat(251) }, /responseMessage: length over 250/],
      [{ responseMessage: null }, /responseMessage: may not be null/],
      [{ voucherNumber1: 'x'.repeat(26) }, /voucherNumber1: length over 25/],
      [{ voucherNumber1: 17 }, /voucherNumber1: a text/],
      [{ transferDate: '30.11.2026' }, /transferDate: a date/],
      [{ sourceSystem: 'x'.repeat(33) }, /sourceSystem: length over 32/],
      [{ voucherNumber3: 'V' }, /voucherNumber3: no such field/],
      [{ constructor: 'V' }, /constructor: no such field/],
    ]
    for (const [fields, message] of wrong) {
      const answer = await basware.transfer(id, fields)
      strictEqual(answer.status, 400)
      const [error] = errorsOf(answer.json)
      deepStrictEqual([error?.type, error?.code], ['VALIDATION', 'SCHEMA_VALIDATION_ERROR'])
      match(String(error?.message), message)
    }
    const path = `/v1/accountingDocuments/${id}/transferResponses`
    for (const body of ['{', '[]', 'null', '[{"externalCode":"a"}]', '{"externalCode":"a"}'])
      strictEqual((await basware.call('POST', path, body)).status, 400)
    const form = await basware.call('POST', path, 'a=b', { 'content-type': 'application/x-www-form-urlencoded' })
    strictEqual(form.status, 415)
    const long = { externalCode: 'a', success: true, responseMessage: 'x'.repeat(6_400_000), paymentBlock: false }
    strictEqual((await basware.call('POST', path, long)).status, 413)
    strictEqual(await stateOf(id), 'WaitingForTransfer')
    notStrictEqual((await basware.transfer(id, { transferDate: '2026-11-30', voucherNumber2: null })).status, 400)
  })
})
