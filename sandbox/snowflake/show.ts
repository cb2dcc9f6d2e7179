import type { Account } from './account.ts'
import { keyOf, nameOf, type Place, type Table } from './catalog.ts'
import { noSuch, unsupported } from './errors.ts'
import { stamp, visibleTables } from './information.ts'
import { type Outcome, TYPE_IDS, table } from './results.ts'
import { PARAMETERS, type Session } from './session.ts'
import type { Scope } from './sql/cursor.ts'
import { shown } from './sql/names.ts'
import type { Show } from './sql/statement.ts'
import { typeName } from './sql/types.ts'

type Rows = (string | number | null)[][]

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
  const rows = found.columns.map((column): Rows[number] => [
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

/** SHOW: needs no warehouse, and shows only what the role may see. */
export function show(account: Account, session: Session, scope: Scope, statement: Show): Outcome {
  const { names, rows } = found(account, session, scope, statement)
  const at = names.indexOf(
    statement.what === 'PARAMETERS' ? 'key' : statement.what === 'COLUMNS' ? 'column_name' : 'name',
  )
  const pattern = statement.like === undefined ? undefined : likePattern(statement.like)
  const seen = pattern ? rows.filter((row) => pattern.test(String(row[at] ?? ''))) : rows
  return table(
    names,
    seen,
    TYPE_IDS.show,
    ['rows', 'bytes', 'key_sequence', 'auto_suspend', 'retention_time'].filter((name) => names.includes(name)),
  )
}

/** LIKE of SHOW ignores case. */
function likePattern(like: string): RegExp {
  const source = like.replace(
    /\\(.)|([%_])|([.*+?^${}()|[\]\\])/g,
    (_, escaped: string, wild: string, special: string) =>
      escaped
        ? escaped.replace(/[.*+?^${}()|[\]\\]/g, '\\$&')
        : wild === '%'
          ? '.*'
          : wild === '_'
            ? '.'
            : `\\${special}`,
  )
  return new RegExp(`^${source}$`, 'is')
}

function found(
  account: Account,
  session: Session,
  scope: Scope,
  { what, inside }: Show,
): { names: string[]; rows: Rows } {
  const { catalog, rights } = account
  const here = (item: Place) => isInside(session, item, inside)
  const checkPlace = () => {
    const parts = inside?.parts ?? []
    if (inside?.kind === 'SCHEMA' && parts.length > 0)
      catalog.checkSchema(parts.length > 1 ? (parts[0] ?? '') : (session.database ?? ''), parts.at(-1) ?? '')
    if (inside?.kind === 'DATABASE' && parts.length > 0 && parts[0] !== catalog.database)
      throw noSuch('Database', shown(parts[0] ?? ''))
  }
  switch (what) {
    case 'WAREHOUSES':
      return {
        names: [
          'name',
          'state',
          'type',
          'size',
          'min_cluster_count',
          'max_cluster_count',
          'running',
          'queued',
          'is_default',
          'is_current',
          'auto_suspend',
          'auto_resume',
          'owner',
          'comment',
        ],
        rows: account.warehouses
          .filter((name) => !rights.isDenied('USAGE', name))
          .map((name) => [
            name,
            account.suspended > 0 ? 'SUSPENDED' : 'STARTED',
            'STANDARD',
            'X-Small',
            '1',
            '1',
            '0',
            '0',
            name === account.warehouses[0] ? 'Y' : 'N',
            name === session.warehouse ? 'Y' : 'N',
            60,
            'true',
            'SYSADMIN',
            '',
          ]),
      }
    case 'DATABASES':
      return {
        names: [
          'created_on',
          'name',
          'is_default',
          'is_current',
          'origin',
          'owner',
          'comment',
          'options',
          'retention_time',
        ],
        rows: rights.isDenied('USAGE', catalog.database)
          ? []
          : [
              [
                stamp(0),
                catalog.database,
                'N',
                session.database === catalog.database ? 'Y' : 'N',
                '',
                'SYSADMIN',
                '',
                '',
                1,
              ],
            ],
      }
    case 'SCHEMAS': {
      checkPlace()
      const rows = [...catalog.schemas]
        .filter(([name]) => !rights.isDenied('USAGE', catalog.database, name))
        .map(([name, { comment, created }]) => [
          stamp(created),
          name,
          'N',
          session.schema === name ? 'Y' : 'N',
          catalog.database,
          session.role,
          comment,
          '',
          1,
        ])
      rows.push([
        stamp(0),
        'INFORMATION_SCHEMA',
        'N',
        'N',
        catalog.database,
        '',
        'Views describing the contents of schemas in this database',
        '',
        1,
      ])
      return {
        names: [
          'created_on',
          'name',
          'is_default',
          'is_current',
          'database_name',
          'owner',
          'comment',
          'options',
          'retention_time',
        ],
        rows,
      }
    }
    case 'TABLES':
    case 'OBJECTS':
      checkPlace()
      return {
        names: [
          'created_on',
          'name',
          'database_name',
          'schema_name',
          'kind',
          'comment',
          'cluster_by',
          'rows',
          'bytes',
          'owner',
          'retention_time',
        ],
        rows: visibleTables(scope)
          .filter(here)
          .map((one) => [
            stamp(one.created),
            one.name,
            one.database,
            one.schema,
            one.kind,
            one.comment,
            one.clusterBy,
            0,
            0,
            session.role,
            1,
          ]),
      }
    case 'COLUMNS':
      return {
        names: [
          'table_name',
          'schema_name',
          'column_name',
          'data_type',
          'null?',
          'default',
          'kind',
          'expression',
          'comment',
          'database_name',
          'autoincrement',
        ],
        rows: tablesOf(account, session, scope, inside).flatMap((one) =>
          one.columns.map((column) => [
            one.name,
            one.schema,
            column.name,
            dataType(column),
            String(column.nullable),
            column.default ?? '',
            'COLUMN',
            '',
            column.comment ?? '',
            one.database,
            '',
          ]),
        ),
      }
    case 'PRIMARY KEYS':
      return {
        names: [
          'created_on',
          'database_name',
          'schema_name',
          'table_name',
          'column_name',
          'key_sequence',
          'constraint_name',
          'rely',
          'comment',
        ],
        rows: tablesOf(account, session, scope, inside).flatMap((one) =>
          one.primaryKey.map((name, index) => [
            stamp(one.created),
            one.database,
            one.schema,
            one.name,
            name,
            index + 1,
            'SYS_CONSTRAINT',
            'false',
            null,
          ]),
        ),
      }
    case 'STAGES':
      checkPlace()
      return {
        names: [
          'created_on',
          'name',
          'database_name',
          'schema_name',
          'url',
          'has_credentials',
          'has_encryption_key',
          'owner',
          'comment',
          'region',
          'type',
        ],
        rows: [...catalog.stages.values(), ...session.stages.values()]
          .filter(here)
          .map((one) => [
            stamp(one.created),
            one.name,
            one.database,
            one.schema,
            '',
            'N',
            'N',
            session.role,
            one.comment,
            null,
            session.stages.has(keyOf(one)) ? 'INTERNAL TEMPORARY' : 'INTERNAL',
          ]),
      }
    case 'FILE FORMATS':
      return {
        names: ['created_on', 'name', 'database_name', 'schema_name', 'type', 'owner', 'comment', 'format_options'],
        rows: [...catalog.formats.values()]
          .filter(here)
          .map((one) => [
            stamp(0),
            one.name,
            one.database,
            one.schema,
            one.format.type,
            session.role,
            '',
            JSON.stringify(one.format.options),
          ]),
      }
    case 'ROLES':
      return {
        names: [
          'created_on',
          'name',
          'is_default',
          'is_current',
          'is_inherited',
          'assigned_to_users',
          'granted_to_roles',
          'granted_roles',
          'owner',
          'comment',
        ],
        rows: account.roles.map((name) => [
          stamp(0),
          name,
          name === account.roles[0] ? 'Y' : 'N',
          name === session.role ? 'Y' : 'N',
          'N',
          1,
          0,
          0,
          'USERADMIN',
          '',
        ]),
      }
    case 'PARAMETERS':
      return {
        names: ['key', 'value', 'default', 'level', 'description', 'type'],
        rows: Object.entries(PARAMETERS).map(([key, value]) => [
          key,
          session.parameters.get(key) ?? value,
          value,
          session.parameters.get(key) === value ? '' : 'SESSION',
          '',
          /^(true|false)$/.test(value) ? 'BOOLEAN' : /^\d+$/.test(value) ? 'NUMBER' : 'STRING',
        ]),
      }
    case 'GRANTS':
      return {
        names: [
          'created_on',
          'privilege',
          'granted_on',
          'name',
          'granted_to',
          'grantee_name',
          'grant_option',
          'granted_by',
        ],
        rows: account.roles.map((name) => [stamp(0), 'USAGE', 'ROLE', name, 'USER', session.user, 'false', '']),
      }
    default:
      throw unsupported(`SHOW ${what}`)
  }
}

/** The type of a column as SHOW COLUMNS gives it: JSON. */
function dataType({ type, nullable }: Table['columns'][number]): string {
  const upper = type.kind.toUpperCase()
  if (type.kind === 'fixed')
    return JSON.stringify({ type: upper, precision: type.precision, scale: type.scale, nullable })
  if (type.kind === 'text')
    return JSON.stringify({
      type: upper,
      length: type.length,
      byteLength: Math.min(4 * type.length, 16_777_216),
      nullable,
      fixed: false,
    })
  return JSON.stringify({ type: upper, nullable })
}

function tablesOf(account: Account, session: Session, scope: Scope, inside: Show['inside']): Table[] {
  if (inside?.kind !== 'TABLE') return visibleTables(scope).filter((one) => isInside(session, one, inside))
  const [name = '', schema = session.schema ?? '', database = session.database ?? ''] = [...inside.parts].reverse()
  return [account.catalog.table({ database, schema, name }, session)]
}

function isInside(session: Session, item: Place, inside: Show['inside']): boolean {
  if (inside?.kind === 'ACCOUNT') return true
  const [last, before] = [...(inside?.parts ?? [])].reverse()
  if (inside?.kind === 'DATABASE') return item.database === (last ?? session.database)
  if (inside === undefined && session.schema === undefined) return true
  return item.schema === (last ?? session.schema) && item.database === (before ?? session.database)
}
