/** What of an error makes alerts one cause, and what of it may be sent to people elsewhere. Pure. */
import type { AlertCause } from '../../ledger/ledger.ts'
import type { SyncError } from '../contract/errors.ts'

/**
 * `addresses`: the source's, and those of the sinks that the error may come from: it is of the system whose scheme begins its code.
 * An error that names a record may hold a value of it, so that of its text nothing is told.
 */
export function causeOf(error: SyncError, source: string | undefined, addresses: Iterable<string>): AlertCause {
  const { class: cls, code, hint } = error.cause
  const scheme = `${code.split('.', 1)[0]}://`
  const target = [...addresses].find((address) => address.startsWith(scheme))
  const connection = source?.startsWith(scheme) ? source : target?.replace(/(?<=:\/\/.*)\/[^/]*$/, '')
  return {
    ...(connection === undefined ? {} : { connection }),
    ...{ class: cls, code, told: toldOf(error) },
    ...(hint !== undefined && isOfNoRecord(error) ? { next: hint } : {}),
  }
}

const isOfNoRecord = ({ cause: { class: cls, key, row } }: SyncError): boolean =>
  cls !== 'data' && key === undefined && row === undefined

function toldOf(error: SyncError): string {
  const { entity, field, code } = error.cause
  if (isOfNoRecord(error)) return error.message
  const where = [entity, field && `field ${field}`].filter(Boolean).join(', ')
  return `${where && `${where}: `}a record is refused (${code}). Which one and why stands in the sidebar.`
}
