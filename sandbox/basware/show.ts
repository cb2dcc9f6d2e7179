import type { Json } from './company/invoice.ts'
import type { Entity } from './fields/kinds.ts'
import type { BaswareSettings } from './options.ts'

/** A record as the tenant shows it: fields without a value left out or null, and one that the contract does not have. */
export function show(entity: Entity, record: Json, settings: BaswareSettings): Json {
  const shown = settings.nulls === 'null' ? withNulls(entity, record) : withoutNulls(record)
  return settings.extraField ? { ...shown, sandboxExtra: { added: 'by a minor version' } } : shown
}

function withoutNulls(record: Json): Json {
  return Object.fromEntries(Object.entries(record).filter(([, value]) => value !== null && value !== undefined))
}

function withNulls(entity: Entity, record: Json): Json {
  const all = Object.entries(entity).flatMap(([name, field]): [string, unknown][] => {
    const value = record[name] ?? null
    const { of } = field
    if (value === null) return field.nullable ? [[name, null]] : []
    if (field.kind === 'list' && of) return [[name, (value as readonly Json[]).map((each) => withNulls(of, each))]]
    return [[name, field.kind === 'object' && of ? withNulls(of, value as Json) : value]]
  })
  return Object.fromEntries(all)
}
