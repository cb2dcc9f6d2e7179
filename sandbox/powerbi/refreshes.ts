/** Refreshes of a dataset: asked for, listed, followed, cancelled. */
import { randomUUID } from 'node:crypto'
import { json, type Reply } from '../http.ts'
import type { Dataset, Workspace } from './api.ts'
import { badRequest, failure, notFound, refuse } from './errors.ts'
import { beyond } from './limits.ts'
import { jsonBody } from './models.ts'
import { type Call, datasetOf, nothing, odata, type Refresh, type Service } from './service.ts'

const DAY = 24 * 3_600_000
const ENHANCED = new Set([
  'type',
  'commitMode',
  'maxParallelism',
  'retryCount',
  'timeout',
  'objects',
  'applyRefreshPolicy',
  'effectiveDate',
])
const MAIL = new Set(['NoNotification', 'MailOnFailure', 'MailOnCompletion'])
const TYPES = new Set(['full', 'clearvalues', 'calculate', 'dataonly', 'automatic', 'defragment'])

function refreshesOf(service: Service, dataset: Dataset): Refresh[] {
  let found = service.refreshes.get(dataset.id)
  if (!found) {
    found = []
    service.refreshes.set(dataset.id, found)
  }
  return found
}

/** `POST .../refreshes` */
export function startRefresh(service: Service, workspace: Workspace, id: string, { body }: Call): Reply {
  const dataset = datasetOf(service, workspace.id, id)
  const asked = readRequest(body)
  const enhanced = Object.keys(asked).some((key) => ENHANCED.has(key))
  checkRequest(asked, enhanced, workspace)
  const { limits, assumed, refreshMs, refreshEnds } = service.tuning
  const known = refreshesOf(service, dataset)
  const now = service.now()
  if (known.some(({ endsAt }) => endsAt > now)) {
    throw refuse(
      failure(assumed.refreshBusy, 'RefreshInProgressException', 'Another refresh request is already executing'),
    )
  }
  const today = known.filter(({ startedAt }) => startedAt > now - DAY).length
  if (!workspace.dedicated && beyond(today + 1, limits.refreshesPerDay)) {
    throw refuse(
      failure(
        assumed.refreshCap,
        'Request Throttled',
        'Invalid dataset refresh request. Number of refresh requests in last 24 hours exceeded limit',
      ),
    )
  }
  const refresh: Refresh = {
    id: randomUUID(),
    type: enhanced ? 'ViaEnhancedApi' : 'ViaApi',
    startedAt: now,
    options: asked,
    endsAt: refreshEnds === 'hang' ? Number.POSITIVE_INFINITY : now + refreshMs,
    ends: refreshEnds === 'Failed' ? 'Failed' : 'Completed',
  }
  known.unshift(refresh)
  const reply = nothing(202)
  if (!enhanced) return reply
  const location = `https://api.powerbi.com/v1.0/myorg/groups/${workspace.id}/datasets/${dataset.id}/refreshes/${refresh.id}`
  return { ...reply, headers: { ...reply.headers, location, 'x-ms-request-id': refresh.id } }
}

function readRequest(body: Buffer): Record<string, unknown> {
  const asked = body.length === 0 ? {} : jsonBody(body)
  if (typeof asked !== 'object' || asked === null || Array.isArray(asked))
    throw refuse(badRequest('The body must be an object.', 'refreshRequest'))
  return { ...asked }
}

function checkRequest(asked: Record<string, unknown>, enhanced: boolean, { dedicated }: Workspace): void {
  const refused = (message: string) => refuse(failure(400, 'InvalidRequest', message))
  for (const key of Object.keys(asked)) {
    if (key !== 'notifyOption' && !ENHANCED.has(key))
      throw refuse(
        badRequest(
          `The property '${key}' does not exist on type 'Microsoft.PowerBI.ServiceContracts.Api.DatasetRefreshRequest'. Make sure to only use property names that are defined by the type.`,
          'refreshRequest',
        ),
      )
  }
  const { notifyOption, type, commitMode, applyRefreshPolicy } = asked
  if (enhanced) {
    if (!dedicated) throw refused('Enhanced refresh is only supported on Premium, Embedded and Fabric capacity.')
    if (notifyOption !== undefined) throw refused('notifyOption cannot be used together with enhanced refresh options.')
    if (type !== undefined && !TYPES.has(String(type).toLowerCase()))
      throw refused(`The refresh type '${String(type)}' is not known.`)
    const partial = String(commitMode ?? '').toLowerCase() === 'partialbatch'
    if (partial && applyRefreshPolicy !== false)
      throw refused('applyRefreshPolicy must be false when commitMode is PartialBatch.')
  } else if (notifyOption !== undefined) {
    if (!MAIL.has(String(notifyOption))) throw refused(`The notifyOption '${String(notifyOption)}' is not known.`)
    if (notifyOption !== 'NoNotification')
      throw refused('Mail options do not apply to service principals: use NoNotification.')
  }
}

const time = (ms: number): string => new Date(ms).toISOString()
const exception = JSON.stringify({ errorCode: 'ModelRefreshFailed_CredentialsNotSpecified' })

function state({ endsAt, ends }: Refresh, now: number): 'Unknown' | Refresh['ends'] {
  return endsAt > now ? 'Unknown' : ends
}

function listed(refresh: Refresh, now: number): object {
  const status = state(refresh, now)
  const ended = status === 'Unknown' ? {} : { endTime: time(refresh.endsAt) }
  return {
    ...{
      requestId: refresh.id,
      id: refresh.id,
      refreshType: refresh.type,
      startTime: time(refresh.startedAt),
      ...ended,
      status,
    },
    ...(status === 'Failed' ? { serviceExceptionJson: exception } : {}),
    refreshAttempts: [{ attemptId: 1, startTime: time(refresh.startedAt), ...ended, type: 'Data' }],
  }
}

/** `GET .../refreshes?$top=n`, newest first. */
export function listRefreshes(service: Service, workspace: string, id: string, { url }: Call): Reply {
  const known = refreshesOf(service, datasetOf(service, workspace, id))
  const top = Number(url.searchParams.get('$top') ?? 60)
  return odata(workspace, 'refreshes', { value: known.slice(0, top).map((refresh) => listed(refresh, service.now())) })
}

function refreshOf(service: Service, workspace: string, [id, refreshId]: readonly [string, string]): Refresh {
  const found = refreshesOf(service, datasetOf(service, workspace, id)).find((refresh) => refresh.id === refreshId)
  if (!found) throw refuse(notFound())
  return found
}

/** `GET .../refreshes/{id}`: 202 while it runs. */
export function oneRefresh(service: Service, workspace: string, place: readonly [string, string]): Reply {
  const refresh = refreshOf(service, workspace, place)
  const now = service.now()
  const status = state(refresh, now)
  const { type = 'Full', commitMode = 'Transactional', objects = [] } = refresh.options
  return json(status === 'Unknown' ? 202 : 200, {
    ...{ startTime: time(refresh.startedAt), ...(status === 'Unknown' ? {} : { endTime: time(refresh.endsAt) }) },
    ...{ type, commitMode, status: status === 'Cancelled' ? 'Unknown' : status, currentRefreshType: type, objects },
    ...{ extendedStatus: status === 'Unknown' ? 'InProgress' : status, numberOfAttempts: 1 },
    messages:
      status === 'Failed' ? [{ code: '0xC11C0006', message: 'The credentials are not specified.', type: 'Error' }] : [],
    refreshAttempts: [],
  })
}

/** `DELETE .../refreshes/{id}`: enhanced refreshes that run. */
export function cancelRefresh(service: Service, workspace: string, place: readonly [string, string]): Reply {
  const refresh = refreshOf(service, workspace, place)
  const now = service.now()
  if (refresh.type !== 'ViaEnhancedApi' || refresh.endsAt <= now) {
    throw refuse(failure(400, 'InvalidRequest', 'Only an enhanced refresh that is running can be cancelled.'))
  }
  refresh.endsAt = now
  refresh.ends = 'Cancelled'
  return nothing()
}
