/** What every target that posts must pass, whatever becomes of replies, ledgers and processes: each record stands there once. */
import { deepStrictEqual, equal, match } from 'node:assert/strict'
import { keyText } from '../../sync/contract/message.ts'
import { anna, type PostingBench, type World, world } from './posting-rig.ts'

export function postingSuite(
  name: string,
  open: () => Promise<PostingBench & { readonly close?: () => Promise<void> }>,
): void {
  describe(`posting to ${name}`, () => {
    let bench: Awaited<ReturnType<typeof open>>
    let w: World
    beforeEach(async () => {
      bench = await open()
      w = world(bench)
    })
    afterEach(async () => {
      await w.remove()
      await bench.close?.()
    })

    const keyOf = (id: string): string => keyText(bench.schema, bench.row(id, 0, '1'))
    const once = async (...ids: readonly string[]): Promise<void> => {
      const counts = await Promise.all(ids.map(async (id) => `${id} ${(await bench.standing(keyOf(id))).length}`))
      deepStrictEqual(
        counts,
        ids.map((id) => `${id} 1`),
      )
    }
    const started = async (rules?: Parameters<World['node']>[0]) => {
      const node = await w.node(rules)
      await node.start()
      return node
    }
    /** Test posting may post too. */
    const postsSince = (before: number): number => bench.posts() - before

    it('posts each record once, and has nothing new after that', async () => {
      const node = await started()
      await node.engine.posting.postAs(w.place, 'final', anna)
      const before = bench.posts()
      w.hub.put('A', '10.00')
      w.hub.put('B', '20.50')
      equal((await node.run()).verdict, 'ties')
      await once('A', 'B')
      deepStrictEqual(
        w.hub.answers.map(({ say }) => 'posted' in say && say.posted.number),
        [...(await bench.standing(keyOf('A'))), ...(await bench.standing(keyOf('B')))],
      )
      equal((await node.run()).verdict, 'nothing new')
      equal(postsSince(before), 2)
    })

    it('delivered and read again with other content: held, never posted again', async () => {
      const node = await started()
      w.hub.put('A', '10')
      await node.run()
      const before = bench.posts()
      w.hub.put('A', '11')
      await node.run()
      await node.replay()
      deepStrictEqual(await node.held(), { [keyOf('A')]: 'sync.changed-after-posting' })
      equal(postsSince(before), 0)
      await once('A')
    })

    it('in doubt and read again, with the same content or another: not posted again; what comes later is found', async () => {
      const node = await started()
      bench.next('late')
      w.hub.put('A', '10')
      w.hub.put('B', '20')
      match((await node.run()).open?.[0] ?? '', new RegExp(`^${w.place.entity}: 1 in doubt\\b`))
      await once('B')
      const before = bench.posts()
      for (const amount of ['10', '11']) {
        w.hub.put('A', amount)
        await node.run()
      }
      equal(postsSince(before), 0)
      await bench.commitLate()
      await node.engine.posting.look()
      await once('A', 'B')
      deepStrictEqual(await node.ledger.attempts(), [])
    })

    it('a lost reply is looked up at once', async () => {
      const node = await started()
      bench.next('lost')
      w.hub.put('A', '10')
      equal((await node.run()).entities[0]?.delivered, 1)
      await once('A')
    })

    it('a commit after the first look-up: nothing is called absent before the settling wait', async () => {
      const node = await started({
        rules: { lookAgainSeconds: [60, 300, 900], settleSeconds: 1200, whenAbsent: 'again' },
      })
      bench.next('late')
      w.hub.put('A', '10')
      w.hub.put('B', '20')
      await node.run()
      for (const minutes of [1, 4, 10]) {
        w.pass(minutes)
        await node.engine.posting.look()
        await node.run()
      }
      await bench.commitLate()
      w.pass(6)
      await node.engine.posting.look()
      await node.run()
      await once('A', 'B')
    })

    it('absent after the settling wait: posted once more', async () => {
      const node = await started({ rules: { lookAgainSeconds: [], settleSeconds: 1200, whenAbsent: 'again' } })
      bench.next('never')
      w.hub.put('A', '10')
      w.hub.put('B', '20')
      await node.run()
      w.pass(21)
      await node.engine.posting.look()
      await node.run()
      await once('A', 'B')
    })

    it("yesterday's copy of the ledger: nothing is posted until a person says so, then what stands there is found", async () => {
      const node = await started()
      w.hub.put('A', '10')
      await node.run()
      await node.stop()
      w.copy()
      const late = await w.node()
      for (const id of ['B', 'C', 'D']) w.hub.put(id, '20')
      await late.run()
      await late.stop()
      w.restore('copy')
      const restored = await w.node()
      const before = bench.posts()
      for (const id of ['B', 'C', 'D', 'E']) w.hub.put(id, '20')
      await restored.run()
      match((await restored.heldOf(keyOf('B'))).cause.message, /old copy/)
      equal(postsSince(before), 0)
      await restored.engine.posting.start(w.place, anna)
      await restored.run()
      await once('A', 'B', 'C', 'D', 'E')
      deepStrictEqual(await restored.held(), {})
      await restored.stop()
      const next = await w.node()
      w.hub.put('F', '1')
      await next.run()
      await once('F')
    })

    it('a lost ledger: the same', async () => {
      const node = await started()
      w.hub.put('A', '10')
      await node.run()
      await node.stop()
      w.restore('lost')
      const fresh = await w.node()
      const before = bench.posts()
      w.hub.put('A', '10')
      await fresh.run()
      deepStrictEqual(Object.keys(await fresh.held()), [keyOf('A')])
      equal(postsSince(before), 0)
      await fresh.start()
      await fresh.run()
      await once('A')
      deepStrictEqual(await fresh.held(), {})
    })

    it('two ledgers: the second finds what the first has posted', async () => {
      const one = await started()
      w.hub.put('A', '10')
      await one.run()
      const other = await started({ file: ':memory:' })
      w.hub.put('A', '10')
      await other.run()
      await once('A')
      deepStrictEqual(await other.held(), {})
    })

    it('a process paused between intent and send sends nothing late; both witnesses are asked again', async () => {
      const node = await started()
      w.beforePost(async () => {
        w.pass(10)
        await bench.another(keyOf('A'), bench.row('A', 0, '10'))
      })
      w.hub.put('A', '10')
      await node.run()
      await once('A')
    })

    it('two vouchers for one record are found by the second look-up, and an alert names both', async () => {
      const node = await started()
      let other = ''
      w.beforePost(async () => {
        other = await bench.another(keyOf('A'), bench.row('A', 0, '10'))
      })
      w.hub.put('A', '10')
      await node.run()
      const [alert] = await node.ledger.alerts({ open: true })
      equal(alert?.kind, 'posted-aside')
      for (const number of await bench.standing(keyOf('A'))) match(alert?.message ?? '', new RegExp(number))
      match(alert?.message ?? '', new RegExp(other))
      deepStrictEqual(w.hub.answers, [])
    })

    it('its source says that it is not ours any more: held with its words, not posted', async () => {
      const node = await started()
      const before = bench.posts()
      w.hub.put('A', '10')
      w.hub.put('B', '20')
      w.beforePost(() => w.hub.setState('B', 'answered'))
      await node.run()
      deepStrictEqual(await node.held(), { [keyOf('B')]: 'sync.post-not-ours' })
      match((await node.heldOf(keyOf('B'))).cause.message, /it is answered/)
      equal(postsSince(before), 1)
      await once('A')
    })

    it('a look-up that finds nothing any more: nothing is posted', async () => {
      const node = await started()
      w.hub.put('A', '10')
      await node.run()
      const before = bench.posts()
      await bench.blind(true)
      w.pass(1)
      w.hub.put('B', '20')
      await node.run()
      deepStrictEqual(await node.held(), { [keyOf('B')]: 'sync.post-unproved' })
      match((await node.heldOf(keyOf('B'))).cause.message, new RegExp(`${(await bench.standing(keyOf('A')))[0]}`))
      equal(postsSince(before), 0)
      await bench.blind(false)
      await node.run()
      deepStrictEqual(await node.held(), {})
      await once('A', 'B')
    })

    it('absent by a look-up that is blind: nothing is posted once more, and what stands there is found later', async () => {
      const node = await started({ rules: { lookAgainSeconds: [], settleSeconds: 1200, whenAbsent: 'again' } })
      w.hub.put('A', '10')
      await node.run()
      w.hub.put('B', '20')
      bench.next('late')
      await node.run()
      await bench.commitLate()
      await bench.blind(true)
      w.pass(21)
      await node.engine.posting.look()
      equal((await node.ledger.attempts()).length, 1, 'nobody says that it is absent')
      await node.run()
      await bench.blind(false)
      await node.engine.posting.look()
      deepStrictEqual(await node.ledger.attempts(), [])
      await node.run()
      await once('A', 'B')
    })

    it('a draft is answered once somebody has made it final; one that is deleted is set aside', async () => {
      const node = await started()
      for (const id of ['A', 'B', 'C']) w.hub.put(id, '10')
      await node.run()
      equal(w.hub.answers.length, 0)
      const numberOf = async (id: string): Promise<string> => (await bench.standing(keyOf(id)))[0] ?? ''
      const [final, deleted] = [await numberOf('A'), await numberOf('B')]
      await bench.finalise(final)
      await bench.remove(deleted)
      await node.engine.posting.look()
      deepStrictEqual(
        w.hub.answers.map(({ key, say }) => [key, 'posted' in say && say.posted.number]),
        [[keyOf('A'), final]],
      )
      const [alert] = await node.ledger.alerts({ open: true })
      match(`${alert?.kind} ${alert?.message}`, new RegExp(`^posted-aside .*the draft ${deleted} was deleted`))
      await once('A', 'C')
    })
  })
}
