import { json, type Reply, ReplyNow } from '../http.ts'
import { faultsOf } from './check.ts'
import { REQUEST_PARAMETERS, STATUS_PARAMETERS } from './collections.ts'
import type { Json } from './company/invoice.ts'
import { fault, invalid } from './errors.ts'
import type { Entity } from './fields/kinds.ts'
import { list } from './fields/kinds.ts'
import { found } from './links.ts'
import { pageOf } from './pages.ts'
import { readQuery } from './query.ts'
import { shown, stateOf } from './requests.ts'
import { type Call, headerOf, type Service } from './service.ts'
import { ANSWERS } from './states.ts'

/** The body as JSON of the right media type. Throws the refusal. */
export function bodyOf(call: Call): unknown {
  const { words } = call
  if (!/^application\/json\b/i.test(headerOf(call, 'content-type') ?? '')) throw new ReplyNow(words.bare(415))
  try {
    return JSON.parse(call.body.toString())
  } catch {
    throw words.refuse(400, invalid('The body is not JSON'))
  }
}

/** A body that the entity has nothing against. Throws the refusal. */
function readBody(call: Call, entity: Entity): Json {
  const { words } = call
  const body = bodyOf(call)
  const faults = faultsOf(entity, body)
  if (faults.length > 0) {
    const code = (body as Json | null)?.externalCode
    throw words.refuse(400, ...faults.map((text) => invalid(text, typeof code === 'string' ? code : undefined)))
  }
  return body as Json
}

/** `POST /v1/accountingDocuments/{invoiceId}/acknowledge` */
export function acknowledge(service: Service, call: Call): Reply {
  if (!/^application\/json\b/i.test(headerOf(call, 'content-type') ?? '')) throw new ReplyNow(call.words.bare(415))
  const [invoiceId = ''] = call.parts
  const status = service.documents.acknowledge(invoiceId)
  return status === 200 ? json(200, invoiceId) : call.words.bare(status)
}

/** `POST /v1/accountingDocuments/{invoiceId}/<answer>` */
export const respond =
  (name: string) =>
  (service: Service, call: Call): Reply => {
    const [invoiceId = ''] = call.parts
    const answer = ANSWERS[name]
    if (!answer) return call.words.bare(404)
    const body = readBody(call, answer.entity)
    const status = service.documents.respond(name, invoiceId, body, call.requestId)
    if (status === 200) return json(200, body)
    if (status === 404) return call.words.bare(404)
    const state = String(service.documents.get(invoiceId)?.processingStatus)
    throw call.words.refuse(status, {
      externalCode: String(body.externalCode),
      ...(status === 409
        ? fault(
            'BUSINESS',
            'CONFLICT_IN_POST',
            `The response conflicts with invoice ${invoiceId}, ${state}.`,
            'Conflict.',
          )
        : fault(
            'BUSINESS',
            'DATA_VALIDATION_FAILED',
            `Invoice ${invoiceId} is ${state}.`,
            'The state does not allow it.',
          )),
    })
  }

const BODIES = { requestIds: list() }

/** `POST /v1/requestStatus/acknowledge` */
export function acknowledgeRequests(service: Service, call: Call): Reply {
  const { requestIds } = readBody(call, BODIES) as { requestIds?: readonly string[] | null }
  if (!requestIds?.length) throw call.words.refuse(400, invalid('requestIds: at least one is needed'))
  const status = service.requests.acknowledge(requestIds)
  return status === 200 ? json(200, requestIds) : call.words.bare(status)
}

/** `GET /v1/requestStatus` */
export function listRequests(service: Service, call: Call): Reply {
  const { settings, words } = { settings: service.settings, words: call.words }
  const query = readQuery(call.url, STATUS_PARAMETERS, settings, words)
  const narrowed = query.text('entityType') !== undefined || query.text('system') !== undefined
  const status = query.text('status') ?? (narrowed ? undefined : 'Error')
  const since = query.date('lastUpdated')
  const wanted = service.requests
    .all()
    .filter(
      (request) =>
        (status === undefined ? !request.acknowledged : stateOf(request, settings) === status) &&
        [undefined, request.entityType].includes(query.text('entityType')) &&
        [undefined, 'P2P'].includes(query.text('system')) &&
        (since === undefined || Date.parse(request.lastUpdated) > since),
    )
    .map((request) => shown(request, query.yes('ignoreSuccessfullItems'), service))
  if (wanted.length === 0 && settings.emptyList === 404) return words.bare(404)
  const { records, token } = pageOf(
    {
      ...{ found: wanted, key: 'requestId', size: query.pageSize, request: call.url.pathname + call.url.search },
      token: headerOf(call, 'x-amz-meta-continuationtoken'),
    },
    settings,
    words,
  )
  return found({ requestStatus: records }, token)
}

/** `GET /v1/requestStatus/{requestId}` */
export function readRequest(service: Service, call: Call): Reply {
  const query = readQuery(call.url, REQUEST_PARAMETERS, service.settings, call.words)
  const request = service.requests.get(call.parts[0] ?? '')
  if (!request || ![undefined, 'P2P'].includes(query.text('system'))) return call.words.bare(404)
  return found({ requestStatus: [shown(request, query.yes('ignoreSuccessfulItems'), service)] }, undefined)
}
