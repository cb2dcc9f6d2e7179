/** Pick lists of the dialogs, read from the live system. */
import { syncError } from '../../../sync/contract/errors.ts'
import { hurried } from './check.ts'
import type { IntacctConnection } from './connection.ts'
import { ENTITIES, entityDef } from './entities.ts'
import { createIntacctSchema, type IntacctSchema } from './schema.ts'

export interface Choice {
  readonly value: string
  readonly label?: string
  readonly note?: string
}

interface Asked {
  readonly schema: IntacctSchema
  readonly connection: IntacctConnection
  readonly query: Readonly<Record<string, string>>
  readonly signal: AbortSignal
}

const LISTS: Readonly<Record<string, (asked: Asked) => Promise<Choice[]>>> = { entities, fields, sensitive, locations }

/** Names of the lists. */
export const listNames = Object.keys(LISTS)

/** One list by name; `query` names the entity and the part of it, where the pick depends on them. */
export function readList(
  given: IntacctConnection,
  name: string,
  query: Readonly<Record<string, string>>,
  signal: AbortSignal,
): Promise<Choice[]> {
  const read = LISTS[name]
  if (!read) throw syncError('config', 'intacct.list', `There is no list ${name}`)
  const connection = hurried(given)
  return read({ connection, schema: createIntacctSchema(connection), query, signal })
}

/** Our entities, each with its objects, then every other object of the company. */
async function entities({ schema, signal }: Asked): Promise<Choice[]> {
  const objects = await schema.objects(signal)
  const ours = ENTITIES.map(({ entity, of, lines }) => ({
    value: entity,
    note: of
      ? [of.object, lines?.object].filter(Boolean).join(', ')
      : 'departments, locations, classes, projects, user-defined ones',
  }))
  const taken = new Set(ENTITIES.flatMap(({ of, lines }) => [of?.object, lines?.object]))
  const further = objects
    .filter(({ object }) => !taken.has(object))
    .map(({ object, label }) => ({ value: object, note: label }))
  return [...ours, ...further.sort((a, b) => (a.value < b.value ? -1 : 1))]
}

/** Fields of an entity's object, of its lines, or of a further object. */
async function fields({ schema, query, signal }: Asked): Promise<Choice[]> {
  const entity = query.entity ?? ''
  if (entity === '') throw syncError('config', 'intacct.entity', 'Choose an entity first', { field: 'entity' })
  const def = entityDef(entity)
  const object =
    query.list === 'lines' ? def?.lines?.object : def ? (def.of?.object ?? 'DEPARTMENT') : entity.toUpperCase()
  if (!object) throw syncError('config', 'intacct.entity', `${entity} has no lines`, { field: 'list' })
  const info = await schema.lookup(object, signal)
  return [...info.fields.values()].map(({ id, label, type, custom }) => ({
    value: id,
    note: [type, label, custom ? 'custom' : ''].filter(Boolean).join(', '),
  }))
}

async function sensitive(): Promise<Choice[]> {
  return ENTITIES.flatMap(({ entity, columns }) =>
    columns
      .filter((column) => column.sensitive)
      .map(({ name, field }) => ({ value: `${entity}.${name}`, note: field ?? '' })),
  )
}

/** Entities of the company that can be signed in to. */
async function locations({ connection, signal }: Asked): Promise<Choice[]> {
  const query = { object: 'LOCATIONENTITY', select: ['LOCATIONID', 'NAME'], orderBy: ['RECORDNO'], pageSize: 2000 }
  const { results } = await connection.callRetrying([{ name: 'query', query }], { what: 'the entities', signal })
  return (results[0]?.rows ?? [])
    .map(({ fields: row }) => ({ value: row.LOCATIONID ?? '', note: row.NAME ?? '' }))
    .filter(({ value }) => value !== '')
}
