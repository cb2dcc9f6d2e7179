import assert from 'node:assert/strict'
import { readFileSync, statSync, writeFileSync } from 'node:fs'
import { DatabaseSync } from 'node:sqlite'
import { afterEach, beforeEach, describe, it } from 'mocha'
import { checkCopy } from '../../../ledger/copies.ts'
import type { SyncError } from '../../../sync/contract/errors.ts'
import { type LedgerFolder, ledgerFolder } from '../../support/ledger.ts'

describe('a copy of a ledger', () => {
  let folder: LedgerFolder
  beforeEach(() => {
    folder = ledgerFolder()
  })
  afterEach(() => folder.remove())

  it('has what was settled while it was made, is for its owner alone and stands by itself', async () => {
    const ledger = await folder.open()
    for (let i = 0; i < 300; i++) await ledger.saveNote(`a${i}`, 'x'.repeat(4000))
    const copy = `${folder.file}.copy`
    const making = ledger.copyTo(copy)
    for (let i = 300; i < 320; i++) await ledger.saveNote(`a${i}`, 'later')
    await making
    assert.equal(statSync(copy).mode & 0o777, 0o600)
    const { id, migrations, runs, held } = checkCopy(copy)
    assert.deepEqual([id, runs, held], [ledger.id, 0, 0])
    assert.match(migrations[0] ?? '', /^0001/)
    const db = new DatabaseSync(copy, { readOnly: true })
    assert.equal((db.prepare('PRAGMA journal_mode').get() as { journal_mode: string }).journal_mode, 'delete')
    assert.equal((db.prepare('SELECT count(*) AS n FROM note').get() as { n: number }).n, 320)
    db.close()
    await assert.rejects(ledger.copyTo(copy), /EEXIST/)
  })

  it('that was cut or changed is told as damaged, one of a newer version as that', async () => {
    const ledger = await folder.open()
    for (let i = 0; i < 100; i++) await ledger.saveNote(`a${i}`, 'x'.repeat(4000))
    const copy = `${folder.file}.copy`
    await ledger.copyTo(copy)
    const whole = readFileSync(copy)
    const code = (code: string) => (error: SyncError) => error.code === code
    for (const text of [whole.subarray(0, 20_000), Buffer.from('no ledger'), Buffer.alloc(0)]) {
      writeFileSync(`${copy}.bad`, text)
      assert.throws(() => checkCopy(`${copy}.bad`), code('ledger.damaged'))
    }
    const db = new DatabaseSync(copy)
    db.exec(`INSERT INTO kysely_migration VALUES ('9999-tomorrow', '2030-01-01')`)
    db.close()
    assert.throws(() => checkCopy(copy), code('ledger.newer'))
  })
})
