/** A copy of one ledger, whether a process has it open or not. */
import { renameSync } from 'node:fs'
import { createCopies } from '../ledger/copies.ts'
import { openDatabase } from '../ledger/database.ts'
import { askForCopy } from './socket.ts'

/** Makes `to`, on the same disk. Throws `ledger.locked` where a process has it open that does not answer. */
export async function copyLedger(ledger: string, to: string): Promise<void> {
  const copy = await askForCopy(ledger)
  if (copy !== undefined) return renameSync(copy, to)
  const db = openDatabase(ledger)
  try {
    await createCopies(db).copyTo(to)
  } finally {
    db.raw.close()
  }
}

/** Throws where a process has the ledger open. */
export function mustRest(ledger: string): void {
  openDatabase(ledger).raw.close()
}
