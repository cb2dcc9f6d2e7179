/** The sources as the compiler reads them, once for all tests of a run. */
import { readSources, type Sources } from '../../scripts/sources.ts'

let read: Sources | undefined

export function sources(): Sources {
  read ??= readSources()
  return read
}
