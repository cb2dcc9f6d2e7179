/** Keys of invoices: that of the inbox without, that of a record with the revision. */
import { keyParts, keyText } from '../../../sync/contract/message.ts'
import { ENTITY } from './entities.ts'

const DOCUMENT = { entity: ENTITY, key: ['source', 'id'], columns: [] }

/** Key of an invoice in the inbox. */
export const keyOf = (source: string, id: string): string => keyText(DOCUMENT, { source, id })

/** Basware's own id in a key of the inbox, or of a record. */
export const idOf = (key: string): string => keyParts(key)[1] ?? ''

/** The revision in the key of a record. */
export const revisionOf = (key: string): number => Number(keyParts(key)[2] ?? 0)
