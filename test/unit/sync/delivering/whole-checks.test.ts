/** What a comparison of whole tables is believed, and what it is not. */
import { deepEqual, equal, match } from 'node:assert/strict'
import { syncError } from '../../../../sync/contract/errors.ts'
import type { WholeTable } from '../../../../sync/contract/target.ts'
import { type FakeTarget, fakeTarget, supplier, supplierSchema } from '../../../support/fakes.ts'
import { type Rig, rig, sums } from '../../../support/rig.ts'

describe('tables as a whole', () => {
  let r: Rig
  let target: FakeTarget
  /** What the table says of its rows, in turn; the last one stays. */
  let answers: (number | string)[]
  let asked: number
  const make = async (mode: 'merge' | 'append') => {
    asked = 0
    const rows = (answer: number): WholeTable[] => [{ list: '', name: 'supplier', rows: answer, highest: 0, others: 0 }]
    target = Object.assign(fakeTarget({ address: 'fakedb://host/main.finance.supplier', mode }), {
      async whole() {
        const answer = answers[Math.min(asked++, answers.length - 1)] ?? ''
        return typeof answer === 'string' ? answer : rows(answer)
      },
    })
    r = await rig({
      entities: { supplier: { schema: supplierSchema } },
      flow: (message, own) => void own.deliver(message, undefined, target),
    })
  }
  let minute = 0
  const put = (...codes: string[]) => {
    r.source.clockIs(`2026-03-01T09:${String(++minute).padStart(2, '0')}:00Z`)
    for (const code of codes) r.source.put('supplier', supplier(code, `in minute ${minute}`))
  }
  const poll = async (options: Parameters<Rig['poll']>[0] = {}) => sums(await r.poll(options), 'supplier')
  afterEach(() => r.close())

  it('differ only when they said so twice', async () => {
    await make('merge')
    put('A', 'B')
    answers = [1, 2]
    const once = await poll()
    deepEqual([once.verdict, asked, await r.ledger.differences({})], ['ties', 2, []])
    deepEqual(once.by, ['sums of this run', 'counts of the whole tables'])
    answers = [1]
    put('A')
    const twice = await poll()
    equal(twice.verdict, 'differs')
    match(twice.problem ?? '', /supplier: 1 of the 2 rows that were delivered are not there/)
  })

  it('prove nothing while a batch is in doubt there', async () => {
    await make('append')
    put('A')
    answers = [1]
    await poll()
    Object.assign(target, { resolve: async () => 'in-doubt' })
    target.onWrite(() => {
      throw syncError('unknown-outcome', 'fake.reset', 'the connection was reset')
    })
    put('B')
    await poll()
    target.onWrite(() => undefined)
    put('C')
    answers = [3]
    const { verdict } = await poll()
    deepEqual([verdict, await r.ledger.differences({})], ['open', []])
  })

  it('are compared again once everything was read, and not while a record of them is held', async () => {
    await make('merge')
    answers = ['not now']
    put('A', 'B')
    await poll()
    await r.ledger.doubtSums(target.address, 0)
    const isWhole = async () => (await r.ledger.unsummed(target.address, 'erp')) === 0
    equal(await isWhole(), false)
    target.onWrite(({ records }) => {
      if (records.some(({ key }) => key === 'erp|B')) throw syncError('data', 'fake.22018', 'it does not fit')
    })
    await poll({ scope: { kind: 'full' } })
    equal(await isWhole(), false)
    target.onWrite(() => undefined)
    await poll({ scope: { kind: 'full' } })
    equal(await isWhole(), true)
  })

  it('of a target that was not written to are not asked', async () => {
    await make('merge')
    answers = [1]
    put('A')
    await poll()
    const before = asked
    equal((await poll()).verdict, 'nothing new')
    equal(asked, before)
  })
})
