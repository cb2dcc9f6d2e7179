/** Sets an entity's definition against what this company has: fields that are not there are left out and reported. */
import { syncError } from '../../../sync/contract/errors.ts'
import { type ColumnType, listTable, type Schema } from '../../../sync/contract/message.ts'
import {
  type ColumnDef,
  dimensionColumn,
  dimensionOf,
  ENTITIES,
  type EntityDef,
  entityDef,
  type ObjectDef,
  objectEntity,
  SOURCE,
} from './entities.ts'
import { checkName, isName } from './request.ts'
import type { IntacctSchema, ObjectInfo } from './schema.ts'

/** A field that a user adds. */
export interface ExtraField {
  /** As Intacct names it; a path with dots over relations too. */
  readonly field: string
  /** Column; default the field in lower case, dots as `_`. */
  readonly name?: string
  /** Default: the type that Intacct tells. */
  readonly type?: ColumnType
  /** Of the lines instead of the header. */
  readonly list?: string
}

export interface ResolveOptions {
  /** Names of sensitive columns that were chosen. */
  readonly sensitive: readonly string[]
  readonly extraFields: readonly ExtraField[]
  /** Object behind an entity that is none of ours. */
  readonly object?: string | undefined
}

/** One object as it is asked. Field names as Intacct writes them. */
export interface ResolvedObject {
  readonly object: string
  readonly record: string
  readonly stamp: string | undefined
  readonly created: string | undefined
  readonly columns: readonly ColumnDef[]
  readonly select: readonly string[]
  /** Field that keys are looked up by. */
  readonly code: string
}

export interface ResolvedLines extends ResolvedObject {
  readonly parent: string
}

export interface ResolvedEntity {
  readonly def: EntityDef
  /** One, or for `dimension` one for each dimension. */
  readonly objects: readonly ResolvedObject[]
  readonly lines: ResolvedLines | undefined
  readonly schema: Schema
  readonly notices: readonly string[]
}

export async function resolveEntity(
  schema: IntacctSchema,
  entity: string,
  options: ResolveOptions,
  signal: AbortSignal,
): Promise<ResolvedEntity> {
  const further = entityDef(entity) ? undefined : options.object
  const known = further ? await schema.lookup(checkName(further, 'object'), signal) : undefined
  const def = known ? objectEntity(entity, known.object, !known.fields.has('RECORDNO')) : entityDef(entity)
  if (!def)
    throw syncError('config', 'intacct.entity', `There is no entity "${entity}"`, {
      entity,
      hint: `Choose from ${ENTITIES.map((known) => known.entity).join(', ')}, or pick an object of Intacct from the list.`,
    })
  const notices: string[] = []
  const extra = (list: string) => options.extraFields.filter((one) => (one.list ?? '') === list)
  if (!def.of) return dimensions(schema, def, extra(''), notices, signal)
  const info = await schema.lookup(def.of.object, signal)
  const chosen = def.columns.filter(({ name, sensitive }) => !sensitive || options.sensitive.includes(name))
  const added =
    known && extra('').length === 0
      ? everyField(info, schema, def.of.record, notices)
      : addedColumns(extra(''), info, entity)
  const head = object(schema, def.of, info, [...chosen, ...added], def.code.field, entity, notices)
  let lines: ResolvedLines | undefined
  if (def.lines) {
    const { lines: list } = def
    const found = await schema.lookup(list.object, signal)
    const axes = await dimensionColumns(schema, list.dimensions, found, notices, signal)
    const columns = [...list.columns, ...axes, ...addedColumns(extra('lines'), found, `${entity}, lines`)]
    const resolved = object(schema, list, found, columns, list.record, `${entity}, lines`, notices)
    lines = {
      ...resolved,
      parent: nameIn(found, list.parent),
      select: unique([...resolved.select, nameIn(found, list.parent)]),
    }
  }
  const table = (columns: readonly ColumnDef[]) => columns.map(columnOf)
  return {
    def,
    objects: [head],
    lines,
    notices,
    schema: {
      entity,
      key: def.key,
      columns: table(head.columns),
      ...(def.lines && lines
        ? {
            lists: { lines: { entity: listTable(entity, 'lines'), key: def.lines.key, columns: table(lines.columns) } },
          }
        : {}),
    },
  }
}

async function dimensions(
  schema: IntacctSchema,
  def: EntityDef,
  extra: readonly ExtraField[],
  notices: string[],
  signal: AbortSignal,
): Promise<ResolvedEntity> {
  const objects: ResolvedObject[] = []
  for (const { object: name, userDefined } of await schema.dimensions(signal)) {
    const one = dimensionOf(name, userDefined)
    if (!one) continue
    if (!isName(name)) {
      notices.push(leftOut(`The dimension ${name}`))
      continue
    }
    const info = await schema.lookup(name, signal)
    if (!has(info, one.code)) {
      notices.push(`The dimension ${name} has no field ${one.code} and was left out`)
      continue
    }
    objects.push(
      object(schema, one.of, info, [...one.columns, ...addedColumns(extra, info, name)], one.code, name, notices),
    )
  }
  const names = new Set(def.columns.map(({ name }) => name))
  const added = objects.flatMap(({ columns }) => columns).filter(({ name }) => !names.has(name) && names.add(name))
  return {
    def,
    objects,
    lines: undefined,
    notices,
    schema: { entity: def.entity, key: def.key, columns: [...def.columns, ...added].map(columnOf) },
  }
}

const columnOf = ({ name, type, description, sensitive }: ColumnDef) => ({
  name,
  type,
  ...(description ? { description } : {}),
  ...(sensitive ? { sensitive } : {}),
})

function object(
  schema: IntacctSchema,
  of: ObjectDef,
  info: ObjectInfo,
  columns: readonly ColumnDef[],
  code: string,
  what: string,
  notices: string[],
): ResolvedObject {
  const refused = schema.refused.get(of.object)
  const isThere = (field: string) => has(info, field) && !refused?.has(field.toUpperCase())
  const kept = columns.flatMap((column): ColumnDef[] => {
    if (column.field === undefined) return [column]
    const fields = column.field.split('|').filter(isThere)
    if (fields.length === column.field.split('|').length) return [column]
    if (fields.length === 0)
      notices.push(
        `${what}: ${of.object} of this company has no field ${column.field}, so there is no column ${column.name}`,
      )
    return fields.length === 0 ? [] : [{ ...column, field: fields.join('|') }]
  })
  const stamp = isThere(of.stamp) ? nameIn(info, of.stamp) : undefined
  const created = isThere(of.created) ? nameIn(info, of.created) : undefined
  if (stamp === undefined)
    notices.push(`${what}: ${of.object} has no change stamp ${of.stamp}; it is read whole with every run`)
  const record = nameIn(info, of.record)
  const fields = kept.flatMap(({ field, sign }) => [...(field?.split('|') ?? []), ...(sign ? [sign] : [])])
  return {
    object: of.object,
    record,
    stamp,
    created,
    columns: kept,
    code: nameIn(info, code),
    select: unique([record, ...fields.map((field) => nameIn(info, field)), ...(stamp ? [stamp] : [])]),
  }
}

/** Fields with dots lead over a relation that the object has, or are listed as they stand. */
function has(info: ObjectInfo, field: string): boolean {
  const name = field.toUpperCase()
  if (info.fields.has(name)) return true
  return name.includes('.') && info.paths.has(name.slice(0, name.indexOf('.')))
}

const nameIn = (info: ObjectInfo, field: string): string => info.fields.get(field.toUpperCase())?.id ?? field
const unique = (names: readonly string[]): string[] => [
  ...new Map(names.map((name) => [name.toUpperCase(), name])).values(),
]
const columnName = (field: string): string => field.toLowerCase().replace(/[^a-z0-9]/g, '_')

/** Fields that a user added are there, or the entity is not read: a typing error must not pass for an empty column. */
function addedColumns(extra: readonly ExtraField[], info: ObjectInfo, what: string): ColumnDef[] {
  return extra.map(({ field, name, type }) => {
    checkName(field, 'field')
    if (!has(info, field))
      throw syncError(
        'config',
        'intacct.unknown-field',
        `${what}: ${info.object} of this company has no field ${field}`,
        {
          field,
          hint: 'Pick the added field from the list, or take it out of the node.',
        },
      )
    return {
      name: name || columnName(field),
      type: type || info.fields.get(field.toUpperCase())?.type || 'string',
      field,
    }
  })
}

function everyField(info: ObjectInfo, schema: IntacctSchema, record: string, notices: string[]): ColumnDef[] {
  const ids = [...info.fields.values()].filter(
    ({ id }) => id.toUpperCase() !== record.toUpperCase() && !schema.refused.get(info.object)?.has(id.toUpperCase()),
  )
  notices.push(...ids.filter(({ id }) => !isName(id)).map(({ id }) => leftOut(`${info.object}: the field ${id}`)))
  return ids
    .filter(({ id }) => isName(id))
    .map(({ id, type, label }) => ({ name: columnName(id), type, field: id, ...(label ? { description: label } : {}) }))
    .filter(({ name }) => name !== SOURCE.name)
}

/** Names that people chose may have any letters; in a reply they are names of XML elements, which have not. */
const leftOut = (what: string): string =>
  `${what} is left out: its name has other characters than letters, digits, underscores and dots, and cannot be asked for`

/** `dim_<type>` of the standard dimensions, and of the user-defined ones that the object carries. */
async function dimensionColumns(
  schema: IntacctSchema,
  standard: Readonly<Record<string, string>> | undefined,
  info: ObjectInfo,
  notices: string[],
  signal: AbortSignal,
): Promise<ColumnDef[]> {
  if (!standard) return []
  const axis = (object: string, field: string, label: string): ColumnDef => ({
    name: dimensionColumn(object),
    type: 'string',
    field,
    description: `Dimension ${label}`,
  })
  const own = Object.entries(standard).map(([object, field]) => axis(object, field, object))
  const users = (await schema.dimensions(signal)).filter(({ userDefined }) => userDefined)
  const carried = users
    .map(({ object, label }) => axis(object, `GLDIM${object}`, label || object))
    .filter(({ field }) => has(info, field as string))
  const [odd, plain] = [
    carried.filter(({ field }) => !isName(field as string)),
    carried.filter(({ field }) => isName(field as string)),
  ]
  notices.push(...odd.map(({ field }) => leftOut(`${info.object}: the field ${field}`)))
  return [...own, ...plain]
}
