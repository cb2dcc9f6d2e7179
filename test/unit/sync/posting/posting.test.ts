import { deepStrictEqual, equal, match, rejects } from 'node:assert/strict'
import type { SyncError } from '../../../../sync/contract/errors.ts'
import type { Found } from '../../../../sync/contract/posting.ts'
import { createErp, type Erp, recordKey } from '../../../support/posting-erp.ts'
import { anna, type World, world } from '../../../support/posting-rig.ts'
import { postingSuite } from '../../../support/posting-suite.ts'

const A = recordKey('A')
const B = recordKey('B')
const place = { sync: 's', entity: 'invoice' }

postingSuite('an ERP in memory', async () => createErp())

describe('posting', () => {
  let erp: Erp
  let w: World
  beforeEach(() => {
    erp = createErp()
    w = world(erp)
  })
  afterEach(() => w.remove())

  const numbers = () => erp.vouchers.map(({ key, number }) => `${key} ${number}`)

  it('posts each record once, answers, and has nothing new after that', async () => {
    const node = await w.node()
    await node.start()
    await node.engine.posting.postAs(place, 'final', anna)
    w.hub.put('A', '10.00')
    w.hub.put('B', '20.50')
    const first = await node.run()
    deepStrictEqual(numbers(), [`${A} V1`, `${B} V2`])
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
    equal(erp.vouchers.length, 2)
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
    deepStrictEqual(numbers(), [`${B} V1`])
    deepStrictEqual(await node.held(), { [A]: 'sync.changed-amount' })
    match((await node.heldOf(A)).cause.message ?? '', /comes to 10.01 as it would be posted, and to 10 at its source/)
    await node.replay()
    deepStrictEqual(await node.held(), { [A]: 'sync.changed-amount' }, 'a replay is held as it was')
    deepStrictEqual(numbers(), [`${B} V1`])
  })

  it('a due date that differs in the target makes the run open, and keeps nothing back', async () => {
    const there: Record<string, string> = { [A]: '2026-04-30', [B]: '2026-05-15' }
    const dated = (rules?: Parameters<Erp['target']>[0]): ReturnType<Erp['target']> => {
      const target = erp.target(rules)
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
    const other = world({ ...erp, target: dated })
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
    equal(erp.received.length, 0)
    await node.engine.posting.start(place, anna)
    await node.run()
    deepStrictEqual(numbers(), [`${A} V1`])
    deepStrictEqual([await node.held(), await node.alerts()], [{}, []])
    const [decision] = await node.ledger.decisions({})
    deepStrictEqual([decision?.kind, decision?.by, decision?.reason], ['posting', 'anna', 'looked there'])
  })

  it('handed over once more as it was: answered again with the old voucher', async () => {
    const node = await w.node()
    await node.start()
    await node.engine.posting.postAs(place, 'final', anna)
    w.hub.put('A', '10')
    await node.run()
    w.hub.put('A', '10')
    await node.run()
    equal(erp.received.length, 1)
    deepStrictEqual(
      w.hub.answers.map(({ say }) => 'posted' in say && say.posted.number),
      ['V1', 'V1'],
    )
    equal(new Set(w.hub.answers.map(({ answerId }) => answerId)).size, 2)
  })

  it('still absent after the settling wait: a person is asked; posted once more if he says so', async () => {
    const node = await w.node()
    await node.start()
    erp.fates.push('never')
    w.hub.put('A', '10')
    w.hub.put('B', '20')
    await node.run()
    const [attempt] = await node.ledger.attempts()
    await rejects(node.engine.posting.settle(attempt?.id ?? '', 'again', anna), /still be on its way/)
    w.pass(21)
    await node.engine.posting.look()
    deepStrictEqual(await node.alerts(), ['in-doubt'])
    await node.run()
    const [alert] = await node.ledger.alerts({ open: true })
    match(alert?.message ?? '', /^invoice: nobody knows whether hub\|A\|0 was posted to .* in the sidebar \(Postings\)/)
    equal(erp.received.length, 2, 'not before he says so')
    await node.engine.posting.settle(attempt?.id ?? '', 'again', anna)
    await node.run()
    deepStrictEqual(numbers().sort(), [`${A} V3`, `${B} V2`])
    deepStrictEqual(await node.alerts(), [])
  })

  it('absent by a look-up that is blind: nobody is asked, nothing is posted once more', async () => {
    for (const whenAbsent of ['ask', 'again'] as const) {
      const node = await w.node({ rules: { whenAbsent } })
      if (whenAbsent === 'ask') await node.start()
      erp.fates.push('posted', 'lost')
      const [first, second] = [`1${whenAbsent}`, `2${whenAbsent}`]
      w.hub.put(first, '10')
      await node.run()
      w.hub.put(second, '20')
      w.beforePost(() => {
        erp.isBlind = true
      })
      await node.run()
      w.pass(21)
      await node.engine.posting.look()
      deepStrictEqual(
        (await node.ledger.attempts()).map(({ key, state }) => [key, state]),
        [[recordKey(second), 'open']],
      )
      const received = erp.received.length
      await node.run()
      equal(erp.received.length, received)
      erp.isBlind = false
      await node.engine.posting.look()
      deepStrictEqual(await node.ledger.attempts(), [])
      await node.stop()
    }
    equal(new Set(erp.vouchers.map(({ key }) => key)).size, erp.vouchers.length)
  })

  it('post once more finds it in that moment: it is shown and not sent', async () => {
    const node = await w.node()
    await node.start()
    erp.fates.push('late')
    w.hub.put('A', '10')
    w.hub.put('B', '20')
    await node.run()
    w.pass(21)
    await node.engine.posting.look()
    await erp.commitLate()
    const [attempt] = await node.ledger.attempts()
    match(await node.engine.posting.settle(attempt?.id ?? '', 'again', anna), /stands there as V1/)
    await node.run()
    equal(erp.received.length, 2)
  })

  it('a person says the number it has there, or has it held', async () => {
    const node = await w.node()
    await node.start()
    await node.engine.posting.postAs(place, 'final', anna)
    erp.fates.push('never', 'never')
    for (const id of ['A', 'B', 'C']) w.hub.put(id, '10')
    await node.run()
    w.pass(21)
    await node.engine.posting.look()
    const [a, b] = await node.ledger.attempts()
    await rejects(node.engine.posting.settle(a?.id ?? '', { posted: {} }, anna), /does not find/)
    await node.engine.posting.settle(a?.id ?? '', { posted: { number: 'HAND-1', type: 'GEN' } }, anna)
    const answer = w.hub.answers.at(-1)
    deepStrictEqual(answer && 'posted' in answer.say && answer.say.posted.number, 'HAND-1')
    await node.engine.posting.settle(b?.id ?? '', 'held', anna)
    deepStrictEqual(await node.held(), { [B]: 'sync.post-held' })
    await node.run()
    equal(erp.received.length, 3)
    await node.replay()
    deepStrictEqual(numbers().at(-1), `${B} V4`, 'a replay asks both witnesses and posts it')
  })

  it('the source is ahead of the inbox: the ledger is an old copy', async () => {
    const node = await w.node()
    await node.start()
    const inbox = node.ledger.inbox({ source: 'hub://tenant', sync: 's', entity: 'invoice' })
    await inbox.behind('invoice A has a voucher there that this ledger does not know')
    w.hub.put('A', '10')
    await node.run()
    deepStrictEqual(Object.keys(await node.held()), [A])
    equal(erp.received.length, 0)
  })

  it('two journals for one record are found by the second look-up, and an alert names both', async () => {
    const node = await w.node()
    await node.start()
    w.beforePost(() => {
      erp.vouchers.push({ key: A, number: 'OTHER', status: 'draft', amount: '10', currency: 'EUR' })
    })
    w.hub.put('A', '10')
    await node.run()
    const [alert] = await node.ledger.alerts({ open: true })
    equal(alert?.kind, 'posted-aside')
    match(alert?.message ?? '', /OTHER.* and .*V1/)
    equal(w.hub.answers.length, 0)
    erp.change('OTHER', 'deleted')
    await node.engine.posting.accept(node.target.address, A, anna)
    deepStrictEqual(await node.alerts(), [])
  })

  it('killed between intent and reply: nothing is sent again, and what stands there is found', async () => {
    const node = await w.node()
    await node.start()
    w.hub.put('A', '10')
    const reached = Promise.withResolvers<void>()
    const released = Promise.withResolvers<void>()
    w.beforePost(() => {
      reached.resolve()
      return released.promise
    })
    const running = node.run()
    await reached.promise
    const next = await w.node({ file: w.remains() })
    deepStrictEqual((await next.run()).open, ['invoice: 1 in doubt, EUR 10.00'])
    erp.vouchers.push({ key: A, number: 'V9', status: 'draft', amount: '10', currency: 'EUR', party: 'S1' })
    await next.engine.posting.look()
    deepStrictEqual(
      (await next.ledger.listPostings({})).map(({ result }) => result.number),
      ['V9'],
    )
    await next.run()
    equal(erp.received.length, 0)
    erp.fates.push('broken')
    w.pass(5)
    released.resolve()
    await running
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
    deepStrictEqual([await node.held(), numbers()], [{}, [`${A} V1`]])
  })

  it('a draft is answered when it is final, set aside when it is deleted or changed in amount', async () => {
    const node = await w.node()
    await node.start()
    for (const id of ['A', 'B', 'C', 'D']) w.hub.put(id, '10')
    const run = await node.run()
    deepStrictEqual(run.open, ['invoice: 4 posted as a draft'])
    equal(w.hub.answers.length, 0)
    erp.change('V1', { status: 'final' })
    erp.change('V2', 'deleted')
    erp.change('V3', { status: 'final', amount: '12' })
    await node.engine.posting.look()
    deepStrictEqual(
      w.hub.answers.map(({ key }) => key),
      [A],
    )
    const asides = (await node.ledger.listPostings({})).filter(({ aside }) => aside !== null)
    deepStrictEqual(asides.map(({ result, aside }) => [result.number, aside]).sort(), [
      ['V2', 'the draft V2 was deleted there'],
      ['V3', 'GEN V3 (final) has its reference, and the amount 12 instead of 10'],
    ])
    await rejects(node.engine.posting.accept(node.target.address, B, anna), /does not stand there/)
    match(await node.engine.posting.revise(node.target.address, B, anna), /revision 1/)
    for (const decide of [node.engine.posting.revise, node.engine.posting.sendBackPosted])
      await rejects(decide(node.target.address, A, anna), /may stand there/)
    await node.run()
    deepStrictEqual(numbers().at(-1), `${recordKey('B', 1)} V5`)
    await node.engine.posting.accept(node.target.address, recordKey('C'), anna)
    erp.change('V4', { status: 'reversed' })
    await node.engine.posting.look()
    await node.engine.posting.sendBackPosted(node.target.address, recordKey('D'), anna)
    deepStrictEqual(w.hub.answers.pop()?.say, { sentBack: 'looked there' })
    deepStrictEqual(await node.alerts(), [])
    deepStrictEqual(
      w.hub.answers.map(({ key }) => key),
      [A, recordKey('C')],
    )
  })

  it('no draft counts as deleted where the look-up finds no other', async () => {
    const node = await w.node()
    await node.start()
    w.hub.put('A', '10')
    await node.run()
    erp.change('V1', 'deleted')
    await node.engine.posting.look()
    deepStrictEqual(
      (await node.ledger.listPostings({})).map(({ aside }) => aside),
      [null],
    )
  })

  it('an answer is given again under its id until it is confirmed; an alert of the source is for a person', async () => {
    const node = await w.node()
    await node.start()
    await node.engine.posting.postAs(place, 'final', anna)
    w.hub.put('A', '10')
    w.hub.says.push('lost', 'answered', { alert: 'another voucher stands there' })
    await node.run()
    for (let n = 0; n < 2; n++) await node.engine.posting.look()
    deepStrictEqual(await node.alerts(), ['answer'])
    await node.engine.posting.look()
    deepStrictEqual(await node.alerts(), [])
    deepStrictEqual(
      w.hub.answers.map(({ answered }) => answered),
      [false, false, true, true],
    )
    equal(new Set(w.hub.answers.map(({ answerId }) => answerId)).size, 1)
    await node.engine.posting.look()
    equal(w.hub.answers.length, 4)
  })

  it('three refusals with one text in a row stop the entity', async () => {
    const node = await w.node()
    await node.start()
    erp.fates.push({ refused: 'period closed' }, { refused: 'account 4 unknown' })
    for (let n = 0; n < 3; n++) erp.fates.push({ refused: 'pool is wrong' })
    for (const id of ['A', 'B', 'C', 'D', 'E', 'F']) w.hub.put(id, '10')
    const run = await node.run()
    deepStrictEqual([run.verdict, erp.received.length], ['failed', 5])
    match(run.errors[0]?.message ?? '', /pool is wrong/)
    equal(Object.keys(await node.held()).length, 5)
    await node.run()
    equal(numbers().length, 1, 'what was not reached is handed on by the next run')
  })

  it('a connection that breaks before the first byte: nothing was sent, it is tried again behind a new intent', async () => {
    const node = await w.node()
    await node.start()
    erp.fates.push('broken')
    w.hub.put('A', '10')
    const run = await node.run()
    deepStrictEqual([run.entities[0]?.delivered, numbers()], [1, [`${A} V1`]])
    deepStrictEqual(await node.ledger.attempts(), [])
  })

  it('sent back by a person: looked up first, told to the source, never while in doubt', async () => {
    const node = await w.node()
    await node.start()
    erp.fates.push({ refused: 'no' })
    w.hub.put('A', '10')
    w.hub.put('B', '20')
    await node.run()
    const { id } = await node.heldOf(A)
    match(await node.engine.posting.sendBack(id, anna), /sent back/)
    deepStrictEqual(
      w.hub.answers.map(({ key, say }) => [key, say]),
      [[A, { sentBack: 'looked there' }]],
    )
    deepStrictEqual([await node.held(), (await node.run()).open?.includes('invoice: 1 held, EUR 10.00')], [{}, false])
    w.hub.put('C', '1')
    erp.fates.push({ refused: 'no' })
    await node.run()
    erp.vouchers.push({ key: recordKey('C'), number: 'HAND', status: 'final' })
    const held = await node.heldOf(recordKey('C'))
    await rejects(node.engine.posting.sendBack(held.id, anna), ({ message }: SyncError) =>
      /stands there as HAND/.test(message),
    )
    await node.engine.posting.stands(held.id, { number: 'HAND' }, anna)
    const last = w.hub.answers.at(-1)
    deepStrictEqual(last && 'posted' in last.say && last.say.posted.number, 'HAND')
  })

  it('a refusal whose words are on the list goes back by itself, held first and looked up once more; no other does', async () => {
    const node = await w.node({ rules: { sendBackWhen: ['period*closed'] } })
    await node.start()
    erp.fates.push({ refused: 'ACCDAT: Period 2026-02 CLOSED' }, { refused: 'account 4 unknown' })
    for (const id of ['A', 'B', 'C']) w.hub.put(id, '10')
    const run = await node.run()
    deepStrictEqual([run.entities[0]?.held, numbers().length], [2, 1])
    deepStrictEqual(
      w.hub.answers.flatMap(({ key, say }) => ('sentBack' in say ? [[key, say.sentBack]] : [])),
      [[A, 'ACCDAT: Period 2026-02 CLOSED']],
    )
    deepStrictEqual(Object.keys(await node.held()), [B])
    const [decision] = (await node.ledger.decisions({})).filter(({ about }) => about.includes(A))
    equal(decision?.by, 'erp-post')
    // It stands there after all: not sent, and held.
    erp.fates.push({ refused: 'Period closed' })
    w.hub.put('D', '10')
    w.beforePost(() => void erp.vouchers.push({ key: recordKey('D'), number: 'HAND', status: 'final' }))
    await node.run()
    equal(w.hub.answers.filter(({ say }) => 'sentBack' in say).length, 1)
    equal(Object.keys(await node.held()).includes(recordKey('D')), true)
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
    deepStrictEqual([await node.held(), numbers(), w.hub.asked], [{}, [`${A} V1`], [A]])
  })

  it('what waits and is left out by a person is not posted, until its source hands it over once more', async () => {
    const node = await w.node()
    w.hub.put('A', '10')
    await node.run()
    await node.ledger.discardHeld([(await node.heldOf(A)).id], anna)
    await node.start()
    await node.run()
    deepStrictEqual([erp.received, await node.held()], [[], {}])
    w.hub.put('A', '10')
    await node.run()
    deepStrictEqual(erp.received, [A])
  })

  it('something else has its reference, or a reversed voucher: held, and an alert until a person says what holds', async () => {
    const node = await w.node()
    await node.start()
    erp.vouchers.push({ key: A, number: 'O1', status: 'final', amount: '10', currency: 'EUR', party: 'S2' })
    erp.vouchers.push({ key: B, number: 'O2', status: 'reversed', amount: '10.00', currency: 'EUR', party: 'S1' })
    w.hub.put('A', '10')
    w.hub.put('B', '10')
    await node.run()
    deepStrictEqual(await node.held(), { [A]: 'sync.post-other', [B]: 'sync.post-other' })
    match((await node.heldOf(A)).cause.message, /the partner S2 instead of S1/)
    match((await node.heldOf(B)).cause.message, /was reversed/)
    deepStrictEqual([await node.alerts(), erp.received], [['posted-aside', 'posted-aside'], []])
    for (const decide of [node.engine.posting.sendBack, node.engine.posting.anew])
      await rejects(decide((await node.heldOf(A)).id, anna), /not sent back/)
    await node.engine.posting.stands((await node.heldOf(A)).id, { number: 'HAND' }, anna)
    match(await node.engine.posting.anew((await node.heldOf(B)).id, anna), /revision 1/)
    deepStrictEqual([await node.alerts(), await node.held()], [[], {}])
    await node.run()
    deepStrictEqual(numbers().at(-1), `${recordKey('B', 1)} V1`)
  })

  it('left out while it stands there: an alert names it, until a person says what holds', async () => {
    const node = await w.node()
    await node.start()
    erp.fates.push({ refused: 'no' }, { refused: 'never' })
    w.hub.put('A', '10')
    w.hub.put('B', '20')
    await node.run()
    erp.vouchers.push({ key: A, number: 'HAND', status: 'final', amount: '10', currency: 'EUR', party: 'S1' })
    const ids = [(await node.heldOf(A)).id, (await node.heldOf(B)).id]
    await node.ledger.discardHeld(ids, anna)
    await node.engine.posting.leftOut(ids)
    const alerts = await node.ledger.alerts({ open: true })
    deepStrictEqual(
      alerts.map(({ kind, entity }) => [kind, entity]),
      [['posted-aside', `invoice ${A}`]],
    )
    match(alerts[0]?.message ?? '', /left out by anna, and it stands there as HAND; its source is not told/)
    await node.engine.posting.stands(ids[0] ?? '', { number: 'HAND' }, anna)
    await node.engine.posting.sendBack(ids[1] ?? '', anna)
    deepStrictEqual(
      w.hub.answers.map(({ say }) => ('posted' in say ? say.posted.number : say.sentBack)),
      ['HAND', 'looked there'],
    )
    deepStrictEqual(await node.alerts(), [])
    deepStrictEqual(
      (await node.ledger.held({ states: ['discarded'] })).map(({ key }) => key),
      [B],
    )
  })

  it('held before the sink, and a person says that it stands there: it is answered', async () => {
    const node = await w.node()
    await node.start()
    const cause = { class: 'data' as const, code: 'map.unmapped', message: 'no such cost centre' }
    node.flow = async (message) => {
      const records = message.payload.map((record) => ({ record, cause }))
      await node.engine.hold({
        ref: { id: 'map-1', name: 'map-gl' },
        sinks: [node.sink],
        message,
        stage: 'map',
        records,
      })
    }
    w.hub.put('A', '10')
    await node.run()
    await node.engine.posting.stands((await node.heldOf(A)).id, { number: 'HAND' }, anna)
    deepStrictEqual([w.hub.answers.map(({ key }) => key), await node.held()], [[A], {}])
  })

  it('acknowledged and not answered for more than a day: an alert names it until it is answered', async () => {
    const node = await w.node()
    await node.start()
    erp.fates.push({ refused: 'no' })
    w.hub.put('A', '10')
    await node.run()
    w.pass(23 * 60)
    await node.engine.posting.look()
    deepStrictEqual(await node.alerts(), [])
    w.pass(2 * 60)
    await node.engine.posting.look()
    const [alert] = await node.ledger.alerts({ open: true })
    match(
      `${alert?.kind} ${alert?.message}`,
      /^unanswered 1 document\(s\) were acknowledged more than a day ago .*hub\|A/,
    )
    await node.engine.posting.sendBack((await node.heldOf(A)).id, anna)
    deepStrictEqual(await node.alerts(), [])
  })

  it('a sync whose source cannot be asked is refused', async () => {
    const node = await w.node()
    await node.start()
    const { stillOurs: _s, ...rest } = w.hub.source()
    node.engine.attendSource({ sync: 's', open: async () => rest })
    w.hub.put('A', '10')
    const run = await node.run()
    equal(run.errors[0]?.code, 'sync.post-source')
    equal(erp.received.length, 0)
  })
})
