import type { Reply } from '../http.ts'
import { COLLECTIONS } from './collections.ts'
import { listDocuments, listLines, listRecords, readDocument, readLine, readRecord } from './reading.ts'
import type { Call, Service } from './service.ts'
import { acknowledge, acknowledgeRequests, listRequests, readRequest, respond } from './writing.ts'

/** One operation of the API. */
export interface Route {
  readonly method: 'GET' | 'POST'
  readonly path: string
  readonly pattern: RegExp
  /** The right to it. */
  readonly scope: string
  /** What its faults go by. */
  readonly site: string
  run(service: Service, call: Call): Reply
}

function route(method: Route['method'], path: string, resource: string, site: string, run: Route['run']): Route {
  const scope = `${resource}.${method === 'GET' ? 'read' : 'write'}`
  return { method, path, scope, site, run, pattern: new RegExp(`^${path.replaceAll(/\{\w+\}/g, '([^/]+)')}$`) }
}

const DOCUMENTS = 'accountingDocuments'
const ANSWERS = '([^/]+)/(transferResponses|prebookResponses|paymentResponses)'

export const ROUTES: readonly Route[] = [
  route('GET', '/v1/accountingDocuments', DOCUMENTS, 'documents-get', listDocuments),
  route('GET', '/v1/accountingDocuments/{invoiceId}', DOCUMENTS, 'document-get', readDocument),
  route('POST', '/v1/accountingDocuments/{invoiceId}/acknowledge', DOCUMENTS, 'acknowledge', acknowledge),
  {
    ...route('POST', '/v1/accountingDocuments/{invoiceId}/transferResponses', DOCUMENTS, 'transfer', respond),
    pattern: new RegExp(`^/v1/accountingDocuments/${ANSWERS}$`),
  },
  route('GET', '/v1/requestStatus', 'requestStatus', 'status-list', listRequests),
  route('GET', '/v1/requestStatus/{requestId}', 'requestStatus', 'status-get', readRequest),
  route('POST', '/v1/requestStatus/acknowledge', 'requestStatus', 'status-acknowledge', acknowledgeRequests),
  route('GET', '/v1/matchingOrderLines', 'matchingOrderLines', 'lines-get', listLines),
  route('GET', '/v1/matchingOrderLines/{externalCode}', 'matchingOrderLines', 'lines-get', readLine),
  ...COLLECTIONS.flatMap((collection) => {
    const resource = collection.path.split('/')[0] ?? ''
    return [
      route('GET', `/v1/${collection.path}`, resource, 'masters-get', listRecords(collection)),
      route('GET', `/v1/${collection.path}/{externalCode}`, resource, 'masters-get', readRecord(collection)),
    ]
  }),
]

/** Every scope that this server knows. */
export const SCOPES = [...new Set(ROUTES.map(({ scope }) => scope))]
