/** The comparer of a flow that sends orders: what the books say must stand in P2P beside what stands there. */
import { AXES, codingField } from './ends/basware-orders.ts'
import { type ExpectedKind, type Fields, nameOf } from './expected-orders.ts'

type Json = Readonly<Record<string, unknown>>
/** One layer of Basware, by collection. */
export type Layer = Readonly<Record<string, readonly Json[]>>

export interface OrderComparison {
  /** What the books have, and what P2P has of it. */
  readonly expected: number
  readonly records: number
  /** Held by Tieout with a reason. */
  readonly held: number
  readonly missing: number
  /** In P2P, and neither in the books nor kept there by hand; twice under two codes. */
  readonly extra: number
  readonly different: number
  /** Gone in the ERP, and marked. */
  readonly marked: number
  readonly examples: readonly string[]
}

const text = (value: unknown): string => (value === undefined || value === null ? '' : String(value))
const list = (record: Json, name: string): readonly Json[] => (record[name] as readonly Json[] | null | undefined) ?? []
const yesNo = (value: unknown): string => (value === true ? 'yes' : 'no')
const nameIn = (record: Json, field: string): string =>
  nameOf(text(list(record, field).find(({ language }) => language === 'en-US')?.translation))

/** A record of P2P as it is compared. */
interface Seen {
  readonly key: string
  readonly code: string
  readonly fields: Fields
  /** No longer in use there. */
  readonly isMarked: boolean
}

const codeOf = (record: Json): string => text(record.externalCode)
const activeOf = (record: Json): string =>
  list(record, 'companies')
    .map(({ companyCode, active }) => `${text(companyCode)} ${yesNo(active)}`)
    .sort()
    .join(' ')
const isOff = (record: Json): boolean => list(record, 'companies').every(({ active }) => active !== true)

function vendors(record: Json): Seen[] {
  const active = (record.processingStatus as Json | null | undefined)?.active !== false
  const companies = list(record, 'companies').map(({ companyCode }) => text(companyCode))
  return [
    {
      ...{ key: text(record.vendorCode), code: codeOf(record), isMarked: !active },
      fields: { name: text(record.name), active: yesNo(active), companies: companies.sort().join(' ') },
    },
  ]
}

const accounts = (record: Json): Seen[] =>
  list(record, 'companies').map(({ companyCode, active }) => ({
    ...{ key: `${text(companyCode)} ${text(record.accountCode)}`, code: codeOf(record), isMarked: active !== true },
    fields: { name: nameIn(record, 'accountNames'), active: yesNo(active) },
  }))

const axis =
  (code: string, name: (record: Json) => string) =>
  (record: Json): Seen[] => [
    {
      ...{ key: text(record[code]), code: codeOf(record), isMarked: isOff(record) },
      fields: { name: name(record), active: activeOf(record) },
    },
  ]

const orders = (record: Json): Seen[] => [
  {
    ...{ key: `${text(record.companyCode)} ${text(record.orderNumber)}`, code: codeOf(record) },
    isMarked: record.isClosed === true,
    fields: {
      ...{ supplier: text(record.supplierCode), currency: text(record.currencyCode) },
      ...{ organization: text(record.organizationElementCode), created: text(record.created).slice(0, 10) },
      closed: yesNo(record.isClosed),
    },
  },
]

const linesOf =
  (p2p: Layer) =>
  (record: Json): Seen[] => {
    const order = p2p.matchingOrders?.find(({ externalCode }) => externalCode === record.orderExternalCode) ?? {}
    const coding = list(record, 'orderLineCoding').map((row) =>
      [
        ...[row.accountCode, ...Object.keys(AXES).map((one) => row[codingField(one)])].map((code) => text(code) || '-'),
        ...[row.allocatedQuantity, row.netTotal].map(text),
      ].join(' '),
    )
    const receipts = list(record, 'goodsReceipts')
      .filter(({ isDeleted }) => isDeleted !== true)
      .map(
        (receipt) =>
          `${text(receipt.goodsReceiptNumber)} ${text(receipt.quantity)}${receipt.netPrice === undefined ? ' without a price' : ''}`,
      )
    return [
      {
        ...{ key: `${text(order.companyCode)} ${text(order.orderNumber)} ${text(record.lineNumber)}` },
        ...{ code: codeOf(record), isMarked: record.isDeleted === true },
        fields: {
          ...{ quantity: text(record.quantity), netPrice: text(record.netPrice), netSum: text(record.netSum) },
          ...{ mode: text(record.matchingMode), product: text(record.buyerProductCode ?? record.productCode) },
          ...{ closed: yesNo(record.isClosed), coding: coding.sort().join(', ') },
          receipts: receipts.sort().join(', '),
        },
      },
    ]
  }

const VIEWS: Readonly<Record<string, (record: Json) => Seen[]>> = {
  vendors,
  accounts,
  costCenters: axis('costCenterCode', (record) => nameIn(record, 'costCenterNames')),
  matchingOrders: orders,
}

/** What P2P has of a collection, by the ERP's codes. */
export function seenIn(p2p: Layer, kind: string): Seen[] {
  const view =
    kind === 'matchingOrderLines' ? linesOf(p2p) : (VIEWS[kind] ?? axis('text_1', ({ text_2 }) => nameOf(text(text_2))))
  return (p2p[kind] ?? []).flatMap(view)
}

/** External codes by kind and the ERP's code, as they stand at one moment. */
export type Codes = ReadonlyMap<string, string>

/** The codes of what P2P has. */
export function codesIn(p2p: Layer, kinds: readonly string[]): Codes {
  return new Map(
    kinds.flatMap((kind) => seenIn(p2p, kind).map(({ key, code }): [string, string] => [`${kind} ${key}`, code])),
  )
}

/** Safe in an address, and no longer than Basware takes. */
const SAFE = /^[\w-]{1,36}$/

/** Parts of a vendor that the flow does not fill: they must be as somebody typed them. */
const TYPED = ['paymentMeans', 'contacts', 'orderingDetails']

interface Given {
  readonly expected: readonly ExpectedKind[]
  readonly p2p: Layer
  /** What people have typed into Basware: as it stood before the first run, and what was edited since. */
  readonly typed: Layer
  /** The codes at the end of each day. */
  readonly days: readonly Codes[]
  /** Whether Tieout holds a record. */
  isHeld(kind: string, key: string): boolean
}

type Note = (count: 'missing' | 'extra' | 'different', text: string) => void

export function compareOrders(given: Given): OrderComparison {
  const examples: string[] = []
  const counts = { held: 0, missing: 0, extra: 0, different: 0, marked: 0, records: 0 }
  const note: Note = (count, what) => {
    counts[count]++
    if (examples.length < 20) examples.push(what)
  }
  for (const kind of given.expected) {
    const { held, marked, records } = compareKind(given, kind, note)
    counts.held += held
    counts.marked += marked
    counts.records += records
  }
  compareCodes(given, note)
  compareTyped(given, note)
  return { ...counts, expected: given.expected.reduce((sum, { records }) => sum + records.size, 0), examples }
}

function byKey(seen: readonly Seen[]): ReadonlyMap<string, readonly Seen[]> {
  const found = new Map<string, Seen[]>()
  for (const one of seen) found.set(one.key, [...(found.get(one.key) ?? []), one])
  return found
}

function compareKind({ p2p, typed, isHeld }: Given, { kind, records, gone }: ExpectedKind, note: Note) {
  const seen = byKey(seenIn(p2p, kind))
  const byHand = seenIn(typed, kind)
  const typedKeys = new Set(byHand.map(({ key }) => key))
  // Lines that somebody typed are not the flow's to delete.
  const untouched = new Set(kind === 'matchingOrderLines' ? byHand.map(({ code }) => code) : [])
  const counts = { held: 0, marked: 0, records: seen.size }
  for (const [key, fields] of records) {
    const found = seen.get(key) ?? []
    const wrong = wrongWith(kind, fields, found)
    if (found.length === 0 && isHeld(kind, key)) counts.held++
    else if (wrong) note(wrong[0], `${kind} ${key}: ${wrong[1]}`)
  }
  for (const [key, must] of gone) {
    const found = seen.get(key) ?? []
    if (found.length === 0 && must) note('missing', `${kind} ${key} is gone in the ERP and nowhere marked`)
    const open = found.filter(({ isMarked, code }) => !isMarked && !untouched.has(code))
    if (open.length > 0) note('different', `${kind} ${key} is gone in the ERP and not marked`)
    else if (found.length > 0) counts.marked++
  }
  for (const key of seen.keys())
    if (!records.has(key) && !gone.has(key) && !typedKeys.has(key)) note('extra', `${kind} ${key} is not in the books`)
  return counts
}

/** What is wrong with a record that the books have, and what P2P has under its key. */
function wrongWith(kind: string, fields: Fields, found: readonly Seen[]): Parameters<Note> | undefined {
  // A line that is deleted there makes room for another under its number.
  const open = kind === 'matchingOrderLines' ? found.filter(({ isMarked }) => !isMarked) : found
  const [one] = open
  if (!one) return found.length === 0 ? ['missing', 'is not in P2P'] : ['different', 'is marked as deleted']
  if (open.length > 1) return ['extra', `is there ${open.length} times: ${open.map(({ code }) => code).join(', ')}`]
  const wrong = Object.entries(fields).filter(([field, value]) => one.fields[field] !== value)
  if (wrong.length === 0) return undefined
  return ['different', wrong.map(([field, value]) => `${field} ${one.fields[field]}, not ${value}`).join('; ')]
}

/** Codes are safe, unique below lines too, and the same on every day. */
function compareCodes({ expected, p2p, days }: Given, note: Note): void {
  const kinds = expected.map(({ kind }) => kind)
  for (const kind of kinds)
    for (const record of p2p[kind] ?? [])
      if (!SAFE.test(codeOf(record))) note('different', `${kind}: ${codeOf(record)} is no safe code`)
  for (const part of ['orderLineCoding', 'goodsReceipts']) {
    const codes = (p2p.matchingOrderLines ?? []).flatMap((line) => list(line, part).map(codeOf))
    const bad = codes.find((code, k) => !SAFE.test(code) || codes.indexOf(code) !== k)
    if (bad !== undefined) note('different', `${part}: ${bad} is no safe code, or comes twice`)
  }
  const last = codesIn(p2p, kinds)
  for (const day of days)
    for (const [name, code] of day) {
      const now = last.get(name)
      if (now !== undefined && now !== code) note('different', `${name} had the code ${code}, now ${now}`)
    }
}

/** What people typed is still there, under its code. */
function compareTyped({ expected, p2p, typed }: Given, note: Note): void {
  for (const { kind, records, gone } of expected)
    for (const before of typed[kind] ?? []) {
      const code = codeOf(before)
      const now = p2p[kind]?.find((record) => codeOf(record) === code)
      if (!now) {
        note('missing', `${kind} ${code}, which somebody typed, is gone`)
        continue
      }
      const known = seenIn({ ...p2p, [kind]: [before] }, kind).some(({ key }) => records.has(key) || gone.has(key))
      const fields = known ? TYPED.filter((field) => before[field] !== undefined) : Object.keys(before)
      const lost = fields.filter((field) => JSON.stringify(before[field]) !== JSON.stringify(now[field]))
      if (lost.length > 0) note('different', `${kind} ${code}: ${lost.join(', ')} is not as somebody typed it`)
    }
}
