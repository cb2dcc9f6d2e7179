import type { Json } from './company/invoice.ts'
import type { Entity, Field } from './fields/kinds.ts'
import type { BaswareSettings } from './options.ts'

/** A record as the tenant shows it: see `nulls`, `sums` and `extraField` of the settings. */
export function show(entity: Entity, record: Json, settings: BaswareSettings): Json {
  const noisy = settings.sums === 'noisy' ? mapped(entity, record, noise) : record
  const shown = settings.nulls === 'null' ? withNulls(entity, noisy) : withoutNulls(noisy)
  return settings.extraField ? { ...shown, sandboxExtra: { added: 'by a minor version' } } : shown
}

function withoutNulls(record: Json): Json {
  return Object.fromEntries(Object.entries(record).filter(([, value]) => value !== null && value !== undefined))
}

/** The next double: what adding tenths leaves behind. */
const noise = ({ kind }: Field, value: unknown): unknown =>
  kind === 'number' && typeof value === 'number' && !Number.isInteger(value) ? value * (1 + Number.EPSILON) : value

/** The record with each value changed, those of its parts too. */
function mapped(entity: Entity, record: Json, change: (field: Field, value: unknown) => unknown): Json {
  const each = (name: string, value: unknown): unknown => {
    const field = entity[name]
    if (!field || value === null) return value
    const { of, kind } = field
    if (kind === 'list' && of) return (value as readonly Json[]).map((part) => mapped(of, part, change))
    return kind === 'object' && of ? mapped(of, value as Json, change) : change(field, value)
  }
  return Object.fromEntries(Object.entries(record).map(([name, value]) => [name, each(name, value)]))
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
