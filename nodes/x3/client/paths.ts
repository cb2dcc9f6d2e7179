/** Follows field paths through the types of this X3. */
import type { Need, TypeInfo } from './schema.ts'

/** One step from a node to a field; `collection` steps go to the first element. */
export interface Step {
  readonly field: string
  readonly collection: boolean
}
export interface FieldPath {
  readonly steps: readonly Step[]
  /** Scalar or enum type at its end. */
  readonly type: string
}
/** Type of the node behind its operations: what `read` gives, or the node of `query`. */
export function nodeType(need: Need, operations: TypeInfo): TypeInfo | undefined {
  const read = operations.fields.get('read')
  if (read) return need(read.type)
  return elementOf(need, operations)
}

/** Node type behind a type with `query`. */
function elementOf(need: Need, collection: TypeInfo): TypeInfo | undefined {
  let at: TypeInfo | undefined = collection
  for (const step of ['query', 'edges', 'node']) {
    const field: { type: string } | undefined = at?.fields.get(step)
    at = field && need(field.type)
    if (!at) return undefined
  }
  return at
}

export function elementType(need: Need, owner: TypeInfo, field: string): TypeInfo | undefined {
  const collection = need(owner.fields.get(field)?.type ?? '')
  return collection && elementOf(need, collection)
}

/** A path, why there is none, or that a type must be loaded first. */
export type Found = FieldPath | { readonly unknown: string } | 'pending'

/** The first of several paths, separated by `|`, that this X3 knows. */
export function firstKnown(need: Need, at: TypeInfo, alternatives: string): Found {
  let first: Found | undefined
  for (const text of alternatives.split('|')) {
    const found = resolvePath(need, at, text)
    if (found === 'pending' || !('unknown' in found)) return found
    first ??= found
  }
  return first ?? { unknown: alternatives }
}

/** Follows a path to a scalar. `unknown` says in words where it ends. */
export function resolvePath(need: Need, start: TypeInfo, text: string): Found {
  const steps: Step[] = []
  let at = start
  const parts = text.split('.')
  for (const [index, part] of parts.entries()) {
    const name = part.replace(/\[0\]$/, '')
    const field = at.fields.get(name)
    if (!field) return { unknown: `${name} on ${at.name} (field ${text})` }
    const last = index === parts.length - 1
    if (field.kind === 'SCALAR' || field.kind === 'ENUM') {
      if (!last) return { unknown: `${parts[index + 1]} on ${name}, which is a ${field.type} (field ${text})` }
      steps.push({ field: name, collection: false })
      return { steps, type: field.kind === 'ENUM' ? 'enum' : field.type }
    }
    if (last)
      return { unknown: `a value at ${text}: ${field.type} is a reference, name a field of it such as ${text}.code` }
    const next = need(field.type)
    if (!next) return 'pending'
    const collection = next.fields.has('query')
    const element = collection ? elementOf(need, next) : next
    if (!element) return 'pending'
    steps.push({ field: name, collection })
    at = element
  }
  return { unknown: text }
}
