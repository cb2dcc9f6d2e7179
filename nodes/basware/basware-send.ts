/** basware-send: suppliers, accounts, cost centres, values of axes and purchase orders of the ERP become Basware's, each once. */
import type { NodeAPI } from 'node-red'
import { z } from 'zod'
import { defineSink, field, wrongField } from '../kit/kit.ts'
import { defineAlignmentRoutes } from './alignment-routes.ts'
import { baswareConnection } from './basware-connection.ts'
import { LIST_KEY, type Place } from './client/send/resources.ts'
import type { AxisRow, SendRules } from './client/send/rules.ts'
import { CODING_FIELDS } from './client/send/schema.ts'
import { createBaswareTarget, SENT, type SendOptions } from './client/send/target.ts'
import { defineCodeRoutes } from './code-routes.ts'

const companyRow = z.object({
  company: field.text('a company is missing'),
  code: field.optional(),
  organization: field.optional(),
  chart: field.optional(),
})
const axisRow = z.object({
  axis: field.text('an axis is missing'),
  to: field.optional(),
  code: field.optional(),
  name: field.optional(),
  coding: field.optional(),
})
const accountRow = z.object({
  product: field.text('a product is missing; * stands for all others'),
  company: field.optional(),
  account: field.text('a product needs its account'),
})
const codeRow = z.object({
  code: field.text('a code of the ERP is missing'),
  theirs: field.text('a code needs the one in Basware'),
})
const moveRow = z.object({
  place: field.choice([
    'vendors',
    'accounts',
    'costCenters',
    'projects',
    'lists',
    'matchingOrders',
    'matchingOrderLines',
    'purchaseRequisitions',
  ]),
  field: field.optional(),
})
const rows = <T extends z.ZodType>(row: T) => z.array(row, { error: 'must be a list' }).default([])

export const config = z.object({
  /** Part of what P2P knows an order by. */
  sourceSystem: field.optional('X3'),
  companies: rows(companyRow),
  organization: field.choice(['company', 'site']),
  axes: rows(axisRow),
  accounts: rows(accountRow),
  taxes: rows(codeRow),
  units: rows(codeRow),
  /** What purchase orders become. */
  orders: field.choice(['matching', 'requisition']),
  requisitionToProcess: field.flag(true),
  requisitionOwner: field.optional(),
  matching: field.choice(['order', 'receipt']),
  paymentTerms: field.flag(true),
  vatScheme: field.optional(),
  languages: field.list(),
  /** Fields that are moved where Basware would skip a record as unchanged. */
  moves: rows(moveRow),
  waitSeconds: field.number(120, 0, 3600),
  lineRecords: field.number(100, 1, 100),
  vendorRecords: field.number(200, 1, 200),
  otherRecords: field.number(500, 1, 500),
  postMb: field.number(6, 0.001, 6),
})
type Config = z.output<typeof config>

/** Fields of the contract that nothing is matched or booked by. */
const MOVES: Readonly<Record<Config['moves'][number]['place'], string>> = {
  ...{ vendors: 'description', accounts: 'text5', costCenters: 'text10', projects: 'description', lists: 'text_5' },
  ...{ matchingOrders: 'text10', matchingOrderLines: 'text10' },
  purchaseRequisitions: 'headerDataText5',
}

const MEGABYTE = 1_000_000

/** Tables and choices. Throws `config` for a row that cannot be meant. */
export function rulesOf(values: Config): SendRules {
  const { sourceSystem, companies, organization, accounts, taxes, units, matching, orders, paymentTerms } = values
  return {
    ...{ companies, organization, taxes, units, matching, orders, paymentTerms, vatScheme: values.vatScheme },
    requisitions: { toProcess: values.requisitionToProcess, owner: values.requisitionOwner },
    sourceSystem: sourceSystem || 'X3',
    accounts: accounts.map((row) => ({ ...row, company: row.company || '*' })),
    languages: values.languages,
    axes: values.axes.map(axisOf),
  }
}

function axisOf(row: Config['axes'][number]): AxisRow {
  const { axis, to, coding } = row
  const isList = LIST_KEY.test(to)
  if (to !== '' && to !== 'costCenters' && to !== 'projects' && !isList)
    throw wrongField(
      'axes',
      `"${to}" of the axis ${axis} is neither costCenters nor projects nor a list such as ACC_LIST_21`,
    )
  if (coding !== '' && !CODING_FIELDS.includes(coding))
    throw wrongField('axes', `"${coding}" of the axis ${axis} is no field of a coding row such as dimCode1`)
  // By habit; a list of a tenant may have them elsewhere.
  const [code, name] = [row.code || 'text_1', row.name || 'text_2']
  for (const column of [code, name])
    if (!/^text_([1-9]|1\d|2[0-5])$/.test(column))
      throw wrongField('axes', `"${column}" of the axis ${axis} is no text column of a list such as text_1`)
  return { axis, coding, code, name, to: isList ? `lists/${to}` : (to as AxisRow['to']) }
}

export function optionsOf(values: Config): SendOptions {
  const moved = new Map<string, string>(Object.entries(MOVES))
  for (const { place, field } of values.moves) moved.set(place, field)
  return {
    rules: rulesOf(values),
    moves: (place: Place) => moved.get(place.replace(/\/.*/, '')) ?? '',
    limits: {
      most: { vendors: values.vendorRecords, lines: values.lineRecords, other: values.otherRecords },
      bytes: values.postMb * MEGABYTE,
    },
    results: { waitSeconds: values.waitSeconds },
  }
}

export default function (RED: NodeAPI): void {
  defineSink(RED, {
    type: 'basware-send',
    version: 1,
    config,
    connection: baswareConnection,
    // So that some are sent while the next ones are read.
    limits: { batchRows: 2_500, batchBytes: 5 * MEGABYTE },
    follows: true,
    accepts: (_own, entity) => (SENT as readonly string[]).includes(entity),
    target: (own, { connection, send, ledger }, entity) => {
      const { retry } = connection
      const options = { ...optionsOf(own), keeper: () => ledger(own.ledger), ...(retry ? { retry } : {}) }
      return createBaswareTarget(connection, send, options, entity)
    },
  })
  defineCodeRoutes(RED)
  defineAlignmentRoutes(RED)
}
