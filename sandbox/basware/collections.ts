import { PROJECTS } from './company/masters.ts'
import { accountingDocument, MODES, STATES } from './fields/document.ts'
import type { Entity } from './fields/kinds.ts'
import { account, costCenter, listItem, vendor } from './fields/masters.ts'
import { matchingOrder, matchingOrderLine } from './fields/orders.ts'
import type { Parameters } from './query.ts'
import { ENTITY_TYPES, REQUEST_STATES } from './requests.ts'

/** A kind of record that can be read as a list and by its key. */
export interface Collection {
  /** Below `/v1/`; the first part of it is the scope. */
  readonly path: string
  readonly envelope: string
  readonly entity: Entity
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

export const COLLECTIONS: readonly Collection[] = [
  { path: 'vendors', envelope: 'vendorEntities', entity: vendor, parameters: { ...page(500, 100), ...company } },
  { path: 'accounts', envelope: 'accounts', entity: account, parameters: { ...page(500), ...company } },
  { path: 'costCenters', envelope: 'costCenters', entity: costCenter, parameters: { ...page(500), ...company } },
  {
    path: 'matchingOrders',
    envelope: 'matchingOrders',
    entity: matchingOrder,
    parameters: { ...page(500), ...company, orderStatus: { kind: 'text' } },
  },
  ...LIST_KEYS.map((key) => ({
    path: `lists/${key}`,
    envelope: 'listItems',
    entity: listItem,
    parameters: { ...page(500), ...company },
  })),
]

export const ORDER_LINES: Collection = {
  path: 'matchingOrderLines',
  envelope: 'matchingOrderLines',
  entity: matchingOrderLine,
  parameters: { ...page(100), orderExternalCode: { kind: 'text', required: true } },
}

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
