/** Lists that X3 has in a node of their own: read by the documents of a page, and put into their records. */
import { isSyncError, syncError } from '../../../sync/contract/errors.ts'
import { type DataRecord, memberOf, type Row } from '../../../sync/contract/message.ts'
import type { ConvertOptions, Raw } from './convert.ts'
import { compileApart, getter, INEXACT } from './convert.ts'
import type { Reading } from './requests.ts'
import type { ResolvedApart, ResolvedEntity } from './resolve.ts'

/** All elements of a list that name one of these documents, in the order of their keys. */
export type ReadApart = (list: ResolvedApart, numbers: readonly string[], reading: Reading) => Promise<Raw[]>

/** Fills the lists of records that are whole otherwise. An element that names another document is an error of X3's. */
export function apartFiller(
  entity: ResolvedEntity,
  options: ConvertOptions,
  read: ReadApart,
): (records: readonly DataRecord[], reading: Reading) => Promise<void> {
  const lists = entity.apart.map((list) => ({ list, append: compileApart(list, options), numberOf: getter(list.by) }))
  return async (records, reading) => {
    const by = new Map(records.map((record) => [String(record.number), record]))
    if (by.size === 0) return
    for (const { list, append, numberOf } of lists) {
      const put = async (): Promise<void> => {
        for (const record of records) rowsOf(record, list).length = 0
        for (const node of await read(list, [...by.keys()], reading)) {
          const record = by.get(String(numberOf(node)))
          if (!record) throw stranger(entity, list, numberOf(node))
          append(record, node)
        }
      }
      await put().catch((error: unknown) => {
        const { numbers } = options
        if (!isSyncError(error) || error.code !== INEXACT || !numbers || numbers.exact) throw error
        // From now on replies are parsed from their source text.
        numbers.exact = true
        return put()
      })
      for (const record of records) rowsOf(record, list).sort(compare(list.def.key))
    }
  }
}

const rowsOf = (record: DataRecord, list: ResolvedApart): Row[] => memberOf(record, list.def.name) as Row[]

/** By the key, so that an unchanged document is the same text again. */
const compare =
  (key: readonly string[]) =>
  (a: Row, b: Row): number => {
    for (const name of key) {
      const [x, y] = [a[name], b[name]]
      if (x !== y) return (x ?? '') < (y ?? '') ? -1 : 1
    }
    return 0
  }

const stranger = ({ def }: ResolvedEntity, list: ResolvedApart, number: unknown): Error =>
  syncError(
    'transient',
    'x3.shape',
    `${def.entity}: X3 gave ${list.def.name} of ${String(number)}, which were not asked for`,
    {
      entity: def.entity,
      hint: 'If it stays: look whether a filter of X3 on this node works in its GraphQL explorer.',
    },
  )
