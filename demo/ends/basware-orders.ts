import { purchaseAccounts } from '../../sandbox/books/purchase-accounts.ts'
import type { Books } from '../../sandbox/books/types.ts'
import { basware, COMPANIES } from './basware.ts'
import type { End, FlowNode } from './end.ts'

/** The demo's axes: where the dimensions of each type go in Basware. */
export const AXES: Readonly<Record<string, string>> = {
  CCT: 'costCenters',
  PRO: 'lists/ACC_LIST_21',
  PRD: 'lists/ACC_LIST_22',
}

const FIELDS: Readonly<Record<string, string>> = { CCT: 'costCenterCode', PRO: 'dimCode1', PRD: 'dimCode2' }

/** The field of a coding row that names a dimension of an axis. */
export const codingField = (axis: string): string => FIELDS[axis] ?? ''

/** Seconds that a run waits for results: far more than the sandbox takes. */
const WAIT_SECONDS = 30

const axes = Object.entries(AXES).map(([axis, place]) => ({
  ...{ axis, to: place.replace('lists/', ''), code: 'text_1', name: 'text_2', coding: codingField(axis) },
}))

/** The account of each product, and that of products which are not in the books yet. */
const accountsOf = (books: Books): object[] =>
  COMPANIES.flatMap((company) => {
    const account = purchaseAccounts(books, company)
    return [...books.tables.product.walk()]
      .map(({ code }) => ({ product: code, company, account: account(code) }))
      .concat({ product: '*', company, account: account('*') })
  })

/** Basware in both directions: orders go to it, invoices come from it. */
export const baswareBoth: End = {
  ...basware,
  fill(node: FlowNode, flows, books) {
    if (node.type !== 'basware-send' || !books) return basware.fill(node, flows, books)
    return { ...node, axes, accounts: accountsOf(books), waitSeconds: WAIT_SECONDS }
  },
}
