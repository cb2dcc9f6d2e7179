/** X3 by REST api1: a connection, its door, and the classes that the sandbox publishes. */
import { type Api1Door, type Api1Settings, createApi1Door } from '../../nodes/x3/client/api1/door.ts'
import { API1_ENTITIES } from '../../nodes/x3/client/api1/entities.ts'
import type { Published } from '../../nodes/x3/client/api1/resolve.ts'
import { createX3Connection, type X3Connection } from '../../nodes/x3/client/connection.ts'
import type { X3Options } from '../../nodes/x3/client/options.ts'
import { sourceThrough, type X3SourceOptions } from '../../nodes/x3/client/poll.ts'
import type { Source } from '../../sync/contract/source.ts'
import type { X3Fixture } from './x3.ts'

export const BASIC = { user: 'tieout', password: 'pass word' }

const published = (text: string): Published => {
  const [name = '', representation = ''] = text.split('.')
  return { name, representation }
}

/** As somebody types them who has looked at the site. */
export const CLASSES: Readonly<Record<string, Published>> = Object.fromEntries(
  Object.entries({
    supplier: 'BPSUPPLIER.YBPS',
    'supplier.joined': 'BPARTNER.YBPR',
    customer: 'BPCUSTOMER.YBPC',
    'customer.joined': 'BPARTNER.YBPR',
    product: 'ITMMASTER.YITM',
    gl_account: 'GACCOUNT.YGAC',
    dimension: 'CACCE.YCCE',
    cost_centre: 'CACCE.YCCE',
    dimension_type: 'GDIE.YDIE',
    purchase_order: 'PORDER.YPOH',
    'purchase_order.lines': 'PORDERQ.YPOQ',
    'purchase_order.receipts': 'PRECEIPTD.YPTD',
    supplier_invoice: 'PINVOICE.YPIH',
    'supplier_invoice.lines': 'PINVOICED.YPID',
    'supplier_invoice.joined': 'PINVOICEH.YPIJ',
    sales_invoice: 'SINVOICEV.YSIH',
    'sales_invoice.lines': 'SINVOICED.YSID',
    gl_entry: 'GACCENTRY.YGAE',
    'gl_entry.lines': 'GACCENTRYD.YGED',
    'gl_entry.analytical': 'GACCENTRYA.YGEA',
  }).map(([slot, text]) => [slot, published(text)]),
)

export interface Api1Reading {
  readonly connection: X3Connection
  readonly door: Api1Door
  source(more?: Partial<X3SourceOptions>): Source
}

export const api1Settings = (url: string): Api1Settings => ({
  ...{ url, classes: CLASSES, entities: API1_ENTITIES, pageSize: 20, sessions: 4, dateDays: 35 },
})

export function throughApi1(
  fixture: X3Fixture,
  more: Partial<Api1Settings> = {},
  options: Partial<X3Options> = {},
  kept?: Parameters<typeof createApi1Door>[2],
): Api1Reading {
  const { x3 } = fixture
  const connection = createX3Connection({
    ...{ url: x3.url, folder: x3.folder, auth: { kind: 'basic', ...BASIC }, concurrency: 4 },
    ...options,
  })
  const door = createApi1Door(connection, { ...api1Settings(x3.api1.url), ...more }, kept)
  return { connection, door, source: (given = {}) => sourceThrough(door, connection, { source: 'demo', ...given }) }
}
