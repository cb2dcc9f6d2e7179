import { deepStrictEqual, equal, rejects } from 'node:assert/strict'
import { mkdirSync, rmSync } from 'node:fs'
import { installationFile, readInstallation, writeInstallation } from '../../../ledger/installation.ts'
import type { Ledger, PostAttempt } from '../../../ledger/ledger.ts'
import type { SyncError } from '../../../sync/contract/errors.ts'
import { supplierSchema } from '../../support/fakes.ts'
import { type LedgerFolder, ledgerFolder } from '../../support/ledger.ts'

const address = 'x3://host/GL'
const who = { by: 'anna', reason: 'looked there' }
const place = { sync: 's', entity: 'invoice' }
const attempt: Omit<PostAttempt, 'state'> = {
  id: 'i1',
  address,
  ...place,
  run: 'r1',
  at: '2026-03-01T08:00:00Z',
  key: 'h|A|0',
  read: 1,
  hash: 'aa',
  originalHash: null,
  source: 'hub://tenant',
  sourceKey: 'h|A|0',
  facts: { amount: '10' },
  sinkName: 'x3',
}
const record = { source: 'h', code: 'A', name: 'SECRET', _row: 0 }

describe('attempts to post, and where a ledger may', () => {
  let folder: LedgerFolder
  let ledger: Ledger
  beforeEach(async () => {
    folder = ledgerFolder()
    ledger = await folder.open()
  })
  afterEach(() => folder.remove())
  const started = async (of: Ledger) => (await of.postPlace(address)).started !== null

  it('an attempt is in the ledger, and its number outside it, before anything is sent', async () => {
    await ledger.startPosting(address, place, who)
    await ledger.openAttempt(attempt, record, supplierSchema)
    deepStrictEqual(await ledger.attempts(), [{ ...attempt, state: 'open' }])
    deepStrictEqual(await ledger.attempted('i1'), { record, schema: supplierSchema })
    equal(readInstallation(installationFile(folder.file))?.intent, 1)
  })

  it('whose number cannot be written leaves nothing in doubt', async () => {
    const file = `${installationFile(folder.file)}.new`
    mkdirSync(file)
    try {
      await rejects(
        ledger.openAttempt(attempt, record, supplierSchema),
        ({ code }: SyncError) => code === 'ledger.installation',
      )
      deepStrictEqual(await ledger.attempts(), [])
    } finally {
      rmSync(file, { recursive: true })
    }
  })

  it("is an old copy, and posts no more, once the file is gone, another ledger's, or ahead", async () => {
    const file = installationFile(folder.file)
    const spoil: (() => unknown)[] = [
      () => rmSync(file),
      () => writeInstallation(file, { id: 'another' }),
      () => writeInstallation(file, { intent: 7 }),
    ]
    for (const spoiled of spoil) {
      await ledger.startPosting(address, place, who)
      await ledger.close()
      ledger = await folder.open()
      equal(await started(ledger), true)
      await ledger.close()
      spoiled()
      ledger = await folder.open()
      equal(await started(ledger), false)
    }
    await ledger.startPosting(address, place, who)
    await ledger.openAttempt(attempt, record, supplierSchema)
    equal(readInstallation(file)?.intent, 8, 'its numbers go on above those that it did not know')
    await ledger.close()
    ledger = await folder.open()
    equal(await started(ledger), true)
  })
})
