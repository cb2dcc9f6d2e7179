/** Test connection, and the few questions a dialog asks: all without long retries. */
import { isSyncError, withHint } from '../../../sync/contract/errors.ts'
import { withRetry } from '../../../sync/contract/retry.ts'
import { clockLine, fine, HURRIED, type Preview, previewOf, type ReportLine } from '../../../vendor/report.ts'
import { unreadableFormat } from './clock.ts'
import { type IntacctConnection, retryContext } from './connection.ts'
import { dimensionOf, ENTITIES, type ObjectDef } from './entities.ts'
import { createIntacctSource, DELETED, type IntacctSourceOptions, LINES } from './poll.ts'
import { createIntacctSchema } from './schema.ts'

/** The same connection for somebody who waits before a dialog: two attempts, no more. */
export function hurried(connection: IntacctConnection): IntacctConnection {
  return {
    ...connection,
    retry: HURRIED,
    callRetrying: (functions, { waiting, ...options }) =>
      withRetry(() => connection.call(functions, options), retryContext(options.signal, waiting), HURRIED),
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
): Promise<ReportLine[]> {
  const connection = hurried(given)
  try {
    await connection.callRetrying([], { what: 'Test connection', signal })
  } catch (error) {
    return [await signInLine(connection, atTopLevel, error, signal)]
  }
  const lines: ReportLine[] = [
    fine(
      `Signed in to ${connection.company}, ${connection.entity ? `entity ${connection.entity}` : 'top level'}, as ${connection.user}; calls go to ${connection.endpoint() ?? connection.gateway}.`,
    ),
    clockLine('Intacct', connection.clock.differenceSeconds() ?? 0, 'Windows follow'),
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
): Promise<ReportLine> {
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

async function formatLine(connection: IntacctConnection, signal: AbortSignal): Promise<ReportLine> {
  try {
    const formatting = await connection.formatting(signal)
    const wrong = unreadableFormat(formatting)
    const zone = await connection.zone(signal).catch(() => undefined)
    const seen = `Dates of the API user: ${formatting.dateformat || '(none)'}, ${formatting.clock || '?'} hours, GMT ${formatting.gmtoffset || '(none)'}`
    return wrong === undefined
      ? fine(`${seen}; stamps are read in ${zone?.name ?? 'that zone'}.`)
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
): Promise<ReportLine> {
  const counts: string[] = []
  for (const { object, record } of objects) {
    try {
      const query = { object, select: [record], orderBy: [record], pageSize: 1 }
      const { results } = await connection.callRetrying([{ name: 'query', query }], {
        what: `${entity}, ${object}`,
        signal,
      })
      counts.push(`${object} ${results[0]?.data?.totalcount ?? '?'}`)
    } catch (error) {
      return failedLine('', error, signal)
    }
  }
  return fine(`${entity}: can be read (${counts.join(', ')}).`)
}

async function auditLine(connection: IntacctConnection, signal: AbortSignal): Promise<ReportLine> {
  try {
    const query = {
      object: 'AUDITHISTORY',
      select: ['ID'],
      filter: { op: 'equalto', field: 'OBJECTTYPE', value: 'vendor' },
      orderBy: ['ID'],
      pageSize: 1,
    } as const
    await connection.callRetrying([{ name: 'query', query }], { what: 'The audit history', signal })
    return fine('Deletions: the audit history can be read.')
  } catch (error) {
    if (signal.aborted || !isSyncError(error)) throw error
    return fine(
      `Deletions: the audit history cannot be read, so the sweep finds them. ${withHint(error.message, error.cause.hint)}`,
    )
  }
}

function failedLine(what: string, error: unknown, signal: AbortSignal): ReportLine {
  if (signal.aborted || !isSyncError(error)) throw error
  return { ok: false, text: `${what ? `${what}: ` : ''}${withHint(error.message, error.cause.hint)}` }
}

/** Ten records of an entity as they would be sent; of dimensions, of the first objects that have some. */
export async function previewIntacct(
  given: IntacctConnection,
  options: IntacctSourceOptions,
  entity: string,
  signal: AbortSignal,
): Promise<Preview> {
  const connection = hurried(given)
  const source = createIntacctSource(connection, createIntacctSchema(connection), { ...options, pageSize: 10 })
  return previewOf(source, entity, (walk) => walk !== LINES && walk !== DELETED, signal)
}
