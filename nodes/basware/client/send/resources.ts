/** The places that records are sent to: path, names in replies, limits of the contract. Plain data. */
import type { ScopeGroup } from '../options.ts'
import type { EntityName } from './schema.ts'

/** `lists/ACC_LIST_21` is one of them, whatever its key. */
export type Place =
  | 'vendors'
  | 'accounts'
  | 'costCenters'
  | 'projects'
  | 'matchingOrders'
  | 'matchingOrderLines'
  | 'purchaseRequisitions'
  | List
export type List = `lists/${string}`

export interface Resource {
  readonly path: string
  /** Member of a reply that has the records. */
  readonly envelope: string
  readonly entity: EntityName
  /** What `requestStatus` calls it. */
  readonly entityType: string
  /** Stem of its two scopes. */
  readonly scope: string
  readonly group: ScopeGroup
  /** Records in one POST at most. */
  readonly most: number
  /** Records of a page at most. */
  readonly page: number
  /** Field with the code that people know, by which a record that stands there already is found. */
  readonly code: string
  /** What people call one of them. */
  readonly one: string
}

const RESOURCES: Readonly<Record<Exclude<Place, List> | 'lists', Resource>> = {
  vendors: {
    ...{ path: '/v1/vendors', envelope: 'vendorEntities', entity: 'VendorEntity', entityType: 'Vendor' },
    ...{ scope: 'vendors', group: 'vendors', most: 200, page: 500, code: 'vendorCode', one: 'vendor' },
  },
  accounts: {
    ...{ path: '/v1/accounts', envelope: 'accounts', entity: 'AccountEntity', entityType: 'Account' },
    ...{ scope: 'accounts', group: 'accounts', most: 500, page: 500, code: 'accountCode', one: 'account' },
  },
  costCenters: {
    ...{ path: '/v1/costCenters', envelope: 'costCenters', entity: 'CostCenterEntity', entityType: 'CostCenter' },
    ...{ scope: 'costCenters', group: 'costCenters', most: 500, page: 500, code: 'costCenterCode', one: 'cost centre' },
  },
  projects: {
    ...{ path: '/v2/projects', envelope: 'projects', entity: 'ProjectEntityV2', entityType: 'Project' },
    ...{ scope: 'projects', group: 'projects', most: 500, page: 500, code: 'projectCode', one: 'project' },
  },
  lists: {
    ...{ path: '/v1/lists', envelope: 'listItems', entity: 'GenericListEntity', entityType: 'GenericList' },
    ...{ scope: 'lists', group: 'lists', most: 500, page: 500, code: 'text_1', one: 'list item' },
  },
  matchingOrders: {
    ...{ path: '/v1/matchingOrders', envelope: 'matchingOrders', entity: 'OrderEntity', entityType: 'MatchingOrder' },
    ...{ scope: 'matchingOrders', group: 'sendOrders', most: 500, page: 500, code: 'orderNumber', one: 'order' },
  },
  matchingOrderLines: {
    ...{ path: '/v1/matchingOrderLines', envelope: 'matchingOrderLines', entity: 'OrderLineEntity' },
    ...{ entityType: 'MatchingOrderLine', scope: 'matchingOrderLines', group: 'sendOrders' },
    ...{ most: 100, page: 100, code: 'lineNumber', one: 'order line' },
  },
  purchaseRequisitions: {
    ...{ path: '/v1/purchaseRequisitions', envelope: 'purchaseRequisitions', entity: 'PurchaseRequisitionEntity' },
    ...{ entityType: 'PurchaseRequisition', scope: 'purchaseRequisitions', group: 'requisitions' },
    ...{ most: 100, page: 100, code: 'extDocumentNumber', one: 'requisition' },
  },
}

const isList = (place: Place): place is List => place.startsWith('lists/')

export function resourceOf(place: Place): Resource {
  if (!isList(place)) return RESOURCES[place]
  return { ...RESOURCES.lists, path: `/v1/${place}`, one: `item of ${place.slice('lists/'.length)}` }
}

/** Keys of lists that the contract has. */
export const LIST_KEY = /^(ACC_LIST_([1-9]|[12]\d|3[0-5])|INV_LIST_([1-9]|1\d|20)|CUST_RESOLVER_[1-5])$/

/** Characters that P2P keeps of a text of a list. */
export const listTextLength = (place: List): number => (/ACC_LIST_(1[1-9]|20)$/.test(place) ? 50 : 250)
