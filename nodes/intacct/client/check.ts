/** Test connection, and the few questions a dialog asks: all without long retries. */
import { isSyncError, withHint } from '../../../sync/errors.ts'
import type { DataRecord, Schema } from '../../../sync/message.ts'
import { withRetry } from '../../../sync/retry.ts'
import { unreadableFormat } from './clock.ts'
import { type IntacctConnection, retryContext } from './connection.ts'
import { dimensionOf, ENTITIES, type ObjectDef } from './entities.ts'
import { createIntacctSource, type IntacctSourceOptions } from './poll.ts'
import { createIntacctSchema } from './schema.ts'

/** A line of the report: what is fine and what is not. */
export interface CheckLine {
  readonly ok: boolean
  readonly text: string
}

/** The same connection for somebody who waits before a dialog: two attempts, no more. */
export function hurried(connection: IntacctConnection): IntacctConnection {
  const retry = { attempts: 2, firstDelayMs: 200, maxRetryAfterMs: 5_000 }
  return {
    ...connection,
    retry,
    insist: (functions, { waiting, ...options }) =>
      withRetry(() => connection.call(functions, options), retryContext(options.signal, waiting), retry),
  }
}

/**
 * Says what was reached, as whom, how its dates are written, and which objects it may read. `atTopLevel` makes the same
 * connection without its entity, to tell whether that is what a sign-in fails for.
 */
export async function checkIntacct(
  given: IntacctConnection,
  atTopLevel: () => IntacctConnection,
  signal: AbortSignal,
): Promise<CheckLine[]> {
  const connection = hurried(given)
  try {
    await connection.insist([], { what: 'Test connection', signal })
  } catch (error) {
    return [await signInLine(connection, atTopLevel, error, signal)]
  }
  const lines: CheckLine[] = [
    {
      ok: true,
      text: `Signed in to ${connection.company}, ${connection.entity ? `entity ${connection.entity}` : 'top level'}, as ${connection.user}; calls go to ${connection.endpoint() ?? connection.gateway}.`,
    },
    clockLine(connection.clock.differenceSeconds() ?? 0),
    await formatLine(connection, signal),
  ]
  const schema = createIntacctSchema(connection)
  for (const { entity, of, lines: list } of ENTITIES) {
    if (!of) continue
    lines.push(await objectsLine(connection, entity, [of, ...(list ? [list] : [])], signal))
  }
  try {
    const axes = (await schema.dimensions(signal)).flatMap((one) => dimensionOf(one.object, one.userDefined)?.of ?? [])
    lines.push(await objectsLine(connection, 'dimension', axes, signal))
  } catch (error) {
    lines.push(failedLine('dimension', error, signal))
  }
  lines.push(await auditLine(connection, signal))
  return lines
}

/** Where the sign-in fails for the entity, the top level opens. */
async function signInLine(
  connection: IntacctConnection,
  atTopLevel: () => IntacctConnection,
  error: unknown,
  signal: AbortSignal,
): Promise<CheckLine> {
  const line = failedLine('', error, signal)
  if (connection.entity === '' || !isSyncError(error) || !/^intacct\.(?:login|entity)$/.test(error.code)) return line
  const top = atTopLevel()
  try {
    await top.call([], { what: 'Test connection', signal })
    return {
      ok: false,
      text: `Sender, company, user and password are right, but entity ${connection.entity} cannot be signed in to: check the ID of the entity, and that the user may enter it. ${error.message}.`,
    }
  } catch {
    return line
  } finally {
    await top.close()
  }
}

function clockLine(seconds: number): CheckLine {
  const apart = Math.abs(seconds)
  if (apart <= 2) return { ok: true, text: 'The clocks agree.' }
  const size =
    apart < 120
      ? `${apart} s`
      : apart < 7200
        ? `${Math.round(apart / 60)} minutes`
        : `${Math.round(apart / 3600)} hours`
  return {
    ok: true,
    text: `The clock of Intacct is ${size} ${seconds > 0 ? 'ahead of' : 'behind'} ours. Windows follow the clock of Intacct.`,
  }
}

async function formatLine(connection: IntacctConnection, signal: AbortSignal): Promise<CheckLine> {
  try {
    const formatting = await connection.formatting(signal)
    const wrong = unreadableFormat(formatting)
    const zone = await connection.zone(signal).catch(() => undefined)
    const seen = `Dates of the API user: ${formatting.dateformat || '(none)'}, ${formatting.clock || '?'} hours, GMT ${formatting.gmtoffset || '(none)'}`
    return wrong === undefined
      ? { ok: true, text: `${seen}; stamps are read in ${zone?.name ?? 'that zone'}.` }
      : {
          ok: false,
          text: `${seen}: ${wrong} cannot be read for certain. Set My preferences of the API user to MM/DD/YYYY and 24 hours.`,
        }
  } catch (error) {
    return failedLine('Dates of the API user', error, signal)
  }
}

/** One row of each object: fields are told to everybody, the right shows only when data are asked for. */
async function objectsLine(
  connection: IntacctConnection,
  entity: string,
  objects: readonly ObjectDef[],
  signal: AbortSignal,
): Promise<CheckLine> {
  const counts: string[] = []
  for (const { object, record } of objects) {
    try {
      const query = { object, select: [record], orderBy: [record], pageSize: 1 }
      const { results } = await connection.insist([{ name: 'query', query }], { what: `${entity}, ${object}`, signal })
      counts.push(`${object} ${results[0]?.data?.totalcount ?? '?'}`)
    } catch (error) {
      return failedLine('', error, signal)
    }
  }
  return { ok: true, text: `${entity}: can be read (${counts.join(', ')}).` }
}

async function auditLine(connection: IntacctConnection, signal: AbortSignal): Promise<CheckLine> {
  try {
    const query = {
      object: 'AUDITHISTORY',
      select: ['ID'],
      filter: { op: 'equalto', field: 'OBJECTTYPE', value: 'vendor' },
      orderBy: ['ID'],
      pageSize: 1,
    } as const
    await connection.insist([{ name: 'query', query }], { what: 'The audit history', signal })
    return { ok: true, text: 'Deletions: the audit history can be read.' }
  } catch (error) {
    if (signal.aborted || !isSyncError(error)) throw error
    return {
      ok: true,
      text: `Deletions: the audit history cannot be read, so the sweep finds them. ${withHint(error.message, error.cause.hint)}`,
    }
  }
}

function failedLine(what: string, error: unknown, signal: AbortSignal): CheckLine {
  if (signal.aborted || !isSyncError(error)) throw error
  return { ok: false, text: `${what ? `${what}: ` : ''}${withHint(error.message, error.cause.hint)}` }
}

/** Ten records of an entity as they would be sent. */
export async function previewIntacct(
  given: IntacctConnection,
  options: IntacctSourceOptions,
  entity: string,
  signal: AbortSignal,
): Promise<{ schema: Schema; records: DataRecord[]; notices: string[] }> {
  const connection = hurried(given)
  const source = createIntacctSource(connection, createIntacctSchema(connection), { ...options, pageSize: 10 })
  const plan = await source.plan(entity, signal)
  let read = 0
  const found: DataRecord[] = []
  const notices = [...(plan.notices ?? [])]
  // Dimensions are a walk for each object: the first that has some shows what they look like.
  for (const walk of plan.walks.filter((name) => name !== 'lines' && name !== 'deleted')) {
    const page = await plan.readPage({
      walk,
      window: { from: null, bound: null },
      cursor: null,
      nextRead: () => ++read,
      signal,
    })
    found.push(...page.records)
    notices.push(...(page.notices ?? []), ...(page.refused ?? []).map((refused) => refused.message))
    if (found.length >= 10) break
  }
  return { schema: plan.schema, records: found.slice(0, 10), notices }
}
