/** One record as Basware's API layer has it now, for a person: read by its external code, an order with its lines. */
import { syncError } from '../../../../sync/contract/errors.ts'
import { type Column, deletionOf, type Row, type Schema } from '../../../../sync/contract/message.ts'
import type { StandingContext, StandingRecord } from '../../../../sync/contract/target.ts'
import type { Reading } from '../invoices.ts'
import { readAdopted, usedCode } from './adopted.ts'
import { type Copy, copyOf, isEmpty } from './copies.ts'
import { codeOf, isMaster } from './masters.ts'
import { orderCode } from './orders.ts'
import { readLines } from './plan.ts'
import { type Place, resourceOf } from './resources.ts'
import { isRefusal, type SendRules } from './rules.ts'
import { SCHEMAS } from './schema.ts'

interface Asked {
  readonly key: string
  /** Of what was sent. */
  readonly schema: Schema
  /** Lines at most. */
  readonly most: number
  readonly rules: SendRules
}

const LINES = 'matchingOrderLines'
const API_LAYER =
  'So it stands in the layer that answers for the API. What P2P has made of it, or changed since, the API does not give: the first stands under "Results", the other in P2P itself.'

/** Undefined: the API layer has no such record, or it is one that is not sent by the tables of the node. */
export async function standingCopy(
  { key, schema, most, rules }: Asked,
  reading: Reading,
  note: StandingContext['note'],
): Promise<StandingRecord | undefined> {
  const to = placeOf(schema, key, rules)
  if (!to) return undefined
  const { place } = to
  const code = usedCode(readAdopted(await note.read()), place, to.code)
  const copy = await readCopy(place, code, reading)
  if (!copy) return undefined
  const isHidden = sendsSensitive(schema)
  const record: Row = rowOf(copy)
  const columns = columnsOf(place, [record], isHidden)
  const changed = typeof copy.lastUpdated === 'string' ? copy.lastUpdated : null
  const says = [`The ${resourceOf(place).one} ${code}${changed ? `, last changed ${changed}` : ''}.`, API_LAYER]
  const own = { ...{ read: null, run: null, at: changed, says }, schema: { entity: schema.entity, key: [], columns } }
  if (place !== 'matchingOrders') return { ...own, record, cut: [] }
  const { found } = await readLines(code, reading)
  const lines = found.slice(0, most).map(rowOf)
  const lists = {
    lines: { entity: schema.entity, key: [], columns: columnsOf(LINES, lines, isHidden) },
  }
  return {
    ...{ ...own, schema: { ...own.schema, lists } },
    ...{ record: { ...record, lines }, cut: found.length > most ? ['lines'] : [] },
  }
}

/** Where a record goes, which its key alone decides. */
function placeOf(
  schema: Schema,
  key: string,
  rules: SendRules,
): { readonly place: Place; readonly code: string } | undefined {
  const { entity } = schema
  const record = deletionOf(schema, key, 0)
  if (!isMaster(entity))
    return {
      place: rules.orders === 'requisition' ? 'purchaseRequisitions' : 'matchingOrders',
      code: orderCode(record),
    }
  const to = codeOf(entity, record, rules)
  if (!to || !isRefusal(to)) return to
  throw syncError('config', 'basware.standing', to.message, { hint: 'Say in the table of axes where its values go.' })
}

async function readCopy(place: Place, code: string, { connection, ...context }: Reading): Promise<Copy | undefined> {
  const { path, scope, group, one } = resourceOf(place)
  const what = `The ${one} ${code}`
  const ask = { what, scope: `${scope}.read`, group, toSend: true } as const
  const found = await connection.get(`${path}/${encodeURIComponent(code)}`, { ...ask, ...context })
  return found && copyOf(found.data)
}

/** Columns that are sent as they are, or in a text. */
const SENT: Readonly<Record<string, readonly string[]>> = {
  supplier: ['code', 'name', 'short_name', 'vat_number'],
  gl_account: ['code', 'title'],
  cost_centre: ['code', 'title'],
  dimension: ['code', 'title'],
}

/** Whether something sensitive was sent: in which field it came to stand nobody knows then. */
function sendsSensitive({ entity, columns, lists = {} }: Schema): boolean {
  const sent = SENT[entity]
  return [...columns, ...Object.values(lists).flatMap((list) => list.columns)].some(
    ({ name, sensitive }) => sensitive && (sent?.includes(name) ?? true),
  )
}

/** What says nothing of anybody. */
const PLAIN = /^(externalCode|orderExternalCode|lineNumber|companies|processingStatus|is[A-Z]\w*|lastUpdated)$/

/** Of what stands there besides what is sent (bank accounts, contacts, fields of the tenant) nobody says whether it is sensitive. */
function columnsOf(place: Place, rows: readonly Row[], isHidden: boolean): readonly Column[] {
  const shape: object = SCHEMAS[resourceOf(place).entity].shape
  const isOpen = (name: string): boolean => PLAIN.test(name) || (!isHidden && Object.hasOwn(shape, name))
  return [...new Set(rows.flatMap(Object.keys))].map((name) => ({
    ...{ name, type: 'string' },
    ...(isOpen(name) ? {} : { sensitive: true }),
  }))
}

/** Fields that have something, lists and parts of them as JSON. */
const rowOf = (copy: Copy): Row =>
  Object.fromEntries(
    Object.entries(copy)
      .filter(([, value]) => !isEmpty(value))
      .map(([name, value]) => [name, typeof value === 'object' ? JSON.stringify(value) : String(value)]),
  )
