import { scaleOf } from '../../books/money.ts'
import { lineDetails } from '../../books/purchasing.ts'
import type { Account, Dimension, PurchaseOrderLine } from '../../books/types.ts'
import type { Ground } from './ground.ts'

/** Where an amount goes. */
export interface Coding {
  readonly account: Account
  readonly costCentre: Dimension
  readonly project: Dimension | undefined
  /** Hundredths of the order line's amount. */
  readonly share: number
}

/** Any coding of a company that its ERP takes, by a text that it belongs to. */
export function codingFor(ground: Ground, company: string, text: string, share = 100): Coding {
  const any = <T>(things: readonly T[], salt: string): T => things[ground.drawFor(salt + text, things.length)] as T
  return {
    account: any(ground.accounts(company).active, 'account'),
    costCentre: any(ground.dimensions('CCT').active, 'centre'),
    project: ground.drawFor(`projects ${text}`, 3) === 0 ? any(ground.dimensions('PRO').active, 'project') : undefined,
    share,
  }
}

/** The coding that the ERP's order has, where it counts and all of it is known. */
function erpCoding(ground: Ground, company: string, number: string, at: number): Coding | undefined {
  const order = ground.coded && ground.order(number)
  const line = order?.lines.find((one) => one.line === at)
  if (!ground.coded || !order || !line) return undefined
  const { active, inactive } = ground.accounts(company)
  const code = ground.coded(company)(line.product)
  const account = [...active, ...inactive].find((one) => one.code === code)
  const { CCT = '', PRO } = lineDetails(order, line).dimensions
  const costCentre = ground.books.tables.dimension.get(`CCT|${CCT}`)
  if (!account || !costCentre) return undefined
  const project = PRO === undefined ? undefined : ground.books.tables.dimension.get(`PRO|${PRO}`)
  return { account, costCentre, project, share: 100 }
}

/** Codings of an order line: one, or two for every fifth. */
export function codingsOf(ground: Ground, company: string, order: string, line: number): readonly Coding[] {
  const erp = erpCoding(ground, company, order, line)
  if (erp) return [erp]
  const text = `${order} ${line}`
  if (ground.drawFor(`split ${text}`, 5) > 0) return [codingFor(ground, company, text)]
  return [codingFor(ground, company, `${text} a`, 60), codingFor(ground, company, `${text} b`, 40)]
}

/** Net amount of an order line, in minor units, after its discount. */
export function netOf({ quantity, grossPrice, discount }: PurchaseOrderLine, currency: string): number {
  const units = Number(quantity) * Number(grossPrice) * (1 - Number(discount) / 100)
  return Math.max(1, Math.round(units * 10 ** scaleOf(currency)))
}
