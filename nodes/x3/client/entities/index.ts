/** The entities X3 gives, masters before facts. */
import { DOCUMENTS } from './documents.ts'
import { MASTERS } from './masters.ts'
import type { EntityDef, ListDef } from './types.ts'

export const ENTITIES: readonly EntityDef[] = [...MASTERS, ...DOCUMENTS]

/** An entity with what was chosen of its options, and without the rest. */
export function withOptions(def: EntityDef, chosen: readonly string[]): EntityDef {
  if (!def.options) return def
  const isIn = ({ option }: { readonly option?: string }): boolean => option === undefined || chosen.includes(option)
  const listOf = ({ dimensions, ...list }: ListDef): ListDef => ({
    ...list,
    columns: list.columns.filter(isIn),
    ...(dimensions && isIn(dimensions) ? { dimensions } : {}),
  })
  const { prices, ...rest } = def
  return {
    ...rest,
    columns: def.columns.filter(isIn),
    lists: (def.lists ?? []).filter(isIn).map(listOf),
    watch: (def.watch ?? []).filter(isIn),
    ...(prices && isIn(prices) ? { prices } : {}),
  }
}

export const entityDef = (entity: string): EntityDef | undefined => ENTITIES.find((def) => def.entity === entity)
