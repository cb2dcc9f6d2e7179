/** What was posted of an invoice, as X3 has it now: found by its reference, then read by its number as x3-poll reads it. */
import { isSyncError, syncError } from '../../../../sync/contract/errors.ts'
import { type DataRecord, keyText, type Row, type Schema } from '../../../../sync/contract/message.ts'
import type { Found, PostResult, StandingVoucher } from '../../../../sync/contract/posting.ts'
import type { Source } from '../../../../sync/contract/source.ts'
import type { Document } from './publication.ts'

interface Read {
  readonly record: DataRecord
  readonly schema: Schema
}
/** A voucher by type and number; undefined: the interface that reads does not show it. */
export type VoucherReader = (type: string, number: string, signal: AbortSignal) => Promise<Read | undefined>

const ENTITY: Readonly<Record<Document, string>> = { journal: 'gl_entry', invoice: 'supplier_invoice' }

/** Reads as a source of this connection does, whichever its door. */
export function voucherReader(
  open: (options: { readonly source: string }) => Source,
  source: string,
  document: Document,
): VoucherReader {
  return async (type, number, signal) => {
    // Of its own each time: what it has opened (a session of REST api1) is given back at once.
    const reading = open({ source })
    try {
      const { readKeys, schema } = await reading.plan(ENTITY[document], signal)
      const key = keyText(schema, { source, entry_type: type, number })
      const found = await readKeys?.([key], () => 0, signal)
      // One that x3-poll would hold, since it does not balance, is shown all the same.
      const record = found?.records[0] ?? found?.refused?.[0]?.record
      return record && { record, schema }
    } finally {
      await reading.close?.()
    }
  }
}

interface Asked {
  readonly document: Document
  readonly read?: VoucherReader | undefined
  /** Rows of a list at most. */
  readonly most: number
}

/** Undefined: the look-up does not find it. Throws where it cannot tell, or finds more than one. */
export async function standingVoucher(
  found: Found | undefined,
  asked: Asked,
  signal: AbortSignal,
): Promise<StandingVoucher | undefined> {
  if (found?.kind === 'absent') return undefined
  if (found?.kind === 'posted') return shown(found.result, asked, signal)
  if (found?.kind === 'twice')
    throw syncError(
      'config',
      'x3.standing-twice',
      `More than one voucher stands under its reference: ${found.results.map(nameOf).join(', ')}`,
      { hint: 'Look at them in X3: "Postings" in the sidebar asks what is to be done.' },
    )
  throw syncError('config', 'x3.standing', `X3 does not say what stands there: ${found?.why ?? 'no answer'}`, {
    hint: 'Press "Test posting" in the node, which says what the look-up lacks.',
  })
}

async function shown(
  result: PostResult,
  { document, read, most }: Asked,
  signal: AbortSignal,
): Promise<StandingVoucher> {
  const { type = '', number, status } = result
  const says = [`${nameOf(result)}, ${status}, as the look-up finds it by its reference.`]
  const none = { read: null, run: null, at: null }
  const voucher = await read?.(type, number, signal).catch((error: unknown) => {
    if (signal.aborted || !isSyncError(error) || error.cause.class !== 'config') throw error
    says.push(`It cannot be read by its number: ${error.message}`)
    return undefined
  })
  if (!voucher) {
    if (says.length === 1)
      says.push('By its number X3 shows nothing of it to this user; these are the facts of the look-up.')
    const { notices: _, ...facts } = result
    const schema: Schema = { entity: ENTITY[document], key: ['number'], columns: [] }
    return { ...none, record: facts as Row, cut: [], says, schema }
  }
  const { schema } = voucher
  const record = ownOf(voucher.record)
  const cut: string[] = []
  for (const list of Object.keys(schema.lists ?? {})) {
    const rows = record[list]
    if (!Array.isArray(rows)) continue
    if (rows.length > most) cut.push(list)
    record[list] = rows.slice(0, most)
  }
  return { ...none, record, cut, says, schema }
}

const nameOf = ({ type = '', number }: PostResult): string => `${type} ${number}`.trim()

/** Without the members that are Tieout's. */
const ownOf = (record: DataRecord): Row =>
  Object.fromEntries(Object.entries(record).filter(([name]) => !name.startsWith('_'))) as Row
