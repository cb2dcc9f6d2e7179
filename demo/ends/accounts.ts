import type { ExpectedRow } from '../expected-table.ts'
import type { FlowNode } from './end.ts'

/** What the flow's mapping of accounts makes of a row of the books: lines of journals have the group's account beside the ERP's own. */
export function mappedAccounts(flows: readonly FlowNode[]): (table: string, row: ExpectedRow) => ExpectedRow {
  const tables = flows.find((node) => node.type === 'gl-mapping')?.tables as
    | { rows: { from: string; to: string }[] }[]
    | undefined
  const groups = new Map((tables ?? []).flatMap((table) => table.rows.map(({ from, to }) => [from, to] as const)))
  return (table, row) => {
    if (table !== 'gl_entry_line') return row
    const account = row.account as string
    return { ...row, account: groups.get(account) ?? account, account_source: account }
  }
}
