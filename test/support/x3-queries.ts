import { at, type X3Answer } from './x3.ts'

export const suppliers = `query($first: Int, $after: String, $last: Int, $before: String, $filter: String, $orderBy: String) {
  x3MasterData { supplier { query(first: $first, after: $after, last: $last, before: $before, filter: $filter, orderBy: $orderBy) {
    totalCount edges { cursor node { _id } } pageInfo { startCursor endCursor hasNextPage hasPreviousPage } } } } }`
export const journal = `query($id: Id!, $first: Int, $after: String) { x3Finance { journalEntry { read(_id: $id) { _id _etag
  journalEntryLines { query(first: $first, after: $after) { totalCount edges { node { _id lineNumber ledgerTypeNumber } }
  pageInfo { endCursor hasNextPage } } } } } } }`

export const ids = (answer: X3Answer, path: string): string[] =>
  (at(answer.json, `data.${path}.edges`) as { node: { _id: string } }[]).map(({ node }) => node._id)
export const supplierIds = (answer: X3Answer): string[] => ids(answer, 'x3MasterData.supplier.query')
