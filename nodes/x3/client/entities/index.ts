/** The entities X3 gives, masters before facts. */
import { DOCUMENTS } from './documents.ts'
import { MASTERS } from './masters.ts'
import type { EntityDef } from './types.ts'

export const ENTITIES: readonly EntityDef[] = [...MASTERS, ...DOCUMENTS]

export const entityDef = (entity: string): EntityDef | undefined => ENTITIES.find((def) => def.entity === entity)
