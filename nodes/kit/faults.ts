/** What is wrong with fields, all of it at once. */
import { type SyncError, syncError } from '../../sync/contract/errors.ts'

/** The error of a field that is wrong as it stands. */
export const wrongField = (name: string, text: string): SyncError =>
  syncError('config', 'tieout.config', `Field ${name}: ${text}`, {
    field: name,
    hint: 'Open the node and correct the field.',
  })

/** One error that names all of them, in their order; a field is named once. Of none: undefined. */
export function together(faults: readonly SyncError[]): SyncError | undefined {
  const all = [...new Map(faults.toReversed().map((one) => [one.cause.field, one])).values()].reverse()
  const [first, ...more] = all
  if (first === undefined || more.length === 0) return first
  const message = [first.message, ...more.map((one) => one.message.replace(/^Field /, 'field '))].join('; ')
  const hints = [...new Set(all.flatMap(({ cause: { hint } }) => hint ?? []))]
  return syncError('config', first.code, message, {
    ...(first.cause.field !== undefined && { field: first.cause.field }),
    hint: hints.join(' ').replaceAll('Open the node and correct the field.', 'Open the node and correct the fields.'),
  })
}
