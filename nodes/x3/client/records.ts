/** Documents of X3 as records: whole, checked, or refused with the reason. */
import { isSyncError } from '../../../sync/contract/errors.ts'
import { type DataRecord, keyText, type Schema } from '../../../sync/contract/message.ts'
import type { RefusedRecord } from '../../../sync/contract/source.ts'
import { isTooDeep } from '../../../vendor/json.ts'
import { type Converter, INEXACT, type Raw } from './convert.ts'
import { complete, type Fault, isWhole } from './documents.ts'
import type { Reading, Requests } from './requests.ts'
import type { ResolvedEntity } from './resolve.ts'

export interface RecordOptions {
  readonly schema: Schema
  readonly convert: Converter
  /** What is wrong with a whole record: a journal that does not balance, an invoice whose side is not known. */
  readonly faultOf: (record: DataRecord) => RecordFault | undefined
}

export interface RecordFault {
  readonly code: string
  /** In words. */
  readonly message: string
}

type Converted =
  | { readonly record: DataRecord; readonly fault?: undefined }
  | { readonly record?: DataRecord; readonly fault: Fault }

/** A record, or the reason why it may not go on; neither when it was deleted meanwhile. */
export interface Settled {
  readonly record?: DataRecord
  readonly refused?: RefusedRecord
}

export interface Records {
  /** The record of a document that is whole and right already, without waiting. */
  atOnce(document: Raw, read: number): DataRecord | undefined
  /** Completes a document and reads it again while that may help. */
  settle(document: Raw, read: number, reading: Reading): Promise<Settled>
  /** Refuses a document by its key. */
  refuse(document: Raw, read: number, fault: Fault): RefusedRecord
}

/** How often a document is read before it is refused. */
const READINGS = 3

export function createRecords(
  entity: ResolvedEntity,
  options: RecordOptions,
  requests: Pick<Requests, 'document' | 'further'>,
): Records {
  const { schema, convert, faultOf } = options

  const toRecord = (document: Raw, read: number): Converted => {
    let record: DataRecord | undefined
    try {
      record = convert(document)
      record._read = read
      const wrong = faultOf(record)
      if (wrong === undefined) return { record }
      const hint = 'Correct the entry in X3; it is read again when it changes.'
      return { record, fault: { ...wrong, hint, again: true } }
    } catch (error) {
      if (!isSyncError(error) || error.cause.class !== 'data' || error.code === INEXACT) throw error
      const fault = { code: error.code, message: error.message, hint: 'Read it again with the next run.', again: true }
      return { ...(record ? { record } : {}), fault }
    }
  }

  const completed = async (document: Raw, read: number, reading: Reading): Promise<Converted> => {
    const fault = isWhole(document, entity.lists)
      ? undefined
      : await complete(entity, document, requests.further(reading)).catch(beyond)
    return fault ? { fault } : toRecord(document, read)
  }

  /** Without its lists, and without what no record can hold. */
  const headerOnly = (document: Raw): DataRecord => {
    const kept = Object.entries(document).map(([field, value]) => [field, isTooDeep(value) ? null : value])
    return convert({
      ...Object.fromEntries(kept),
      ...Object.fromEntries(entity.lists.map((list) => [list.field, null])),
    })
  }

  const refusal = (record: DataRecord, read: number, fault: Fault): RefusedRecord => {
    record._read = read
    const message = `${entity.def.entity} ${keyText(schema, record)}: ${fault.message}`
    return { record, code: fault.code, message, ...(fault.hint ? { hint: fault.hint } : {}) }
  }

  return {
    atOnce(document, read) {
      if (!isWhole(document, entity.lists)) return undefined
      const { record, fault } = toRecord(document, read)
      return fault ? undefined : record
    },
    async settle(document, read, reading) {
      for (let time = 1; ; time++) {
        const { record, fault } = await completed(document, read, reading)
        if (!fault) return record ? { record } : {}
        const refused = (why: Fault): Settled => ({ refused: refusal(record ?? headerOnly(document), read, why) })
        if (!fault.again || time === READINGS) return refused(fault)
        const now = await requests.document(document._id, reading).catch(beyond)
        if ('code' in now) return refused(now)
        if (!now.document) return {}
        document = now.document
        read = now.read
      }
    },
    refuse: (document, read, fault) => refusal(headerOnly(document), read, fault),
  }
}

/** A single document that is over a limit of size will not come within it. */
function beyond(error: unknown): Fault {
  if (!isSyncError(error) || (error.code !== 'x3.too-large' && error.code !== 'x3.depth')) throw error
  const hint = 'Leave it out with a filter on the entity, and load it by an export of X3.'
  return { code: error.code, message: error.message, hint, again: false }
}
