import type { Account, Session } from './account.ts'
import { keyOf, nameOf, type Place, type Table } from './catalog.ts'
import { noSuch, unsupported } from './errors.ts'
import { LISTINGS } from './listings.ts'
import { type Outcome, TYPE_IDS, table } from './results.ts'
import type { Scope } from './sql/cursor.ts'
import type { Show } from './sql/statement.ts'
import { typeName } from './sql/types.ts'

/** DESCRIBE TABLE. */
export function describeTable(found: Table): Outcome {
  const names = [
    'name',
    'type',
    'kind',
    'null?',
    'default',
    'primary key',
    'unique key',
    'check',
    'expression',
    'comment',
    'policy name',
    'privacy domain',
  ]
  const rows = found.columns.map((column): (string | null)[] => [
    column.name,
    typeName(column.type) + (column.collation === undefined ? '' : ` COLLATE '${column.collation}'`),
    'COLUMN',
    column.nullable ? 'Y' : 'N',
    column.default ?? null,
    found.primaryKey.includes(column.name) ? 'Y' : 'N',
    'N',
    null,
    null,
    column.comment,
    null,
    null,
  ])
  return table(names, rows, TYPE_IDS.describe)
}

export function describeStage(account: Account, session: Session, place: Place): Outcome {
  const stage = session.stages.get(keyOf(place)) ?? account.catalog.stages.get(keyOf(place))
  if (!stage) throw noSuch('Stage', nameOf(place))
  const options = Object.entries({ TYPE: stage.format?.type ?? 'CSV', ...stage.format?.options })
  const rows = options.map(([key, value]) => ['STAGE_FILE_FORMAT', key, 'String', value, ''])
  return table(
    ['parent_property', 'property', 'property_type', 'property_value', 'property_default'],
    rows,
    TYPE_IDS.describe,
  )
}

const NUMBERS = ['id', 'session', 'scope', 'rows', 'bytes', 'key_sequence', 'auto_suspend', 'retention_time']

/** SHOW: needs no warehouse, and shows only what the role may see. */
export function show(account: Account, session: Session, scope: Scope, { what, like, inside }: Show): Outcome {
  const listing = LISTINGS[what]
  if (!listing) throw unsupported(`SHOW ${what}`)
  const names = listing.columns.split(' ')
  const pattern = like === undefined ? undefined : likePattern(like)
  const rows = listing
    .rows({ account, session, scope, inside })
    .filter((row) => pattern?.test(String(row.key ?? row.column_name ?? row.name ?? '')) ?? true)
  const numbers = NUMBERS.filter((name) => names.includes(name))
  return table(
    names,
    rows.map((row) => names.map((name) => row[name] ?? null)),
    TYPE_IDS.show,
    numbers,
  )
}

/** LIKE of SHOW ignores case. */
function likePattern(like: string): RegExp {
  const special = (char: string) => char.replace(/[.*+?^${}()|[\]\\]/g, '\\$&')
  const source = like.replace(/\\(.)|[\s\S]/g, (char, escaped?: string) => {
    if (escaped !== undefined) return special(escaped)
    return char === '%' ? '.*' : char === '_' ? '.' : special(char)
  })
  return new RegExp(`^${source}$`, 'is')
}
