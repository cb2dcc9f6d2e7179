/** The shape of what came last to an address, as the ledger keeps it. */
import type { Ledger } from '../../ledger/ledger.ts'
import type { Schema } from '../contract/message.ts'

/** Under which name it is kept. */
export const schemaNote = (address: string): string => `${address}#schema`

/** Undefined: nothing came there since a version that keeps it. */
export async function keptSchema(ledger: Pick<Ledger, 'note'>, address: string): Promise<Schema | undefined> {
  const kept = await ledger.note(schemaNote(address))
  return kept === undefined ? undefined : (JSON.parse(kept) as Schema)
}
