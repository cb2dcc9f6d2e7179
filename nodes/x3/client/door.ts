/** A door of X3, as a source reads by it: what an entity is there, and its pages. */
import type { EntityPlan } from '../../../sync/contract/source.ts'
import type { X3Connection } from './connection.ts'
import { readDimensionTypes } from './dimensions.ts'
import type { EntityDef } from './entities/types.ts'
import { createListing, type ListingOptions } from './listing.ts'
import { createReader, type Reader, type ReaderOptions } from './reader.ts'
import { type ResolvedEntity, type ResolveOptions, resolveEntity } from './resolve.ts'
import type { X3Schema } from './schema.ts'

export interface Door {
  /** Its name, where cursors and stamps are not those of GraphQL. */
  readonly name?: string
  /** One small question, whose answer tells X3's clock. */
  ask(signal: AbortSignal, waiting?: (what: string) => void): Promise<void>
  /** An entity's columns, lists, stamp and watched places, as this door has them. */
  resolve(def: EntityDef, options: ResolveOptions, signal: AbortSignal): Promise<ResolvedEntity>
  /** Codes of all dimension types. */
  dimensionTypes(entity: string, signal: AbortSignal): Promise<string[]>
  reader(entity: ResolvedEntity, options: ReaderOptions): Reader
  listing(entity: ResolvedEntity, options: ListingOptions): NonNullable<EntityPlan['list']>
  /** What was learnt of the fields is not true any more. */
  forget(): void
  /** A run has ended: gives back what the door holds of X3. */
  readonly leave?: () => Promise<void>
}

/** GraphQL, whichever generation. */
export const graphqlDoor = (connection: X3Connection, schema: X3Schema): Door => ({
  async ask(signal, waiting) {
    await connection.query('{__typename}', {}, { what: 'the clock of X3', signal, waiting })
  },
  resolve: (def, options, signal) => resolveEntity(schema, def, options, signal),
  dimensionTypes: (entity, signal) => readDimensionTypes(connection, schema, entity, signal),
  reader: (entity, options) => createReader(connection, entity, options),
  listing: (entity, options) => createListing(connection, entity, options),
  forget: () => schema.forget(),
})
