/** What this X3 knows: packages, nodes and fields, asked with narrow introspection and kept for the connection. */
import { syncError } from '../../../sync/contract/errors.ts'
import type { X3Connection } from './connection.ts'

export interface FieldInfo {
  readonly name: string
  /** Name of the type without list and non-null around it. */
  readonly type: string
  readonly kind: string
  /** Argument name to its type as GraphQL writes it, such as `Id!`. */
  readonly args: Readonly<Record<string, string>>
}

export interface TypeInfo {
  readonly name: string
  readonly fields: ReadonlyMap<string, FieldInfo>
  readonly members: readonly string[]
}

/** Where a node is: `{ x3Finance { journalEntry { query read } } }`. */
export interface NodeRef {
  readonly root: string
  readonly node: string
  /** Type that carries `query` and `read`. */
  readonly operations: string
}

export interface X3Schema {
  /** The node in its package, or wherever this release has it; alternatives behind `|`. */
  find(packageName: string, node: string, signal: AbortSignal): Promise<NodeRef | undefined>
  /** Every node with its package. */
  nodes(signal: AbortSignal): Promise<readonly NodeRef[]>
  /** Runs `resolve` until it asks for no type that is not loaded; unknown types have no fields. */
  settle<T>(resolve: (need: Need) => T, signal: AbortSignal): Promise<T>
  /** `x3` or `xtremX3`. */
  generation(signal: AbortSignal): Promise<string>
  /** Forgets everything: X3 was updated. */
  forget(): void
}

/** Gives a loaded type; `undefined` means that it will be there in the next round. */
export type Need = (name: string) => TypeInfo | undefined

interface WireType {
  kind: string
  name: string | null
  ofType?: WireType | null
}
interface WireField {
  name: string
  type: WireType
  args?: { name: string; type: WireType }[]
}
interface WireNamed extends WireType {
  fields?: WireField[] | null
  enumValues?: { name: string }[] | null
}

const REF = 'kind name ofType{kind name ofType{kind name ofType{kind name}}}'
const CATALOGUE = `{__schema{queryType{fields{name type{${REF}}}}}}`
const PREFIXES = ['x3', 'xtremX3']
/** Types asked in one request. */
const TYPES_AT_ONCE = 40

export function createX3Schema(connection: Pick<X3Connection, 'query' | 'form'>): X3Schema {
  const types = new Map<string, TypeInfo>()
  let catalogue: Promise<readonly NodeRef[]> | undefined

  const readCatalogue = async (signal: AbortSignal): Promise<readonly NodeRef[]> => {
    const reply = await connection.query(CATALOGUE, {}, { what: 'the list of nodes', signal })
    const root =
      (reply.data as { __schema?: { queryType?: { fields?: WireField[] } } }).__schema?.queryType?.fields ?? []
    const sage = root.find(({ name }) => name === 'sage')
    if ((sage !== undefined) !== (connection.form === 'sage')) throw otherForm(sage !== undefined)
    if (sage) await load([named(sage.type).name ?? ''], signal)
    const packages = sage
      ? [...(types.get(named(sage.type).name ?? '')?.fields.values() ?? [])].map(({ name, type }) => ({
          root: name,
          type,
        }))
      : root.map((field) => ({ root: field.name, type: named(field.type).name ?? '' }))
    await load(
      packages.map(({ type }) => type).filter((type) => !types.has(type)),
      signal,
    )
    return packages.flatMap(({ root: name, type }) =>
      [...(types.get(type)?.fields.values() ?? [])].map((field) => ({
        root: name,
        node: field.name,
        operations: field.type,
      })),
    )
  }
  const nodes = (signal: AbortSignal) => {
    catalogue ??= readCatalogue(signal).catch((error) => {
      catalogue = undefined
      throw error
    })
    return catalogue
  }

  const load = async (names: readonly string[], signal: AbortSignal): Promise<void> => {
    const parts: string[][] = []
    for (let at = 0; at < names.length; at += TYPES_AT_ONCE) parts.push(names.slice(at, at + TYPES_AT_ONCE))
    const ask = async (some: readonly string[]): Promise<void> => {
      const variables = Object.fromEntries(some.map((name, index) => [`t${index}`, name]))
      const parts = some.map(
        (_, index) =>
          `t${index}:__type(name:$t${index}){kind name fields{name args{name type{${REF}}} type{${REF}}} enumValues{name}}`,
      )
      const declared = some.map((_, index) => `$t${index}:String!`).join(',')
      const reply = await connection.query(`query(${declared}){${parts.join(' ')}}`, variables, {
        what: 'the fields of X3',
        signal,
      })
      some.forEach((name, index) => {
        const info = typeInfo(name, reply.data[`t${index}`] as WireNamed | null | undefined)
        types.set(name, connection.form === 'sage' ? withQueries(info, types) : info)
      })
    }
    await Promise.all(parts.map(ask))
  }

  const gather = gatherer(load)

  return {
    nodes,
    async find(packageName, node, signal) {
      const all = await nodes(signal)
      const names = node.split('|')
      const inPackage = names.flatMap((name) =>
        PREFIXES.map((prefix) => all.find((ref) => ref.root === prefix + packageName && ref.node === name)),
      )
      // Nodes moved between packages with the releases (the 2022 form has most of them in xtremX3MasterData).
      return inPackage.find(Boolean) ?? names.map((name) => all.find((ref) => ref.node === name)).find(Boolean)
    },
    async settle(resolve, signal) {
      for (;;) {
        const missing = new Set<string>()
        const result = resolve((name) => {
          const type = types.get(name)
          if (!type) missing.add(name)
          return type
        })
        if (missing.size === 0) return result
        await gather(
          [...new Set([...missing, ...[...missing].flatMap(relatives)])].filter((name) => !types.has(name)),
          signal,
        )
      }
    },
    async generation(signal) {
      const all = await nodes(signal)
      const prefix = ['xtremX3', 'x3'].find((candidate) => all.some((ref) => ref.root.startsWith(candidate)))
      if (prefix === undefined) {
        throw syncError(
          'config',
          'x3.generation',
          'This address answers GraphQL, but has none of the packages of Sage X3',
          {
            hint: 'Check Server URL.',
          },
        )
      }
      return prefix
    },
    forget() {
      types.clear()
      catalogue = undefined
    },
  }
}

/**
 * Loads names in as few calls as it can: what is asked for within one turn of the event loop goes together, and what is
 * on its way is waited for. Plans of several entities are made side by side and need much the same types.
 */
function gatherer(
  load: (names: readonly string[], signal: AbortSignal) => Promise<void>,
): (names: readonly string[], signal: AbortSignal) => Promise<void> {
  interface Call {
    readonly names: Set<string>
    readonly owner: AbortSignal
    readonly done: Promise<void>
  }
  const coming = new Map<string, Call>()
  let next: Call | undefined
  const begin = (owner: AbortSignal): Call => {
    const names = new Set<string>()
    const turn = new Promise((resolve) => setImmediate(resolve))
    const done = turn
      .then(() => {
        next = undefined
        return load([...names], owner)
      })
      .finally(() => {
        for (const name of names) coming.delete(name)
      })
    return { names, owner, done }
  }
  return async (names, signal) => {
    const calls = new Set<Call>()
    for (const name of names) {
      let call = coming.get(name)
      if (call === undefined) {
        next ??= begin(signal)
        next.names.add(name)
        coming.set(name, next)
        call = next
      }
      calls.add(call)
    }
    try {
      await Promise.all([...calls].map(({ done }) => done))
    } catch (error) {
      // Another plan that was stopped takes nothing from this one: it asks again by itself.
      if (signal.aborted || ![...calls].some(({ owner }) => owner.aborted)) throw error
    }
  }
}

/** The connection is set to another form of GraphQL than the server speaks. */
const otherForm = (isOld: boolean): Error =>
  syncError(
    'config',
    'x3.generation',
    isOld
      ? 'This X3 speaks the form of GraphQL of 2021 (sage { x3... } without query)'
      : 'This X3 does not speak the form of GraphQL of 2021',
    {
      field: 'form',
      hint: `Set *Form of GraphQL* on the connection to ${isOld ? '2021' : 'today'}; Test connection does.`,
    },
  )

/** In the form of 2021 a field is its own page: the level of `query` is put between, as types of today have it. */
function withQueries(info: TypeInfo, types: Map<string, TypeInfo>): TypeInfo {
  const fields = [...info.fields].map(([name, field]): [string, FieldInfo] => {
    if (!field.type.endsWith('_Connection') || !('first' in field.args)) return [name, field]
    const between = `${field.type} of ${info.name}.${name}`
    types.set(between, { name: between, fields: new Map([['query', { ...field, name: 'query' }]]), members: [] })
    return [name, { ...field, type: between, args: {} }]
  })
  return { ...info, fields: new Map(fields) }
}

/** Types that are asked for next anyway, by the names that Sage's pages use; each round of questions costs a trip to the server. */
function relatives(name: string): string[] {
  const [, base, kind] = /^(\w+)_(Queries|Collection)$/.exec(name) ?? []
  if (base === undefined) return []
  const node = `${base}_node`
  return kind === 'Queries' ? [node] : [node, `${base}_Connection`, `${base}_Edge`]
}

function typeInfo(name: string, wire: WireNamed | null | undefined): TypeInfo {
  const fields = (wire?.fields ?? []).map((field): [string, FieldInfo] => {
    const type = named(field.type)
    const args = Object.fromEntries((field.args ?? []).map((arg) => [arg.name, written(arg.type)]))
    return [field.name, { name: field.name, type: type.name ?? '', kind: type.kind, args }]
  })
  return { name, fields: new Map(fields), members: (wire?.enumValues ?? []).map((member) => member.name) }
}

function named(type: WireType): WireType {
  let at = type
  while (at.ofType) at = at.ofType
  return at
}

function written(type: WireType): string {
  if (type.kind === 'NON_NULL' && type.ofType) return `${written(type.ofType)}!`
  if (type.kind === 'LIST' && type.ofType) return `[${written(type.ofType)}]`
  return type.name ?? 'String'
}
