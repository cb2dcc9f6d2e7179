/** Lays an entity's data file over what this X3 knows: which fields there are, which are dropped, what is asked. */
import { type SyncError, syncError } from '../../../sync/contract/errors.ts'
import type { ColumnType } from '../../../sync/contract/message.ts'
import type { ColumnDef, EntityDef, ListDef, WatchDef } from './entities/types.ts'
import { AMOUNT } from './entities/types.ts'
import { elementType, type FieldPath, firstKnown, nodeType, resolvePath } from './paths.ts'
import { collectionField, type ResolvedDimensions, resolveDimensions } from './resolve-dimensions.ts'
import type { Need, NodeRef, TypeInfo, X3Schema } from './schema.ts'

export interface ResolvedColumn {
  readonly def: ColumnDef
  readonly path?: FieldPath
  readonly sign?: FieldPath
  /** The sign stands on the element that carries the nested list. */
  readonly signOfParent?: boolean
}
export interface ResolvedList {
  readonly def: ListDef
  readonly field: string
  readonly nodes: NodeRef | undefined
  readonly columns: readonly ResolvedColumn[]
  readonly lists: readonly ResolvedList[]
  readonly dimensions?: ResolvedDimensions
}
/** A list that is read by itself. */
export interface ResolvedApart extends ResolvedList {
  readonly nodes: NodeRef
  /** Path on an element to the number of its document. */
  readonly by: FieldPath
}
export interface Stamp {
  readonly field: string
  readonly granularity: 'second' | 'day'
  /** A window begins so many days earlier: the field is a date of the document and no stamp. */
  readonly backDays?: number
}
export interface ResolvedWatch {
  readonly def: WatchDef
  readonly nodes: NodeRef
  readonly paths: readonly FieldPath[]
  readonly stamp: Stamp
  /** Change stamp of the document itself, where the node refers to it: documents in the window were read already. */
  readonly documentStamp?: FieldPath
}
export interface ResolvedEntity {
  readonly def: EntityDef
  readonly nodes: NodeRef
  readonly queryArgs: Readonly<Record<string, string>>
  readonly idType: string
  readonly columns: readonly ResolvedColumn[]
  readonly lists: readonly ResolvedList[]
  /** Lists that are read by themselves, by the documents that were read. */
  readonly apart: readonly ResolvedApart[]
  readonly watch: readonly ResolvedWatch[]
  readonly stamp: Stamp | undefined
  readonly etag: boolean
  readonly dateField: string | undefined
  readonly only?: FieldPath
  readonly notices: readonly string[]
  /** A first load reads without looking at stamps, those that are empty too. */
  readonly firstReadsAll?: true
}

/** A field added by the user. */
export interface ExtraField {
  readonly path: string
  readonly name?: string
  readonly type?: ColumnType
  /** Name of the list; absent: the header. */
  readonly list?: string
}

export interface ResolveOptions {
  readonly stampField: string
  readonly granularity?: 'second' | 'day'
  /** Sensitive columns that were chosen. */
  readonly sensitive?: readonly string[]
  readonly extraFields?: readonly ExtraField[]
}

export async function resolveEntity(
  schema: X3Schema,
  def: EntityDef,
  options: ResolveOptions,
  signal: AbortSignal,
): Promise<ResolvedEntity> {
  await schema.generation(signal)
  const nodes = await schema.find(def.package, def.node, signal)
  if (!nodes) {
    throw syncError('config', 'x3.node', `${def.entity}: this X3 has no node ${def.package}.${def.node}`, {
      entity: def.entity,
      hint: 'Take the entity out of the node, or check that the folder is of a release that has it.',
    })
  }
  const found = new Map<string, NodeRef | undefined>()
  const wanted = [
    ...(def.watch ?? []),
    ...allLists(def.lists ?? []).map((list) => ({ package: list.apart?.package ?? def.package, node: list.node })),
  ]
  for (const { package: name, node } of wanted) found.set(node, await schema.find(name, node, signal))
  return schema.settle((need) => resolve(need, def, nodes, found, options), signal)
}

const allLists = (lists: readonly ListDef[]): ListDef[] =>
  lists.flatMap((list) => [list, ...allLists(list.lists ?? [])])

function resolve(
  need: Need,
  def: EntityDef,
  nodes: NodeRef,
  found: ReadonlyMap<string, NodeRef | undefined>,
  options: ResolveOptions,
): ResolvedEntity {
  const notices: string[] = []
  const operations = need(nodes.operations)
  const type = operations && nodeType(need, operations)
  const chosen = new Set(options.sensitive ?? [])
  const columnsOf = (at: TypeInfo | undefined, defs: readonly ColumnDef[], list: string, key: readonly string[]) => {
    return withAdded(def.entity, defs, list, options.extraFields)
      .filter((column) => !column.sensitive || chosen.has(column.name))
      .flatMap((column) => resolveColumn(need, at, column, key, def.entity, notices))
  }

  const listsOf = (at: TypeInfo | undefined, defs: readonly ListDef[]): ResolvedList[] =>
    defs.flatMap((list) => {
      if (!at || list.apart) return []
      const field = collectionField(at, list)
      if (field === undefined) {
        throw syncError(
          'config',
          'x3.unknown-field',
          `${def.entity}: this X3 knows no ${list.path.replaceAll('|', ' or ')} on ${at.name}`,
          {
            entity: def.entity,
            field: list.path,
            hint: 'A document without its lines would not be whole, so the entity is not read. Look the name of the collection up in the GraphQL explorer of X3.',
          },
        )
      }
      const element = elementType(need, at, field)
      const dimensions =
        list.dimensions && element ? resolveDimensions(need, element, list.dimensions, def.entity, notices) : undefined
      return [
        {
          def: list,
          field,
          nodes: found.get(list.node),
          columns: columnsOf(element, list.columns, list.name, list.key),
          lists: listsOf(element, list.lists ?? []),
          ...(dimensions ? { dimensions } : {}),
        },
      ]
    })

  const stamp = type && stampOf(type, options, def.entity, notices)
  const queryField = operations?.fields.get('query')
  const only = def.only && type ? resolvePath(need, type, def.only.path) : undefined
  const dateField = def.dateField && type?.fields.has(def.dateField) ? def.dateField : undefined
  if (only && only !== 'pending' && 'unknown' in only) {
    throw syncError(
      'config',
      'x3.unknown-field',
      `${def.entity}: this X3 does not know ${only.unknown}, by which its records are told`,
      {
        entity: def.entity,
        field: def.only?.path ?? '',
      },
    )
  }
  if (operations && !queryField) {
    throw syncError(
      'config',
      'x3.generation',
      `${def.entity}: ${nodes.root}.${nodes.node} has no query: this form of X3 is not supported`,
      {
        entity: def.entity,
      },
    )
  }
  return {
    def,
    nodes,
    queryArgs: queryField?.args ?? {},
    idType: operations?.fields.get('read')?.args._id ?? 'Id!',
    columns: columnsOf(type, def.columns, '', def.key),
    lists: listsOf(type, def.lists ?? []),
    apart: (def.lists ?? []).flatMap((list) => resolveApart(need, def.entity, list, found.get(list.node), columnsOf)),
    watch:
      type && stamp
        ? (def.watch ?? []).flatMap((watch) =>
            resolveWatch(need, watch, found.get(watch.node), type, stamp.field, def.entity, notices),
          )
        : [],
    stamp,
    etag: type?.fields.has('_etag') ?? false,
    dateField,
    ...(only && only !== 'pending' && !('unknown' in only) ? { only } : {}),
    notices,
  }
}

/** A list that is read by itself: its node, and how an element names its document. */
function resolveApart(
  need: Need,
  entity: string,
  list: ListDef,
  nodes: NodeRef | undefined,
  columnsOf: (at: TypeInfo, defs: readonly ColumnDef[], name: string, key: readonly string[]) => ResolvedColumn[],
): ResolvedApart[] {
  if (!list.apart) return []
  if (!nodes) throw unknownList(entity, list)
  const operations = need(nodes.operations)
  const element = operations && nodeType(need, operations)
  const by = element && firstKnown(need, element, list.apart.by)
  if (!element || !by || by === 'pending') return []
  if ('unknown' in by) throw unknownList(entity, list, by.unknown)
  const columns = columnsOf(element, list.columns, list.name, list.key)
  return [{ def: list, field: list.name, nodes, columns, lists: [], by }]
}

function unknownList(entity: string, list: ListDef, unknown = `a node ${list.node}`): SyncError {
  return syncError(
    'config',
    'x3.unknown-field',
    `${entity}: this X3 does not know ${unknown}, where its ${list.name} are`,
    {
      entity,
      field: list.name,
      hint: `Take ${entity}.${list.name} out of Further columns of the node.`,
    },
  )
}

function resolveColumn(
  need: Need,
  at: TypeInfo | undefined,
  column: ColumnDef,
  key: readonly string[],
  entity: string,
  notices: string[],
): ResolvedColumn[] {
  if (column.path === undefined) return [{ def: column }]
  if (!at) return []
  const path = firstKnown(need, at, column.path)
  if (path === 'pending') return []
  if ('unknown' in path) {
    const text = `${entity}: this X3 does not know ${path.unknown}`
    if (key.includes(column.name)) {
      throw syncError('config', 'x3.unknown-field', `${text}, a part of the key (${column.name})`, {
        entity,
        field: column.path,
      })
    }
    if (column.computed) {
      notices.push(`${text}; the column ${column.name} is computed`)
      return [{ def: column }]
    }
    notices.push(`${text}; the column ${column.name} is left out`)
    return []
  }
  const def = column.type === ('' as ColumnType) ? { ...column, type: columnType(path.type) } : column
  if (column.sign === undefined) return [{ def, path }]
  if (column.sign.startsWith('^')) return [{ def, path, signOfParent: true }]
  const sign = firstKnown(need, at, column.sign)
  if (sign === 'pending') return []
  if ('unknown' in sign) {
    throw syncError(
      'config',
      'x3.unknown-field',
      `${entity}: this X3 does not know ${sign.unknown}, without which an amount has no sign`,
      {
        entity,
        field: column.sign,
      },
    )
  }
  return [{ def, path, sign }]
}

function resolveWatch(
  need: Need,
  watch: WatchDef,
  nodes: NodeRef | undefined,
  document: TypeInfo,
  stampField: string,
  entity: string,
  notices: string[],
): ResolvedWatch[] {
  if (!nodes) {
    notices.push(
      `${entity}: this X3 has no node ${watch.node}; changes that only it shows are found by the next full reading`,
    )
    return []
  }
  const operations = need(nodes.operations)
  const type = operations && nodeType(need, operations)
  if (!type) return []
  const stamp = [stampField, '_updateStamp'].find((name) => type.fields.has(name))
  const paths = watch.paths.map((path) => firstKnown(need, type, path))
  const unknown = paths.find((path) => typeof path === 'object' && 'unknown' in path)
  if (stamp === undefined || unknown !== undefined) {
    const why = typeof unknown === 'object' && 'unknown' in unknown ? unknown.unknown : `${stampField} on ${type.name}`
    notices.push(
      `${entity}: this X3 does not know ${why}; changes that only ${watch.node} shows are found by the next full reading`,
    )
    return []
  }
  const known = paths.filter((path): path is FieldPath => typeof path === 'object' && !('unknown' in path))
  if (known.length !== paths.length) return []
  const first = known[0]?.steps[0]
  const reference = first && known[0] && known[0].steps.length > 1 ? type.fields.get(first.field) : undefined
  const documentStamp =
    first && reference?.type === document.name && document.fields.has(stampField)
      ? { steps: [first, { field: stampField, collection: false }], type: 'Datetime' }
      : undefined
  return [
    {
      def: watch,
      nodes,
      paths: known,
      stamp: { field: stamp, granularity: granularityOf(type, stamp) },
      ...(documentStamp ? { documentStamp } : {}),
    },
  ]
}

function stampOf(type: TypeInfo, options: ResolveOptions, entity: string, notices: string[]): ResolvedEntity['stamp'] {
  const field = type.fields.get(options.stampField)
  if (!field) {
    notices.push(
      `${entity}: this X3 has no change stamp ${options.stampField} on ${type.name}: every run reads everything`,
    )
    return undefined
  }
  return { field: field.name, granularity: options.granularity ?? granularityOf(type, field.name) }
}

const granularityOf = (type: TypeInfo, field: string): Stamp['granularity'] =>
  type.fields.get(field)?.type === 'Date' ? 'day' : 'second'

/** The columns of a header (`''`) or list with those that the user added, whose type may be empty: the field's own. */
export function withAdded(
  entity: string,
  defs: readonly ColumnDef[],
  list: string,
  extraFields: readonly ExtraField[] = [],
): readonly ColumnDef[] {
  const added = extraFields.filter((extra) => (extra.list ?? '') === list).map(extraColumn)
  const twice = added.find(({ name }, at) => [...defs, ...added.slice(0, at)].some((column) => column.name === name))
  if (twice) {
    throw syncError(
      'config',
      'x3.extra-field',
      `${entity}: the added field ${twice.path} would be a second column ${twice.name}`,
      { entity, field: twice.name, hint: 'Give it another name.' },
    )
  }
  return [...defs, ...added]
}

const extraColumn = (extra: ExtraField): ColumnDef => ({
  name:
    extra.name ||
    extra.path
      .toLowerCase()
      .replace(/[^a-z0-9]+/g, '_')
      .replace(/^_+|_+$/g, ''),
  type: extra.type ?? ('' as ColumnType),
  path: extra.path,
})

/** Column type of a scalar of X3. */
export function columnType(scalar: string): ColumnType {
  if (scalar === 'Decimal' || scalar === 'Float') return AMOUNT
  if (scalar === 'Int') return 'integer'
  if (scalar === 'Boolean') return 'boolean'
  if (scalar === 'Date') return 'date'
  if (scalar === 'Datetime' || scalar === 'DateTime') return 'timestamp'
  return 'string'
}
