import assert from 'node:assert/strict'
import { describeHeld } from '../../demo/report.ts'

describe('what the demo tells of held records', () => {
  it('is each reason in its own words, whatever the number of the record', () => {
    const refused = (invoice: string, vendorText: string) => ({
      cause: {
        code: 'x3.refused',
        message: `Journal of invoice ${invoice}: X3 refused the journal: ${vendorText}`,
        vendorText,
      },
    })
    const known = (id: string) => ({ cause: { code: 'basware.prebooked', message: `Invoice (${id}) is prebooked` } })
    const held = [
      refused('INV-1', 'CCE1(1): Dimension 99999-X does not exist'),
      refused('2', 'ACC1(3): Account 102100 inactive'),
      refused('3', 'ACC1(1): Account 0130 inactive'),
      known('ec3e43604b4c1c0a1aa583e2a6a0492c'),
      refused('4', 'ACC1(12): Account 102100 inactive'),
      known('9e5e9223c9a0c3ae8a77bc73b3124fbd'),
    ]
    assert.deepEqual(describeHeld(held), [
      '  held: 3 x3.refused, such as: Journal of invoice 2: X3 refused the journal: ACC1(3): Account 102100 inactive',
      '  held: 2 basware.prebooked, such as: Invoice (ec3e43604b4c1c0a1aa583e2a6a0492c) is prebooked',
      '  held: 1 x3.refused, such as: Journal of invoice INV-1: X3 refused the journal: CCE1(1): Dimension 99999-X does not exist',
    ])
  })
})
