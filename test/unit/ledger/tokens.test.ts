import assert from 'node:assert/strict'
import { existsSync, mkdirSync, readFileSync, statSync, writeFileSync } from 'node:fs'
import { DatabaseSync } from 'node:sqlite'
import type { Ledger } from '../../../ledger/ledger.ts'
import { type LedgerFolder, ledgerFolder } from '../../support/ledger.ts'

describe('rotating logins in the ledger', () => {
  let folder: LedgerFolder
  let ledger: Ledger
  beforeEach(async () => {
    folder = ledgerFolder()
    ledger = await folder.open()
  })
  afterEach(() => folder.remove())

  const reopened = async (): Promise<Ledger> => {
    await ledger.close()
    ledger = await folder.open()
    return ledger
  }
  /** The ledger refuses to store the pair, as one on a full disk does. */
  const refuse = async (on: boolean): Promise<void> => {
    await ledger.close()
    const db = new DatabaseSync(folder.file)
    db.exec(
      on
        ? "CREATE TRIGGER full BEFORE UPDATE OF sealed ON token BEGIN SELECT RAISE(FAIL, 'database or disk is full'); END"
        : 'DROP TRIGGER full',
    )
    db.close()
    ledger = await folder.open()
  }

  it('are kept over a restart, unreadable in the file, and a note stands until the next version is stored', async () => {
    assert.equal(await ledger.token('x3'), undefined)
    await ledger.saveToken('x3', 1, 'the first pair')
    await ledger.noteRenewal('x3', 1)
    assert.deepEqual(await (await reopened()).token('x3'), { version: 1, text: 'the first pair', noted: 1 })
    await ledger.saveToken('x3', 2, 'the second pair')
    assert.deepEqual(await (await reopened()).token('x3'), { version: 2, text: 'the second pair' })
    await ledger.close()
    assert.ok(!readFileSync(folder.file).includes('second pair'))
    ledger = await folder.open()
    await ledger.forgetToken('x3')
    assert.equal(await ledger.token('x3'), undefined)
  })

  it('stand sealed in a file for its owner alone where the ledger cannot take them, and that version wins until it can', async () => {
    await ledger.saveToken('x3', 1, 'the first pair')
    await ledger.noteRenewal('x3', 1)
    await refuse(true)
    assert.equal(await ledger.saveToken('x3', 2, 'the second pair'), 'beside')
    const file = `${folder.file}.tokens`
    assert.equal(statSync(file).mode & 0o777, 0o600)
    assert.ok(!readFileSync(file, 'utf8').includes('second pair'))
    assert.deepEqual(await (await reopened()).token('x3'), { version: 2, text: 'the second pair', beside: true })
    await refuse(false)
    assert.equal(await ledger.saveToken('x3', 3, 'the third pair'), 'ledger')
    assert.deepEqual(await ledger.token('x3'), { version: 3, text: 'the third pair' })
    assert.equal(existsSync(file), false)
  })

  it('of a file that is older than the ledger, or damaged, nothing is taken', async () => {
    await ledger.saveToken('x3', 4, 'the fourth pair')
    writeFileSync(`${folder.file}.tokens`, JSON.stringify({ x3: { version: 3, sealed: 'AAAA' } }))
    assert.equal((await ledger.token('x3'))?.version, 4)
    writeFileSync(`${folder.file}.tokens`, '{"x3"')
    assert.equal((await ledger.token('x3'))?.version, 4)
  })

  it('say so where neither can take them', async () => {
    await ledger.saveToken('x3', 1, 'the first pair')
    await refuse(true)
    // A folder in its place can be neither replaced nor written.
    mkdirSync(`${folder.file}.tokens/x`, { recursive: true })
    await assert.rejects(ledger.saveToken('x3', 2, 'the second pair'), /ledger/)
  })
})
