import { deepStrictEqual, strictEqual } from 'node:assert'
import { randomUUID } from 'node:crypto'
import { keepHosts } from '../../../nodes/kit/reached-hosts.ts'
import { hostAnswered, isWrongHost } from '../../../vendor/hosts.ts'

const failed = (error: unknown): never => {
  throw error
}

function notes() {
  const texts = new Map<string, string>()
  return {
    texts,
    note: async (address: string) => texts.get(address),
    saveNote: async (address: string, text: string) => void texts.set(address, text),
  }
}

/** A name that no other test of this process has reached. */
const someHost = (): string => `${randomUUID()}.example`

describe('hosts that have answered', () => {
  it('are no typing errors after a restart, however long they are not found', async () => {
    const before = notes()
    const host = someHost()
    before.texts.set('tieout://hosts', JSON.stringify([host]))
    const forget = await keepHosts(before, failed)
    strictEqual(isWrongHost(host, 0), false)
    strictEqual(isWrongHost(host, 3_600_000), false)
    forget()
  })

  it('are kept once each, and no more after the ledger is closed', async () => {
    const ledger = notes()
    const [one, late] = [someHost(), someHost()]
    const forget = await keepHosts(ledger, failed)
    hostAnswered(one.toUpperCase())
    hostAnswered(one)
    forget()
    hostAnswered(late)
    deepStrictEqual(
      [...ledger.texts.values()].map((text) => JSON.parse(text)),
      [[one]],
    )
  })
})
