import { PROJECTS } from './company/masters.ts'
import { accountingDocument, MODES, STATES } from './fields/document.ts'
import type { Entity } from './fields/kinds.ts'
import { account, costCenter, listItem, project } from './fields/masters.ts'
import { matchingOrder, matchingOrderLine } from './fields/orders.ts'
import { purchaseRequisition } from './fields/requisitions.ts'
import { vendor } from './fields/vendors.ts'
import type { Parameters } from './query.ts'
import { ENTITY_TYPES, REQUEST_STATES } from './requests.ts'

/** A kind of record that can be read as a list and by its key, and sent. */
export interface Collection {
  /** Below `/v1/`; the first part of it is the scope. */
  readonly path: string
  readonly version: 'v1' | 'v2'
  readonly envelope: string
  readonly entity: Entity
  /** As the status of a request calls it. */
  readonly entityType: string
  /** The greatest number of records of one POST. */
  readonly most: number
  /** Whether single ones can be changed by PATCH. */
  readonly patched: boolean
  /** What its faults go by when it is sent. */
  readonly site: string
  readonly parameters: Parameters
}

const page = (most: number, usual = most): Parameters => ({
  pageSize: { kind: 'size', most, usual },
  lastUpdated: { kind: 'date' },
})
const company: Parameters = { companyCode: { kind: 'text' } }

const LIST_KEYS = [
  ...Array.from({ length: 35 }, (_, k) => `ACC_LIST_${k + 1}`),
  ...Array.from({ length: 20 }, (_, k) => `INV_LIST_${k + 1}`),
  ...Array.from({ length: 5 }, (_, k) => `CUST_RESOLVER_${k + 1}`),
]

const MASTERS = { version: 'v1', most: 500, patched: true, site: 'masters-post' } as const

/** All that are read as a list of their own. */
export const COLLECTIONS: readonly Collection[] = [
  {
    ...{ ...MASTERS, path: 'vendors', envelope: 'vendorEntities', entity: vendor, entityType: 'Vendor', most: 200 },
    parameters: { ...page(500, 100), ...company },
  },
  {
    ...{ ...MASTERS, path: 'accounts', envelope: 'accounts', entity: account, entityType: 'Account' },
    parameters: { ...page(500), ...company },
  },
  {
    ...{ ...MASTERS, path: 'costCenters', envelope: 'costCenters', entity: costCenter, entityType: 'CostCenter' },
    parameters: { ...page(500), ...company },
  },
  {
    ...{ ...MASTERS, path: 'projects', envelope: 'projects', entity: project, entityType: 'Project', version: 'v2' },
    parameters: { ...page(500), ...company },
  },
  ...LIST_KEYS.map((key) => ({
    ...{ ...MASTERS, path: `lists/${key}`, envelope: 'listItems', entity: listItem, entityType: 'GenericList' },
    parameters: { ...page(500), ...company },
  })),
  {
    ...{ path: 'matchingOrders', envelope: 'matchingOrders', entity: matchingOrder, entityType: 'MatchingOrder' },
    ...{ version: 'v1', most: 500, patched: true, site: 'orders-post' },
    parameters: { ...page(500), ...company, orderStatus: { kind: 'text' } },
  },
  {
    ...{ path: 'purchaseRequisitions', envelope: 'purchaseRequisitions', entity: purchaseRequisition },
    ...{ entityType: 'PurchaseRequisition', version: 'v1', most: 100, patched: false, site: 'requisitions-post' },
    parameters: { ...page(100), ...company },
  },
]

export const ORDER_LINES: Collection = {
  ...{ path: 'matchingOrderLines', envelope: 'matchingOrderLines', entity: matchingOrderLine },
  ...{ entityType: 'MatchingOrderLine', version: 'v1', most: 100, patched: true, site: 'lines-post' },
  parameters: { ...page(100), orderExternalCode: { kind: 'text', required: true } },
}

/** Key of a list of the tenant, of a collection that is one. */
export const listKeyOf = ({ path }: Collection): string | undefined => /^lists\/(.*)$/.exec(path)?.[1]

export const DOCUMENTS = {
  envelope: 'accountingDocuments',
  entity: accountingDocument,
  parameters: {
    ...page(100),
    ...company,
    ProcessingStatus: { kind: 'choice', values: STATES },
    p2pProcessingMode: { kind: 'choice', values: MODES },
  },
} as const

/** Of the list of requests. */
export const STATUS_PARAMETERS: Parameters = {
  status: { kind: 'choice', values: REQUEST_STATES },
  entityType: { kind: 'choice', values: ENTITY_TYPES },
  system: { kind: 'text' },
  // Spelled so here, and with one l for a single request.
  ignoreSuccessfullItems: { kind: 'yesNo' },
  ...page(500),
}

/** Of a single request. */
export const REQUEST_PARAMETERS: Parameters = { system: { kind: 'text' }, ignoreSuccessfulItems: { kind: 'yesNo' } }

/** The list that the ERP's projects are in. */
export const PROJECT_LIST = `lists/${PROJECTS}`
