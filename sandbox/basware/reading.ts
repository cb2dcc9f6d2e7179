import type { Reply } from '../http.ts'
import { type Collection, DOCUMENTS, ORDER_LINES } from './collections.ts'
import type { Json } from './company/invoice.ts'
import { found } from './links.ts'
import { pageOf, type Wanted } from './pages.ts'
import { type Query, readQuery } from './query.ts'
import { type Call, headerOf, type Service } from './service.ts'
import { show } from './show.ts'

const after = (record: Json, moment: number | undefined): boolean =>
  moment === undefined || Date.parse(String(record.lastUpdated)) > moment

/** Whether a record belongs to a company: by its own code, or by its list of them. */
function ofCompany(record: Json, code: string | undefined): boolean {
  if (code === undefined || record.companyCode === code) return true
  return ((record.companies as readonly Json[] | undefined) ?? []).some(({ companyCode }) => companyCode === code)
}

type Shape = Pick<Collection, 'envelope' | 'entity'>

/** A page of a list; 404 where there is nothing. */
function list(
  service: Service,
  call: Call,
  { envelope, entity }: Shape,
  query: Query,
  records: readonly Json[],
  own: Pick<Wanted, 'key' | 'weight'>,
): Reply {
  if (records.length === 0 && service.settings.emptyList === 404) return call.words.bare(404)
  const { records: page, token } = pageOf(
    {
      ...own,
      found: records,
      size: query.pageSize,
      request: call.url.pathname + call.url.search,
      token: headerOf(call, 'x-amz-meta-continuationtoken'),
    },
    service.settings,
    call.words,
  )
  return found({ [envelope]: page.map((record) => show(entity, record, service.settings)) }, token)
}

/** A redirect to where the reply can be fetched, for as long as its link lives. */
function redirected(service: Service, reply: Reply, call: Call): Reply {
  if (reply.status !== 200 || service.settings.redirects === 'none') return reply
  const { injected } = call
  const token = reply.headers['x-amz-meta-continuationtoken']
  const { tokenOn } = service.settings
  const { 'x-amz-meta-continuationtoken': _, ...rest } = reply.headers
  const path = service.links.keep(
    tokenOn === 'redirect' ? { ...reply, headers: rest } : reply,
    injected === 'link-expired',
  )
  const location =
    injected === 'redirect-elsewhere'
      ? `http://files.invalid${path}`
      : injected === 'redirect-loop'
        ? call.url.href
        : service.filesUrl + path
  const early: Record<string, string> =
    token !== undefined && tokenOn !== 'final' ? { 'x-amz-meta-continuationtoken': token } : {}
  return { status: 302, headers: { location, ...early }, body: Buffer.alloc(0) }
}

const perhaps = (service: Service, reply: Reply, call: Call): Reply =>
  service.settings.redirects === 'all' ? redirected(service, reply, call) : reply

/** `GET /v1/accountingDocuments` */
export function listDocuments(service: Service, call: Call): Reply {
  const query = readQuery(call.url, DOCUMENTS.parameters, service.settings, call.words)
  const state = query.text('ProcessingStatus')
  const mode = query.text('p2pProcessingMode') ?? 'Standard'
  const records = service.documents
    .shown()
    .filter(
      (document) =>
        (state === undefined || document.processingStatus === state) &&
        document.p2pProcessingMode === mode &&
        ofCompany(document, query.text('companyCode')) &&
        after(document, query.date('lastUpdated')),
    )
  const weight = (document: Json): number => ((document.codingRows as readonly Json[] | undefined) ?? []).length
  return redirected(service, list(service, call, DOCUMENTS, query, records, { key: 'invoiceId', weight }), call)
}

/** `GET /v1/accountingDocuments/{invoiceId}`: an envelope of one. */
export function readDocument(service: Service, call: Call): Reply {
  const document = service.documents.get(call.parts[0] ?? '')
  if (!document) return call.words.bare(404)
  const { envelope, entity } = DOCUMENTS
  return redirected(service, found({ [envelope]: [show(entity, document, service.settings)] }, undefined), call)
}

/** `GET /v1/<collection>` */
export const listRecords =
  (collection: Collection) =>
  (service: Service, call: Call): Reply => {
    const query = readQuery(call.url, collection.parameters, service.settings, call.words)
    const records = service.records
      .all(collection.path)
      .filter((record) => ofCompany(record, query.text('companyCode')) && after(record, query.date('lastUpdated')))
    return perhaps(service, list(service, call, collection, query, records, { key: 'externalCode' }), call)
  }

/** `GET /v1/<collection>/{externalCode}`, of lines of orders too: the bare record. */
export const readRecord =
  (collection: Collection) =>
  (service: Service, call: Call): Reply => {
    const record = service.records.get(collection.path, call.parts[0] ?? '')
    if (!record) return call.words.bare(404)
    return perhaps(service, found(show(collection.entity, record, service.settings), undefined), call)
  }

/** `GET /v1/matchingOrderLines?orderExternalCode=` */
export function listLines(service: Service, call: Call): Reply {
  const query = readQuery(call.url, ORDER_LINES.parameters, service.settings, call.words)
  const records = service.records
    .lines(query.text('orderExternalCode') ?? '')
    .filter((line) => after(line, query.date('lastUpdated')))
  return perhaps(service, list(service, call, ORDER_LINES, query, records, { key: 'externalCode' }), call)
}
