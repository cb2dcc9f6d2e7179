import type { Reply } from '../http.ts'
import {
  COLLECTIONS,
  type Collection,
  DOCUMENTS,
  ORDER_LINES,
  REQUEST_PARAMETERS,
  STATUS_PARAMETERS,
} from './collections.ts'
import { patchRecord, postRecords } from './importing.ts'
import type { Parameters } from './query.ts'
import { listDocuments, listLines, listRecords, readDocument, readRecord } from './reading.ts'
import type { Call, Service } from './service.ts'
import { ANSWERS } from './states.ts'
import { acknowledge, acknowledgeRequests, listRequests, readRequest, respond } from './writing.ts'

/** One operation of the API. */
export interface Route {
  readonly method: 'GET' | 'POST' | 'PATCH'
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

/** List, record, and what sends and changes records. */
function routesOf(collection: Collection, site: string, list: Route['run']): Route[] {
  const { path, version, parameters } = collection
  const resource = path.split('/')[0] ?? ''
  const whole = `/${version}/${path}`
  const one = `${whole}/{externalCode}`
  return [
    route('GET', whole, resource, site, list, parameters),
    route('GET', one, resource, site, readRecord(collection)),
    route('POST', whole, resource, collection.site, postRecords(collection)),
    ...(collection.patched ? [route('PATCH', one, resource, 'record-patch', patchRecord(collection))] : []),
  ]
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
  ...COLLECTIONS.flatMap((one) => routesOf(one, 'masters-get', listRecords(one))),
  ...routesOf(ORDER_LINES, 'lines-get', listLines),
]

/** Every scope that this server knows. */
export const SCOPES = [...new Set(ROUTES.map(({ scope }) => scope))]
