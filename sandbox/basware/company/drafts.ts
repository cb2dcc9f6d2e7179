import { companies } from '../../books/codes.ts'
import { scaleOf } from '../../books/money.ts'
import { type Draw, draws, pick } from '../../books/random.ts'
import { goodsName, remark } from '../../books/text.ts'
import type { PurchaseOrder } from '../../books/types.ts'
import { CASES, type Case } from './cases.ts'
import { type Coding, codingFor, codingsOf, netOf } from './coding.ts'
import type { Draft, DraftRow } from './draft.ts'
import { companyOf, type Ground } from './ground.ts'
import type { TaxKind } from './taxes.ts'
import { TWISTS } from './twists.ts'

/** Table number by which this sandbox draws: none of the books'. */
const TABLE = 71
const CURRENCIES = ['USD', 'GBP', 'KWD', 'JPY', 'CLF', 'EUR'] as const

/** Rows of an order's lines, some of them invoiced in part. */
function matchedRows(ground: Ground, order: PurchaseOrder, like: Case, draw: Draw): DraftRow[] {
  const part = pick(draw, [100, 100, 50, 25])
  const lines = order.lines.slice(0, 1 + draw(Math.min(order.lines.length, 6)))
  return lines.flatMap((line) =>
    codingsOf(ground, order.company, order.number, line.line).map((coding, k): DraftRow => {
      const net = Math.max(1, Math.round((netOf(line, order.currency) * coding.share * part) / 10_000))
      return {
        ...coded(coding, net, like.tax, line.description),
        match: {
          ...{ order: order.number, line: line.line, coding: k },
          quantity: (Number(line.quantity) * part * coding.share * 1e-4).toFixed(3),
          ordered: line.quantity,
          receipt: Number(line.receivedQuantity) > 0 ? `PTH${order.number.slice(2)}` : undefined,
        },
      }
    }),
  )
}

export function coded(coding: Coding, net: number, tax: TaxKind, text: string): DraftRow {
  return {
    ...{ net, tax, text },
    account: coding.account.code,
    accountName: coding.account.title,
    costCentre: coding.costCentre.code,
    project: coding.project?.code ?? '',
  }
}

/** Invoice `index` as it is approved: the same for the same seed and books. */
export function draftOf(ground: Ground, index: number): Draft {
  const like = CASES[index % CASES.length] as Case
  const draw = draws(ground.seed, TABLE, index)
  const order = like.from === 'order' ? ground.order(ground.orders[draw(ground.orders.length)] as string) : undefined
  const company = order ? companyOf(order.company) : pick(draw, companies)
  const currency = order
    ? order.currency
    : like.foreign
      ? pick(
          draw,
          CURRENCIES.filter((code) => code !== company.currency),
        )
      : company.currency
  const most = 5_000 * 10 ** scaleOf(currency)
  const rows = order
    ? matchedRows(ground, order, like, draw)
    : Array.from({ length: 1 + draw(6) }, (_, k) =>
        coded(codingFor(ground, company.code, `${index} ${k}`), 1 + draw(most), like.tax, goodsName(draw)),
      )
  const plain: Draft = {
    ...{ index, like, company, currency, rows },
    supplier: order?.supplier ?? pick(draw, ground.suppliers).code,
    number: `000${1_000_000 + index * 7 + draw(7)}`,
    description: remark(draw),
    centsOff: 0,
    age: 1 + draw(28),
    header: {},
  }
  const twist = like.twist && TWISTS[like.twist]
  return twist ? { ...plain, ...twist(plain, draw, ground) } : plain
}
