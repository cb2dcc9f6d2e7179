import assert from 'node:assert/strict'
import { createRequire } from 'node:module'
import util from 'node:util'
import * as sdk from '@intacct/intacct-sdk'
import { type IntacctFixture, startIntacctFixture } from '../support/intacct.ts'

const require = createRequire(import.meta.url)
const { Lookup, NewQuery, Read, ReadByName, ReadByQuery, ReadMore, Inspect } = sdk.Functions.Common
const { Query, QueryFilter, QueryOrderBy, QuerySelect } = NewQuery

interface Endpoint {
  isDomainValid(host: string): boolean
}

/** Sage's own SDK, which knows nothing of this project, against the sandbox. */
describe('Intacct sandbox, spoken to by the official SDK', () => {
  let fixture: IntacctFixture
  let client: sdk.OnlineClient
  const restore: (() => void)[] = []

  before(async () => {
    // Newer Node has taken these away; the SDK still calls them.
    const old = util as unknown as Record<string, unknown>
    const needed = {
      isNullOrUndefined: (value: unknown) => value === null || value === undefined,
      isArray: Array.isArray,
    }
    for (const [name, own] of Object.entries(needed)) {
      const before = Object.getOwnPropertyDescriptor(old, name)
      Object.defineProperty(old, name, { value: own, configurable: true, writable: true })
      restore.push(() => {
        if (before) Object.defineProperty(old, name, before)
        else delete old[name]
      })
    }
    // It speaks to hosts of intacct.com alone.
    const { default: endpoint } = require('@intacct/intacct-sdk/dist/Credentials/Endpoint') as { default: Endpoint }
    const { isDomainValid } = endpoint
    endpoint.isDomainValid = (host) => host === '127.0.0.1' || isDomainValid.call(endpoint, host)
    restore.push(() => {
      endpoint.isDomainValid = isDomainValid
    })
    fixture = await startIntacctFixture()
    client = new sdk.OnlineClient(await sdk.SessionProvider.factory(config()))
  })

  after(async () => {
    for (const back of restore) back()
    await fixture.intacct.close()
  })

  function config(changes: Partial<sdk.ClientConfig> = {}): sdk.ClientConfig {
    const { senderId, senderPassword, companyId, userId, userPassword, url } = fixture.intacct
    const own = { senderId, senderPassword, companyId, userId, userPassword, endpointUrl: url }
    return Object.assign(new sdk.ClientConfig(), own, changes)
  }

  async function refused(promise: Promise<unknown>, expected: RegExp): Promise<void> {
    await assert.rejects(promise, (error: Error & { errors?: string[] }) => {
      assert.match(`${error.message} ${(error.errors ?? []).join(' ')}`, expected)
      return true
    })
  }

  const vendors = (): number => fixture.books.tables.supplier.count()

  it('logs in and is led to the endpoint of its session', async () => {
    const session = await sdk.SessionProvider.factory(config())
    assert.equal(session.endpointUrl, fixture.intacct.endpoint)
    assert.notEqual(session.endpointUrl, fixture.intacct.url)
    assert.match(session.sessionId, /\.\.$/)
    assert.equal(new Date(String(session.sessionTimeout)).getTime(), fixture.clock.time + 7_200_000)
    assert.equal(session.companyId, fixture.intacct.companyId)
    assert.equal(session.userId, fixture.intacct.userId)
  })

  it('opens a session of an entity, and one of the top level from it', async () => {
    const session = await sdk.SessionProvider.factory(config({ entityId: 'GB10' }))
    assert.equal(session.entityId, 'GB10')
    const own = session.sessionId
    const top = await sdk.SessionProvider.factory(Object.assign(session, { entityId: '' }))
    assert.equal(top.entityId, '')
    assert.notEqual(top.sessionId, own)
  })

  it('passes on what is wrong with sender, user and session', async () => {
    const { factory } = sdk.SessionProvider
    await refused(factory(config({ userPassword: 'no' })), /XL03000006.*Sign-in information is incorrect/)
    await refused(factory(config({ senderPassword: 'no' })), /XL03000006.*Incorrect Intacct XML Partner ID or password/)
    const other = new sdk.OnlineClient(await factory(config()))
    fixture.intacct.endSessions()
    await refused(other.execute(new Lookup()), /XL03000006 Invalid session .\.\.\.\./)
    client = new sdk.OnlineClient(await factory(config()))
  })

  it('walks a query by offset, with an order', async () => {
    const seen: number[] = []
    for (let left = 1; left > 0; ) {
      const query = new Query()
      query
        .assignFromObject('VENDOR')
        .assignSelectFields(new QuerySelect.SelectBuilder().addFields(['RECORDNO', 'VENDORID', 'NAME']).selects)
        .assignOrderBy(new QueryOrderBy.OrderBuilder().addAscending('RECORDNO').orders)
        .assignPageSize(7)
        .assignOffset(seen.length)
      const result = (await client.execute(query)).getResult()
      left = result.numRemaining
      seen.push(...result.data.map((row) => Number((row as { RECORDNO: string }).RECORDNO)))
      assert.equal(result.totalCount, vendors())
    }
    assert.equal(new Set(seen).size, vendors())
    assert.deepEqual(
      seen,
      [...seen].sort((a, b) => a - b),
    )
  })

  it('filters with the operators that it can build', async () => {
    const filter = new QueryFilter.AndOperator([
      new QueryFilter.Filter('RECORDNO').greaterThan('3'),
      new QueryFilter.OrOperator([
        new QueryFilter.Filter('STATUS').equalTo('active'),
        new QueryFilter.Filter('VENDORID').like('FR%'),
      ]),
      new QueryFilter.Filter('RECORDNO').between('2', '9'),
      new QueryFilter.Filter('NAME').isNotNull(),
    ])
    const query = new Query()
    query
      .assignFromObject('VENDOR')
      .assignSelectFields(
        new QuerySelect.SelectBuilder().addField('RECORDNO').addField('STATUS').addField('VENDORID').selects,
      )
      .assignFilter(filter)
    const rows = (await client.execute(query)).getResult().data as {
      RECORDNO: string
      STATUS: string
      VENDORID: string
    }[]
    assert.ok(rows.length > 0 && rows.length < 7)
    for (const { RECORDNO, STATUS, VENDORID } of rows) {
      assert.ok(Number(RECORDNO) > 3 && Number(RECORDNO) <= 9)
      assert.ok(STATUS === 'active' || VENDORID.startsWith('FR'))
    }
  })

  it('walks readByQuery with readMore until nothing remains', async () => {
    const first = Object.assign(new ReadByQuery(), { objectName: 'APBILL', pageSize: 10 })
    let result = (await client.execute(first)).getResult()
    const numbers = new Set<string>()
    for (;;) {
      for (const row of result.data) numbers.add((row as { RECORDNO: string }).RECORDNO)
      assert.equal(result.listType, 'apbill')
      if (result.numRemaining === 0) break
      result = (await client.execute(Object.assign(new ReadMore(), { resultId: result.resultId }))).getResult()
    }
    assert.equal(numbers.size, fixture.books.tables.supplierInvoice.count())
  })

  it('reads by number and by name, with owned lines by number only', async () => {
    const read = Object.assign(new Read(), { objectName: 'GLBATCH', keys: [1, 2], fields: [] })
    const [batch] = (await client.execute(read)).getResult().data as { ENTRIES: { glentry: { TR_TYPE: string }[] } }[]
    assert.ok((batch?.ENTRIES.glentry.length ?? 0) >= 2)
    const [code] = [...fixture.books.tables.supplier.walk()].map((one) => one.code)
    const named = Object.assign(new ReadByName(), { objectName: 'VENDOR', names: [code], fields: ['VENDORID'] })
    assert.deepEqual((await client.execute(named)).getResult().data, [{ VENDORID: code }])
    const wrong = Object.assign(new Read(), { objectName: 'GLBATCH', keys: [1], fields: ['x'] })
    await refused(client.execute(wrong), /Invalid fields list x/)
  })

  it('lists objects and fields', async () => {
    const types = (await client.execute(new Inspect())).getResult().data as { $: { typename: string } }[]
    assert.ok(types.some((one) => one.$.typename === 'apbill'))
    const [type] = (await client.execute(Object.assign(new Lookup(), { objectName: 'APBILL' }))).getResult().data as {
      Fields: { Field: { ID: string; DATATYPE: string; ISCUSTOM: string }[] }
    }[]
    const fields = type?.Fields.Field ?? []
    assert.equal(fields.find(({ ID }) => ID === 'WHENMODIFIED')?.DATATYPE, 'TIMESTAMP')
    assert.equal(fields.find(({ ID }) => ID === 'PAYMENT_APPROVAL')?.ISCUSTOM, 'true')
  })

  it('refuses what would write', async () => {
    const { VendorCreate } = sdk.Functions.AccountsPayable
    const create = Object.assign(new VendorCreate(), { vendorId: 'X', vendorName: 'X' })
    await refused(client.execute(create), /PL04000005/)
    assert.equal(fixture.intacct.stats().functions.create_vendor ?? fixture.intacct.stats().functions.create, 1)
    assert.equal(fixture.books.tables.supplier.count(), vendors())
  })
})
