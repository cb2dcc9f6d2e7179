/** What objects, fields and dimensions the company has: asked once, shared by all nodes of a connection. */
import { syncError } from '../../../sync/contract/errors.ts'
import type { ColumnType } from '../../../sync/contract/message.ts'
import type { IntacctConnection } from './connection.ts'
import { AMOUNT } from './entities.ts'
import type { DataRow, Element } from './reply.ts'
import { checkName } from './request.ts'

export interface Field {
  /** As Intacct writes it: capitals, but lower case in user-defined objects. */
  readonly id: string
  readonly label: string
  readonly type: ColumnType
  readonly custom: boolean
}

export interface ObjectInfo {
  readonly object: string
  /** By name in capitals. */
  readonly fields: ReadonlyMap<string, Field>
  /** Names, in capitals, of what leads to other objects. */
  readonly paths: ReadonlySet<string>
}

export interface Dimension {
  readonly object: string
  readonly label: string
  readonly userDefined: boolean
}

export interface IntacctSchema {
  /** Fields of an object; a `config` error for one that the company does not have. */
  lookup(object: string, signal: AbortSignal): Promise<ObjectInfo>
  dimensions(signal: AbortSignal): Promise<readonly Dimension[]>
  /** Names and labels of all objects. */
  objects(signal: AbortSignal): Promise<readonly { readonly object: string; readonly label: string }[]>
  /** Fields that lookup lists but queries refuse: never asked again, until the schema is read anew. */
  readonly refused: Map<string, Set<string>>
  /** Whether the audit history may be read; undefined: not known yet. */
  audit: { readable: boolean | undefined }
  forget(): void
}

const TYPES: Readonly<Record<string, ColumnType>> = {
  INTEGER: 'integer',
  BOOLEAN: 'boolean',
  DATE: 'date',
  TIMESTAMP: 'timestamp',
  DECIMAL: AMOUNT,
  CURRENCY: AMOUNT,
  PERCENT: AMOUNT,
}

/** How long what was read is believed: fields are added in Intacct at any time. */
const BELIEVED_MS = 12 * 3_600_000

export function createIntacctSchema(
  connection: IntacctConnection,
  now: () => number = () => performance.now(),
): IntacctSchema {
  let known = new Map<string, Promise<unknown>>()
  let since = now()
  const once = <T>(key: string, ask: () => Promise<T>): Promise<T> => {
    if (now() - since > BELIEVED_MS) forget()
    const found = known.get(key) as Promise<T> | undefined
    if (found) return found
    const asked = ask()
    const kept = known
    kept.set(key, asked)
    asked.catch(() => kept.delete(key))
    return asked
  }
  const refused = new Map<string, Set<string>>()
  const audit = { readable: undefined as boolean | undefined }
  const forget = (): void => {
    known = new Map()
    since = now()
    refused.clear()
    audit.readable = undefined
  }
  return {
    lookup: (object, signal) =>
      once(`lookup ${object}`, async () => {
        checkName(object, 'object')
        const what = `the fields of ${object}`
        const { results } = await connection.callRetrying([{ name: 'lookup', object }], { what, signal })
        const type = results[0]?.rows.find((row) => row.tag.toLowerCase() === 'type')
        const fields = new Map(
          childrenOf(type, 'FIELDS')
            .map((one) => fieldOf(one))
            .map((one) => [one.id.toUpperCase(), one]),
        )
        if (fields.size === 0)
          throw syncError('config', 'intacct.object', `${what}: Intacct lists none`, {
            hint: 'Its application may not be subscribed. Take the object out of the node.',
          })
        const paths = childrenOf(type, 'RELATIONSHIPS').map((one) => part(one, 'OBJECTPATH').toUpperCase())
        return { object, fields, paths: new Set(paths.filter((path) => path !== '')) }
      }),
    dimensions: (signal) =>
      once('dimensions', async () => {
        const { results } = await connection.callRetrying([{ name: 'getDimensions' }], {
          what: 'the dimensions',
          signal,
        })
        return dimensionsOf(results[0]?.rows ?? [])
      }),
    objects: (signal) =>
      once('objects', async () => {
        const { results } = await connection.callRetrying([{ name: 'inspect' }], { what: 'the objects', signal })
        return (results[0]?.rows ?? [])
          .map((row) => ({
            object: (row.attributes.typename ?? row.fields[''] ?? '').toUpperCase(),
            label: row.fields[''] ?? '',
          }))
          .filter(({ object }) => /^[A-Z_][A-Z0-9_]*$/.test(object))
      }),
    refused,
    audit,
    forget,
  }
}

const part = (element: Element, name: string): string =>
  element.children.find((child) => child.name.toUpperCase() === name)?.text.trim() ?? ''

const fieldOf = (element: Element): Field => ({
  id: part(element, 'ID'),
  label: part(element, 'LABEL'),
  type: TYPES[part(element, 'DATATYPE').toUpperCase()] ?? 'string',
  custom: part(element, 'ISCUSTOM').toLowerCase() === 'true',
})

const childrenOf = (row: DataRow | undefined, field: string): Element[] =>
  (row?.nested?.[field] ?? []).flatMap((element) => element.children)

/** `<dimensions><dimension>...`; where the outer element is missing, a dimension is a row by itself. */
function dimensionsOf(rows: readonly DataRow[]): Dimension[] {
  const nested = rows
    .flatMap((row) => row.nested?.DIMENSION ?? [])
    .map((one) => ({
      object: part(one, 'OBJECTNAME'),
      label: part(one, 'TERMLABEL'),
      user: part(one, 'USERDEFINEDDIMENSION'),
    }))
  const flat = rows.map(({ fields }) => ({
    object: fields.OBJECTNAME ?? '',
    label: fields.TERMLABEL ?? '',
    user: fields.USERDEFINEDDIMENSION,
  }))
  return [...nested, ...flat]
    .filter(({ object }) => object !== '')
    .map(({ object, label, user }) => ({ object, label, userDefined: user?.toLowerCase() === 'true' }))
}
