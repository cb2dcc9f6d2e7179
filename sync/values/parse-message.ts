/** A message at the engine's border: function nodes may have changed anything in it, so nothing of it is trusted. */
import { z } from 'zod'
import { type SyncError, syncError } from '../contract/errors.ts'
import { type DataRecord, memberOf, type Schema, type SyncInfo, type TableSchema } from '../contract/message.ts'

export interface ParsedBatch {
  readonly payload: DataRecord[]
  readonly schema: Schema
  readonly sync?: SyncInfo
  readonly topic?: string
}

const types = /^(?:string|integer|boolean|date|timestamp|json|decimal\((\d{1,2}),(\d{1,2})\))$/

const column = z.object({
  name: z
    .string()
    .min(1)
    .max(255)
    .refine((name) => !name.startsWith('_'), 'begins with _, as only the names of Tieout itself do'),
  type: z.string().refine((type) => {
    const [whole, precision, scale] = types.exec(type) ?? []
    return whole !== undefined && (precision === undefined || fits(Number(precision), Number(scale)))
  }, 'is not string, integer, decimal(p,s), boolean, date, timestamp or json'),
  description: z.string().optional(),
  sensitive: z.boolean().optional(),
  volatile: z.boolean().optional(),
})
const fits = (precision: number, scale: number): boolean => precision >= 1 && precision <= 38 && scale <= precision

const table = z.object({
  entity: z.string().min(1).max(255),
  key: z.array(z.string()).min(1),
  columns: z.array(column).min(1),
})
const schemaShape = table.extend({
  lists: z.record(z.string().min(1), table).optional(),
  contract: z.int().min(1).optional(),
})

const syncShape = z.object({
  name: z.string().min(1),
  run: z.string().min(1),
  entity: z.string().min(1),
  batch: z.int().min(0),
  readNumber: z.int().min(0),
  ledger: z.string().min(1),
  mode: z.enum(['poll', 'replay']),
  to: z.string().optional(),
})

const wrong = (field: string, text: string, hint: string): SyncError =>
  syncError('config', 'sync.message', `${field} ${text}. ${hint}`, { field, hint })

/**
 * The batch in a message. One record alone (after a split) is a batch of one. Records are looked at only from outside;
 * their values are checked by `compileChecker`. Throws a `config` error that names the member and what to do.
 */
export function parseBatch(message: {
  readonly payload?: unknown
  readonly schema?: unknown
  readonly sync?: unknown
  readonly topic?: unknown
}): ParsedBatch {
  const schema = parseSchema(message.schema)
  const sync = message.sync === undefined || message.sync === null ? undefined : parseSync(message.sync)
  const payload = Array.isArray(message.payload) ? message.payload : [message.payload]
  for (let i = 0; i < payload.length; i++) checkRecord(payload[i], i, sync !== undefined)
  return {
    payload: payload as DataRecord[],
    schema,
    ...(sync && { sync }),
    ...(typeof message.topic === 'string' && { topic: message.topic }),
  }
}

function checkRecord(record: unknown, index: number, counted: boolean): void {
  const place = `msg.payload[${index}]`
  if (record === null || typeof record !== 'object' || Array.isArray(record) || ArrayBuffer.isView(record))
    throw wrong(place, 'is no record', 'Let msg.payload be an array of objects, as sources and mappings send it.')
  const row = memberOf(record as DataRecord, '_row')
  const read = memberOf(record as DataRecord, '_read')
  const op = memberOf(record as DataRecord, '_op')
  if (counted && !(Number.isSafeInteger(row) && (row as number) >= 0))
    throw wrong(
      `${place}._row`,
      'is missing',
      'Settlement counts records by it: let function nodes change records instead of building new ones.',
    )
  if (read !== undefined && !(Number.isSafeInteger(read) && (read as number) >= 0))
    throw wrong(`${place}._read`, 'is no read number', 'Leave it as the source sent it, or delete it.')
  if (op !== undefined && op !== 'delete')
    throw wrong(`${place}._op`, 'is not "delete"', 'Leave it away for a record that is to be written.')
}

function parseSync(value: unknown): SyncInfo {
  const parsed = syncShape.safeParse(value)
  if (parsed.success) return parsed.data as SyncInfo
  throw wrong(
    ['msg.sync', ...(parsed.error.issues[0]?.path ?? [])].join('.'),
    'is not as a source sends it',
    'Keep msg.sync as it is, or delete it for a message of your own.',
  )
}

function parseSchema(value: unknown): Schema {
  if (value === undefined || value === null)
    throw wrong(
      'msg.schema',
      'is missing',
      'Wire this node behind a source or a mapping and keep msg.schema on the way, or set msg.schema to {entity, key, columns: [{name, type}]} in a change or function node before it.',
    )
  const parsed = schemaShape.safeParse(value)
  if (!parsed.success) {
    const issue = parsed.error.issues[0]
    throw wrong(
      ['msg.schema', ...(issue?.path ?? [])].join('.'),
      issue?.message ?? 'is not valid',
      'The shape is {entity, key: [names], columns: [{name, type}], lists?: {name: {entity, key, columns}}}.',
    )
  }
  const schema = value as Schema
  checkTable('msg.schema', schema)
  for (const [list, lines] of Object.entries(schema.lists ?? {})) {
    const place = `msg.schema.lists.${list}`
    checkTable(place, lines)
    const missing = schema.key.find((name) => !lines.key.includes(name))
    if (missing !== undefined)
      throw wrong(`${place}.key`, `lacks ${missing}`, "A list's key holds the whole key of its document.")
    if (schema.columns.some(({ name }) => name === list))
      throw wrong(place, 'is also the name of a column', 'Give the list or the column another name.')
  }
  return schema
}

function checkTable(place: string, { key, columns }: TableSchema): void {
  const names = new Set<string>()
  for (const { name } of columns) {
    // Warehouses tell no upper from lower case in names of columns.
    const folded = name.toLowerCase()
    if (names.has(folded)) throw wrong(`${place}.columns`, `has ${name} twice`, 'Rename or drop one of them.')
    names.add(folded)
  }
  for (const name of key)
    if (!columns.some((column) => column.name === name))
      throw wrong(`${place}.key`, `names ${name}, which is no column`, 'Add the column, or correct the key.')
}
