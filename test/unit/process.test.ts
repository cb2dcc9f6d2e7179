import assert from 'node:assert/strict'
import { once } from 'node:events'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { ask } from '../../demo/process.ts'

describe('a question of the demo to Node-RED', () => {
  it('is asked once more where the connection was closed; what changes something is not', async () => {
    const seen: string[] = []
    const server = createServer((request, response) => {
      seen.push(`${request.method}`)
      if (seen.length % 2 === 1) request.socket.destroy()
      else response.end('here')
    }).listen(0, '127.0.0.1')
    try {
      await once(server, 'listening')
      const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`
      assert.equal(await (await ask(url, { method: 'GET' })).text(), 'here')
      await assert.rejects(ask(url, { method: 'POST', body: '{}' }), /fetch failed/)
      assert.deepEqual(seen, ['GET', 'GET', 'POST'])
    } finally {
      server.closeAllConnections()
      server.close()
    }
  })
})
