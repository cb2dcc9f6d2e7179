/** The approved invoice (docs/entities.md, `basware_invoice`), read from a record: only what a journal needs. */
import Big from 'big.js'
import { z } from 'zod'
import type { DataRecord } from '../../../../sync/contract/message.ts'
import { isDecimal } from '../../../../sync/values/money.ts'
import { hold } from './hold.ts'

const text = z
  .string()
  .nullish()
  .transform((value) => value ?? '')
const amount = z
  .string()
  .refine(isDecimal, 'is no decimal')
  .nullish()
  .transform((value) => (value === null || value === undefined ? null : new Big(value)))
const date = z
  .string()
  .regex(/^\d{4}-\d\d-\d\d$/, 'is no date')
  .nullish()
  .transform((value) => value ?? '')
const custom = z
  .record(z.string(), z.unknown())
  .nullish()
  .transform((value) => value ?? {})

/** Fields of a line of X3 that its order says, whatever the columns of the row: never from outside. */
const ofOrder = z
  .unknown()
  .nullish()
  .transform((): Readonly<Record<string, string>> => ({}))

const row = z.looseObject({
  ofOrder,
  line: z.number().int().nullish(),
  row: text,
  account: text,
  description: text,
  net_amount: amount,
  tax_amount: amount,
  tax_amount_2: amount,
  gross_amount: amount,
  tax_code: text,
  tax_percent: amount,
  tax_percent_2: amount,
  receipt: text,
  custom,
})

const invoice = z.object({
  id: z.string().min(1),
  revision: z
    .number()
    .int()
    .min(0)
    .nullish()
    .transform((value) => value ?? 0),
  number: text,
  company: text,
  supplier: text,
  supplier_name: text,
  invoice_type: text,
  invoice_date: date,
  voucher_date: date,
  due_date: date,
  currency: text,
  net_amount: amount,
  tax_amount: amount,
  tax_amount_2: amount,
  gross_amount: amount,
  discount_amount: amount,
  tax_code: text,
  payment_block: z
    .boolean()
    .nullish()
    .transform((value) => value ?? false),
  description: text,
  custom,
  lines: z.array(row).min(1, 'has no coding row'),
})

export type Invoice = z.output<typeof invoice>
export type CodingRow = Invoice['lines'][number]

/** Throws `data` for a record that is no approved invoice. */
export function readInvoice(record: DataRecord): Invoice {
  const read = invoice.safeParse(record)
  if (read.success) return read.data
  const issue = read.error.issues[0]
  const field = issue?.path.join('.') ?? ''
  throw hold('shape', field, `${field || 'the record'}: ${issue?.message ?? 'is not as expected'}`, SHAPE_HINT)
}

const SHAPE_HINT =
  'x3-post takes approved invoices of basware-poll; a mapping between them must leave names and types of their columns alone.'

/** How people call a row: its number in Basware. */
export const rowName = ({ line, row: id }: CodingRow): string => `row ${line ?? (id || '?')}`

/** A column of a row by its name, as text. */
export const rowText = (given: CodingRow, column: string): string => {
  const value = given[column]
  return typeof value === 'string' ? value : typeof value === 'number' ? String(value) : ''
}
