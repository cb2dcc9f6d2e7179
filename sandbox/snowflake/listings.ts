import type { Account, Session } from './account.ts'
import { keyOf, type Place, type Table } from './catalog.ts'
import { noSuch } from './errors.ts'
import { stamp, visibleTables } from './information.ts'
import { inherited, PARAMETERS } from './parameters.ts'
import type { Scope } from './sql/cursor.ts'
import { shown } from './sql/names.ts'
import type { Show } from './sql/statement.ts'

/** What a SHOW looks at. */
export interface Asked {
  account: Account
  session: Session
  scope: Scope
  inside: Show['inside']
}

type Row = Record<string, string | number | null>

interface Listing {
  /** Names of the columns, separated by spaces. */
  columns: string
  rows(asked: Asked): Row[]
}

const flag = (yes: boolean) => (yes ? 'Y' : 'N')
const placeOf = ({ database, schema, name }: Place) => ({ name, database_name: database, schema_name: schema })

const tables: Listing = {
  columns: 'created_on name database_name schema_name kind comment cluster_by rows bytes owner retention_time',
  rows: (asked) =>
    tablesIn(asked).map((one) => ({
      ...placeOf(one),
      created_on: stamp(one.created),
      kind: one.kind,
      comment: one.comment,
      cluster_by: one.clusterBy,
      rows: 0,
      bytes: 0,
      owner: asked.session.role,
      retention_time: 1,
    })),
}

/** The things that SHOW knows, with the columns that Snowflake documents and that say something here. */
export const LISTINGS: Readonly<Record<string, Listing>> = {
  WAREHOUSES: {
    columns:
      'name state type size min_cluster_count max_cluster_count running queued is_default is_current auto_suspend auto_resume owner comment',
    rows: ({ account, session }) =>
      account.warehouses
        .filter((name) => !account.rights.isDenied('USAGE', name))
        .map((name) => ({
          name,
          state: account.suspended > 0 ? 'SUSPENDED' : 'STARTED',
          type: 'STANDARD',
          size: 'X-Small',
          min_cluster_count: '1',
          max_cluster_count: '1',
          running: '0',
          queued: '0',
          is_default: flag(name === account.warehouses[0]),
          is_current: flag(name === session.warehouse),
          auto_suspend: 60,
          auto_resume: 'true',
          owner: 'SYSADMIN',
          comment: '',
        })),
  },
  DATABASES: {
    columns: 'created_on name is_default is_current origin owner comment options retention_time',
    rows: ({ account: { catalog, rights }, session }) =>
      rights.isDenied('USAGE', catalog.database)
        ? []
        : [
            {
              created_on: stamp(0),
              name: catalog.database,
              is_default: 'N',
              is_current: flag(session.database === catalog.database),
              owner: 'SYSADMIN',
              retention_time: 1,
            },
          ],
  },
  SCHEMAS: {
    columns: 'created_on name is_default is_current database_name owner comment options retention_time',
    rows(asked) {
      checkPlace(asked)
      const { catalog, rights } = asked.account
      const visible = [...catalog.schemas].filter(([name]) => !rights.isDenied('USAGE', catalog.database, name))
      const all: [string, { comment: string; created: number }][] = [
        ...visible,
        ['INFORMATION_SCHEMA', { comment: 'Views describing the contents of schemas in this database', created: 0 }],
      ]
      return all.map(([name, { comment, created }]) => ({
        created_on: stamp(created),
        name,
        is_default: 'N',
        is_current: flag(asked.session.schema === name),
        database_name: catalog.database,
        owner: asked.session.role,
        comment,
        retention_time: 1,
      }))
    },
  },
  TABLES: tables,
  OBJECTS: tables,
  COLUMNS: {
    columns:
      'table_name schema_name column_name data_type null? default kind expression comment database_name autoincrement',
    rows: (asked) =>
      tablesIn(asked).flatMap((one) =>
        one.columns.map((column) => ({
          table_name: one.name,
          schema_name: one.schema,
          column_name: column.name,
          data_type: dataType(column),
          'null?': String(column.nullable),
          default: column.default ?? '',
          kind: 'COLUMN',
          comment: column.comment ?? '',
          database_name: one.database,
        })),
      ),
  },
  'PRIMARY KEYS': {
    columns: 'created_on database_name schema_name table_name column_name key_sequence constraint_name rely comment',
    rows: (asked) =>
      tablesIn(asked).flatMap((one) =>
        one.primaryKey.map((name, index) => ({
          created_on: stamp(one.created),
          database_name: one.database,
          schema_name: one.schema,
          table_name: one.name,
          column_name: name,
          key_sequence: index + 1,
          constraint_name: 'SYS_CONSTRAINT',
          rely: 'false',
        })),
      ),
  },
  STAGES: {
    columns:
      'created_on name database_name schema_name url has_credentials has_encryption_key owner comment region type',
    rows(asked) {
      checkPlace(asked)
      const { account, session } = asked
      return [...account.catalog.stages.values(), ...session.stages.values()]
        .filter((one) => isInside(asked, one))
        .map((one) => ({
          ...placeOf(one),
          created_on: stamp(one.created),
          url: '',
          has_credentials: 'N',
          has_encryption_key: 'N',
          owner: session.role,
          comment: one.comment,
          type: session.stages.has(keyOf(one)) ? 'INTERNAL TEMPORARY' : 'INTERNAL',
        }))
    },
  },
  'FILE FORMATS': {
    columns: 'created_on name database_name schema_name type owner comment format_options',
    rows: (asked) =>
      [...asked.account.catalog.formats.values()]
        .filter((one) => isInside(asked, one))
        .map((one) => ({
          ...placeOf(one),
          created_on: stamp(0),
          type: one.format.type,
          owner: asked.session.role,
          comment: '',
          format_options: JSON.stringify(one.format.options),
        })),
  },
  ROLES: {
    columns:
      'created_on name is_default is_current is_inherited assigned_to_users granted_to_roles granted_roles owner comment',
    rows: ({ account, session }) =>
      account.roles.map((name) => ({
        created_on: stamp(0),
        name,
        is_default: flag(name === account.roles[0]),
        is_current: flag(name === session.role),
        is_inherited: 'N',
        assigned_to_users: 1,
        granted_to_roles: 0,
        granted_roles: 0,
        owner: 'USERADMIN',
        comment: '',
      })),
  },
  TRANSACTIONS: {
    columns: 'id user session name started_on state scope',
    rows: ({ account, session }) =>
      [...account.open].flatMap(({ transaction, id, user }) =>
        transaction === undefined || user !== session.user
          ? []
          : [
              {
                id: Number(transaction.id),
                user,
                session: Number(id),
                name: transaction.id,
                started_on: stamp(transaction.started),
                state: 'running',
                scope: 0,
              },
            ],
      ),
  },
  PARAMETERS: {
    columns: 'key value default level description type',
    rows: ({ account, session, inside }) => {
      const { user, account: ofAccount } = account.parameters
      const level = (key: string): string => {
        if (
          inside?.kind !== 'ACCOUNT' &&
          inside?.kind !== 'USER' &&
          session.parameters.get(key) !== inherited(account, key)
        )
          return 'SESSION'
        if (inside?.kind !== 'ACCOUNT' && user.has(key)) return 'USER'
        return ofAccount.has(key) ? 'ACCOUNT' : ''
      }
      const value = (key: string, at: string): string | undefined =>
        at === 'SESSION' ? session.parameters.get(key) : at === 'USER' ? user.get(key) : ofAccount.get(key)
      return Object.entries(PARAMETERS).map(([key, usual]) => ({
        key,
        value: value(key, level(key)) ?? usual,
        default: usual,
        level: level(key),
        description: '',
        type: /^(true|false)$/.test(usual) ? 'BOOLEAN' : /^\d+$/.test(usual) ? 'NUMBER' : 'STRING',
      }))
    },
  },
}

/** The type of a column as SHOW COLUMNS gives it: JSON. */
function dataType({ type, nullable }: Table['columns'][number]): string {
  const { kind, precision, scale, length } = type
  const size = kind === 'fixed' ? { precision, scale } : kind === 'text' ? { length, fixed: false } : {}
  return JSON.stringify({ type: kind.toUpperCase(), ...size, nullable })
}

function tablesIn(asked: Asked): Table[] {
  const { account, session, scope, inside } = asked
  if (inside?.kind === 'TABLE') {
    const [name = '', schema = session.schema ?? '', database = session.database ?? ''] = [...inside.parts].reverse()
    return [account.catalog.table({ database, schema, name }, session)]
  }
  checkPlace(asked)
  return visibleTables(scope).filter((one) => isInside(asked, one))
}

function checkPlace({ account: { catalog }, session, inside }: Asked): void {
  const [last, before = session.database ?? ''] = [...(inside?.parts ?? [])].reverse()
  if (last === undefined) return
  if (inside?.kind === 'SCHEMA') catalog.checkSchema(before, last)
  if (inside?.kind === 'DATABASE' && last !== catalog.database) throw noSuch('Database', shown(last))
}

function isInside({ session, inside }: Asked, item: Place): boolean {
  if (inside?.kind === 'ACCOUNT') return true
  const [last, before] = [...(inside?.parts ?? [])].reverse()
  if (inside?.kind === 'DATABASE') return item.database === (last ?? session.database)
  if (inside === undefined && session.schema === undefined) return true
  return item.schema === (last ?? session.schema) && item.database === (before ?? session.database)
}
