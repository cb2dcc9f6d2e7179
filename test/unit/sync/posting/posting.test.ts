import { deepStrictEqual, equal, match, rejects } from 'node:assert/strict'
import type { SyncError } from '../../../../sync/contract/errors.ts'
import type { Found } from '../../../../sync/contract/posting.ts'
import { createErp, type Erp, recordKey } from '../../../support/posting-erp.ts'
import { anna, eachInItsWorld, world } from '../../../support/posting-rig.ts'
import { postingSuite } from '../../../support/posting-suite.ts'

const A = recordKey('A')
const B = recordKey('B')
const place = { sync: 's', entity: 'invoice' }

postingSuite('an ERP in memory', async () => createErp())

describe('posting', () => {
  const w = eachInItsWorld()

  it('posts each record once, answers, and has nothing new after that', async () => {
    const node = await w.node()
    await node.start()
    await node.engine.posting.postAs(place, 'final', anna)
    w.hub.put('A', '10.00')
    w.hub.put('B', '20.50')
    const first = await node.run()
    deepStrictEqual(w.numbers(), [`${A} V1`, `${B} V2`])
    deepStrictEqual([first.verdict, first.open], ['ties', undefined])
    deepStrictEqual(first.entities[0]?.amounts, { EUR: { debit: '30.5', credit: '0' } })
    deepStrictEqual(
      w.hub.answers.map(({ key, say }) => [key, 'posted' in say && say.posted.number]),
      [
        [A, 'V1'],
        [B, 'V2'],
      ],
    )
    equal((await node.run()).verdict, 'nothing new')
    equal(w.erp.vouchers.length, 2)
    deepStrictEqual(await node.alerts(), [], 'an inbox without anything new is as it should be')
  })

  it('an amount that is not the one read at the source is held, whoever changed it on the way', async () => {
    const node = await w.node()
    await node.start()
    node.flow = async (message) => {
      const payload = message.payload.map((record) => (record.id === 'A' ? { ...record, amount: '10.01' } : record))
      await node.engine.deliver({
        ...{ ref: node.sink, target: node.target, message: { ...message, payload } },
        ...{ progress: () => undefined, signal: new AbortController().signal },
      })
    }
    w.hub.put('A', '10.00')
    w.hub.put('B', '20.50')
    await node.run()
    deepStrictEqual(w.numbers(), [`${B} V1`])
    deepStrictEqual(await node.held(), { [A]: 'sync.changed-amount' })
    match((await node.heldOf(A)).cause.message ?? '', /comes to 10.01 as it would be posted, and to 10 at its source/)
    await node.replay()
    deepStrictEqual(await node.held(), { [A]: 'sync.changed-amount' }, 'a replay is held as it was')
    deepStrictEqual(w.numbers(), [`${B} V1`])
  })

  it('a due date that differs in the target makes the run open, and keeps nothing back', async () => {
    const there: Record<string, string> = { [A]: '2026-04-30', [B]: '2026-05-15' }
    const dated = (rules?: Parameters<Erp['target']>[0]): ReturnType<Erp['target']> => {
      const target = w.erp.target(rules)
      return {
        ...target,
        check: async (...given) => ({ ...(await target.check(...given)), due: '2026-04-30' }),
        async find(keys, context) {
          const found = await target.find(keys, context)
          const withDue = ([key, one]: [string, Found]): [string, Found] =>
            one.kind === 'posted' ? [key, { ...one, result: { ...one.result, due: there[key] ?? '' } }] : [key, one]
          return new Map([...found].map(withDue))
        },
      }
    }
    const other = world({ ...w.erp, target: dated })
    try {
      const node = await other.node()
      await node.start()
      await node.engine.posting.postAs(place, 'final', anna)
      other.hub.put('A', '10')
      other.hub.put('B', '20')
      const run = await node.run()
      equal(run.verdict, 'open')
      match(JSON.stringify(run.open), /1 posted record\(s\) are due on another day there/)
      const found = await node.ledger.postings(node.target.address, [A, B])
      deepStrictEqual(
        [A, B].map((key) => found.get(key)?.result.notices),
        [undefined, ['V2 is due on 2026-05-15 there, and on 2026-04-30 by its record']],
      )
      equal(other.hub.answers.length, 2)
      deepStrictEqual(await node.alerts(), [])
    } finally {
      await other.remove()
    }
  })

  it('nothing is posted on a new ledger before a person says so, and the run is open with the invoices named', async () => {
    const node = await w.node()
    w.hub.put('A', '10')
    const before = await node.run()
    deepStrictEqual([before.verdict, before.open], ['open', ['invoice: 1 held, EUR 10.00']])
    deepStrictEqual(await node.held(), { [A]: 'sync.post-unproved' })
    await rejects(node.engine.posting.start(place, anna), ({ cause }: SyncError) =>
      /Test posting/.test(cause.hint ?? ''),
    )
    await node.engine.posting.test(place, anna)
    await node.run()
    deepStrictEqual(await node.held(), { [A]: 'sync.post-not-started' })
    deepStrictEqual(await node.alerts(), ['posting'])
    const first = await node.heldOf(A)
    await node.run()
    equal((await node.heldOf(A)).id, first.id, 'it waits as it is, however often it is handed on')
    equal(w.erp.received.length, 0)
    await node.engine.posting.start(place, anna)
    await node.run()
    deepStrictEqual(w.numbers(), [`${A} V1`])
    deepStrictEqual([await node.held(), await node.alerts()], [{}, []])
    const [decision] = await node.ledger.decisions({})
    deepStrictEqual([decision?.kind, decision?.by, decision?.reason], ['posting', 'anna', 'looked there'])
  })

  it('the source is ahead of the inbox: the ledger is an old copy', async () => {
    const node = await w.node()
    await node.start()
    const inbox = node.ledger.inbox({ source: 'hub://tenant', sync: 's', entity: 'invoice' })
    await inbox.behind('invoice A has a voucher there that this ledger does not know')
    w.hub.put('A', '10')
    await node.run()
    deepStrictEqual(Object.keys(await node.held()), [A])
    equal(w.erp.received.length, 0)
  })

  it('a source that does not say whose it is: it waits, and goes on with the next run', async () => {
    const node = await w.node()
    await node.start()
    w.hub.put('A', '10')
    w.hub.dumb = true
    await node.run()
    deepStrictEqual(await node.held(), { [A]: 'sync.post-witness' })
    w.hub.dumb = false
    await node.run()
    deepStrictEqual([await node.held(), w.numbers()], [{}, [`${A} V1`]])
  })

  it('three refusals with one text in a row stop the entity', async () => {
    const node = await w.node()
    await node.start()
    w.erp.fates.push({ refused: 'period closed' }, { refused: 'account 4 unknown' })
    for (let n = 0; n < 3; n++) w.erp.fates.push({ refused: 'pool is wrong' })
    for (const id of ['A', 'B', 'C', 'D', 'E', 'F']) w.hub.put(id, '10')
    const run = await node.run()
    deepStrictEqual([run.verdict, w.erp.received.length], ['failed', 5])
    match(run.errors[0]?.message ?? '', /pool is wrong/)
    equal(Object.keys(await node.held()).length, 5)
    await node.run()
    equal(w.numbers().length, 1, 'what was not reached is handed on by the next run')
  })

  it('a connection that breaks before the first byte: nothing was sent, it is tried again behind a new intent', async () => {
    const node = await w.node()
    await node.start()
    w.erp.fates.push('broken')
    w.hub.put('A', '10')
    const run = await node.run()
    deepStrictEqual([run.entities[0]?.delivered, w.numbers()], [1, [`${A} V1`]])
    deepStrictEqual(await node.ledger.attempts(), [])
  })

  it('what is held on the way is over for the inbox; its replay is asked about and posted like any other', async () => {
    const node = await w.node()
    await node.start()
    const mapping = { id: 'map-1', name: 'map-gl' }
    const cause = { class: 'data' as const, code: 'map.unmapped', message: 'no such cost centre' }
    node.flow = async (message) => {
      const records = message.payload.map((record) => ({ record, cause }))
      await node.engine.hold({ ref: mapping, sinks: [node.sink], message, stage: 'map', records })
    }
    w.hub.put('A', '10')
    await node.run()
    deepStrictEqual(await node.held(), { [A]: 'map.unmapped' })
    node.flow = undefined
    equal((await node.run()).entities[0]?.read, 0)
    w.hub.asked.length = 0
    await node.replay()
    deepStrictEqual([await node.held(), w.numbers(), w.hub.asked], [{}, [`${A} V1`], [A]])
  })

  it('what waits and is left out by a person is not posted, until its source hands it over once more', async () => {
    const node = await w.node()
    w.hub.put('A', '10')
    await node.run()
    await node.ledger.discardHeld([(await node.heldOf(A)).id], anna)
    await node.start()
    await node.run()
    deepStrictEqual([w.erp.received, await node.held()], [[], {}])
    w.hub.put('A', '10')
    await node.run()
    deepStrictEqual(w.erp.received, [A])
  })

  it('a sync whose source cannot be asked is refused', async () => {
    const node = await w.node()
    await node.start()
    const { stillOurs: _s, ...rest } = w.hub.source()
    node.engine.attendSource({ sync: 's', open: async () => rest })
    w.hub.put('A', '10')
    const run = await node.run()
    equal(run.errors[0]?.code, 'sync.post-source')
    equal(w.erp.received.length, 0)
  })
})
