/** A purchase order as a requisition, from which P2P makes an order of its own once it is approved. */
import { type DataRecord, isDeletion, type Row } from '../../../../sync/contract/message.ts'
import { isExactNumber } from '../../../../vendor/json.ts'
import { usedCode } from './adopted.ts'
import { numberText } from './align-lines.ts'
import { type Fate, readFates } from './fates.ts'
import { textOf } from './masters.ts'
import {
  amountsOf,
  coded,
  codesOf,
  companyOf,
  filled,
  isRefund,
  isYes,
  lineCode,
  lineNumber,
  linesOf,
  orderCode,
} from './orders.ts'
import { bookOf, type Planner, type Planning, placed } from './plan.ts'
import { isRefusal, type Refusal, refusal, type SendRules } from './rules.ts'
import type { Body } from './schema.ts'

const PLACE = 'purchaseRequisitions'

export function buildRequisition(record: DataRecord, rules: SendRules): Body | Refusal {
  const organization = companyOf(record, rules)
  if (isRefusal(organization)) return organization
  const lines: object[] = []
  for (const line of linesOf(record)) {
    const built = lineOf(record, line, rules)
    if (isRefusal(built)) return { ...built, message: `Line ${lineNumber(line)}: ${built.message}` }
    lines.push(built)
  }
  const number = textOf(record.number)
  return {
    externalCode: orderCode(record),
    extDocumentNumber: number,
    sendToProcess: rules.requisitions.toProcess,
    organizationUnitCode: organization.element,
    orderType: 'Standard',
    purpose: textOf(record.internal_reference).trim() || `Purchase order ${number} of ${rules.sourceSystem}`,
    ...filled({
      ownerLogin: rules.requisitions.owner,
      desiredDeliveryDate: textOf(record.expected_receipt_date),
    }),
    lines,
  }
}

function lineOf(record: DataRecord, line: Row, rules: SendRules): object | Refusal {
  const number = lineNumber(line)
  const amounts = amountsOf(line)
  if (isRefusal(amounts)) return amounts
  const codes = codesOf(record, line, rules)
  if (isRefusal(codes)) return codes
  return {
    externalCode: lineCode(record, number),
    extRequisitionLineNumber: number,
    quantity: amounts.quantity,
    unitPrice: amounts.price,
    priceType: 'Net',
    refundLine: isRefund(line),
    currencyCode: textOf(record.currency),
    ...filled({
      supplierCode: textOf(record.supplier),
      quantityUnitCode: coded(rules.units, line.unit),
      taxCode: coded(rules.taxes, line.tax),
      buyerProductCode: textOf(line.product),
      description: textOf(line.description).slice(0, 2000),
    }),
    ...(Object.keys(codes).length > 0
      ? { codingRows: [{ externalCode: lineCode(record, number, '0'), ...codes }] }
      : {}),
  }
}

/** What P2P has of an order is never changed: it takes no second version of a requisition. */
export const planRequisition: Planner = async (one, planning) => {
  const { record } = one
  const code = usedCode(planning.adopted, PLACE, orderCode(record))
  const { copies } = await bookOf(planning, PLACE)
  if (isDeletion(record)) {
    const isThere = copies.has(code) && (await fateOf(code, planning)) !== 'refused'
    return isThere ? changed(record, 'is gone in the ERP') : []
  }
  if (!copies.has(code) && isYes(record.closed)) return []
  const built = buildRequisition(record, planning.rules)
  if (isRefusal(built)) return built
  const made = await placed(built, PLACE, one, planning)
  if (isRefusal(made)) return made
  const there = copies.get(made.body.externalCode)
  if (!there) return [made]
  const fate = await fateOf(made.body.externalCode, planning)
  if (fate === 'refused') return [made]
  const different = Object.keys(built).filter((name) => name !== 'externalCode' && !isSame(built[name], there[name]))
  if (different.length > 0) return changed(record, `is otherwise in the ERP (${different.join(', ')})`)
  if (fate !== undefined) return [{ ...made, request: fate.request }]
  return one.again ? unknown(record) : []
}

const changed = (record: DataRecord, how: string): Refusal =>
  refusal(
    'requisition-changed',
    `The order ${textOf(record.number)} ${how}, and Basware takes no change of a requisition: change or cancel it there, then leave this record out`,
    'number',
  )

const unknown = (record: DataRecord): Refusal =>
  refusal(
    'requisition-unknown',
    `The order ${textOf(record.number)} was sent as a requisition, and Basware does not tell any more what became of it. Look there: leave this record out if it is there; else have Basware take it out of the API layer, and replay it`,
    'number',
  )

/** Whether what is sent stands there so; the API layer gives dates with a time, and numbers as doubles. */
function isSame(own: unknown, theirs: unknown): boolean {
  if (Array.isArray(own))
    return Array.isArray(theirs) && own.length === theirs.length && own.every((one, k) => isSame(one, theirs[k]))
  if (typeof own === 'number' || isExactNumber(own)) return numberText(own) === numberText(theirs)
  if (typeof own === 'object' && own !== null)
    return Object.entries(own).every(([name, value]) => isSame(value, (theirs as typeof own | null)?.[name as never]))
  if (typeof own === 'string' && typeof theirs === 'string' && /^\d{4}-\d\d-\d\d$/.test(own))
    return theirs.slice(0, own.length) === own
  return own === theirs
}

/** Undefined: Basware does not tell. All are asked for once in a run. */
async function fateOf(code: string, planning: Planning): Promise<Fate | undefined> {
  planning.fates.all ??= readFates(planning.reading)
  const asked = planning.fates.all
  asked.catch(() => {
    planning.fates.all = undefined
  })
  return (await asked).get(code)
}
