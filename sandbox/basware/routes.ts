import type { Reply } from '../http.ts'
import { COLLECTIONS, DOCUMENTS, ORDER_LINES, REQUEST_PARAMETERS, STATUS_PARAMETERS } from './collections.ts'
import type { Parameters } from './query.ts'
import { listDocuments, listLines, listRecords, readDocument, readLine, readRecord } from './reading.ts'
import type { Call, Service } from './service.ts'
import { ANSWERS } from './states.ts'
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
  /** Of the query. */
  readonly parameters: Parameters
  run(service: Service, call: Call): Reply
}

function route(
  method: Route['method'],
  path: string,
  resource: string,
  site: string,
  run: Route['run'],
  parameters: Parameters = {},
): Route {
  const scope = `${resource}.${method === 'GET' ? 'read' : 'write'}`
  const pattern = new RegExp(`^${path.replaceAll(/\{\w+\}/g, '([^/]+)')}$`)
  return { method, path, scope, site, run, parameters, pattern }
}

const INVOICES = 'accountingDocuments'

export const ROUTES: readonly Route[] = [
  route('GET', '/v1/accountingDocuments', INVOICES, 'documents-get', listDocuments, DOCUMENTS.parameters),
  route('GET', '/v1/accountingDocuments/{invoiceId}', INVOICES, 'document-get', readDocument),
  route('POST', '/v1/accountingDocuments/{invoiceId}/acknowledge', INVOICES, 'acknowledge', acknowledge),
  ...Object.keys(ANSWERS).map((name) =>
    route('POST', `/v1/accountingDocuments/{invoiceId}/${name}`, INVOICES, 'transfer', respond(name)),
  ),
  route('GET', '/v1/requestStatus', 'requestStatus', 'status-list', listRequests, STATUS_PARAMETERS),
  route('GET', '/v1/requestStatus/{requestId}', 'requestStatus', 'status-get', readRequest, REQUEST_PARAMETERS),
  route('POST', '/v1/requestStatus/acknowledge', 'requestStatus', 'status-acknowledge', acknowledgeRequests),
  route('GET', '/v1/matchingOrderLines', 'matchingOrderLines', 'lines-get', listLines, ORDER_LINES.parameters),
  route('GET', '/v1/matchingOrderLines/{externalCode}', 'matchingOrderLines', 'lines-get', readLine),
  ...COLLECTIONS.flatMap((collection) => {
    const resource = collection.path.split('/')[0] ?? ''
    return [
      route('GET', `/v1/${collection.path}`, resource, 'masters-get', listRecords(collection), collection.parameters),
      route('GET', `/v1/${collection.path}/{externalCode}`, resource, 'masters-get', readRecord(collection)),
    ]
  }),
]

/** Every scope that this server knows. */
export const SCOPES = [...new Set(ROUTES.map(({ scope }) => scope))]
