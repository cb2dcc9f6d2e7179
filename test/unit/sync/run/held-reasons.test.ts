import { deepStrictEqual, strictEqual } from 'node:assert'
import type { HeldHead } from '../../../../ledger/ledger.ts'
import { reasonOf, reasonsOf } from '../../../../sync/run/held-reasons.ts'

const head = (key: string, cause: Partial<HeldHead['cause']>, eur?: string): HeldHead => ({
  ...{ id: key, heldBy: 'map:m', sinkName: 'Map', stage: 'map', key, sync: 's', entity: 'gl_entry', state: 'open' },
  cause: { class: 'data', code: 'mapping.unmapped', message: '', hint: 'Add the code.', ...cause },
  heldAt: '2026-03-01T00:00:00Z',
  ...(eur !== undefined && { amounts: { EUR: eur } }),
})
const missing = (...codes: string[]) => ({
  codes: codes.map((code) => ({ table: 'account', code, day: '2026-03-01' })),
})

describe('held records by their reasons', () => {
  it('are counted and added up exactly, the most first, in words without the key of one of them', () => {
    const message = (key: string) => `gl_entry ${key}: not in the code table on its day: account 7000. Add the code.`
    const heads = [
      head('C', { code: 'values.fit', field: 'rate', message: 'gl_entry C, field rate: too long' }, '1'),
      head('A', { message: message('A'), ...missing('7000') }, '0.1'),
      head('B', { message: message('B'), ...missing('7000') }, '0.2'),
      head('D', { message: message('D'), ...missing('7000') }),
    ]
    const [first, second] = reasonsOf(heads)
    deepStrictEqual(
      [first?.says, first?.hint, first?.count, first?.told],
      ['not in the code table on its day: account 7000.', 'Add the code.', 3, { sums: { EUR: '0.3' }, unknown: 1 }],
    )
    deepStrictEqual([second?.says, second?.field, second?.count], ['field rate: too long', 'rate', 1])
  })

  it('are apart by what is missing, whatever the order, and by field', () => {
    strictEqual(reasonOf(head('A', missing('1', '2'))), reasonOf(head('B', missing('2', '1'))))
    const some = [missing('1'), missing('2'), missing('1', '2'), { field: 'a' }, { field: 'b' }]
    strictEqual(new Set(some.map((cause, at) => reasonOf(head(`${at}`, cause)))).size, 5)
  })
})
