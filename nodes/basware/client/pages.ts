/** All pages of a list. */
import type { Get } from './connection.ts'
import type { Reading } from './invoices.ts'

/** Data of one page after the other; none where Basware says that there is nothing. A page without a continuation token is the last. */
export async function* pages(
  { connection, signal, waiting }: Reading,
  path: string,
  ask: Omit<Get, 'signal' | 'continuation' | 'waiting'>,
): AsyncGenerator<unknown> {
  let continuation: string | null = null
  do {
    const found = await connection.get(path, { ...ask, signal, continuation, waiting })
    if (!found) return
    yield found.data
    continuation = found.continuation
  } while (continuation !== null)
}
