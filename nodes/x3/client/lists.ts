/** Pick lists of the dialogs, read from the live system. */
import { syncError } from '../../../sync/contract/errors.ts'
import { hurried } from './check.ts'
import type { X3Connection } from './connection.ts'
import { readDimensionTypes } from './dimensions.ts'
import { ENTITIES, entityDef } from './entities/index.ts'
import type { EntityDef, ListDef } from './entities/types.ts'
import { nodeType } from './paths.ts'
import { columnType } from './resolve.ts'
import { createX3Schema, type Need, type NodeRef, type TypeInfo, type X3Schema } from './schema.ts'

export interface Choice {
  readonly value: string
  readonly label?: string
  readonly note?: string
}

interface Asked {
  readonly connection: X3Connection
  readonly schema: X3Schema
  readonly query: Readonly<Record<string, string>>
  readonly signal: AbortSignal
}

const LISTS: Readonly<Record<string, (asked: Asked) => Promise<Choice[]>>> = {
  entities,
  fields,
  stamps,
  ledgers,
  dimensionTypes,
  sensitive,
  further,
}

/** Names of the lists. */
export const listNames = Object.keys(LISTS)

/** One list by name; `query` names the entity, and the list of the document, where the pick depends on them. */
export function readList(
  given: X3Connection,
  name: string,
  query: Readonly<Record<string, string>>,
  signal: AbortSignal,
): Promise<Choice[]> {
  const read = LISTS[name]
  if (!read) throw syncError('config', 'x3.list', `There is no list ${name}`)
  const connection = hurried(given)
  return read({ connection, schema: createX3Schema(connection), query, signal })
}

/** Entities, each with the node it is in this release. */
async function entities({ schema, signal }: Asked): Promise<Choice[]> {
  await schema.generation(signal)
  return Promise.all(
    ENTITIES.map(async ({ entity, package: name, node }) => {
      const found = await schema.find(name, node, signal)
      return { value: entity, note: found ? `${found.root}.${found.node}` : 'not in this X3' }
    }),
  )
}

/** Fields of an entity's node or of one of its lists: scalars, and the scalars of references one step further. */
async function fields(asked: Asked): Promise<Choice[]> {
  const { type, further } = await nodeOf(asked)
  const own = [...type.fields.values()].filter((field) => !field.name.startsWith('_'))
  return own
    .flatMap((field): Choice[] => {
      if (isScalar(field.kind)) return [{ value: field.name, note: noteOf(field) }]
      const target = further.get(field.type)
      if (!target || target.fields.has('query')) return []
      return [...target.fields.values()]
        .filter((inner) => isScalar(inner.kind) && !inner.name.startsWith('_'))
        .map((inner) => ({ value: `${field.name}.${inner.name}`, note: noteOf(inner) }))
    })
    .sort((a, b) => (a.value < b.value ? -1 : 1))
}

/** Fields of the node that can be a change stamp. */
async function stamps(asked: Asked): Promise<Choice[]> {
  const { type } = await nodeOf(asked)
  return [...type.fields.values()]
    .filter((field) => /^date(time)?$/i.test(field.type))
    .map((field) => ({ value: field.name, note: field.type }))
    .sort((a, b) => Number(b.value.startsWith('_')) - Number(a.value.startsWith('_')) || (a.value < b.value ? -1 : 1))
}

async function ledgers(asked: Asked): Promise<Choice[]> {
  const { further, type } = await nodeOf({ ...asked, query: { entity: 'gl_entry', list: 'lines' } })
  const field = type.fields.get('ledgerTypeNumber')
  return (field ? (further.get(field.type)?.members ?? []) : []).map((value) => ({ value }))
}

async function dimensionTypes({ connection, schema, signal }: Asked): Promise<Choice[]> {
  const codes = await readDimensionTypes(connection, schema, 'dimension', signal)
  return codes.map((value) => ({ value }))
}

/** Columns with personal or bank data, by `entity.column`. */
export async function sensitive(): Promise<Choice[]> {
  return ENTITIES.flatMap(({ entity, columns }) =>
    columns
      .filter((column) => column.sensitive)
      .map(({ name, description }) => ({ value: `${entity}.${name}`, note: description ?? '' })),
  )
}

async function further(): Promise<Choice[]> {
  return ENTITIES.flatMap(({ entity, options = {} }) =>
    Object.entries(options).map(([option, note]) => ({ value: `${entity}.${option}`, note })),
  )
}

/** The node type that the query names, and the types its fields lead to. */
async function nodeOf({ schema, query, signal }: Asked): Promise<{ type: TypeInfo; further: Map<string, TypeInfo> }> {
  const def = entityDef(query.entity ?? '')
  if (!def) throw syncError('config', 'x3.entity', 'Choose an entity first', { field: 'entity' })
  const nodes = await nodesOf(schema, def, query.list ?? '', signal)
  if (!nodes) {
    throw syncError(
      'config',
      'x3.node',
      `This X3 has no node for ${def.entity}${query.list ? `, list ${query.list}` : ''}`,
      { entity: def.entity },
    )
  }
  return schema.settle((need: Need) => {
    const operations = need(nodes.operations)
    const type = (operations && nodeType(need, operations)) ?? { name: '', fields: new Map(), members: [] }
    const further = new Map<string, TypeInfo>()
    for (const field of type.fields.values()) {
      const target = field.kind === 'SCALAR' ? undefined : need(field.type)
      if (target) further.set(field.type, target)
    }
    return { type, further }
  }, signal)
}

async function nodesOf(
  schema: X3Schema,
  def: EntityDef,
  list: string,
  signal: AbortSignal,
): Promise<NodeRef | undefined> {
  const all = (lists: readonly ListDef[]): ListDef[] => lists.flatMap((one) => [one, ...all(one.lists ?? [])])
  const found = list === '' ? undefined : all(def.lists ?? []).find((one) => one.name === list)
  return schema.find(def.package, list === '' ? def.node : (found?.node ?? ''), signal)
}

const isScalar = (kind: string): boolean => kind === 'SCALAR' || kind === 'ENUM'
const noteOf = (field: { readonly type: string; readonly kind: string }): string =>
  field.kind === 'ENUM' ? 'string (list of words)' : columnType(field.type)
