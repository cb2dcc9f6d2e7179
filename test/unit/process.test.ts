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
      const closed = new RegExp(`^Error: POST ${url}: no answer, UND_ERR_SOCKET other side closed$`)
      await assert.rejects(ask(url, { method: 'POST', body: '{}' }), closed)
      assert.deepEqual(seen, ['GET', 'GET', 'POST'])
    } finally {
      server.closeAllConnections()
      server.close()
    }
  })

  it('says who did not answer, and why', async () => {
    const server = createServer().listen(0, '127.0.0.1')
    await once(server, 'listening')
    const host = `127.0.0.1:${(server.address() as AddressInfo).port}`
    server.close()
    await once(server, 'close')
    const refused = new RegExp(`^Error: GET http://${host}/runs: no answer, connect ECONNREFUSED ${host}$`)
    await assert.rejects(ask(`http://${host}/runs`, {}), refused)
  })
})
