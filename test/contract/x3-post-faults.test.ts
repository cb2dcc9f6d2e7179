/** What goes wrong at X3 while invoices are posted: none is lost, and none stands there twice, by both doors. */
import { deepStrictEqual, equal, match, ok } from 'node:assert/strict'
import { createFaults, type FaultKind } from '../../sandbox/faults.ts'
import { x3FaultSites } from '../../sandbox/x3/server.ts'
import { SOAP_SITES } from '../../sandbox/x3/soap/door.ts'
import { keyText } from '../../sync/contract/message.ts'
import { anna, type World, world } from '../support/posting-rig.ts'
import { waitFor } from '../support/wait.ts'
import { DOORS, openX3Bench, type X3Bench } from '../support/x3-posting-bench.ts'

/** Faults of a post, and whether X3 has done it all the same. */
const FAULTS: readonly (readonly [what: string, kind: FaultKind, isDone: boolean])[] = [
  ['an HTTP 500 after the commit', 'error-after', true],
  ['a web page in the place of the answer', 'broken-body', true],
  ['an answer that breaks off', 'cut-body', true],
  ['a connection that is lost after the commit', 'reset-after', true],
  ['a connection that is lost before it', 'reset-before', false],
  ['an HTTP 500 before the commit', 'server-error', false],
  ['an HTTP 503', 'unavailable', false],
]

for (const [name, door] of Object.entries(DOORS))
  describe(`invoices posted to ${name}, whatever goes wrong`, () => {
    let bench: X3Bench
    let w: World
    const open = async (more: Parameters<typeof openX3Bench>[1] = {}, row?: (row: object) => object) => {
      const opened = await openX3Bench(door, more)
      bench = row ? { ...opened, row: (...given) => row(opened.row(...given)) as ReturnType<X3Bench['row']> } : opened
      w = world(bench)
      const node = await w.node({ rules: { lookAgainSeconds: [], settleSeconds: 1200, whenAbsent: 'again' } })
      await node.start()
      await node.engine.posting.postAs(w.place, 'final', anna)
      return node
    }
    afterEach(async () => {
      await w.remove()
      await bench.close()
    })
    const keyOf = (id: string): string => keyText(bench.schema, bench.row(id, 0, '1'))
    /** Each stands there once, and its source has its number. */
    const once = async (...ids: readonly string[]): Promise<void> => {
      const standing = await Promise.all(ids.map((id) => bench.standing(keyOf(id))))
      deepStrictEqual(
        standing.map(({ length }) => length),
        ids.map(() => 1),
      )
      deepStrictEqual(
        w.hub.answers.map(({ key, say }) => `${key} ${'posted' in say && say.posted.number}`).sort(),
        ids.map((id, n) => `${keyOf(id)} ${standing[n]?.[0]}`).sort(),
      )
    }

    for (const [what, kind, isDone] of FAULTS)
      it(`${what}: ${isDone ? 'found at once' : 'posted once more after the settling wait'}`, async () => {
        const node = await open()
        const plan = createFaults(
          'calm',
          1,
          { ...x3FaultSites, ...SOAP_SITES },
          { slowMs: 1, timeoutMs: 20, retryAfterSeconds: 0 },
        )
        bench.x3.setFaults(plan)
        w.hub.put('A', '10.00')
        w.hub.put('B', '20.00')
        w.beforePost(() => plan.force(door.site, kind))
        await node.run()
        equal(plan.met()[`${door.site}/${kind}`], 1)
        equal((await node.ledger.attempts()).length, isDone ? 0 : 1)
        w.pass(21)
        await node.engine.posting.look()
        equal((await node.run()).verdict, isDone ? 'nothing new' : 'ties')
        await once('A', 'B')
        deepStrictEqual([await node.held(), await node.alerts()], [{}, []])
      })

    for (const stray of [
      { status: 200, body: '<!DOCTYPE html><title>Sign in</title>' },
      { status: 404, body: '<h1>Not found</h1>' },
    ])
      it(`a wrong address that answers with ${stray.status} and a page: nothing is posted, and all of it once the address is right`, async () => {
        const node = await open()
        w.hub.put('A', '10.00')
        bench.wire.stray = stray
        const run = await node.run()
        ok(['open', 'failed'].includes(run.verdict ?? ''), run.verdict)
        deepStrictEqual(await bench.standing(keyOf('A')), [])
        deepStrictEqual(await node.ledger.attempts(), [])
        bench.wire.stray = undefined
        await node.run()
        await once('A')
        deepStrictEqual(await node.held(), {})
      })

    it('a rate of X3 that is not that of the source: amounts are compared in the currency of the document', async () => {
      const node = await open({}, (row) => ({
        ...row,
        currency: 'USD',
        company_currency: 'EUR',
        exchange_rate: '0.5',
        gross_amount_company: '5',
      }))
      w.hub.put('A', '10.00')
      equal((await node.run()).verdict, 'ties')
      await once('A')
      const [{ key = '' } = {}] = bench.x3.soap.accountant.posted()
      match(key, /^BPSIN/)
      deepStrictEqual(await node.alerts(), [])
    })

    if (door.site === 'soap:save')
      it('a pool that is used up: unknown, looked up, and posted once more', async () => {
        const node = await open({ sessions: 1, waitMs: 20, workMs: 200 })
        w.hub.put('A', '10.00')
        let other: Promise<unknown> | undefined
        w.beforePost(async () => {
          const before = bench.wire.asked()
          other = bench.busy().catch(() => undefined)
          await waitFor(() => bench.wire.asked() > before)
        })
        await node.run()
        await other
        equal((await node.ledger.attempts()).length, 1)
        w.pass(21)
        await node.engine.posting.look()
        await node.run()
        await once('A')
      })
  })
