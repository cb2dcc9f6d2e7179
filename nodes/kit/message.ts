/** A batch counts at one ledger; a node of another one would answer into the void. */
import { syncError } from '../../sync/errors.ts'
import { type ParsedBatch, parseBatch } from '../../sync/parse.ts'

export type Batch = ParsedBatch
export { parseBatch }

/** Throws a `config` error where the batch comes from a source of another ledger. */
export function checkLedger(batch: Batch, ledger: string): void {
  if (batch.sync && batch.sync.ledger !== ledger)
    throw syncError('config', 'tieout.ledger', `The batch comes from a source with another ledger than this node's`, {
      field: 'ledger',
      hint: 'Choose the same sync-ledger in the source and in every node that its records reach.',
    })
}
