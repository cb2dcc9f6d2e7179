/**
 * A small file outside the ledger, by which a ledger that was put back from a copy is recognised: what was sent, or rotated, since
 * the copy was made is known here and not there. It is read and written whole, and on disk when a function returns.
 */
import { closeSync, fsyncSync, mkdirSync, openSync, readFileSync, renameSync, writeFileSync } from 'node:fs'
import { dirname } from 'node:path'
import { syncError } from '../sync/contract/errors.ts'

export interface Installation {
  /** Id of the ledger that it belongs to; absent: of none. */
  readonly id?: string
  /** Number of the newest intent that was sent. */
  readonly intent: number
  /** By the name of a login whose token rotates: the version of its newest token. */
  readonly tokens: Readonly<Record<string, number>>
  /** By the name of such a login: id of the ledger that has stored it. Absent: none has said so. */
  readonly owners?: Readonly<Record<string, string>>
  /** By the id of a ledger: highest read number that it has sent to a target with two stages. Absent: none. */
  readonly sent?: Readonly<Record<string, number>>
}

/** Where the file of a ledger is. */
export const installationFile = (ledger: string): string => `${ledger}.installation`

const OWNER_ONLY = 0o600

const isCount = (value: unknown): value is number => Number.isSafeInteger(value) && (value as number) >= 0

/** Undefined where there is none. Throws `ledger.installation` for one that cannot be read. */
export function readInstallation(file: string): Installation | undefined {
  let text: string
  try {
    text = readFileSync(file, 'utf8')
  } catch (error) {
    if ((error as { code?: string }).code === 'ENOENT') return undefined
    throw unusable(file, 'read', (error as Error).message)
  }
  const found = parsed(text)
  if (found === undefined) throw unusable(file, 'read', 'it is not what was written')
  return found
}

function parsed(text: string): Installation | undefined {
  try {
    const { id, intent, tokens, owners, sent } = JSON.parse(text) as Record<string, unknown>
    if ((id !== undefined && typeof id !== 'string') || !isCount(intent) || !areCounts(tokens)) return undefined
    if (sent !== undefined && !areCounts(sent)) return undefined
    if (owners !== undefined && !areNames(owners)) return undefined
    return { ...(id !== undefined && { id }), intent, tokens, ...(owners && { owners }), ...(sent && { sent }) }
  } catch {
    return undefined
  }
}

const areCounts = (value: unknown): value is Record<string, number> =>
  typeof value === 'object' && value !== null && Object.values(value).every(isCount)

const areNames = (value: unknown): value is Record<string, string> =>
  typeof value === 'object' && value !== null && Object.values(value).every((one) => typeof one === 'string')

/**
 * Writes what is given, and keeps the rest; numbers only grow. Another `id` takes the file over: its intents are another ledger's,
 * but no number is taken back. A file that cannot be read is made anew. Throws `ledger.installation` where it cannot be written.
 */
export function writeInstallation(file: string, change: Partial<Installation>): Installation {
  const before = known(file)
  const tokens = raised(before?.tokens, change.tokens)
  const sent = raised(before?.sent, change.sent)
  const id = change.id ?? before?.id
  const intent = Math.max(change.intent ?? 0, before?.intent ?? 0)
  const owners = { ...before?.owners, ...change.owners }
  const after: Installation = {
    ...(id !== undefined && { id }),
    ...{ intent, tokens },
    ...(Object.keys(owners).length > 0 && { owners }),
    ...(Object.keys(sent).length > 0 && { sent }),
  }
  try {
    mkdirSync(dirname(file), { recursive: true })
    replaceFile(file, `${JSON.stringify(after)}\n`)
  } catch (error) {
    throw unusable(file, 'written', (error as Error).message)
  }
  return after
}

/** No number is taken back. */
function raised(
  before: Readonly<Record<string, number>> = {},
  change: Readonly<Record<string, number>> = {},
): Record<string, number> {
  const all = { ...before }
  for (const [name, number] of Object.entries(change)) all[name] = Math.max(number, all[name] ?? 0)
  return all
}

/** Has this ledger sent something since it was as it is? Without a file that can be read nobody knows, and it has not. */
export const hasSentMore = (file: string, ledger: { readonly id: string; readonly sent: number }): boolean =>
  (known(file)?.sent?.[ledger.id] ?? 0) > ledger.sent

const known = (file: string): Installation | undefined => {
  try {
    return readInstallation(file)
  } catch {
    return undefined
  }
}

/** The old text or the new one, whenever the power fails. */
function replaceFile(file: string, text: string): void {
  const next = `${file}.new`
  const descriptor = openSync(next, 'w', OWNER_ONLY)
  try {
    writeFileSync(descriptor, text)
    fsyncSync(descriptor)
  } finally {
    closeSync(descriptor)
  }
  renameSync(next, file)
  const folder = openSync(dirname(file), 'r')
  try {
    fsyncSync(folder)
  } finally {
    closeSync(folder)
  }
}

const unusable = (file: string, what: string, why: string) =>
  syncError('config', 'ledger.installation', `The file ${file} cannot be ${what}: ${why}.`, {
    hint: 'It tells a ledger that was put back from a copy. The user that runs Node-RED must be allowed to read and write it; if it is damaged, move it away.',
  })

/** Why a ledger must be taken for one that was put back from a copy, in words; undefined: the file knows it as it is. */
export function whyRestored(
  file: string,
  ledger: { readonly id: string; readonly intent: number },
): string | undefined {
  let found: Installation | undefined
  try {
    found = readInstallation(file)
  } catch (error) {
    return (error as Error).message
  }
  if (found?.id === undefined) return `there is no ${file} that knows this ledger`
  if (found.id !== ledger.id) return `${file} belongs to another ledger`
  if (found.intent > ledger.intent)
    return `${file} knows of ${found.intent - ledger.intent} posting(s) after the last one that the ledger knows`
  return undefined
}
