/** Deletions as the audit history tells them: one question for all objects of a run (intacct.md facts, 6). */
import { isSyncError } from '../../../sync/contract/errors.ts'
import type { StampWindow } from '../../../sync/contract/source.ts'
import { zoneOf } from './clock.ts'
import type { Fields } from './convert.ts'
import type { Pages, Reading } from './pages.ts'
import { and, anyOf, type Condition } from './request.ts'
import type { IntacctSchema } from './schema.ts'

/** What stands in OBJECTKEY: a record number (`123`, `123--REC`) or a business id. */
export interface Audit {
  /** Keys of an object's deletions since the window's beginning; undefined: the audit history cannot be read. */
  deleted(object: string, window: StampWindow, reading: Reading): Promise<readonly string[] | undefined>
  /** Why it cannot be read, for the first who asks; the same for all entities of a run. */
  reason(): string | undefined
}

/** ACCESSTIME is GMT whatever the company prefers. */
const GMT = zoneOf('UTC')

/** `objects`: all that a run reads. Whoever asks first asks for all, the others are answered from memory. */
export function createAudit(
  pages: Pages,
  schema: IntacctSchema,
  objects: (signal: AbortSignal) => Promise<readonly string[]>,
): Audit {
  /** Why this run gave it up. */
  let broken: string | undefined
  let told = false
  const answers: { from: string; types: ReadonlySet<string>; rows: Promise<readonly Fields[]> }[] = []

  const ask = async (types: readonly string[], from: string, reading: Reading): Promise<readonly Fields[]> => {
    const filter = (): Condition =>
      and(
        anyOf('OBJECTTYPE', types),
        { op: 'equalto', field: 'ACCESSMODE', value: 'D' },
        { op: 'greaterthanorequalto', field: 'ACCESSTIME', value: GMT.local(from) },
      )
    const select = ['ID', 'OBJECTTYPE', 'OBJECTKEY', 'ACCESSTIME']
    const { rows } = await pages.all({ object: 'AUDITHISTORY', select, filter, orderBy: ['ID'] }, reading)
    return rows
  }

  return {
    async deleted(object, { from }, reading) {
      if (broken !== undefined || schema.audit.readable === false) return undefined
      if (from === null) return []
      const type = object.toLowerCase()
      let known = answers.find((answer) => answer.types.has(type) && answer.from <= from)
      if (!known) {
        const all = answers.length === 0 ? await objects(reading.signal) : []
        const types = [...new Set([...all.map((one) => one.toLowerCase()), type])]
        known = { from, types: new Set(types), rows: ask(types, from, reading) }
        answers.push(known)
        const failed = known
        known.rows.catch(() => answers.splice(answers.indexOf(failed), 1))
      }
      try {
        const rows = await known.rows
        schema.audit.readable = true
        return [
          ...new Set(rows.filter((row) => row.OBJECTTYPE?.toLowerCase() === type).map((row) => row.OBJECTKEY ?? '')),
        ].filter((key) => key !== '')
      } catch (error) {
        if (!isSyncError(error) || !REFUSED.has(error.code)) throw error
        broken = error.message
        // Some pages of it fail for ever; that may be over tomorrow, a missing right is not.
        if (error.code !== 'intacct.processing') schema.audit.readable = false
        return undefined
      }
    },
    reason() {
      if (told) return undefined
      told = true
      return `Deletions are found by the sweep alone, since the audit history cannot be read${broken === undefined ? '' : ` (${broken})`}. The role of the API user needs View on Platform Services and on custom reports.`
    },
  }
}

const REFUSED = new Set([
  'intacct.processing',
  'intacct.audit-right',
  'intacct.right',
  'intacct.object',
  'intacct.refused',
])

/** The number or the id in an OBJECTKEY: `123--REC` is 123. */
export const auditKey = (text: string): string => text.replace(/--REC$/i, '')
