import { deepEqual, equal, match } from 'node:assert/strict'
import { deliver } from '../../../alerts/deliver.ts'
import type { Message } from '../../../alerts/message.ts'
import type { Ledger } from '../../../ledger/ledger.ts'
import { type ErrorClass, syncError } from '../../../sync/contract/errors.ts'
import { type LedgerFolder, ledgerFolder } from '../../support/ledger.ts'

const MINUTE = 60_000

describe('messages on their way', () => {
  let folder: LedgerFolder
  let ledger: Ledger
  let now: number
  let sent: string[]
  let gaveUp: string[]
  /** What the way says to a message; undefined: it goes out. */
  let refuses: (title: string) => ErrorClass | undefined
  let gone: Set<string>
  let close: AbortController

  beforeEach(async () => {
    folder = ledgerFolder()
    ledger = await folder.open()
    now = Date.parse('2026-11-30T08:00:00Z')
    close = new AbortController()
    gone = new Set()
    ;[sent, gaveUp] = [[], []]
    refuses = () => undefined
  })
  afterEach(async () => {
    await ledger.close()
    folder.remove()
  })

  const write = (...titles: string[]): Promise<void> =>
    ledger.tellCauses('a', {
      ...{ told: [], over: [] },
      messages: titles.map((title) => ({
        id: title,
        message: JSON.stringify({ title }),
        at: new Date(now).toISOString(),
      })),
    })
  const go = () =>
    deliver({
      ...{ ledger, recipient: 'a', signal: close.signal, now: () => now, gone },
      async send(_id: string, { title }: Message) {
        const cls = refuses(title)
        if (cls) throw syncError(cls, 'alert.x', `${title} is refused`, { hint: 'Look.' })
        sent.push(title)
      },
      gaveUp: (title, problem) => gaveUp.push(`${title}: ${problem}`),
    })

  it('go out in their order, once, and only to whom they are for', async () => {
    await write('first', 'second')
    await ledger.tellCauses('b', {
      told: [],
      over: [],
      messages: [{ id: 'c', message: '{}', at: new Date(now).toISOString() }],
    })
    deepEqual(await go(), { count: 0 })
    await go()
    deepEqual(sent, ['first', 'second'])
  })

  it('are tried for a day, ever more seldom, and then given up', async () => {
    await write('one')
    refuses = () => 'transient'
    const begin = now
    const tries: number[] = []
    for (; now <= begin + 25 * 60 * MINUTE; now += MINUTE) {
      const before = (await ledger.alertMessages('a'))[0]?.tries
      await go()
      const after = (await ledger.alertMessages('a'))[0]?.tries
      if (before !== after) tries.push((now - begin) / MINUTE)
    }
    deepEqual(tries.slice(0, 8), [0, 1, 3, 7, 15, 31, 63, 123])
    equal(tries.at(-1), 24 * 60)
    deepEqual(gaveUp, ['one: one is refused. Look.'])
    deepEqual([sent, await ledger.alertMessages('a')], [[], []])
  })

  it('do not stop at one that is refused for ever, and spare a server that is down', async () => {
    await write('bad', 'good')
    refuses = (title) => (title === 'bad' ? 'config' : undefined)
    const left = await go()
    deepEqual([sent, left.count], [['good'], 1])
    match(left.problem ?? '', /bad is refused\. Look\./)
    await write('third', 'fourth')
    const asked: string[] = []
    refuses = (title) => {
      asked.push(title)
      return 'transient'
    }
    await go()
    deepEqual(asked, ['third'])
  })

  it('that a closed node could not send wait for the next one, over a new opening of the ledger', async () => {
    await write('one')
    refuses = () => {
      close.abort()
      return 'transient'
    }
    await go()
    await ledger.close()
    ledger = await folder.open()
    close = new AbortController()
    refuses = () => undefined
    deepEqual(await go(), { count: 0 })
    deepEqual(sent, ['one'])
  })

  it('do not go out again while the ledger cannot strike them off', async () => {
    await write('one')
    const { endAlertMessage } = ledger
    ledger.endAlertMessage = async () => {
      throw new Error('disk full')
    }
    await go().catch(() => undefined)
    await go().catch(() => undefined)
    ledger.endAlertMessage = endAlertMessage
    deepEqual(await go(), { count: 0 })
    deepEqual(sent, ['one'])
  })

  it('of a node that is gone are forgotten with the retention', async () => {
    await write('one')
    await ledger.close()
    ledger = await folder.open({ now: () => now + 91 * 24 * 60 * MINUTE })
    await ledger.purge(90)
    deepEqual(await ledger.alertMessages('a'), [])
  })
})
