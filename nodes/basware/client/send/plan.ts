/** What is to be sent for the records of a batch, and which of them are held before anything goes. */
import { type DataRecord, isDeletion } from '../../../../sync/contract/message.ts'
import type { WriteRecord } from '../../../../sync/contract/target.ts'
import type { Reading } from '../invoices.ts'
import { pages } from '../pages.ts'
import { type Adopted, mayUse, usedCode, withCode } from './adopted.ts'
import { alreadyThere, type Book, type Books, keysOf, notReadable, othersOf, recordsOf, withoutCode } from './book.ts'
import { type Copy, closedCopy, copyOf, withCopy } from './copies.ts'
import type { Fate } from './fates.ts'
import { buildMaster, codeOf, type Master } from './masters.ts'
import { buildOrder, lineCode, orderCode, receiptCode } from './orders.ts'
import { bytesOf, type Outgoing, outgoing } from './post.ts'
import { type Place, resourceOf } from './resources.ts'
import { isRefusal, type Refusal, refusal, type SendRules } from './rules.ts'
import { type Body, faultOf } from './schema.ts'

/** What a plan is made with. */
export interface Planning {
  readonly rules: SendRules
  readonly books: Books
  readonly reading: Reading
  /** Lines of orders, asked once in a run. */
  readonly lines: Map<string, Promise<OrderLines>>
  /** What became of requisitions, asked once in a run. */
  readonly fates: { all?: Promise<ReadonlyMap<string, Fate>> | undefined }
  /** Field of each place that is moved where nothing else changed. */
  readonly moves: (place: Place) => string
  /** When the batch was begun: no two attempts write the same into that field, or Basware would skip the second. */
  readonly at: string
  readonly bytes: number
  adopted: Adopted
}

export interface Plan {
  readonly outgoing: readonly Outgoing[]
  readonly refused: ReadonlyMap<string, Refusal>
}

/** The column of a list that its code stands in is the tenant's. */
export const codeColumn = (place: Place, { axes }: SendRules): string =>
  (place.startsWith('lists/') ? axes.find(({ to }) => to === place)?.code : '') || resourceOf(place).code

export const bookOf = (planning: Planning, place: Place): Promise<Book> =>
  planning.books.of(place, codeColumn(place, planning.rules), planning.reading)

/** Makes one record's bodies. */
export type Planner = (one: WriteRecord, planning: Planning) => Promise<readonly Outgoing[] | Refusal>

export async function planOf(records: readonly WriteRecord[], planner: Planner, planning: Planning): Promise<Plan> {
  const refused = new Map<string, Refusal>()
  const made = await Promise.all(records.map((one) => planner(one, planning)))
  const all = made.flatMap((one, index) => {
    if (!isRefusal(one)) return one
    refused.set(records[index]?.key ?? '', one)
    return []
  })
  return { outgoing: all, refused }
}

/** Under which code a body goes, with what Basware has besides; or why it does not go. */
export async function placed(
  body: Body,
  place: Place,
  one: WriteRecord,
  planning: Planning,
): Promise<Outgoing | Refusal> {
  const resource = resourceOf(place)
  const fault = faultOf(resource.entity, body)
  if (fault) return refusal('field', `${fault.field} of the ${resource.one}: ${fault.text}`, fault.field)
  const book = await bookOf(planning, place)
  const code = usedCode(planning.adopted, place, body.externalCode)
  const own = withMove({ ...body, externalCode: code }, place, one, planning)
  if (book.unreadable.has(code)) return notReadable(place, code)
  const nameless = keysOf(place, codeColumn(place, planning.rules), own).some((key) => book.nameless.has(key))
  if (nameless) return withoutCode(place, String(body[codeColumn(place, planning.rules)]))
  const others = othersOf(book, place, codeColumn(place, planning.rules), own)
  const [only] = others
  if (only !== undefined) {
    if (!mayUse(planning.adopted, one.key) || others.length > 1 || book.copies.has(code))
      return alreadyThere(place, String(body[codeColumn(place, planning.rules)]), others)
    planning.adopted = withCode(planning.adopted, place, body.externalCode, only)
    return placed(body, place, one, planning)
  }
  return within(outgoing(one.key, place, withCopy(place, own, book.copies.get(code))), planning)
}

const withMove = (body: Body, place: Place, one: WriteRecord, { moves, at }: Pick<Planning, 'moves' | 'at'>): Body => {
  const field = moves(place)
  return one.again && field !== '' ? { ...body, [field]: `Sent again ${at}` } : body
}

const within = (one: Outgoing, { bytes }: Pick<Planning, 'bytes'>): Outgoing | Refusal =>
  bytesOf(one) + 1 <= bytes
    ? one
    : refusal(
        'too-large',
        `The ${resourceOf(one.place).one} ${one.body.externalCode} takes ${bytesOf(one)} bytes, and Basware takes ${bytes} in one request`,
      )

export const planMaster =
  (entity: Master): Planner =>
  async (one, planning) => {
    if (isDeletion(one.record)) return goneMaster(entity, one, planning)
    const built = buildMaster(entity, one.record, planning.rules)
    if (!built) return []
    if (isRefusal(built)) return built
    const made = await placed(built.body, built.place, one, planning)
    return isRefusal(made) ? made : [made]
  }

/** Of what is gone in the ERP Basware's own copy is sent with its flag; where there is none there is nothing to send. */
async function goneMaster(
  entity: Master,
  one: WriteRecord,
  planning: Planning,
): Promise<readonly Outgoing[] | Refusal> {
  const to = codeOf(entity, one.record, planning.rules)
  if (!to) return []
  if (isRefusal(to)) return to
  const book = await bookOf(planning, to.place)
  const code = usedCode(planning.adopted, to.place, to.code)
  if (book.unreadable.has(code)) return notReadable(to.place, code)
  const known = book.copies.get(code)
  return known ? [outgoing(one.key, to.place, withMove(closedCopy(to.place, known), to.place, one, planning))] : []
}

export const planOrder: Planner = async (one, planning) => {
  const { record } = one
  if (isDeletion(record)) return goneOrder(one, planning)
  const built = buildOrder(record, planning.rules)
  if (isRefusal(built)) return built
  const header = await placed(built.header, 'matchingOrders', one, planning)
  if (isRefusal(header)) return header
  const code = header.body.externalCode
  const isThere = (await bookOf(planning, 'matchingOrders')).copies.has(code)
  const { found: there, uncoded } = isThere ? await linesOf(code, planning) : NO_LINES
  if (uncoded.length > 0) return withoutCode('matchingOrderLines', `${uncoded.join(', ')} of the order ${code}`)
  const lines: Outgoing[] = []
  for (const body of built.lines) {
    const made = lineOf({ ...body, orderExternalCode: code }, there, one, planning)
    if (isRefusal(made)) return made
    lines.push(made)
  }
  const sent = new Set(lines.map(({ body }) => body.externalCode))
  const gone = there.filter((line) => !sent.has(line.externalCode) && isOurs(record, line) && line.isDeleted !== true)
  const deleted = gone.map((line) => outgoing(one.key, 'matchingOrderLines', closedCopy('matchingOrderLines', line)))
  return [header, ...lines, ...deleted]
}

/** A line with what Basware has besides; of an order of others the line with its number is taken over. */
function lineOf(body: Body, there: readonly Copy[], one: WriteRecord, planning: Planning): Outgoing | Refusal {
  const fault = faultOf('OrderLineEntity', body)
  if (fault)
    return refusal('field', `Line ${String(body.lineNumber)}: ${fault.field}: ${fault.text}`, `lines.${fault.field}`)
  const isOthers =
    mayUse(planning.adopted, one.key) ||
    usedCode(planning.adopted, 'matchingOrders', orderCode(one.record)) !== orderCode(one.record)
  const numbered = there.filter(({ lineNumber }) => lineNumber === body.lineNumber)
  const known =
    there.find(({ externalCode }) => externalCode === body.externalCode) ?? (isOthers ? numbered[0] : undefined)
  const other = numbered.find(
    ({ externalCode, isDeleted }) => externalCode !== known?.externalCode && isDeleted !== true,
  )
  if (other) return alreadyThere('matchingOrderLines', String(body.lineNumber), [other.externalCode])
  const own = { ...body, externalCode: known?.externalCode ?? body.externalCode }
  const moved = withMove(withGoneReceipts(own, known, one.record), 'matchingOrderLines', one, planning)
  return within(outgoing(one.key, 'matchingOrderLines', withCopy('matchingOrderLines', moved, known)), planning)
}

/** Receipts that this sync gave and X3 does not have any more. */
function withGoneReceipts(body: Body, known: Copy | undefined, record: DataRecord): Body {
  const [own, theirs] = [body.goodsReceipts, known?.goodsReceipts]
  if (!Array.isArray(own) || !Array.isArray(theirs)) return body
  const sent = new Set(own.map(({ externalCode }: Copy) => externalCode))
  const gone = theirs.filter((one: Copy) => {
    const { goodsReceiptNumber: number, goodsReceiptLineNumber: line, externalCode } = one
    const ours = receiptCode(record, String(body.lineNumber), String(number ?? ''), String(line ?? ''))
    return externalCode === ours && !sent.has(externalCode)
  })
  return { ...body, goodsReceipts: [...own, ...gone.map((one: Copy) => ({ ...one, isDeleted: true }))] }
}

/** Whether this sync gave the code of a line, which its number tells. */
const isOurs = (record: DataRecord, line: Copy): boolean =>
  lineCode(record, String(line.lineNumber ?? '')) === line.externalCode

async function goneOrder(one: WriteRecord, planning: Planning): Promise<readonly Outgoing[] | Refusal> {
  const code = usedCode(planning.adopted, 'matchingOrders', orderCode(one.record))
  const book = await bookOf(planning, 'matchingOrders')
  if (book.unreadable.has(code)) return notReadable('matchingOrders', code)
  const known = book.copies.get(code)
  if (!known) return []
  const { found } = await linesOf(code, planning)
  const lines = found.filter((line) => isOurs(one.record, line))
  const closing = (place: Place, copy: Copy): Outgoing =>
    outgoing(one.key, place, withMove(closedCopy(place, copy), place, one, planning))
  return [closing('matchingOrders', known), ...lines.map((line) => closing('matchingOrderLines', line))]
}

/** Lines of an order as they stand there. */
export interface OrderLines {
  readonly found: readonly Copy[]
  /** Numbers of those without an external code, by which nothing can be sent to them. */
  readonly uncoded: readonly string[]
}
const NO_LINES: OrderLines = { found: [], uncoded: [] }

/** They are asked for once in a run, one request for each order. */
function linesOf(code: string, { lines, reading }: Planning): Promise<OrderLines> {
  const asked = lines.get(code) ?? readLines(code, reading)
  lines.set(code, asked)
  asked.catch(() => lines.delete(code))
  return asked
}

/** The same, asked anew. */
export async function readLines(code: string, reading: Reading): Promise<OrderLines> {
  const { path, envelope, scope, group, page } = resourceOf('matchingOrderLines')
  const what = `Lines of the order ${code}`
  const query = { orderExternalCode: code, pageSize: String(page) }
  const found: Copy[] = []
  const uncoded: string[] = []
  for await (const data of pages(reading, path, { what, scope: `${scope}.read`, group, query, toSend: true }))
    for (const one of recordsOf(data, envelope, what)) {
      const known = copyOf(one)
      if (known) found.push(known)
      else if ((one as { isDeleted?: unknown } | null)?.isDeleted !== true)
        uncoded.push(String((one as { lineNumber?: unknown } | null)?.lineNumber ?? '(none)'))
    }
  return { found, uncoded }
}
