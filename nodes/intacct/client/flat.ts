/** Records that are a row each: pages, single ones by key; and of every entity its listing and its deletions. */
import { type DataRecord, keyText, type Row } from '../../../sync/contract/message.ts'
import type { Listing, Page, PageRequest, RefusedRecord } from '../../../sync/contract/source.ts'
import { auditKey } from './audit.ts'
import type { Zone } from './clock.ts'
import { compileRecord, type Fields } from './convert.ts'
import { unreadable } from './document-faults.ts'
import type { Reading, UnreadableRow } from './pages.ts'
import { anyOf, type Condition } from './request.ts'
import type { ResolvedEntity, ResolvedObject } from './resolve.ts'
import { BACKFILL, NOTHING, type SourceParts } from './source.ts'

/** Stamped later than the window ends: it waits for its time. */
export const isLate = (stamp: string | null, bound: string | null): boolean =>
  stamp !== null && bound !== null && stamp > bound

export interface FlatReader {
  readonly object: ResolvedObject
  page(filter: () => Promise<Condition | undefined>, request: PageRequest): Promise<Page>
  byCodes(codes: readonly string[], reading: Reading): Promise<Page>
}

/** Reads one object's rows as flat records. */
export function readerOf(
  { options, pagesOf, shared }: SourceParts,
  { def, schema }: ResolvedEntity,
  object: ResolvedObject,
  zone: Zone,
): FlatReader {
  const convert = compileRecord(object.columns, object.stamp, { source: options.source, zone })
  const pages = pagesOf(def.of ? def.entity : `${def.entity}, ${object.object}`, object.object, essentials(object))
  const complete = filler(schema.columns.map(({ name }) => name))
  const recordOf = (row: Fields, read: number): DataRecord => {
    const record = complete(convert(row))
    record._read = read
    return record
  }
  /** A record that cannot be had whole, by its key. */
  const refused = (unread: UnreadableRow, read: number): RefusedRecord => {
    const record = recordOf(unread.row, read)
    const { code, message, hint = '' } = unreadable(unread)
    return { record, code, message: `${def.entity} ${keyText(schema, record)}: ${message}`, hint }
  }
  const record = object.record.toUpperCase()
  return {
    object,
    async page(filter, request) {
      const { cursor, window } = request
      const asked = { object: object.object, select: object.select, keys: essentials(object) }
      const after = cursor === null ? null : [cursor]
      const ask = () => pages.page({ ...asked, filter, orderBy: [object.record], after }, request)
      const question = { ...asked, entity: def.entity, window, zone: zone.name }
      const found = after === null ? await shared.page(question, ask) : await ask()
      const kept = found.rows
        .map((row) => ({ record: recordOf(row, found.read), cursor: row[record] ?? '' }))
        .filter((one) => request.walk.startsWith(BACKFILL) || !isLate(one.record._stamp ?? null, window.bound))
      const future = found.rows.length - kept.length
      return {
        records: kept.map((one) => one.record),
        cursors: kept.map(({ cursor }) => cursor),
        cursor: found.remaining > 0 ? (found.last?.[0] ?? null) : null,
        ...(found.unreadable ? { refused: [refused(found.unreadable, found.read)] } : {}),
        ...(future > 0 ? { future } : {}),
        ...(after === null && { total: found.total }),
        ...(found.notices.length > 0 ? { notices: found.notices } : {}),
      }
    },
    async byCodes(codes, reading) {
      if (codes.length === 0) return NOTHING
      const filter = () => anyOf(object.code, codes)
      const found = await pages.all(
        { object: object.object, select: object.select, keys: essentials(object), filter, orderBy: [object.record] },
        reading,
      )
      return {
        records: found.rows.map((row) => recordOf(row, found.read)),
        refused: found.unreadable.map((row) => refused(row, found.read)),
        notices: found.notices,
        cursor: null,
      }
    },
  }
}

/** Dimensions differ in added fields: each record has all columns of its table. */
function filler(names: readonly string[]): (record: DataRecord) => DataRecord {
  return (record) => {
    for (const name of names) record[name] ??= null
    return record
  }
}

/** Fields that cannot be left out. */
export const essentials = ({ record, stamp, code, created }: ResolvedObject): string[] => [
  record,
  code,
  ...(stamp ? [stamp] : []),
  ...(created ? [created] : []),
]

/** Keys that the audit history tells as deleted; the engine asks for each once more. */
export async function deletedPage(
  { options, audit }: SourceParts,
  { def, objects, schema }: ResolvedEntity,
  request: PageRequest,
): Promise<Page> {
  if (request.window.from === null) return NOTHING
  const gone: string[] = []
  for (const object of objects) {
    const keys = await audit.deleted(object.object, request.window, request)
    if (keys === undefined) {
      const reason = audit.reason()
      return reason === undefined ? NOTHING : { ...NOTHING, notices: [reason] }
    }
    const parts = def.of ? [] : [object.object.toUpperCase()]
    for (const key of keys.map(auditKey)) {
      // Where records are kept by their business id, a record number says nothing: the sweep finds these.
      if (object.code === object.record && !isNumber(key)) continue
      const row: Row = {
        source: options.source,
        chart: 'GL',
        entry_type: 'GLBATCH',
        type: parts[0] ?? null,
        [def.code.column]: key,
      }
      gone.push(keyText(schema, row))
    }
  }
  return gone.length === 0 ? NOTHING : { ...NOTHING, gone: [...new Set(gone)] }
}

/** Keys and stamps of an object's records, one object after the other. The cursor: object, record number, listed so far. */
export async function listing(
  common: SourceParts,
  { def, objects, schema }: ResolvedEntity,
  zone: Zone,
  request: Pick<PageRequest, 'cursor' | 'nextRead' | 'signal'>,
): Promise<Listing> {
  const [at = '0', after = '', before = '0'] = request.cursor?.split('|') ?? []
  const index = Number(at)
  const object = objects[index] as ResolvedObject
  const keyColumns = object.columns.filter(({ name }) => schema.key.includes(name))
  const convert = compileRecord(keyColumns, object.stamp, { source: common.options.source, zone })
  const pages = common.pagesOf(`${def.entity}, its listing`)
  const select = [object.code, ...(object.stamp ? [object.stamp] : [])]
  const asked = { object: object.object, select }
  const query = { ...asked, filter: () => undefined, orderBy: [object.record], after: after === '' ? null : [after] }
  const ask = () => pages.page(query, request)
  const found =
    after === '' ? await common.shared.page({ ...asked, entity: def.entity, zone: zone.name }, ask) : await ask()
  const listed = Number(before) + found.rows.length
  const next =
    found.remaining > 0
      ? `${index}|${found.last?.[0] ?? ''}|${listed}`
      : index + 1 < objects.length
        ? `${index + 1}||${listed}`
        : null
  return {
    keys: found.rows.map((row) => {
      const record = convert(row)
      return { key: keyText(schema, record), stamp: record._stamp ?? null }
    }),
    total: Number(before) + found.total,
    cursor: next,
    ...(found.notices.length > 0 ? { notices: found.notices } : {}),
  }
}

export const isNumber = (text: string): boolean => /^\d+$/.test(text)

/** Parts of a `keyText`. */
export function splitKey(key: string): string[] {
  const parts: string[] = ['']
  for (let at = 0; at < key.length; at++) {
    if (key[at] === '|') parts.push('')
    else parts.push(`${parts.pop()}${key[at] === '\\' ? (key[++at] ?? '') : key[at]}`)
  }
  return parts
}
