import type { Json } from './company/invoice.ts'
import type { BaswareSettings } from './options.ts'

export type ItemStatus =
  | 'InProgress'
  | 'NotProcessed'
  | 'Warning'
  | 'Success'
  | 'Error'
  | 'RecordExpired'
  | 'Unpublished'

/** Kinds of records that requests bring; the contract has more. */
export const ENTITY_TYPES = [
  ...['Account', 'Contract', 'CostCenter', 'TaxCode', 'ExchangeRate', 'PaymentTerm', 'User', 'Project'],
  ...['MatchingOrder', 'MatchingOrderLine', 'GenericList', 'AdvancedPermission', 'TransferResponse'],
  ...['PaymentResponse', 'PrebookResponse', 'Vendor', 'AdvancedValidation', 'PurchaseRequisition', 'PurchaseOrder'],
  ...['PurchaseGoodsReceipt', 'Organization', 'EnrichmentTransferResponse', 'UserGroup', 'UserGroupAssociatedUser'],
  'UserGroupPermission',
]
export const REQUEST_STATES = ['InProgress', 'Success', 'Error', 'AcknowledgedSuccess', 'AcknowledgedError']

/** A record of a request, and what P2P made of it. */
export interface Item {
  readonly externalCode: string
  readonly parentExternalCode?: string
  readonly status: ItemStatus
  readonly message?: string
  readonly category?: Category
}

/** Whose an error is: the sender's to put right, Basware's, or nobody knows. */
export type Category = 'DataValidation' | 'Technical' | 'Unknown'

/** What was asked for. */
export interface Operation {
  readonly entityType: string
  readonly operationType?: 'POST' | 'PATCH'
  /** Of a list of the tenant. */
  readonly genericListKey?: string | undefined
}

export interface Tracked extends Operation {
  readonly requestId: string
  readonly items: readonly Item[]
  readonly acknowledged: boolean
  /** ISO. */
  readonly lastUpdated: string
  /** From when it can be asked for, ms. */
  readonly visible: number
}

export interface Requests {
  /** A request has been taken; its items are on the way to P2P. */
  took(requestId: string, operation: Operation, items: readonly Omit<Item, 'status'>[]): void
  /** P2P is through with one of them. */
  done(requestId: string, externalCode: string, result: Pick<Item, 'status' | 'message' | 'category'>): void
  get(requestId: string): Tracked | undefined
  /** Those that can be asked for, oldest change first. */
  all(): Tracked[]
  /** Takes requests off the list: the status to answer with. */
  acknowledge(requestIds: readonly string[]): 200 | 404 | 405
}

interface Around {
  readonly now: () => number
  /** ISO, for `lastUpdated`. */
  readonly stamp: () => string
  readonly settings: () => BaswareSettings
}

export function createRequests({ now, stamp, settings }: Around): Requests {
  const tracked = new Map<string, Tracked>()
  const visible = (requestId: string): Tracked | undefined => {
    const found = tracked.get(requestId)
    return found && found.visible <= now() ? found : undefined
  }
  return {
    took(requestId, operation, items) {
      tracked.set(requestId, {
        ...{ ...operation, requestId, acknowledged: false, lastUpdated: stamp() },
        items: items.map((item) => ({ ...item, status: 'InProgress' })),
        visible: now() + settings().statusMs,
      })
    },
    done(requestId, externalCode, result) {
      const found = tracked.get(requestId)
      if (!found) return
      const open = found.items.findIndex((item) => item.externalCode === externalCode && item.status === 'InProgress')
      const items = found.items.map((item, k) => (k === open ? { ...item, ...result } : item))
      tracked.set(requestId, { ...found, items, lastUpdated: stamp() })
    },
    get: visible,
    all: () =>
      [...tracked.keys()]
        .flatMap((requestId) => visible(requestId) ?? [])
        .sort((a, b) => (a.lastUpdated < b.lastUpdated ? -1 : a.lastUpdated > b.lastUpdated ? 1 : 0)),
    acknowledge(requestIds) {
      const found = requestIds.map(visible)
      if (found.includes(undefined)) return 404
      const open = found.flatMap((request) => request ?? [])
      if (open.some((request) => request.acknowledged || stateOf(request, settings()) === 'InProgress')) return 405
      for (const request of open)
        tracked.set(request.requestId, { ...request, acknowledged: true, lastUpdated: stamp() })
      return 200
    },
  }
}

/** State of a whole request: the worst of its items'. */
export function stateOf({ items, acknowledged }: Tracked, settings: BaswareSettings): string {
  if (items.some(({ status }) => status === 'InProgress')) return 'InProgress'
  const bad = items.some(
    ({ status }) => status === 'Error' || (status === 'Warning' && settings.warnedRequest === 'Error'),
  )
  const state = bad ? 'Error' : 'Success'
  return acknowledged ? `Acknowledged${state}` : state
}

/** Types of messages that are no errors. */
const TYPES: Readonly<Partial<Record<ItemStatus, string>>> = { Warning: 'Warning', RecordExpired: 'RecordExpired' }

/** As the API shows it; `onlyOpen` leaves out the items that went well. */
export function shown(
  request: Tracked,
  onlyOpen: boolean,
  { settings, clientId: changedBy }: { readonly settings: BaswareSettings; readonly clientId: string },
): Json {
  const { requestId, entityType, operationType = 'POST', genericListKey, items, lastUpdated } = request
  const state = stateOf(request, settings)
  return {
    ...{ requestId, entityType, entityVersion: `${entityType}V1`, requestStatus: state, changedBy },
    ...{ operationType, lastUpdated, ...(genericListKey === undefined ? {} : { genericListKey }) },
    systems: [
      {
        ...{ system: 'P2P', module: 'IA', systemStatus: state, lastUpdated },
        items: items
          .filter(({ status }) => !(onlyOpen && (status === 'Success' || status === 'NotProcessed')))
          .map(({ message, category = 'DataValidation', ...item }) => ({
            ...item,
            errors: message === undefined ? [] : [{ type: TYPES[item.status] ?? 'Error', message, category }],
          })),
      },
    ],
  }
}
