import assert from 'node:assert/strict'
import { raiseDifferences } from '../../../sync/run/difference-alert.ts'
import { openHere, openInWords } from '../../../sync/run/verdict.ts'
import { commit, held, type LedgerFolder, ledgerFolder } from '../../support/ledger.ts'

describe('what stands held before the sinks', () => {
  it('is being replayed, and no matter of the node that held it, while a replay carries it past', async () => {
    const folder = ledgerFolder()
    try {
      const ledger = await folder.open()
      await ledger.commit(commit({ held: [{ ...held('A', 1), stage: 'map' }] }))
      const { sync, entity } = commit({})
      const here = async () => openInWords(openHere(await ledger.openItems(sync), entity, null))
      assert.deepEqual(await here(), ['1 held'])
      const claimed = await ledger.claimHeld({ sync }, 'replay')
      assert.deepEqual(await here(), [])
      assert.deepEqual(openInWords(await ledger.openItems(sync)), ['1 being replayed'])
      await ledger.releaseHeld(
        claimed.map(({ id }) => id),
        'open',
      )
      assert.deepEqual(await here(), ['1 held'])
    } finally {
      await folder.remove()
    }
  })
})

describe('differences that stand open', () => {
  let folder: LedgerFolder
  beforeEach(() => {
    folder = ledgerFolder()
  })
  afterEach(() => folder.remove())
  const of = (address: string, problem: string) => ({
    sync: 's',
    entity: 'supplier',
    address,
    sinkName: address,
    run: 'r',
    problem,
  })

  it('are told however many closed ones came after them', async () => {
    let day = 1
    const ledger = await folder.open({ now: () => Date.UTC(2026, 0, day) })
    await ledger.saveDifference(of('a', '3 delivered, 2 stored'))
    day = 2
    for (let n = 0; n < 1001; n += 1) await ledger.saveDifference(of('b', `${n}`))
    await ledger.closeDifferences(of('b', ''), 'run r', 'a full reading ties')
    await raiseDifferences(ledger, 's', 'supplier')
    const alerts = await ledger.alerts({ open: true })
    assert.deepEqual(
      alerts.map(({ message }) => message),
      ['supplier at a: 3 delivered, 2 stored'],
    )
  })

  it('are told five at a time in the alert, and the others counted', async () => {
    const ledger = await folder.open()
    for (let n = 0; n < 7; n += 1) await ledger.saveDifference(of('a', `${n} stored`))
    await raiseDifferences(ledger, 's', 'supplier')
    const [alert] = await ledger.alerts({ open: true })
    assert.match(alert?.message ?? '', /^(supplier at a: \d stored; ){5}and 2 more$/)
  })
})
