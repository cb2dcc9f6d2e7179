import { deepStrictEqual, rejects, strictEqual } from 'node:assert'
import type { Ledger, NewDecision } from '../../../ledger/ledger.ts'
import { openLedger } from '../../../ledger/open.ts'

const KEY = 'a secret for held records'
const code = { mapping: 'm', table: 'account', from: '7000', to: '400', valid_from: '', valid_to: '' }
const decision: NewDecision = {
  ...{ kind: 'code', by: 'anna', reason: 'a new account', sync: 's', entity: 'gl_entry', sink: 'map:n' },
  about: 'account 7000 -> 400',
}

describe('codes that people added', () => {
  let ledger: Ledger
  beforeEach(async () => {
    ledger = await openLedger({ file: ':memory:', key: KEY })
  })
  afterEach(() => ledger.close())

  it('are kept by the node that has the tables, with who and why, and as a decision', async () => {
    await ledger.addCode(code, decision)
    await ledger.addCode({ ...code, mapping: 'other' }, decision)
    const [found, ...more] = await ledger.addedCodes('m')
    strictEqual(more.length, 0)
    const { id, at, ...rest } = found ?? { id: '', at: '' }
    deepStrictEqual({ ...rest }, { ...code, by: 'anna', reason: 'a new account' })
    deepStrictEqual(
      (await ledger.decisions({})).map(({ kind, about }) => [kind, about]),
      [
        ['code', 'account 7000 -> 400'],
        ['code', 'account 7000 -> 400'],
      ],
    )
    const removed = await ledger.removeCode(id, () => ({ ...decision, about: 'taken away' }))
    strictEqual(removed?.from, '7000')
    deepStrictEqual(await ledger.addedCodes('m'), [])
    strictEqual((await ledger.addedCodes()).length, 1)
    strictEqual(await ledger.removeCode(id, () => decision), undefined)
  })

  it('are refused twice for one day, and taken for other days', async () => {
    const days = (valid_from: string, valid_to: string) => ({ ...code, valid_from, valid_to })
    await ledger.addCode(days('2026-01-01', '2026-03-31'), decision)
    await rejects(ledger.addCode(code, decision), /account 7000 was added already/)
    await rejects(ledger.addCode(days('2026-03-31', ''), decision), /was added already/)
    await rejects(ledger.addCode(days('', '2026-01-01'), decision), /was added already/)
    await ledger.addCode(days('2026-04-01', ''), decision)
    await ledger.addCode(days('', '2025-12-31'), decision)
    strictEqual((await ledger.addedCodes('m')).length, 3)
    strictEqual((await ledger.decisions({})).length, 3)
  })
})
