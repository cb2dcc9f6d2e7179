import { deepStrictEqual, match, ok, strictEqual } from 'node:assert/strict'
import { type Answer, type BaswareFixture, type Json, startBaswareFixture } from '../support/basware.ts'

interface Item extends Json {
  readonly externalCode: string
  readonly status: string
  readonly errors: readonly { readonly type: string; readonly category: string; readonly message: string }[]
}

const companies = [{ companyCode: 'FR10', inheritToChildUnits: false }]
const vendor = (code: string, fields: Json = {}): Json => ({
  externalCode: `V_${code}`,
  vendorCode: code,
  name: `Vendor ${code}`,
  companies,
  ...fields,
})
const order = (number: string, fields: Json = {}): Json => ({
  ...{ externalCode: `O_${number}`, orderNumber: number, sourceSystem: 'X3', companyCode: 'FR10' },
  ...{ organizationElementCode: 'FR10', currencyCode: 'EUR', supplierCode: 'NEW1', ...fields },
})
const line = (number: string, at: number, fields: Json = {}): Json => ({
  ...{ externalCode: `O_${number}_${at}`, orderExternalCode: `O_${number}`, lineNumber: String(at), quantity: 10 },
  ...{ netPrice: 100, netSum: 1000, matchingMode: 'Standard', isDeleted: false, ...fields },
})

describe('Basware sandbox: what the ERP sends', () => {
  let basware: BaswareFixture
  beforeEach(async () => {
    basware = await startBaswareFixture({ settings: { p2pMs: 2000 } })
  })
  afterEach(() => basware.close())

  const post = (path: string, ...records: readonly Json[]): Promise<Answer> =>
    basware.call('POST', `/v1/${path}`, records)
  const patch = (path: string, body: Json): Promise<Answer> => basware.call('PATCH', `/v1/${path}`, body)
  const idOf = (answer: Answer): string => answer.headers.get('x-amzn-requestid') ?? ''
  const request = async (id: string): Promise<Json> =>
    ((await basware.get(`/v1/requestStatus/${id}`)).json as { requestStatus: readonly Json[] }).requestStatus[0] ?? {}
  const itemsOf = async (answer: Answer): Promise<readonly Item[]> => {
    const [system] = (await request(idOf(answer))).systems as readonly { readonly items: readonly Item[] }[]
    return system?.items ?? []
  }
  const results = async (answer: Answer): Promise<string[]> => (await itemsOf(answer)).map(({ status }) => status)
  const truth = (collection: string): readonly Json[] =>
    (basware.sandbox.act('records', {}) as { p2p: Record<string, readonly Json[]> }).p2p[collection] ?? []
  const saved = (collection: string, externalCode: unknown): Json | undefined =>
    truth(collection).find((one) => one.externalCode === externalCode)
  const errorsOf = (answer: Answer): readonly Json[] => (answer.json as { errors: readonly Json[] }).errors
  /** Sends, waits until P2P has it, and gives what became of each record. */
  const through = async (path: string, ...records: readonly Json[]): Promise<string[]> => {
    const answer = await post(path, ...records)
    strictEqual(answer.status, 200, answer.text)
    basware.pass(2000)
    return await results(answer)
  }

  it('goes from the API layer to P2P, each record with its result', async () => {
    const answer = await post('vendors', vendor('NEW1'), vendor('NEW2'))
    deepStrictEqual([answer.status, answer.json], [200, [vendor('NEW1'), vendor('NEW2')]])
    const shown = (await basware.get('/v1/vendors/V_NEW1')).json as Json
    deepStrictEqual({ ...shown, lastUpdated: null }, { ...vendor('NEW1'), lastUpdated: null })
    strictEqual(saved('vendors', 'V_NEW1'), undefined)
    deepStrictEqual(await results(answer), ['InProgress', 'InProgress'])
    basware.pass(2000)
    const told = await request(idOf(answer))
    deepStrictEqual([told.requestStatus, told.entityType, told.operationType], ['Success', 'Vendor', 'POST'])
    deepStrictEqual(await results(answer), ['Success', 'Success'])
    deepStrictEqual(saved('vendors', 'V_NEW1'), vendor('NEW1'))

    const receipt = { externalCode: 'G1', goodsReceiptNumber: 'PTH1', quantity: 4, netPrice: 100, netSum: 400 }
    const coding = { externalCode: 'C1', rowIndex: 0, allocatedQuantity: 10, netTotal: 1000 }
    deepStrictEqual(await through('matchingOrders', order('PO1')), ['Success'])
    const whole = line('PO1', 1000, { goodsReceipts: [receipt], orderLineCoding: [coding] })
    deepStrictEqual(await through('matchingOrderLines', whole, line('PO1', 2000)), ['Success', 'Success'])
    deepStrictEqual(saved('matchingOrderLines', 'O_PO1_1000'), whole)
    const { matchingOrderLines } = (await basware.get('/v1/matchingOrderLines?orderExternalCode=O_PO1')).json as {
      matchingOrderLines: readonly Json[]
    }
    deepStrictEqual(
      matchingOrderLines.map(({ externalCode }) => externalCode),
      ['O_PO1_1000', 'O_PO1_2000'],
    )
    strictEqual((await basware.get('/v1/matchingOrderLines/O_PO1_2000')).status, 200)
  })

  it('is for masters of each kind', async () => {
    const names = [{ language: 'en-US', translation: 'New' }]
    const active = [{ companyCode: 'FR10', active: true }]
    const bodies: Readonly<Record<string, Json>> = {
      accounts: { accountCode: '999001', accountNames: names, companies: [{ ...active[0], inherit: false }] },
      costCenters: { costCenterCode: 'CC-NEW', costCenterNames: names, companies: active },
      'lists/ACC_LIST_7': { text_1: 'A', text_2: 'Axis', companies: active },
    }
    for (const [path, body] of Object.entries(bodies)) {
      deepStrictEqual(await through(path, { ...body, externalCode: 'M1' }), ['Success'], path)
      strictEqual((await basware.get(`/v1/${path}/M1`)).status, 200)
      ok(saved(path, 'M1'))
    }
    const project = { externalCode: 'P1', projectCode: 'P', projectName: 'Project', companies: active }
    const dated = { ...project, validFrom: '2026-01-01', validUntil: '2026-12-31' }
    const answer = await basware.call('POST', '/v2/projects', [dated])
    strictEqual(answer.status, 200)
    basware.pass(2000)
    deepStrictEqual(await results(answer), ['Success'])
    strictEqual((await basware.get('/v2/projects/P1')).status, 200)
    const list = await post('lists/ACC_LIST_7', { externalCode: 'M2' })
    strictEqual((await request(idOf(list))).genericListKey, 'ACC_LIST_7')
  })

  it('replaces a record whole', async () => {
    const bank = [{ paymentMeansCode: 'TRF', financialAccounts: [] }]
    await through('vendors', vendor('NEW1', { paymentMeans: bank, description: 'old' }))
    await through('vendors', vendor('NEW1', { description: 'new' }))
    deepStrictEqual(saved('vendors', 'V_NEW1'), vendor('NEW1', { description: 'new' }))
    strictEqual(((await basware.get('/v1/vendors/V_NEW1')).json as Json).paymentMeans, undefined)
  })

  it('is refused whole where a record is not valid, and told by record', async () => {
    const wrong = vendor('NEW2', { name: '', colour: 'red', companies: [{}] })
    const answer = await post('vendors', vendor('NEW1'), wrong)
    strictEqual(answer.status, 400)
    deepStrictEqual(
      errorsOf(answer).map(({ externalCode, code, message }) => [externalCode, code, message]),
      [
        ['V_NEW2', 'SCHEMA_VALIDATION_ERROR', 'name: length under 1'],
        ['V_NEW2', 'SCHEMA_VALIDATION_ERROR', 'companies[0].companyCode: required'],
        ['V_NEW2', 'SCHEMA_VALIDATION_ERROR', 'colour: no such field'],
      ],
    )
    strictEqual((await basware.get('/v1/vendors/V_NEW1')).status, 404)
    basware.sandbox.tune({ rejects: 'record' })
    strictEqual((await post('vendors', vendor('NEW1'), wrong)).status, 400)
    strictEqual((await basware.get('/v1/vendors/V_NEW1')).status, 200)
    strictEqual((await basware.get('/v1/vendors/V_NEW2')).status, 404)
    basware.pass(2000)
    ok(saved('vendors', 'V_NEW1'))
  })

  it('has limits in number and size', async () => {
    const many = (count: number): readonly Json[] => Array.from({ length: count }, (_, k) => vendor(`N${k}`))
    strictEqual((await post('vendors', ...many(200))).status, 200)
    strictEqual((await post('vendors', ...many(201))).status, 400)
    const lines = Array.from({ length: 101 }, (_, k) => line('PO1', k + 1))
    strictEqual((await post('matchingOrderLines', ...lines)).status, 400)
    strictEqual((await post('matchingOrderLines', ...lines.slice(1))).status, 200)
    const orders = Array.from({ length: 501 }, (_, k) => order(`PO${k}`))
    strictEqual((await post('matchingOrders', ...orders)).status, 400)
    strictEqual((await post('matchingOrders', ...orders.slice(1))).status, 200)
    strictEqual((await post('vendors')).status, 400)
    strictEqual((await basware.call('POST', '/v1/vendors', vendor('NEW1'))).status, 400)
    const tags = Array.from({ length: 25_000 }, () => ({ name: 'n', value: 'v'.repeat(250) }))
    strictEqual((await post('vendors', vendor('BIG', { tags }))).status, 413)
    strictEqual((await basware.call('DELETE', '/v1/vendors', { externalCode: 'V_N1' })).status, 405)
  })

  it('conflicts where a record comes twice in one request', async () => {
    const answer = await post('vendors', vendor('NEW1'), vendor('NEW1', { name: 'Other' }))
    deepStrictEqual([answer.status, errorsOf(answer)[0]?.code], [409, 'CONFLICT_IN_POST'])
    basware.sandbox.tune({ sameCode: 'taken' })
    deepStrictEqual(await through('vendors', vendor('NEW1'), vendor('NEW1', { name: 'Other' })), [
      'RecordExpired',
      'Success',
    ])
  })

  describe('in P2P', () => {
    beforeEach(async () => {
      await through('vendors', vendor('NEW1'))
      await through('matchingOrders', order('PO1'))
    })
    const errorOf = async (path: string, record: Json): Promise<string> => {
      const answer = await post(path, record)
      strictEqual(answer.status, 200, answer.text)
      basware.pass(2000)
      const [item] = await itemsOf(answer)
      return `${item?.status} ${item?.errors[0]?.category ?? ''} ${item?.errors[0]?.message ?? ''}`
    }

    it('is an error where it names what P2P does not have', async () => {
      match(await errorOf('vendors', vendor('A', { companies: [{ companyCode: 'XX' }] })), /^Error DataValidation .*XX/)
      match(await errorOf('vendors', vendor('B', { paymentTerms: { paymentTermCode: 'NONE' } })), /Payment term NONE/)
      const means = [{ paymentMeansCode: 'TRF', currencyCode: 'XXX' }]
      match(await errorOf('vendors', vendor('C', { paymentMeans: means })), /Currency XXX/)
      match(await errorOf('matchingOrders', order('PO2', { supplierCode: 'NOBODY' })), /Supplier NOBODY/)
      match(
        await errorOf('matchingOrders', order('PO2', { companyCode: 'GB10' })),
        /Supplier NEW1 does not exist in company GB10/,
      )
      match(await errorOf('matchingOrders', order('PO2', { paymentTermCode: 'NONE' })), /Payment term NONE/)
      match(await errorOf('matchingOrderLines', line('PO9', 1000)), /Order O_PO9 of the line does not exist/)
      strictEqual(saved('matchingOrderLines', 'O_PO9_1000'), undefined)
    })

    it('is an error where a code is in use under another external code, or one record more', async () => {
      const twin = vendor('NEW1', { externalCode: 'OTHER' })
      match(await errorOf('vendors', twin), /vendorCode NEW1 is in use by record V_NEW1/)
      match(await errorOf('matchingOrders', order('PO1', { externalCode: 'OTHER' })), /in use by record O_PO1/)
      await through('matchingOrderLines', line('PO1', 1000))
      match(await errorOf('matchingOrderLines', line('PO1', 1000, { externalCode: 'OTHER' })), /Line 1000 is in use/)
      basware.sandbox.tune({ sameRecordCode: 'taken' })
      deepStrictEqual(await through('vendors', { ...twin, name: 'Again' }), ['Success'])
      strictEqual(truth('vendors').filter(({ vendorCode }) => vendorCode === 'NEW1').length, 2)
    })

    it('is an error where quantity, price or receipts do not go with the mode', async () => {
      const modes: readonly (readonly [Json, boolean])[] = [
        [{ quantity: 0 }, false],
        [{ matchingMode: 'Blanket', quantity: 2 }, false],
        [{ matchingMode: 'Blanket', quantity: 1, isReceiptRequired: true }, false],
        [{ matchingMode: 'Blanket', quantity: 1 }, true],
        [{ matchingMode: 'Service', quantity: 1, isReceiptRequired: true }, false],
        [{ matchingMode: 'Service', quantity: 1, isReceiptRequired: true, isReceiptBasedMatching: true }, true],
        [{ matchingMode: 'Return' }, false],
        [{ matchingMode: 'Return', netPrice: -5, netSum: -50 }, true],
        [{ netPrice: null, netSum: null }, false],
        [{ netPrice: null, netSum: null, grossPrice: 5, grossSum: 5 }, true],
      ]
      for (const [k, [fields, good]] of modes.entries()) {
        await through('matchingOrders', order(`M${k}`))
        const [status] = await through('matchingOrderLines', line(`M${k}`, 1000, fields))
        strictEqual(status, good ? 'Success' : 'Error', JSON.stringify(fields))
      }
      await through('matchingOrderLines', line('PO1', 1000))
      const gross = line('PO1', 2000, { netPrice: null, netSum: null, grossPrice: 5, grossSum: 5 })
      match(await errorOf('matchingOrderLines', gross), /Net or gross amounts/)
    })

    it('is an error where a receipt takes back one that is not there, or comes twice', async () => {
      const receipt = { externalCode: 'G1', goodsReceiptNumber: 'PTH1', quantity: 4, netPrice: 100 }
      const back = { ...receipt, externalCode: 'G2', quantity: -4, referenceGRExternalCode: 'G1' }
      const receipts = (...goodsReceipts: readonly Json[]): Promise<string[]> =>
        through('matchingOrderLines', line('PO1', 1000, { goodsReceipts }))
      deepStrictEqual(await receipts(receipt, back), ['Success'])
      deepStrictEqual(await receipts(back), ['Error'])
      deepStrictEqual(await receipts(receipt, receipt), ['Error'])
    })

    it('is saved with a warning, without codes of its coding that P2P does not have', async () => {
      const account = String(truth('accounts')[0]?.accountCode)
      const coded = line('PO1', 1000, {
        orderLineCoding: [
          { ...{ externalCode: 'C1', rowIndex: 0, allocatedQuantity: 10 }, accountCode: account, costCenterCode: 'NO' },
        ],
      })
      match(await errorOf('matchingOrderLines', coded), /^Warning DataValidation .*costCenterCode NO/)
      const { orderLineCoding } = saved('matchingOrderLines', 'O_PO1_1000') ?? {}
      const [row] = orderLineCoding as readonly Json[]
      deepStrictEqual([row?.accountCode, row?.costCenterCode], [account, null])
      basware.sandbox.tune({ unknownCoding: 'refused' })
      match(await errorOf('matchingOrderLines', { ...coded, comment: 'a' }), /^Error .*costCenterCode NO/)
      basware.sandbox.tune({ unknownCoding: 'saved' })
      match(await errorOf('matchingOrderLines', { ...coded, comment: 'b' }), /^Success/)
    })

    it('counts a request with a warning alone as an error, or as a success', async () => {
      basware.sandbox.act('plan', { collection: 'vendors', status: 'Warning', message: 'Partly' })
      const answer = await post('vendors', vendor('NEW2'))
      basware.pass(2000)
      strictEqual((await request(idOf(answer))).requestStatus, 'Error')
      basware.sandbox.tune({ warnedRequest: 'Success' })
      strictEqual((await request(idOf(answer))).requestStatus, 'Success')
    })

    it('is not processed where it is equal to the version before, even if that was an error', async () => {
      deepStrictEqual(await through('vendors', vendor('NEW1')), ['NotProcessed'])
      const orphan = line('PO7', 1000)
      deepStrictEqual(await through('matchingOrderLines', orphan), ['Error'])
      await through('matchingOrders', order('PO7'))
      deepStrictEqual(await through('matchingOrderLines', orphan), ['NotProcessed'])
      strictEqual(saved('matchingOrderLines', 'O_PO7_1000'), undefined)
      deepStrictEqual(await through('matchingOrderLines', { ...orphan, text10: 'again' }), ['Success'])
      basware.sandbox.tune({ unchanged: 'processed' })
      deepStrictEqual(await through('vendors', vendor('NEW1')), ['Success'])
    })

    it('is expired where a newer version came within a second, and only then', async () => {
      const first = await post('vendors', vendor('NEW2'))
      basware.pass(900)
      const second = await post('vendors', vendor('NEW2', { name: 'Second' }))
      basware.pass(1100)
      const third = await post('vendors', vendor('NEW2', { name: 'Third' }))
      basware.pass(2000)
      deepStrictEqual(
        [await results(first), await results(second), await results(third)],
        [['RecordExpired'], ['Success'], ['Success']],
      )
      strictEqual((await itemsOf(first))[0]?.errors[0]?.type, 'RecordExpired')
      strictEqual(saved('vendors', 'V_NEW2')?.name, 'Third')
    })

    it('waits for what it refers to, as long as P2P tries', async () => {
      basware.sandbox.tune({ retriesMs: 10_000 })
      const early = await post('matchingOrders', order('PO8', { supplierCode: 'LATE' }))
      const never = await post('matchingOrders', order('PO9', { supplierCode: 'NEVER' }))
      basware.pass(3000)
      deepStrictEqual(await results(early), ['InProgress'])
      await through('vendors', vendor('LATE'))
      basware.pass(8000)
      deepStrictEqual([await results(early), await results(never)], [['Success'], ['Error']])
    })

    it('comes out of order where each record takes its own time', async () => {
      basware.sandbox.tune({ spreadMs: 10_000 })
      const answer = await post('vendors', ...Array.from({ length: 30 }, (_, k) => vendor(`S${k}`)))
      basware.pass(5000)
      const states = await results(answer)
      ok(states.includes('Success') && states.includes('InProgress'))
      ok(states.lastIndexOf('Success') > states.indexOf('InProgress'), 'a later one came first')
      basware.pass(8000)
      deepStrictEqual(new Set(await results(answer)), new Set(['Success']))
    })

    it('is what was planned, held back, or never told', async () => {
      basware.sandbox.act('plan', { collection: 'vendors', externalCode: 'V_X1', status: 'Error' })
      basware.sandbox.act('plan', { collection: 'vendors', externalCode: 'V_X2', status: 'InProgress' })
      basware.sandbox.act('hold', {})
      const answer = await post('vendors', vendor('X1'), vendor('X2'), vendor('X3'))
      basware.pass(60_000)
      deepStrictEqual(await results(answer), ['InProgress', 'InProgress', 'InProgress'])
      basware.sandbox.act('release', {})
      deepStrictEqual(await results(answer), ['Error', 'InProgress', 'Success'])
      strictEqual((await itemsOf(answer))[0]?.errors[0]?.category, 'Technical')
      deepStrictEqual(
        [saved('vendors', 'V_X1'), saved('vendors', 'V_X2'), saved('vendors', 'V_X3')],
        [undefined, undefined, vendor('X3')],
      )
    })

    it('is edited by people, which the API shows or does not', async () => {
      const bank = [{ paymentMeansCode: 'TRF' }]
      const edit = (record: Json): unknown => basware.sandbox.act('edit', { collection: 'vendors', record })
      const shown = async (): Promise<unknown> => ((await basware.get('/v1/vendors/V_NEW1')).json as Json).paymentMeans
      edit({ externalCode: 'V_NEW1', paymentMeans: bank })
      deepStrictEqual([saved('vendors', 'V_NEW1')?.paymentMeans, await shown()], [bank, undefined])
      basware.sandbox.tune({ edits: 'published' })
      edit({ externalCode: 'V_NEW1', paymentMeans: bank })
      deepStrictEqual(await shown(), bank)
      deepStrictEqual(await through('vendors', vendor('NEW1')), ['Success'])
      strictEqual(saved('vendors', 'V_NEW1')?.paymentMeans, undefined)
    })

    it('never arrives where the API layer could not hand it on', async () => {
      basware.sandbox.inject('not-published', { site: 'masters-post' })
      const answer = await post('vendors', vendor('LOST'))
      deepStrictEqual([answer.status, errorsOf(answer)[0]?.code], [500, 'SNS_PUBLISH_ERROR'])
      basware.pass(2000)
      strictEqual((await basware.get(`/v1/requestStatus/${idOf(answer)}`)).status, 404)
      strictEqual((await basware.get('/v1/vendors/V_LOST')).status, 200)
      deepStrictEqual(await through('vendors', vendor('LOST')), ['NotProcessed'])
      deepStrictEqual(await through('vendors', vendor('LOST', { description: 'again' })), ['Success'])
    })
  })

  describe('by PATCH', () => {
    const receipt = (code: string): Json => ({ externalCode: code, goodsReceiptNumber: code, quantity: 1 })
    beforeEach(async () => {
      await through('vendors', vendor('NEW1'))
      await through('matchingOrders', order('PO1'))
      await through('matchingOrderLines', line('PO1', 1000, { comment: 'kept', goodsReceipts: [receipt('G1')] }))
    })

    it('keeps what it does not name', async () => {
      const answer = await patch('matchingOrderLines/O_PO1_1000', line('PO1', 1000, { netSum: 5, comment: null }))
      strictEqual(answer.status, 200)
      basware.pass(2000)
      const whole = line('PO1', 1000, { netSum: 5, comment: 'kept', goodsReceipts: [receipt('G1')] })
      deepStrictEqual({ ...saved('matchingOrderLines', 'O_PO1_1000'), lastUpdated: 0 }, { ...whole, lastUpdated: 0 })
      strictEqual((await request(idOf(answer))).operationType, 'PATCH')
    })

    it('puts lists in the place of the old ones, or joins them', async () => {
      const receipts = async (): Promise<readonly unknown[]> =>
        (((await basware.get('/v1/matchingOrderLines/O_PO1_1000')).json as Json).goodsReceipts as readonly Json[]).map(
          ({ externalCode }) => externalCode,
        )
      const fresh = line('PO1', 1000, { goodsReceipts: [receipt('G2')] })
      await patch('matchingOrderLines/O_PO1_1000', fresh)
      deepStrictEqual(await receipts(), ['G2'])
      basware.sandbox.tune({ patchLists: 'joined' })
      basware.pass(1000)
      await patch('matchingOrderLines/O_PO1_1000', line('PO1', 1000, { goodsReceipts: [receipt('G3')] }))
      deepStrictEqual(await receipts(), ['G2', 'G3'])
    })

    it('is refused while another one is under way, of another record, without what is required', async () => {
      const whole = line('PO1', 1000, { netSum: 5 })
      strictEqual((await patch('matchingOrderLines/O_PO1_1000', whole)).status, 200)
      strictEqual((await patch('matchingOrderLines/O_PO1_1000', whole)).status, 503)
      basware.pass(1000)
      strictEqual((await patch('matchingOrderLines/O_PO1_1000', whole)).status, 200)
      strictEqual((await patch('matchingOrderLines/O_PO1_9', { ...whole, externalCode: 'O_PO1_9' })).status, 404)
      const other = await patch('matchingOrderLines/O_PO1_1000', { ...whole, externalCode: 'OTHER' })
      deepStrictEqual([other.status, errorsOf(other)[0]?.code], [400, 'EXTERNAL_CODE_MISMATCH'])
      basware.pass(1000)
      strictEqual((await patch('matchingOrderLines/O_PO1_1000', { netSum: 6 })).status, 400)
      basware.sandbox.tune({ patchRequired: 'nothing' })
      strictEqual((await patch('matchingOrderLines/O_PO1_1000', { netSum: 6 })).status, 200)
      strictEqual((await patch('vendors/V_NEW1', { name: 'Once' })).status, 200)
      strictEqual((await patch('vendors/V_NEW1', { name: 'Twice' })).status, 200)
    })
  })

  it('makes requisitions and never changes them', async () => {
    await through('vendors', vendor('NEW1'))
    const lines = [{ externalCode: 'L1', extRequisitionLineNumber: '1', currencyCode: 'EUR', supplierCode: 'NEW1' }]
    const requisition = { externalCode: 'R1', extDocumentNumber: 'PR-1', purpose: 'Steel', lines }
    deepStrictEqual(await through('purchaseRequisitions', requisition), ['Success'])
    deepStrictEqual(await through('purchaseRequisitions', { ...requisition, purpose: 'Iron' }), ['Error'])
    strictEqual(((await basware.get('/v1/purchaseRequisitions/R1')).json as Json).purpose, 'Iron')
    strictEqual(saved('purchaseRequisitions', 'R1')?.purpose, 'Steel')
    strictEqual((await patch('purchaseRequisitions/R1', requisition)).status, 405)
    const other = { ...requisition, externalCode: 'R2', lines: [{ ...lines[0], supplierCode: 'NOBODY' }] }
    deepStrictEqual(await through('purchaseRequisitions', other), ['Error'])
  })
})
