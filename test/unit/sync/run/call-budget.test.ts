import assert from 'node:assert/strict'
import type { Source } from '../../../../sync/contract/source.ts'
import { budgetAlert, countCalls, forecast, usageOf } from '../../../../sync/run/call-budget.ts'
import { ledgerFolder } from '../../../support/ledger.ts'

const day = 86_400_000
const begin = Date.parse('2026-11-01T00:00:00Z')

describe('calls that a vendor bills', () => {
  let calls: Map<string, Map<string, number>>
  let folder = ledgerFolder()
  afterEach(() => folder.remove())
  const source = (at: number, allowance = 0): Source =>
    ({
      address: 'x',
      budget: () => {
        const taken = calls
        calls = new Map()
        return { meter: 'intacct://ACME', calls: taken, at, allowance, alertShare: 0.8 }
      },
    }) as unknown as Source
  beforeEach(() => {
    calls = new Map()
    folder = ledgerFolder()
  })

  it('are counted in the ledger by month and object, over runs and restarts', async () => {
    const ledger = await folder.open()
    calls = new Map([
      [
        '2026-11',
        new Map([
          ['VENDOR', 2],
          ['GLENTRY', 40],
        ]),
      ],
    ])
    assert.equal(await countCalls(ledger, source(begin + day)), 42)
    await ledger.close()
    const again = await folder.open()
    calls = new Map([
      ['2026-11', new Map([['VENDOR', 1]])],
      ['2026-12', new Map([['VENDOR', 5]])],
    ])
    const usage = await usageOf(again, source(begin + 15 * day, 100), 42)
    assert.deepEqual(usage, {
      month: '2026-11',
      used: 43,
      thisRun: 48,
      forecast: 86,
      objects: { VENDOR: 3, GLENTRY: 40 },
      allowance: 100,
    })
  })

  it('look ahead to the end of the month, the first day as a whole', () => {
    assert.equal(forecast(100, begin + 3_600_000), 3000)
    assert.equal(forecast(100, begin + 10 * day), 300)
    assert.equal(forecast(100, begin + 30 * day - 1), 100)
  })

  it('raise an alert above their share, which names what is dear', async () => {
    const ledger = await folder.open()
    calls = new Map([['2026-11', new Map([['GLENTRY', 79]])]])
    assert.equal(budgetAlert(await usageOf(ledger, source(begin + 10 * day, 100), 0)), undefined)
    calls = new Map([['2026-11', new Map([['VENDOR', 1]])]])
    const text = budgetAlert(await usageOf(ledger, source(begin + 10 * day, 100), 0))
    assert.match(text ?? '', /80 of 100 calls of 2026-11.*240 are to be expected.*GLENTRY 79, VENDOR 1/)
  })

  it('are of no matter to a source without a bill', async () => {
    const ledger = await folder.open()
    const free = { address: 'x' } as unknown as Source
    assert.equal(await countCalls(ledger, free), 0)
    assert.equal(await usageOf(ledger, free, 0), undefined)
  })
})
