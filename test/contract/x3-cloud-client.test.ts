import assert from 'node:assert/strict'
import { clientCredentials, gatewayOf } from '../../nodes/x3/client/cloud/login.ts'
import { createX3Connection, type X3Connection } from '../../nodes/x3/client/connection.ts'
import type { TokenRules } from '../../sandbox/x3/cloud/pairings.ts'
import type { SyncError } from '../../sync/contract/errors.ts'
import { never, readEntity, sourceOf } from '../support/x3-client.ts'
import { APPLICATION, type CloudFixture, CUSTOMER, startCloud } from '../support/x3-cloud.ts'

describe('X3 in the cloud by client credentials', () => {
  let cloud: CloudFixture
  let line: X3Connection
  const open = async (rules: TokenRules, secret = APPLICATION.secret): Promise<void> => {
    cloud = await startCloud(rules)
    const { gateway, clock, x3 } = cloud
    const options = {
      ...{ root: gateway.root, clientId: APPLICATION.clientId, secret, folder: x3.folder, now: clock.now },
      timeoutMs: 5000,
    }
    line = createX3Connection({
      ...{ url: gateway.root, folder: x3.folder, systemUrl: CUSTOMER, now: clock.now },
      auth: { kind: 'held', user: 'x', credentials: clientCredentials(options, gatewayOf(options), '') },
      retry: { firstDelayMs: 1, maxDelayMs: 5 },
    })
  }
  afterEach(async () => {
    await line.close()
    await cloud.close()
  })
  const ask = () => line.query('{__typename}', {}, { what: 'a question', signal: never })
  const fails = async (): Promise<SyncError> =>
    ask().then(
      () => assert.fail('it was answered'),
      (error: SyncError) => error,
    )

  it('reads the same rows, by one token for all who ask, and a new one after 4 minutes or a refusal', async () => {
    await open({ clientCredentials: true })
    const { records } = await readEntity(sourceOf(line, { pageSize: 10 }), 'supplier')
    assert.equal(records.length, cloud.books.tables.supplier.count())
    await Promise.all([ask(), ask(), ask()])
    assert.equal(cloud.gateway.exchanges(), 1)
    cloud.clock.time += 241_000
    await Promise.all([ask(), ask(), ask()])
    assert.equal(cloud.gateway.exchanges(), 2)
    cloud.gateway.pairings.endAccess()
    await Promise.all([ask(), ask()])
    assert.equal(cloud.gateway.exchanges(), 3)
  })

  it('loses nothing with a reply that never came: it is asked again', async () => {
    await open({ clientCredentials: true })
    for (const kind of ['reset-after', 'error-after', 'cut-body', 'unavailable'] as const) {
      cloud.faults.force('gateway:token', kind)
      await ask()
      cloud.gateway.pairings.endAccess()
      cloud.clock.time += 300_000
    }
  })

  it('a gateway that gives none says so, and what to choose instead', async () => {
    await open({})
    const error = await fails()
    assert.match(error.message, /Invalid grant type/)
    assert.match(error.cause.hint ?? '', /choose the login cloud and pair/)
    assert.equal(cloud.gateway.exchanges(), 1, 'it is not asked again')
  })

  it('a wrong secret is named, and never shown', async () => {
    await open({ clientCredentials: true }, 'wr0ng')
    const error = await fails()
    assert.match(error.cause.hint ?? '', /client secret/)
    assert.doesNotMatch(JSON.stringify([error.message, error.cause]), /wr0ng/)
  })
})
