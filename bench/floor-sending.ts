/**
 * The floor of orders on their way from X3 to Basware: a bare script that reads pages of orders with their receipts, and posts headers
 * and lines, with undici, the next page on its way while one is posted. No ledger, no look at what stands there, no results.
 */
import Big from 'big.js'
import { SignJWT } from 'jose'
import { Agent, request } from 'undici'
import { serve } from './child.ts'
import { type Cost, measure } from './measure.ts'
import type { FloorSendingAddress } from './sending-sandbox.ts'

/** As the flow asks and sends. */
const PAGE = 200
const KEYS = 50
const LINES = 100

type Node = Readonly<Record<string, unknown>>
type Ask = (query: string, variables: object) => Promise<Readonly<Record<string, Readonly<Record<string, Page>>>>>
interface Page {
  readonly query: {
    readonly edges: readonly { readonly node: Node }[]
    readonly pageInfo: { readonly endCursor: string; readonly hasNextPage: boolean }
  }
}

const CODES = 'company purchaseSite receiptSite invoiceSite paymentTerm currency'
  .split(' ')
  .map((name) => `${name}{code}`)
const DISCOUNTS = [1, 2, 3, 4, 5, 6, 7, 8, 9].map((n) => `discountOrCharge${n}`)
const ORDERS = `query($first:Int,$after:String){x3Purchasing{purchaseOrder{query(first:$first,after:$after,orderBy:"{_id:1}"){edges{node{
_id _etag _updateStamp id ${CODES.join(' ')} orderFromSupplier{code{code}} orderDate orderType internalOrderReference expectedReceiptDate isClosed
receiptStatus signatureStatus invoiceStatus purchaseOrderLines{query(first:500){totalCount edges{node{_id lineNumber sequenceNumber product{code}
productDescriptionInUserLanguage orderUnit{code} quantityInOrderUnitOrdered quantityInStockUnitReceived grossPrice ${DISCOUNTS.join(' ')}
netPrice lineAmountExcludingTax tax{code} stockUnit{code} quantityInStockUnitOrdered lineStatus isClosed
lineDimensions{query(first:2){totalCount edges{node{dimensions{query(first:50){totalCount edges{node{dimensionType{code} dimension{code}}}}}}}}}}}}}}}
pageInfo{endCursor hasNextPage}}}}}`
const RECEIPTS = `query($first:Int,$after:String,$filter:String){x3Purchasing{purchaseReceiptLine{query(first:$first,after:$after,filter:$filter,orderBy:"{_id:1}"){totalCount edges{node{
_id purchaseOrder{id} purchaseReceipt{id supplierPackingSlip} lineNumber purchaseOrderLine{lineNumber sequenceNumber} receiptDate
receiptSite{code} product{code} receiptUnit{code} quantityInReceiptUnitReceived quantityInStockUnitReceived netPrice}} pageInfo{endCursor hasNextPage}}}}}`

function pageIn(data: Awaited<ReturnType<Ask>>, node: string): Page['query'] {
  const page = data.x3Purchasing?.[node]
  if (!page) throw new Error(`X3 gave no ${node}`)
  return page.query
}

const code = (value: unknown): string => (value as { code?: string } | null)?.code ?? ''
const number = (value: unknown): number => Number(value)
const edgesOf = (value: unknown): readonly { readonly node: Node }[] => (value as Page).query.edges

async function opened({ x3, basware, clientId, clientSecret }: FloorSendingAddress, agent: Agent) {
  const issued = Math.floor(Date.now() / 1000) - 30
  const token = await new SignJWT({ iss: x3.clientId, sub: x3.user, aud: x3.url, iat: issued, exp: issued + 300 })
    .setProtectedHeader({ alg: 'HS256', typ: 'JWT' })
    .sign(new TextEncoder().encode(x3.secret))
  const headers = {
    'content-type': 'application/json',
    authorization: `Bearer ${token}`,
    'x-xtrem-endpoint': x3.folder,
  }
  const ask: Ask = async (query, variables) => {
    const body = JSON.stringify({ query, variables })
    const reply = await request(x3.url, { method: 'POST', headers, body, dispatcher: agent })
    const text = await reply.body.text()
    if (reply.statusCode !== 200) throw new Error(`X3: HTTP ${reply.statusCode} ${text.slice(0, 500)}`)
    return JSON.parse(text).data
  }
  const login = await request(`${basware}/v1/tokens`, {
    method: 'POST',
    headers: {
      authorization: `Basic ${Buffer.from(`${clientId}:${clientSecret}`).toString('base64')}`,
      'content-type': 'application/x-www-form-urlencoded',
    },
    body: 'grant_type=client_credentials&scope=matchingOrders.write+matchingOrderLines.write',
    dispatcher: agent,
  })
  const bearer = ((await login.body.json()) as { access_token: string }).access_token
  const post = async (path: string, records: readonly object[]): Promise<void> => {
    const reply = await request(basware + path, {
      method: 'POST',
      headers: { authorization: `Bearer ${bearer}`, 'content-type': 'application/json' },
      body: JSON.stringify(records),
      dispatcher: agent,
    })
    const text = await reply.body.text()
    if (reply.statusCode !== 200) throw new Error(`${path}: HTTP ${reply.statusCode} ${text.slice(0, 500)}`)
  }
  return { ask, post }
}

async function receiptsOf(ask: Ask, orders: readonly Node[]): Promise<ReadonlyMap<unknown, Node[]>> {
  const found = new Map<unknown, Node[]>()
  for (let at = 0; at < orders.length; at += KEYS) {
    const filter = JSON.stringify({ purchaseOrder: { id: { _in: orders.slice(at, at + KEYS).map(({ id }) => id) } } })
    for (let after: string | null = null, more = true; more; ) {
      const query = pageIn(await ask(RECEIPTS, { first: PAGE, after, filter }), 'purchaseReceiptLine')
      for (const { node } of query.edges) {
        const order = (node.purchaseOrder as Node).id
        const all = found.get(order)
        if (all) all.push(node)
        else found.set(order, [node])
      }
      more = query.pageInfo.hasNextPage
      after = query.pageInfo.endCursor
    }
  }
  return found
}

function headerOf(order: Node): object {
  return {
    ...{ externalCode: `x3_${order.id}`, orderNumber: order.id, sourceSystem: 'X3', companyCode: code(order.company) },
    ...{ organizationElementCode: code(order.company), currencyCode: code(order.currency) },
    ...{ supplierCode: code((order.orderFromSupplier as Node).code), created: order.orderDate },
    ...{ paymentTermCode: code(order.paymentTerm), isClosed: order.isClosed === 'yes' },
  }
}

const CODING: Readonly<Record<string, string>> = { CCT: 'costCenterCode', PRO: 'projectCode' }

function lineOf(order: Node, line: Node, receipts: readonly Node[]): object {
  const externalCode = `x3_${order.id}_${line.lineNumber}_${line.sequenceNumber}`
  const [places] = edgesOf(line.lineDimensions)
  const dimensions = edgesOf(places?.node.dimensions).flatMap(({ node }) => {
    const field = CODING[code(node.dimensionType)]
    return field && node.dimension ? [[field, code(node.dimension)] as const] : []
  })
  const isMine = ({ purchaseOrderLine }: Node): boolean => (purchaseOrderLine as Node).lineNumber === line.lineNumber
  const inUnit = (stock: unknown): number =>
    code(line.stockUnit) === code(line.orderUnit)
      ? number(stock)
      : new Big(String(stock))
          .times(String(line.quantityInOrderUnitOrdered))
          .div(String(line.quantityInStockUnitOrdered))
          .round(8)
          .toNumber()
  return {
    ...{
      externalCode,
      orderExternalCode: `x3_${order.id}`,
      lineNumber: String(line.lineNumber),
      matchingMode: 'Standard',
    },
    ...{
      quantity: number(line.quantityInOrderUnitOrdered),
      netPrice: number(line.netPrice),
      netSum: number(line.lineAmountExcludingTax),
    },
    ...{
      currencyCode: code(order.currency),
      isClosed: line.isClosed === 'yes',
      isDeleted: false,
      uom: code(line.orderUnit),
    },
    ...{
      taxCode: code(line.tax),
      buyerProductCode: code(line.product),
      description: line.productDescriptionInUserLanguage,
    },
    orderLineCoding: [
      {
        ...{
          externalCode: `${externalCode}_0`,
          rowIndex: 0,
          allocatedQuantity: number(line.quantityInOrderUnitOrdered),
        },
        ...{ netTotal: number(line.lineAmountExcludingTax), ...Object.fromEntries(dimensions) },
      },
    ],
    goodsReceipts: receipts.filter(isMine).map((receipt) => ({
      externalCode: `x3_${order.id}_${(receipt.purchaseReceipt as Node).id}`.slice(-36),
      goodsReceiptNumber: (receipt.purchaseReceipt as Node).id,
      quantity: inUnit(receipt.quantityInStockUnitReceived),
      netPrice: number(line.netPrice),
      isDeleted: false,
    })),
  }
}

async function send(
  post: (path: string, records: readonly object[]) => Promise<void>,
  orders: readonly Node[],
  receipts: ReadonlyMap<unknown, Node[]>,
) {
  await post('/v1/matchingOrders', orders.map(headerOf))
  const lines = orders.flatMap((order) =>
    edgesOf(order.purchaseOrderLines).map(({ node }) => lineOf(order, node, receipts.get(order.id) ?? [])),
  )
  for (let at = 0; at < lines.length; at += LINES) await post('/v1/matchingOrderLines', lines.slice(at, at + LINES))
}

const commands = {
  async run(address: FloorSendingAddress): Promise<Cost> {
    const agent = new Agent({ connections: 2 })
    const end = measure()
    const { ask, post } = await opened(address, agent)
    let sending: Promise<void> = Promise.resolve()
    for (let after: string | null = null, more = true; more; ) {
      const query = pageIn(await ask(ORDERS, { first: PAGE, after }), 'purchaseOrder')
      const orders = query.edges.map(({ node }) => node)
      const receipts = await receiptsOf(ask, orders)
      const before = sending
      sending = (async () => {
        await before
        await send(post, orders, receipts)
      })()
      more = query.pageInfo.hasNextPage
      after = query.pageInfo.endCursor
    }
    await sending
    const cost = end()
    await agent.close()
    return cost
  },
}

export type FloorSending = typeof commands

serve(commands)
