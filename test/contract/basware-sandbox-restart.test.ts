import { deepStrictEqual, ok, strictEqual } from 'node:assert/strict'
import { appendFileSync, mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { type BaswareFixture, type Json, START, startBaswareFixture } from '../support/basware.ts'

describe('Basware sandbox: a restart', () => {
  let folder: string
  let time: number
  let basware: BaswareFixture
  const now = (): number => time
  const start = async (): Promise<void> => {
    basware = await startBaswareFixture({
      clientId: 'client',
      file: join(folder, 'basware.jsonl'),
      now,
      clock: { now: () => time + 3_600_000 },
    })
  }
  beforeEach(async () => {
    folder = mkdtempSync(join(tmpdir(), 'tieout-basware-'))
    time = START
    await start()
  })
  afterEach(async () => {
    await basware.close()
    rmSync(folder, { recursive: true })
  })

  const everything = async (): Promise<unknown> => ({
    documents: basware.sandbox.act('documents', {}),
    records: basware.sandbox.act('records', {}),
    requests: await basware.pages('/v1/requestStatus?entityType=TransferResponse'),
    vendors: await basware.pages('/v1/requestStatus?entityType=Vendor'),
  })

  it('leaves everything as it was, what was on its way too', async () => {
    const [first, second, third] = (await basware.pages('/v1/accountingDocuments?ProcessingStatus=WaitingForTransfer'))
      .flat()
      .map(({ invoiceId }) => String(invoiceId))
    basware.sandbox.tune({ p2pMs: 10_000, acknowledgeMs: 1000 })
    await basware.acknowledge(first ?? '')
    time += 1000
    strictEqual((await basware.transfer(first ?? '', { voucherNumber1: 'V1' })).status, 200)
    basware.sandbox.act('return', { invoiceId: second })
    basware.sandbox.act('approve', { count: 2 })
    basware.sandbox.newDay()
    const vendor = { vendorCode: 'NEW', name: 'New', companies: [{ companyCode: 'FR10' }] }
    await basware.call('POST', '/v1/vendors', [{ ...vendor, externalCode: 'V1' }])
    basware.sandbox.act('edit', {
      collection: 'vendors',
      record: { ...vendor, vendorCode: 'OTHER', externalCode: 'V2' },
    })
    time += 9500
    await basware.call('PATCH', '/v1/vendors/V1', { ...vendor, externalCode: 'V1', name: 'Newer' })
    await basware.acknowledge(third ?? '')
    const before = await everything()
    await basware.close()
    time += 200
    await start()
    deepStrictEqual(await everything(), before)
    time += 10_000
    const { requests, vendors } = (await everything()) as Record<'requests' | 'vendors', readonly (readonly Json[])[]>
    strictEqual(requests.flat()[0]?.requestStatus, 'Success')
    deepStrictEqual(
      vendors.flat().map(({ operationType, requestStatus }) => [operationType, requestStatus]),
      [
        ['POST', 'Success'],
        ['PATCH', 'Success'],
      ],
    )
    strictEqual((await basware.acknowledge(third ?? '')).status, 405)
    const approved = basware.sandbox.act('approve', {}) as { invoiceIds: readonly string[] }
    ok(!JSON.stringify(before).includes(approved.invoiceIds[0] ?? ''))
  })

  it('is not stopped by half a line that a killed process left', async () => {
    const id = String((await basware.waiting()).invoiceId)
    await basware.acknowledge(id)
    const before = await everything()
    await basware.close()
    appendFileSync(join(folder, 'basware.jsonl'), '{"kind":"act","ar')
    await start()
    deepStrictEqual(await everything(), before)
    basware.sandbox.act('return', { invoiceId: id })
    const after = await everything()
    await basware.close()
    await start()
    deepStrictEqual(await everything(), after)
  })
})
