/** A batch counts at one ledger; a node of another one would answer into the void. */
import type { Engine } from '../../sync/contract/engine.ts'
import { syncError } from '../../sync/contract/errors.ts'
import type { SyncInfo } from '../../sync/contract/message.ts'
import { type ParsedBatch, parseBatch } from '../../sync/values/parse-message.ts'
import type { Message, NodeContext } from './node.ts'

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

/**
 * Works on a batch; an error that is not about its data fails the run that waits for it, which would otherwise learn only after
 * its receipt limit that the records never came.
 */
export async function failingItsRun(
  message: Message,
  { engine, id, name }: Pick<NodeContext<unknown>, 'engine' | 'id' | 'name'>,
  work: (engine: Engine) => Promise<void>,
): Promise<void> {
  const mine = await engine()
  try {
    await work(mine)
  } catch (error) {
    const sync = typeof message.sync === 'object' && message.sync !== null ? (message.sync as SyncInfo) : undefined
    mine.fail({ ref: { id, name }, sync, error })
    throw error
  }
}
