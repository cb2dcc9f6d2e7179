import assert from 'node:assert/strict'
import { subscribe, unsubscribe } from 'node:diagnostics_channel'
import type { IncomingMessage } from 'node:http'
import { after, before, describe, it } from 'mocha'
import { type DatabricksFixture, startDatabricksFixture } from '../support/databricks.ts'
import { writeContext } from '../support/warehouse.ts'

describe('sockets of many Databricks connections', () => {
  let f: DatabricksFixture
  before(async () => {
    f = await startDatabricksFixture()
  })
  after(() => f.close())

  it('serve the next connection too, each request with its own token', async () => {
    const sockets = new Set<unknown>()
    const tokens = new Set<string | undefined>()
    const hear = (event: unknown): void => {
      const { request } = event as { request: IncomingMessage }
      if (!request.url?.startsWith('/sql/')) return
      sockets.add(request.socket)
      tokens.add(request.headers.authorization)
    }
    subscribe('http.server.request.start', hear)
    try {
      const counts: number[] = []
      for (const personal of [false, true, false]) {
        const connection = f.connect(personal ? { auth: { kind: 'token', token: f.sandbox.token } } : {})
        const context = writeContext()
        await connection.run({ sql: 'SELECT 1', what: 'a question', kind: 'read' }, context)
        counts.push(sockets.size)
      }
      const [first = 0, , last] = counts
      assert.equal(last, first, 'no socket more')
      assert.equal(tokens.size > 1, true)
    } finally {
      unsubscribe('http.server.request.start', hear)
    }
  })

  it('are apart where other certificates are trusted', async () => {
    const stranger = f.connect({ ca: undefined as never, attempts: 1, auth: { kind: 'token', token: f.sandbox.token } })
    await assert.rejects(
      stranger.run({ sql: 'SELECT 1', what: 'a question', kind: 'read' }, writeContext()),
      /certificate/i,
    )
  })
})
