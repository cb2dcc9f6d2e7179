/** Rows that hold what is made otherwise now, in words. */
import type { Outdated } from '../../ledger/ledger.ts'

const day = (iso: string): string =>
  new Date(iso).toLocaleDateString('en-GB', { day: 'numeric', month: 'long', year: 'numeric', timeZone: 'UTC' })

/** `gl_entry: 341 rows at databricks-write hold values of the mapping of 3 May 2026.` */
export function outdatedInWords({ entity, sinkName, mode, rows, mapping, fields }: Outdated): string {
  const isOne = rows === 1
  const values = `${isOne ? 'holds' : 'hold'} values of ${mapping ? `the mapping of ${day(mapping)}` : 'no mapping'}`
  const lack = `${isOne ? 'was' : 'were'} read without ${listed(fields)}`
  const whys = [...(mapping === undefined ? [] : [values]), ...(fields.length > 0 ? [lack] : [])]
  const then = mode === 'post' ? ' What is posted keeps them.' : ''
  return `${entity}: ${rows.toLocaleString('en-US')} row${isOne ? '' : 's'} at ${sinkName} ${whys.join(' and ')}.${then}`
}

const MOST = 3

const listed = (fields: readonly string[]): string =>
  fields.length > MOST ? `${fields.slice(0, MOST).join(', ')} and ${fields.length - MOST} more` : fields.join(', ')
