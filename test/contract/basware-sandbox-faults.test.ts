import { deepStrictEqual, ok, rejects, strictEqual } from 'node:assert/strict'
import { BASWARE_SITES } from '../../sandbox/basware/sites.ts'
import { createFaults } from '../../sandbox/faults.ts'
import { type BaswareFixture, type Json, startBaswareFixture } from '../support/basware.ts'

const QUICK = { slowMs: 5, timeoutMs: 5 }

describe('Basware sandbox: what goes wrong', () => {
  let basware: BaswareFixture
  let invoiceId: string
  beforeEach(async () => {
    basware = await startBaswareFixture()
    invoiceId = String((await basware.waiting()).invoiceId)
  })
  afterEach(() => basware.close())

  function force(site: string, kind: string, times = 1): void {
    const plan = createFaults('calm', 1, BASWARE_SITES, QUICK)
    const known = BASWARE_SITES[site]?.kinds.find((each) => each === kind)
    ok(known, `${site} has no ${kind}`)
    plan.force(site, known, times)
    basware.sandbox.setFaults(plan)
  }
  const stateOf = async (): Promise<unknown> => (await basware.invoice(invoiceId)).processingStatus

  it('an acknowledgement is done though its reply is lost, or a 500, or a page', async () => {
    const ends: readonly (readonly [string, number | 'none'])[] = [
      ['reset-after', 'none'],
      ['error-after', 500],
      ['broken-body', 200],
    ]
    for (const [kind, status] of ends) {
      force('acknowledge', kind)
      if (status === 'none') await rejects(basware.acknowledge(invoiceId))
      else {
        const answer = await basware.acknowledge(invoiceId)
        strictEqual(answer.status, status)
        if (kind === 'broken-body') ok(answer.text.startsWith('<html'))
      }
      strictEqual(await stateOf(), 'TransferInProgress')
      strictEqual((await basware.acknowledge(invoiceId)).status, 405)
      basware.sandbox.act('retransfer', { invoiceId })
    }
  })

  it('an acknowledgement is not done', async () => {
    force('acknowledge', 'reset-before')
    await rejects(basware.acknowledge(invoiceId))
    for (const [kind, status] of [
      ['server-error', 500],
      ['unavailable', 503],
      ['throttled', 429],
      ['unauthorized', 401],
    ] as const) {
      force('acknowledge', kind)
      strictEqual((await basware.acknowledge(invoiceId)).status, status)
    }
    strictEqual(await stateOf(), 'WaitingForTransfer')
  })

  it('an answer is kept once though its reply was lost', async () => {
    await basware.acknowledge(invoiceId)
    force('transfer', 'reset-after')
    await rejects(basware.transfer(invoiceId, { externalCode: 'same', voucherNumber1: 'V1' }))
    strictEqual((await basware.transfer(invoiceId, { externalCode: 'same', voucherNumber1: 'V1' })).status, 400)
    const document = await basware.invoice(invoiceId)
    deepStrictEqual([document.processingStatus, document.voucherNumber1], ['Transferred', 'V1'])
    strictEqual((document.transferResponses as readonly Json[]).length, 1)
  })

  it('a token ends in mid-run', async () => {
    const { access_token } = (await basware.token('accountingDocuments.write')).json as Json
    const headers = { authorization: `Bearer ${access_token}` }
    const acknowledge = async () =>
      (await basware.call('POST', `/v1/accountingDocuments/${invoiceId}/acknowledge`, undefined, headers)).status
    force('acknowledge', 'token-expired')
    strictEqual(await acknowledge(), 401)
    strictEqual(await acknowledge(), 401)
    strictEqual(await stateOf(), 'WaitingForTransfer')
  })

  it('429 says how long to wait, or does not, and comes from the tenant too', async () => {
    force('documents-get', 'throttled', 2)
    const first = await basware.call('GET', '/v1/accountingDocuments')
    deepStrictEqual([first.status, first.headers.get('retry-after')], [429, '1'])
    basware.sandbox.tune({ retryAfter: false })
    strictEqual((await basware.call('GET', '/v1/accountingDocuments')).headers.get('retry-after'), null)
    basware.sandbox.tune({ requestsPerMinute: 1 })
    const statuses = []
    for (let k = 0; k < 3; k++) statuses.push((await basware.call('GET', '/v1/vendors')).status)
    deepStrictEqual(statuses, [200, 429, 429])
    basware.pass(60_000)
    strictEqual((await basware.call('GET', '/v1/vendors')).status, 200)
  })

  it('a page is cut, late, or no JSON at all, at both origins', async () => {
    const path = '/v1/accountingDocuments?pageSize=3'
    force('file', 'cut-body')
    await rejects(basware.get(path))
    force('file', 'slow')
    strictEqual((await basware.get(path)).status, 200)
    force('file', 'broken-body')
    strictEqual((await basware.get(path)).json, undefined)
    basware.sandbox.inject('html-502', { site: 'file' })
    strictEqual((await basware.get(path)).status, 502)
    basware.sandbox.inject('html-200', { site: 'documents-get' })
    ok((await basware.get(path)).text.includes('Sign in'))
    basware.sandbox.inject('not-json', { site: 'file' })
    deepStrictEqual(await basware.get(path).then(({ status, json }) => [status, json]), [200, undefined])
  })

  it('a reply has more bytes than anybody wants', async () => {
    basware.sandbox.inject('huge', { site: 'file' })
    const target = (await basware.call('GET', '/v1/accountingDocuments')).headers.get('location') ?? ''
    const reply = await fetch(target)
    let bytes = 0
    for await (const chunk of reply.body ?? []) bytes += (chunk as Uint8Array).length
    ok(bytes > 80_000_000)
  })

  it('a reply comes without the id of its request', async () => {
    basware.sandbox.inject('no-request-id', { site: 'masters-get' })
    strictEqual((await basware.get('/v1/vendors/none')).headers.get('x-amzn-requestid'), null)
    ok((await basware.get('/v1/vendors/none')).headers.get('x-amzn-requestid'))
    basware.sandbox.inject('no-request-id', { site: 'masters-get' })
    const refused = await basware.get('/v1/vendors?pageSize=0')
    deepStrictEqual([refused.status, refused.headers.get('x-amzn-requestid')], [400, null])
    force('acknowledge', 'error-after')
    ok((await basware.acknowledge(invoiceId)).headers.get('x-amzn-requestid'))
  })

  it('a record has a field that the contract does not have', async () => {
    basware.sandbox.tune({ extraField: true })
    ok('sandboxExtra' in (await basware.invoice(invoiceId)))
  })

  it('under hostile every kind comes at every site that is asked, and a patient client gets through', async () => {
    const plan = createFaults('hostile', 3, BASWARE_SITES, QUICK)
    basware.sandbox.setFaults(plan)
    const patiently = async (run: () => Promise<{ readonly status: number }>): Promise<void> => {
      for (let attempt = 0; attempt < 8; attempt++) {
        const status = await run().then(
          (answer) => answer.status,
          () => 0,
        )
        if ([200, 302, 400, 404, 405].includes(status)) return
      }
      throw new Error('eight attempts in a row failed')
    }
    for (let k = 0; k < 400 && (k === 0 || plan.pending().length > 0); k++) {
      await patiently(() => basware.get('/v1/accountingDocuments?pageSize=1'))
      await patiently(() => basware.get(`/v1/accountingDocuments/${invoiceId}`))
      await patiently(() => basware.acknowledge(invoiceId))
      await patiently(() => basware.transfer(invoiceId))
      await patiently(() => basware.get('/v1/requestStatus'))
      await patiently(() => basware.get('/v1/requestStatus/none'))
      await patiently(() => basware.call('POST', '/v1/requestStatus/acknowledge', { requestIds: ['none'] }))
      await patiently(() => basware.get('/v1/vendors?pageSize=1'))
      await patiently(() => basware.get('/v1/matchingOrderLines?orderExternalCode=none'))
      await patiently(() => basware.token('vendors.read'))
    }
    deepStrictEqual(plan.pending(), [])
  })
})
