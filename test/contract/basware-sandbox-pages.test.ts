import { deepStrictEqual, match, notDeepStrictEqual, ok, strictEqual } from 'node:assert/strict'
import { answerOf, type BaswareFixture, type Json, startBaswareFixture } from '../support/basware.ts'

const WAITING = '/v1/accountingDocuments?ProcessingStatus=WaitingForTransfer'
const ALL = '/v1/accountingDocuments'

describe('Basware sandbox: lists', () => {
  let basware: BaswareFixture
  beforeEach(async () => {
    basware = await startBaswareFixture({ invoices: 140 })
  })
  afterEach(() => basware.close())

  const keys = (records: readonly Json[], key = 'invoiceId'): string[] => records.map((record) => String(record[key]))

  it('have pages that are shorter than asked for where there are many rows', async () => {
    const pages = await basware.pages(ALL)
    ok(pages.length > 3)
    ok(pages.slice(0, -1).some((page) => page.length < 100))
    const found = pages.flat()
    strictEqual(new Set(keys(found)).size, found.length)
    const rows = (page: readonly Json[]): number =>
      page.reduce((sum, { codingRows }) => sum + (codingRows as readonly Json[]).length, 0)
    ok(pages.filter((page) => page.length > 2).every((page) => rows(page) <= 400))
    basware.sandbox.tune({ pageRows: 1_000_000 })
    deepStrictEqual(
      (await basware.pages(ALL)).map(({ length }) => length),
      [100, found.length - 100],
    )
    deepStrictEqual(keys((await basware.pages(`${ALL}?pageSize=7`)).flat()), keys(found))
  })

  it('are in the order of change, the other way round, or by key', async () => {
    const stamps = async () => (await basware.pages(ALL)).flat().map(({ lastUpdated }) => String(lastUpdated))
    const found = await stamps()
    deepStrictEqual(found, [...found].sort())
    basware.sandbox.tune({ order: 'reverse' })
    deepStrictEqual(await stamps(), [...found].reverse())
    basware.sandbox.tune({ order: 'id' })
    const ids = keys((await basware.pages(ALL)).flat())
    deepStrictEqual(ids, [...ids].sort())
  })

  it('send a record twice where the tenant does so, and end all the same', async () => {
    const single = keys((await basware.pages(`${ALL}?pageSize=1`)).flat())
    basware.sandbox.tune({ repeats: true })
    const pages = await basware.pages(`${ALL}?pageSize=10`)
    ok(pages.every((page, k) => k === 0 || keys(page)[0] === keys(pages[k - 1] ?? []).at(-1)))
    deepStrictEqual([...new Set(keys(pages.flat()))], single)
    deepStrictEqual([...new Set(keys((await basware.pages(`${ALL}?pageSize=1`)).flat()))], single)
  })

  for (const [paging, missed] of [
    ['key', false],
    ['offset', true],
  ] as const) {
    it(`${missed ? 'miss' : 'do not miss'} what moves up when a page is acknowledged, by ${paging}`, async () => {
      basware.sandbox.tune({ paging })
      const path = `${WAITING}&pageSize=5`
      const all = keys((await basware.pages(path)).flat())
      const first = await basware.get(path)
      const page = keys((first.json as { accountingDocuments: readonly Json[] }).accountingDocuments)
      for (const id of page) await basware.acknowledge(id)
      const token = first.headers.get('x-amz-meta-continuationtoken') ?? ''
      const second = await basware.get(path, { 'x-amz-meta-continuationtoken': token })
      const next = keys((second.json as { accountingDocuments: readonly Json[] }).accountingDocuments)
      deepStrictEqual(next, missed ? all.slice(10, 15) : all.slice(5, 10))
    })
  }

  it('take the token in the header alone, and only with the same query', async () => {
    const path = `${WAITING}&pageSize=5`
    const first = await basware.get(path)
    const token = first.headers.get('x-amz-meta-continuationtoken') ?? ''
    deepStrictEqual((await basware.get(`${path}&x-amz-meta-continuationtoken=${token}`)).json, first.json)
    notDeepStrictEqual((await basware.get(path, { 'x-amz-meta-continuationtoken': token })).json, first.json)
    for (const wrong of ['nonsense', Buffer.from('null').toString('base64url')])
      strictEqual((await basware.get(path, { 'x-amz-meta-continuationtoken': wrong })).status, 400, wrong)
    strictEqual((await basware.get(`${path}1`, { 'x-amz-meta-continuationtoken': token })).status, 400)
  })

  it('are found by state, company, mode and change', async () => {
    const all = (await basware.pages(ALL)).flat()
    const count = async (query: string): Promise<number> => (await basware.pages(ALL + query)).flat().length
    const of = (test: (document: Json) => boolean): number => all.filter(test).length
    strictEqual(
      await count('?companyCode=FR10'),
      of(({ companyCode }) => companyCode === 'FR10'),
    )
    strictEqual(
      await count('?ProcessingStatus=Returned'),
      of(({ processingStatus }) => processingStatus === 'Returned'),
    )
    ok(of(({ processingStatus }) => processingStatus === 'TransferInProgress') > 0)
    const since = String(all[20]?.lastUpdated)
    strictEqual(
      await count(`?lastUpdated=${since}`),
      of(({ lastUpdated }) => String(lastUpdated) > since),
    )
    const enriched = (await basware.pages(`${ALL}?p2pProcessingMode=InvoiceEnrichment`)).flat()
    ok(enriched.length > 0)
    ok(!keys(all).includes(keys(enriched)[0] ?? ''))
  })

  it('leave a parameter in another case aside, which gives all states, or understand it', async () => {
    const all = (await basware.pages(ALL)).flat().length
    strictEqual((await basware.pages(`${ALL}?processingStatus=Returned`)).flat().length, all)
    basware.sandbox.tune({ queryNames: 'anyCase' })
    ok((await basware.pages(`${ALL}?processingStatus=Returned`)).flat().length < all)
  })

  it('are refused with values that are none', async () => {
    for (const query of [
      'pageSize=0',
      'pageSize=101',
      'pageSize=x',
      'ProcessingStatus=Open',
      'lastUpdated=yesterday',
      'p2pProcessingMode=A',
    ]) {
      const answer = await basware.get(`${ALL}?${query}`)
      strictEqual(answer.status, 400, query)
      strictEqual((answer.json as { errors: readonly Json[] }).errors[0]?.code, 'PARAMETER_VALIDATION_ERROR')
    }
    strictEqual((await basware.get('/v1/matchingOrderLines')).status, 400)
    strictEqual((await basware.get('/v1/matchingOrders?pageSize=501')).status, 400)
  })

  it('are a 404 where there is nothing, or empty', async () => {
    const path = `${ALL}?companyCode=NONE`
    strictEqual((await basware.call('GET', path)).status, 404)
    basware.sandbox.tune({ emptyList: 200 })
    deepStrictEqual((await basware.get(path)).json, { accountingDocuments: [] })
  })

  it('of masters and orders have what the invoices name', async () => {
    const read = async (path: string, key: string): Promise<Set<string>> =>
      new Set(keys((await basware.pages(path)).flat(), key))
    const vendors = await read('/v1/vendors', 'vendorCode')
    const accounts = await read('/v1/accounts?companyCode=FR10', 'accountCode')
    const centres = await read('/v1/costCenters?pageSize=3', 'costCenterCode')
    const orders = await read('/v1/matchingOrders?companyCode=FR10', 'orderNumber')
    const french = (await basware.pages(`${ALL}?companyCode=FR10`)).flat()
    ok(french.every(({ supplierCode }) => vendors.has(String(supplierCode))))
    const rows = french.flatMap(({ codingRows }) => codingRows as readonly Json[])
    const unknown = (code: unknown, set: Set<string>): boolean => !set.has(String(code))
    ok(rows.every(({ accountCode }) => accountCode === '' || !unknown(accountCode, accounts)))
    deepStrictEqual(
      new Set(rows.map(({ costCenterCode }) => costCenterCode).filter((code) => unknown(code, centres))),
      new Set(['99999-X']),
    )
    ok(rows.filter(({ orderNumber }) => orderNumber !== undefined && !unknown(orderNumber, orders)).length > 0)
    strictEqual(
      (await basware.pages('/v1/lists/ACC_LIST_21')).flat().every(({ text_1 }) => String(text_1).startsWith('P')),
      true,
    )
    strictEqual((await basware.get('/v1/lists/ACC_LIST_36')).status, 404)
  })

  it('of order lines have the coding of matched rows; one order is not there, another twice', async () => {
    const orders = (await basware.pages('/v1/matchingOrders')).flat()
    const documents = (await basware.pages(ALL)).flat()
    const hits = new Map<number, number>()
    let [same, other] = [0, 0]
    for (const document of documents.filter(({ orderNumbers }) => orderNumbers)) {
      const [number] = document.orderNumbers as readonly string[]
      const found = orders.filter(
        ({ orderNumber, companyCode }) => orderNumber === number && companyCode === document.companyCode,
      )
      hits.set(found.length, (hits.get(found.length) ?? 0) + 1)
      if (found.length !== 1) continue
      const lines = (await basware.pages(`/v1/matchingOrderLines?orderExternalCode=${found[0]?.externalCode}`)).flat()
      for (const row of document.codingRows as readonly Json[]) {
        const line = lines.find(({ lineNumber }) => lineNumber === row.orderLineNumber)
        const codings = line?.orderLineCoding as readonly Json[]
        const fits = codings.some(
          (coding) => coding.accountCode === row.accountCode && coding.costCenterCode === row.costCenterCode,
        )
        if (fits) same++
        else other++
      }
    }
    deepStrictEqual([...hits.keys()].sort(), [0, 1, 2])
    ok(same > other && other > 0, `${same} like the order, ${other} otherwise`)
    const one = await basware.get(`/v1/matchingOrders/${orders[0]?.externalCode}`)
    deepStrictEqual(one.json, orders[0])
  })
})

describe('Basware sandbox: redirects', () => {
  let basware: BaswareFixture
  beforeEach(async () => {
    basware = await startBaswareFixture()
  })
  afterEach(() => basware.close())

  const PAGE = `${WAITING}&pageSize=2`
  const location = async (path = PAGE): Promise<string> =>
    (await basware.call('GET', path)).headers.get('location') ?? ''

  it('lead to a second origin, which takes no Authorization', async () => {
    const first = await basware.call('GET', PAGE)
    strictEqual(first.status, 302)
    const target = first.headers.get('location') ?? ''
    ok(target.startsWith(basware.sandbox.filesUrl))
    const good = await fetch(target)
    strictEqual(good.status, 200)
    deepStrictEqual(
      [good.headers.get('x-amzn-requestid'), good.headers.get('x-amz-meta-continuationtoken') === null],
      [null, false],
    )
    const refused = await answerOf(await fetch(target, { headers: { authorization: 'Bearer secret' } }))
    strictEqual(refused.status, 400)
    match(refused.text, /<Error>/)
    basware.sandbox.tune({ linkAuthorization: 'taken' })
    strictEqual((await fetch(target, { headers: { authorization: 'Bearer secret' } })).status, 200)
    strictEqual((await fetch(target.replace(/Signature=./, 'Signature='))).status, 403)
  })

  it('live for a quarter of an hour', async () => {
    const target = await location()
    basware.pass(899_000)
    strictEqual((await fetch(target)).status, 200)
    basware.pass(1_000)
    strictEqual((await fetch(target)).status, 403)
    basware.sandbox.inject('link-expired', { site: 'documents-get' })
    strictEqual((await fetch(await location())).status, 403)
  })

  it('have the token on the last reply, the first, or both', async () => {
    const where = async (): Promise<boolean[]> => {
      const first = await basware.call('GET', PAGE)
      const last = await fetch(first.headers.get('location') ?? '')
      return [first, last].map(({ headers }) => headers.has('x-amz-meta-continuationtoken'))
    }
    deepStrictEqual(await where(), [false, true])
    basware.sandbox.tune({ tokenOn: 'redirect' })
    deepStrictEqual(await where(), [true, false])
    basware.sandbox.tune({ tokenOn: 'both' })
    deepStrictEqual(await where(), [true, true])
  })

  it('come with invoices, with every list, or never', async () => {
    const statuses = async (): Promise<number[]> =>
      await Promise.all(
        [PAGE, '/v1/accounts', '/v1/vendors/none'].map(async (path) => (await basware.call('GET', path)).status),
      )
    deepStrictEqual(await statuses(), [302, 200, 404])
    basware.sandbox.tune({ redirects: 'all' })
    deepStrictEqual(await statuses(), [302, 302, 404])
    basware.sandbox.tune({ redirects: 'none' })
    deepStrictEqual(await statuses(), [200, 200, 404])
  })

  it('lead astray where a test wants it', async () => {
    basware.sandbox.inject('redirect-elsewhere', { site: 'documents-get' })
    match(await location(), /^http:\/\/files\.invalid\//)
    basware.sandbox.inject('redirect-loop', { site: 'document-get' })
    const path = `/v1/accountingDocuments/${(await basware.waiting()).invoiceId}`
    strictEqual(await location(path), basware.sandbox.url + path)
  })

  it('show the invoice as it was when the link was made', async () => {
    const { invoiceId } = await basware.waiting()
    const target = await location(`/v1/accountingDocuments/${invoiceId}`)
    await basware.acknowledge(String(invoiceId))
    const { accountingDocuments } = (await (await fetch(target)).json()) as { accountingDocuments: readonly Json[] }
    strictEqual(accountingDocuments[0]?.processingStatus, 'WaitingForTransfer')
    strictEqual((await basware.invoice(String(invoiceId))).processingStatus, 'TransferInProgress')
  })
})
