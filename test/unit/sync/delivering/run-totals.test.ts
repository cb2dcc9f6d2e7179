import assert from 'node:assert/strict'
import type { Delivery } from '../../../../ledger/ledger.ts'
import type { DataRecord } from '../../../../sync/contract/message.ts'
import type { StoredTotal } from '../../../../sync/contract/target.ts'
import { createRunTotals, totalsText } from '../../../../sync/delivering/run-totals.ts'
import type { Entry } from '../../../../sync/run/entry.ts'
import type { Reached, RunState } from '../../../../sync/run/state.ts'
import { compileContribution } from '../../../../sync/values/contribution.ts'
import { createFifo } from '../../../../sync/values/queue.ts'
import { createGroups, totalsPlan } from '../../../../sync/values/totals-plan.ts'
import { journal, journalSchema } from '../../../support/deliveries.ts'
import { fakeTarget } from '../../../support/fake-target.ts'

describe('the totals of the runs that go on', () => {
  const plan = totalsPlan(journalSchema)
  const groups = createGroups()
  const by = compileContribution(journalSchema, plan, groups)
  const entry = (record: DataRecord): Entry =>
    ({
      record,
      key: String(record.number),
      read: 1,
      row: 0,
      hash: 'h',
      sound: true,
      contribution: by.of(record).text,
    }) as Entry
  const delivered = (run: string, one: Entry): Map<string, Delivery> =>
    new Map([[one.key, { key: one.key, totals: totalsText(run, one) } as Delivery]])

  function rig(...going: string[]) {
    const runs = new Map(going.map((run) => [run, {} as RunState]))
    const totals = createRunTotals({ runs, groups }, createFifo())
    const target = fakeTarget()
    const { address } = target
    /** What the end of a run would find, beside what the target says is stored. */
    const check = async (run: string, stored: readonly StoredTotal[] = []) => {
      const reached = {} as Reached
      const asked = { ...target, totals: async ({ list }: { list: string }) => stored.filter((t) => t.list === list) }
      totals.watch(reached, { target: asked, schema: journalSchema, run, plan, retry: {} })
      return reached.check?.({ signal: new AbortController().signal, waiting: () => undefined })
    }
    return { runs, totals, address, check }
  }
  const NONE = new Map<string, Delivery>()
  const stored = (list: string, group: string[], count: number, amount?: string): StoredTotal => ({
    list,
    group,
    count,
    debit: amount ? { amount } : {},
    credit: amount ? { amount } : {},
  })

  it('counts what was delivered once it is delivered, and ties to the cent', async () => {
    const { totals, address, check } = rig('a')
    const at = { run: 'a', address }
    const one = entry(journal('1', '10.01'))
    assert.equal((await check('a'))?.kind, 'ties', 'nothing is delivered yet')
    totals.account(at, [one], NONE)
    assert.equal((await check('a'))?.kind, 'differs')
    const header = stored('', ['C1'], 1)
    assert.equal((await check('a', [header, stored('lines', ['C1', 'legal', 'EUR'], 2, '10.01')]))?.kind, 'ties')
    assert.equal((await check('a', [header, stored('lines', ['C1', 'legal', 'EUR'], 2, '10.02')]))?.kind, 'differs')
  })

  it('takes a version that is written again off the run that delivered it before', async () => {
    const { totals, address, check } = rig('a', 'b')
    const [a, b] = [
      { run: 'a', address },
      { run: 'b', address },
    ]
    const [one, again] = [entry(journal('1', '10.01')), entry(journal('1', '7'))]
    totals.account(a, [one], NONE)
    totals.account(b, [again], delivered('a', one))
    assert.equal((await check('a'))?.kind, 'ties', 'nothing of the first run is left')
    assert.equal(
      (await check('b', [stored('', ['C1'], 1), stored('lines', ['C1', 'legal', 'EUR'], 2, '7')]))?.kind,
      'ties',
    )
  })

  it('forgets runs that have ended', async () => {
    const { runs, totals, address, check } = rig('a')
    const at = { run: 'a', address }
    totals.account(at, [entry(journal('1', '10.01'))], NONE)
    assert.equal((await check('a'))?.kind, 'differs')
    runs.delete('a')
    totals.account({ run: 'b', address }, [], NONE)
    assert.equal((await check('a'))?.kind, 'ties', 'a run of that name would begin at nothing')
  })
})
