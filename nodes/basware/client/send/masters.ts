/** Suppliers, accounts, cost centres and values of axes as Basware takes them. */
import type { DataRecord } from '../../../../sync/contract/message.ts'
import { externalCode } from './codes.ts'
import { type List, listTextLength, type Place } from './resources.ts'
import { type AxisRow, baswareCode, isRefusal, type Refusal, refusal, type SendRules } from './rules.ts'
import type { Body } from './schema.ts'

/** A body and where it goes. */
export interface Built {
  readonly place: Place
  readonly body: Body
}

/** Entities that become one body. */
export const MASTERS = ['supplier', 'gl_account', 'cost_centre', 'dimension'] as const
export type Master = (typeof MASTERS)[number]
export const isMaster = (entity: string): entity is Master => (MASTERS as readonly string[]).includes(entity)

/** Neither P2P's projects nor the ERP's dimensions end. */
const EVER = { validFrom: '2000-01-01', validUntil: '2099-12-31' } as const

export const textOf = (value: unknown): string => (value === null || value === undefined ? '' : String(value))
const isActive = ({ active }: DataRecord): boolean => active !== false

/** The place and external code of a record, which its key alone decides. Undefined: it is not sent, by the table of axes. */
export function codeOf(
  entity: Master,
  record: DataRecord,
  rules: SendRules,
): { readonly place: Place; readonly code: string } | Refusal | undefined {
  const source = textOf(record.source)
  const code = textOf(record.code)
  if (entity === 'supplier') return { place: 'vendors', code: externalCode([source, code]) }
  if (entity === 'gl_account') return { place: 'accounts', code: externalCode([source, textOf(record.chart), code]) }
  if (entity === 'cost_centre') return { place: 'costCenters', code: externalCode([source, code]) }
  const axis = axisOf(textOf(record.type), rules)
  if (isRefusal(axis)) return axis
  return axis.to === '' ? undefined : { place: axis.to, code: externalCode([source, axis.axis, code]) }
}

function axisOf(type: string, { axes }: SendRules): AxisRow | Refusal {
  return (
    axes.find(({ axis }) => axis === type) ??
    refusal(
      'axis',
      `The axis ${type || '(none)'} is not in the table of axes: say where its values go, or that they are not sent`,
      'type',
    )
  )
}

/** A record as it is sent; undefined: it is not, by the tables of axes and companies. */
export function buildMaster(entity: Master, record: DataRecord, rules: SendRules): Built | Refusal | undefined {
  const to = codeOf(entity, record, rules)
  if (!to || isRefusal(to)) return to
  const { place, code } = to
  const own = { externalCode: code }
  if (place === 'vendors') return { place, body: { ...own, ...vendorOf(record, rules) } }
  if (place === 'accounts') {
    const account = accountOf(record, rules)
    return account.companies.length > 0 ? { place, body: { ...own, ...account } } : undefined
  }
  const companies = rules.companies.map((row) => ({ companyCode: baswareCode(row), active: isActive(record) }))
  const name = nameOf(record)
  const value = textOf(record.code)
  const body =
    place === 'costCenters'
      ? { ...own, costCenterCode: value, costCenterNames: namesOf(name, rules), companies }
      : place === 'projects'
        ? { ...own, projectCode: value, projectName: name.slice(0, 100), ...EVER, companies }
        : { ...own, ...itemOf(place as List, record, rules), companies }
  return { place, body }
}

/** At least two characters, as the contract wants of a translation. */
const nameOf = ({ title, code }: DataRecord): string => {
  const text = textOf(title).trim()
  return text.length < 2 ? [textOf(code), text].filter(Boolean).join(' ').padEnd(2, '.') : text
}

const namesOf = (translation: string, { languages }: SendRules) =>
  [...new Set(['en-US', ...languages])].map((language) => ({ language, translation }))

function vendorOf(record: DataRecord, { companies, sourceSystem, vatScheme }: SendRules) {
  const vat = vatScheme === '' ? '' : textOf(record.vat_number)
  return {
    vendorCode: textOf(record.code),
    name: textOf(record.name) || textOf(record.short_name),
    sourceSystem,
    ...(vat === '' ? {} : { identifiers: [{ id: vat, schemeId: vatScheme }] }),
    processingStatus: { active: isActive(record) },
    companies: companies.map((row) => ({ companyCode: baswareCode(row), inheritToChildUnits: false })),
  }
}

function accountOf(record: DataRecord, rules: SendRules) {
  const chart = textOf(record.chart)
  const companies = rules.companies.filter((row) => row.chart === '' || row.chart === chart)
  return {
    accountCode: textOf(record.code),
    accountNames: namesOf(nameOf(record), rules),
    companies: companies.map((row) => ({ companyCode: baswareCode(row), inherit: false, active: isActive(record) })),
  }
}

/** A name is cut at what P2P keeps; a code is not, and held where it is longer. */
function itemOf(place: List, record: DataRecord, rules: SendRules) {
  const axis = rules.axes.find(({ axis }) => axis === textOf(record.type))
  const [code, name] = [axis?.code || 'text_1', axis?.name || 'text_2']
  return { [code]: textOf(record.code), [name]: nameOf(record).slice(0, listTextLength(place)) }
}
