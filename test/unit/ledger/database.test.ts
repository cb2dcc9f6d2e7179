import assert from 'node:assert/strict'
import { openDatabase } from '../../../ledger/database.ts'
import { type LedgerFolder, ledgerFolder } from '../../support/ledger.ts'

describe('the SQLite file', () => {
  let folder: LedgerFolder
  beforeEach(() => {
    folder = ledgerFolder()
  })
  afterEach(() => folder.remove())

  it('has on disk what a transaction wrote when it returns: a loss of power forgets nothing that was said to be settled', () => {
    const { raw } = openDatabase(folder.file)
    const FULL = 2
    assert.equal(Object.values(raw.prepare('PRAGMA synchronous').get() ?? {})[0], FULL)
    assert.equal(Object.values(raw.prepare('PRAGMA journal_mode').get() ?? {})[0], 'wal')
    raw.close()
  })
})
