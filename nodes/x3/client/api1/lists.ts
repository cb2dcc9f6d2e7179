/** Pick lists of the dialogs where X3 is read by REST api1: columns of the published classes. */
import { syncError } from '../../../../sync/contract/errors.ts'
import { ENTITIES, entityDef } from '../entities/index.ts'
import { type Choice, sensitive } from '../lists.ts'
import type { Api1Door } from './door.ts'
import type { Api1List } from './entities.ts'
import type { Body } from './line.ts'
import { detailsPath, fieldsOf, queryPath, rowsOf, typeOf } from './resolve.ts'

interface Asked {
  readonly door: Api1Door
  readonly query: Readonly<Record<string, string>>
  readonly signal: AbortSignal
}

const LISTS: Readonly<Record<string, (asked: Asked) => Promise<Choice[]>>> = {
  entities: async ({ door: { site } }) =>
    ENTITIES.map(({ entity }) => {
      const found = site.classOf(entity)
      return { value: entity, note: found ? `${found.name}.${found.representation}` : 'no class is chosen' }
    }),
  fields,
  stamps: async (asked) =>
    (await fields({ ...asked, query: { ...asked.query, list: '' } })).filter(
      ({ value, note }) => /^UPD(?:DAT|DATTIM)$/.test(value) || note === 'date' || note === 'timestamp',
    ),
  ledgers: async ({ door: { site } }) => {
    const ledger = site.entities.gl_entry?.lists.lines?.columns.ledger
    return (typeof ledger === 'object' ? (ledger.menu ?? []) : []).map((value) => ({ value }))
  },
  dimensionTypes: async ({ door, signal }) =>
    (await door.dimensionTypes('dimension', signal)).map((value) => ({ value })),
  sensitive,
}

/** One list by name, as `readList`; sessions are given back. */
export async function readApi1List(
  door: Api1Door,
  name: string,
  query: Readonly<Record<string, string>>,
  signal: AbortSignal,
): Promise<Choice[]> {
  const read = LISTS[name]
  if (!read) throw syncError('config', 'x3.list', `There is no list ${name}`)
  try {
    return await read({ door, query, signal })
  } finally {
    await door.line.leave()
  }
}

/** Columns of an entity's class, or of one of its lists: those of the first document that has such a line. */
async function fields({ door: { site, line }, query, signal }: Asked): Promise<Choice[]> {
  const entity = entityDef(query.entity ?? '')?.entity ?? ''
  const of = site.entities[entity]
  const published = site.classOf(entity)
  if (!of || !published)
    throw syncError('config', 'x3.api1-class', `${entity || 'This row'}: no class of X3 is chosen for it`, {
      field: 'entity',
      hint: 'Choose an entity, and write its class under Classes on the connection.',
    })
  const facet = Object.keys(of.lists).length > 0 ? '$details' : '$query'
  const path = collectionsTo(query.list ?? '', of.lists, of.inner)
  if (path.length === 0) {
    const known = await fieldsOf(site, published, facet, entity, signal)
    if (known)
      return sorted([...known].filter(([, type]) => !/array/.test(type)).map(([value, type]) => [value, typeOf(type)]))
  }
  const options = { what: `${entity}: a record to see its columns`, signal }
  const [row] = rowsOf(await line.again(queryPath(line, published, { count: '1' }), options))
  if (!row) return []
  const key = of.key.map((field) => String(row[field]))
  const whole: Body = facet === '$query' ? row : await line.again(detailsPath(line, published, key), options)
  let rows = [whole]
  for (const step of path) rows = rows.flatMap((one) => (Array.isArray(one[step]) ? (one[step] as Body[]) : []))
  const seen = new Map(rows.flatMap((one) => Object.entries(one)).filter(([, value]) => !Array.isArray(value)))
  return sorted([...seen.keys()].map((name) => [name]))
}

/** Names of the arrays that lead to a list. */
function collectionsTo(
  list: string,
  lists: Readonly<Record<string, Api1List>>,
  inner: Readonly<Record<string, Readonly<Record<string, Api1List>>>>,
): string[] {
  if (list === '') return []
  const own = lists[list]
  if (own) return [own.collection]
  for (const [name, named] of Object.entries(inner)) {
    const [outer, found] = [lists[name], named[list]]
    if (outer && found) return [outer.collection, found.collection]
  }
  throw syncError('config', 'x3.node', `This entity has no list ${list} by REST api1`, { field: 'list' })
}

const sorted = (columns: readonly (readonly [string, string?])[]): Choice[] =>
  columns
    .filter(([value]) => /^\w+$/.test(value))
    .map(([value, note]) => ({ value, ...(note ? { note } : {}) }))
    .sort((a, b) => (a.value < b.value ? -1 : 1))
