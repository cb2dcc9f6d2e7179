/** Test connection: all without long retries. */
import { randomUUID } from 'node:crypto'
import { isSyncError, withHint } from '../../../sync/contract/errors.ts'
import { withRetry } from '../../../sync/contract/retry.ts'
import { clockLine, fine, HURRIED, type ReportLine } from '../../../vendor/report.ts'
import { type BaswareConnection, createBaswareConnection } from './connection.ts'
import { type BaswareOptions, SCOPES, type ScopeGroup } from './options.ts'

/** One question for each scope that changes nothing, whatever the answer. */
const QUESTIONS: Readonly<
  Record<string, (connection: BaswareConnection, signal: AbortSignal, group?: ScopeGroup) => Promise<unknown>>
> = {
  // Of an invoice that cannot be there: 404 says that it would have been taken.
  'accountingDocuments.write': async (connection, signal) => {
    const scope = 'accountingDocuments.write'
    const path = `/v1/accountingDocuments/${randomUUID()}/acknowledge`
    const { refusal, status } = await withRetry(
      () => connection.post(path, undefined, { what: scope, scope, signal }),
      { signal, waiting: () => undefined, idempotent: true },
      HURRIED,
    )
    if (refusal && status !== 404 && status !== 405) throw refusal
  },
  ...reading('accountingDocuments', { ProcessingStatus: 'WaitingForTransfer' }),
  ...reading('requestStatus'),
  ...reading('matchingOrders'),
  ...reading('matchingOrderLines', { orderExternalCode: randomUUID() }),
  ...reading('purchaseRequisitions'),
  ...reading('vendors'),
  ...reading('accounts'),
  ...reading('costCenters'),
  // Each list is under its own key; one without items is 404 like any.
  ...reading('lists', {}, '/v1/lists/ACC_LIST_1'),
  ...reading('projects', {}, '/v2/projects'),
}

function reading(name: string, query: Readonly<Record<string, string>> = {}, path = `/v1/${name}`) {
  const scope = `${name}.read`
  return {
    [scope]: (connection: BaswareConnection, signal: AbortSignal, group?: ScopeGroup) =>
      connection.get(path, {
        ...{ what: scope, scope, signal, query: { ...query, pageSize: '1' } },
        ...(group === undefined ? {} : { group }),
      }),
  }
}

/** What can be sent with each group of scopes; a tenant may do without any of them. */
const SENDING = {
  vendors: 'suppliers',
  accounts: 'accounts',
  costCenters: 'cost centres',
  lists: 'values of axes as lists',
  projects: 'values of an axis as projects',
  sendOrders: 'purchase orders',
  requisitions: 'purchase orders as requisitions',
} as const satisfies Partial<Record<ScopeGroup, string>>
type SendingGroup = keyof typeof SENDING
const SENDING_GROUPS = Object.keys(SENDING) as SendingGroup[]

/** What reads invoices, and their orders. */
const READING = ['invoices', 'orders'] as const

/** What each scope is for, for somebody who has to ask Basware for it. */
const FOR: Readonly<Record<string, string>> = {
  'accountingDocuments.read': 'approved invoices',
  'accountingDocuments.write': 'acknowledging and answering them',
  'requestStatus.read': 'whether an answer arrived',
  'matchingOrders.read': 'the coding of purchase orders',
  'matchingOrderLines.read': 'the coding of purchase orders',
}

/** Says what was reached, as whom, how the clocks stand, which scopes were given, and where invoices are fetched from. */
export async function checkBasware(options: BaswareOptions, signal: AbortSignal): Promise<ReportLine[]> {
  const connection = createBaswareConnection({ ...options, retry: HURRIED })
  try {
    return await linesOf(connection, options.auth.kind, signal)
  } finally {
    await connection.close()
  }
}

const ALL_SCOPES: readonly string[] = [...new Set(Object.values(SCOPES).flat())]

async function grantedScopes(connection: BaswareConnection, signal: AbortSignal): Promise<ReadonlySet<string>> {
  const given = new Set<string>()
  for (const scope of ALL_SCOPES) if (await connection.granted(scope, signal)) given.add(scope)
  return given
}

/** Of a user with a password only the questions tell; a right to write to what is sent is taken for given with that to read it. */
async function answeredScopes(connection: BaswareConnection, signal: AbortSignal): Promise<ReadonlySet<string>> {
  const given = new Set<string>()
  let refusal: unknown
  for (const scope of ALL_SCOPES) {
    const question = QUESTIONS[scope] ?? QUESTIONS[scope.replace('.write', '.read')]
    try {
      await question?.(connection, signal)
      given.add(scope)
    } catch (error) {
      if (signal.aborted || !isSyncError(error)) throw error
      // Whatever else is wrong is told where its scope is.
      if (error.code !== 'basware.right') given.add(scope)
      refusal ??= error
    }
  }
  if (given.size === 0) throw refusal
  return given
}

async function linesOf(
  connection: BaswareConnection,
  login: BaswareOptions['auth']['kind'],
  signal: AbortSignal,
): Promise<ReportLine[]> {
  let given: ReadonlySet<string>
  try {
    given = await (login === 'basic' ? answeredScopes : grantedScopes)(connection, signal)
  } catch (error) {
    return [failedLine(error, signal)]
  }
  const lines: ReportLine[] = []
  const sends = SENDING_GROUPS.some((group) => SCOPES[group].every((scope) => given.has(scope)))
  const takes = SCOPES.invoices.some((scope) => scope.startsWith('accountingDocuments') && given.has(scope))
  for (const name of READING)
    for (const scope of SCOPES[name]) {
      if (sends && !takes && !given.has(scope) && scope !== 'requestStatus.read') {
        lines.push(fine(`${scope}: not given; needed only to take invoices over (basware-poll).`))
        continue
      }
      // A token is asked for all scopes of a group: without one of them there is none to ask with.
      const askable = SCOPES[name].every((one) => given.has(one))
      lines.push(await scopeLine(connection, scope, { given: given.has(scope), askable }, signal))
    }
  for (const group of SENDING_GROUPS) lines.push(await sendingLine(connection, group, given, signal))
  const origins = connection.redirectedTo()
  return [
    fine(`Reached ${connection.origin} as ${connection.user}.`),
    clockLine('Basware', connection.clock.differenceSeconds() ?? 0, 'Times follow'),
    ...lines,
    ...(origins.length > 0 ? [fine(`Invoices are fetched from ${origins.join(', ')}.`)] : []),
  ]
}

/** Whether what basware-send needs for a kind of records was given; without any of it nobody sends them, which is no fault. */
async function sendingLine(
  connection: BaswareConnection,
  group: SendingGroup,
  given: ReadonlySet<string>,
  signal: AbortSignal,
): Promise<ReportLine> {
  const scopes: readonly string[] = SCOPES[group]
  const missing = scopes.filter((scope) => !given.has(scope))
  const writing = scopes.filter((scope) => scope.endsWith('.write'))
  const what = SENDING[group]
  if (writing.every((scope) => missing.includes(scope)))
    return fine(`${writing.join(', ')}: not given; needed only to send ${what} (basware-send).`)
  if (missing.length > 0)
    return {
      ok: false,
      text: `${missing.join(', ')}: not given to this client, so that ${what} cannot be sent. Ask Basware for it.`,
    }
  try {
    for (const scope of scopes) await QUESTIONS[scope]?.(connection, signal, group)
    return fine(`${scopes.join(', ')}: given (sending ${what}).`)
  } catch (error) {
    return failedLine(error, signal)
  }
}

async function scopeLine(
  connection: BaswareConnection,
  scope: string,
  { given, askable }: { readonly given: boolean; readonly askable: boolean },
  signal: AbortSignal,
): Promise<ReportLine> {
  if (!given) return { ok: false, text: `${scope}: not given to this client. Ask Basware for it (${FOR[scope]}).` }
  try {
    if (askable) await QUESTIONS[scope]?.(connection, signal)
    return fine(`${scope}: given (${FOR[scope]}).`)
  } catch (error) {
    return failedLine(error, signal)
  }
}

function failedLine(error: unknown, signal: AbortSignal): ReportLine {
  if (signal.aborted || !isSyncError(error)) throw error
  return { ok: false, text: withHint(error.message, error.cause.hint) }
}
