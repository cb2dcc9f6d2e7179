/**
 * The coding of rows that were matched with an order whose coding Basware does not have: dimensions from X3's own order line, the
 * account by a table of products and accounting codes.
 */
import { isSyncError } from '../../../../sync/contract/errors.ts'
import { type DataRecord, keyText, type Row } from '../../../../sync/contract/message.ts'
import type { EntityPlan, Source } from '../../../../sync/contract/source.ts'
import { dimensionColumns } from '../dimensions.ts'
import { hold } from './hold.ts'
import { type CodingRow, type Invoice, rowName } from './invoice.ts'

/** `row`: as approved, X3 is not asked. `x3`: by X3's order; where that has no account, as approved. `hold`: held then. */
export const ORDER_CODINGS = ['row', 'x3', 'hold'] as const

export interface OrderCodingRules {
  readonly from: (typeof ORDER_CODINGS)[number]
  readonly accounts: readonly {
    /** Company of the invoice; `*`: every other one. */
    readonly company: string
    /** Product of X3 or its accounting code; `*`: every other one. */
    readonly product: string
    readonly account: string
  }[]
  /** Which dimension type of X3 goes into which field of a line (`CCT`, `CCE1`). */
  readonly dimensions: readonly { readonly axis: string; readonly field: string }[]
}

/** A line of an order, as X3 has it. */
export interface OrderLine {
  readonly line: number
  readonly product: string
  /** Empty: X3 shows none. */
  readonly accountingCode: string
  /** Codes by dimension type; only those that are filled. */
  readonly dimensions: Readonly<Record<string, string>>
}

/** An order's lines; undefined: X3 has none of this number in this company. */
export type OrderReader = (
  company: string,
  number: string,
  signal: AbortSignal,
) => Promise<readonly OrderLine[] | undefined>

export type Recode = (invoice: Invoice, signal: AbortSignal) => Promise<Invoice>

const UNREADABLE = 'order not readable'

/** The invoice with rows as they are to be posted. Throws `data` for one that is held. */
export const recoder =
  (rules: OrderCodingRules, read: OrderReader): Recode =>
  async (invoice, signal) => {
    if (rules.from === 'row' || !invoice.lines.some(isUnreadable)) return invoice
    const lines: CodingRow[] = []
    for (const row of invoice.lines) lines.push(isUnreadable(row) ? await recoded(row, invoice, signal) : row)
    return { ...invoice, lines }

    async function recoded(row: CodingRow, { company }: Invoice, stop: AbortSignal): Promise<CodingRow> {
      const found = await read(company, textIn(row.order_number), stop)
      const line = onlyLine(found, textIn(row.order_line))
      const account = line && accountOf(line, company, rules)
      if (line && account) return { ...row, account, ofOrder: dimensionsOf(line, rules) }
      if (rules.from === 'x3') return row
      throw hold(
        'order',
        'order_number',
        `${rowName(row)} was matched with order ${textIn(row.order_number)}, line ${textIn(row.order_line)}, whose coding Basware does not have, and ${line ? `no account stands for the product ${line.product}` : 'X3 has no such line'}`,
        'Add the product, or its accounting code, to the table of products in the node; or let such rows go as they were approved.',
      )
    }
  }

const isUnreadable = (row: CodingRow): boolean => row.coding === UNREADABLE && textIn(row.order_number) !== ''

const textIn = (value: unknown): string =>
  typeof value === 'string' ? value : typeof value === 'number' ? String(value) : ''

/** Deliveries of one line stand apart in X3: they count as one where they say the same. */
function onlyLine(lines: readonly OrderLine[] | undefined, number: string): OrderLine | undefined {
  const own = (lines ?? []).filter(({ line }) => String(line) === number)
  const [first] = own
  const said = ({ product, accountingCode, dimensions }: OrderLine): string =>
    JSON.stringify([product, accountingCode, Object.entries(dimensions).sort()])
  return first && own.every((one) => said(one) === said(first)) ? first : undefined
}

function accountOf({ product, accountingCode }: OrderLine, company: string, { accounts }: OrderCodingRules) {
  const wanted = [product, accountingCode, '*'].filter(Boolean)
  for (const name of wanted)
    for (const place of [company, '*']) {
      const found = accounts.find((rule) => rule.company === place && rule.product === name)
      if (found) return found.account
    }
  return undefined
}

const dimensionsOf = ({ dimensions }: OrderLine, rules: OrderCodingRules): Readonly<Record<string, string>> =>
  Object.fromEntries(
    rules.dimensions.flatMap(({ axis, field }) => (dimensions[axis] ? [[field, dimensions[axis]]] : [])),
  )

/** So long an order counts as it was read: it is asked for when an invoice is checked, and again when it is posted. */
const FRESH_MS = 60_000
const ENTITY = 'purchase_order'
const CODE = { path: 'product.accountingCode.code', name: 'accounting_code', type: 'string', list: 'lines' } as const

/** What a source of orders is opened with. */
export interface OrderSourceOptions {
  readonly source: string
  readonly further: Readonly<Record<string, readonly string[]>>
  readonly extraFields?: Readonly<Record<string, readonly (typeof CODE)[]>>
}

/** Reads orders by whichever door the connection has. `types`: dimension types that are wanted. */
export function orderReader(
  open: (options: OrderSourceOptions) => Source,
  types: readonly string[],
  source: string,
  now: () => number = () => performance.now(),
): OrderReader {
  const columns = dimensionColumns(types, ENTITY)
  const known = new Map<string, { readonly at: number; readonly lines: ReturnType<OrderReader> }>()
  let plan: Promise<EntityPlan> | undefined
  const planned = (signal: AbortSignal): Promise<EntityPlan> => {
    const further = { [ENTITY]: ['matching'] }
    // Not every release shows a product's accounting code.
    plan ??= open({ source, further, extraFields: { [ENTITY]: [CODE] } })
      .plan(ENTITY, signal)
      .catch((error: unknown) => {
        if (!isSyncError(error) || error.cause.class !== 'config') throw error
        return open({ source, further }).plan(ENTITY, signal)
      })
    plan.catch(() => {
      plan = undefined
    })
    return plan
  }
  const ask = async (company: string, number: string, signal: AbortSignal) => {
    const { readKeys, schema } = await planned(signal)
    if (!readKeys) return undefined
    const { records, refused = [] } = await readKeys([keyText(schema, { source, number })], () => 0, signal)
    const [order] = [...records, ...refused.map(({ record }) => record)]
    return order?.company === company ? linesOf(order, columns) : undefined
  }
  return (company, number, signal) => {
    const key = JSON.stringify([company, number])
    const before = known.get(key)
    if (before && now() - before.at < FRESH_MS) return before.lines
    const lines = ask(company, number, signal)
    known.delete(key)
    known.set(key, { at: now(), lines })
    lines.catch(() => known.delete(key))
    for (const [old, { at }] of known) if (now() - at >= FRESH_MS) known.delete(old)
    return lines
  }
}

const linesOf = ({ lines }: DataRecord, columns: ReadonlyMap<string, string>): OrderLine[] =>
  (Array.isArray(lines) ? (lines as readonly Row[]) : []).map((row) => ({
    line: Number(row.line),
    product: textIn(row.product),
    accountingCode: textIn(row.accounting_code),
    dimensions: Object.fromEntries(
      [...columns].map(([axis, column]) => [axis, textIn(row[column])]).filter(([, code]) => code !== ''),
    ),
  }))
