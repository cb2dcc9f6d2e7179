/** When a voucher is due, as X3's open items say it: read by GraphQL, where this X3 publishes them. */
import type { X3Connection } from '../connection.ts'
import { pageOf } from '../dimensions.ts'
import { nodeType } from '../paths.ts'
import type { FieldInfo, X3Schema } from '../schema.ts'

/** `YYYY-MM-DD`, several after one another with commas; undefined: X3 does not tell, or has no open item of it. */
export type DueReader = (type: string, number: string, signal: AbortSignal) => Promise<string | undefined>

/** Instalments of one voucher that are looked at. */
const MOST = 100
const DATE = /^\d{4}-\d\d-\d\d/

/** Fields that open items have on Sage's reference pages. A journal's type is a text there or a node with its code. */
function typeOf(field: FieldInfo | undefined): { readonly text: string; readonly of: (value: unknown) => unknown } {
  if (!field) return { text: '', of: () => undefined }
  if (field.kind !== 'OBJECT') return { text: 'documentType', of: (value) => value }
  return { text: 'documentType{code}', of: (value) => (value as { code?: unknown } | null | undefined)?.code }
}

export function dueReader(connection: X3Connection, schema: X3Schema): DueReader {
  return async (type, number, signal) => {
    const node = await schema.find('FinanceData', 'openItem', signal)
    if (!node) return undefined
    const fields = await schema.settle((need) => {
      const operations = need(node.operations)
      return operations && nodeType(need, operations)?.fields
    }, signal)
    if (!fields?.has('dueDate') || !fields.has('documentNumber')) return undefined
    const own = typeOf(fields.get('documentType'))
    const text = `query($first:Int,$filter:String){${node.root}{${node.node}{query(first:$first,filter:$filter){edges{node{documentNumber dueDate ${own.text}}}}}}}`
    const filter = JSON.stringify({ documentNumber: number })
    const what = `Open items of ${number}`
    const { data } = await connection.query(text, { first: MOST, filter }, { what, signal })
    const items = pageOf(data, node.root, node.node).edges.map((edge) => edge.node ?? {})
    const mine = items.filter(
      (item) => own.text === '' || [undefined, null, type].includes(own.of(item.documentType) as string),
    )
    const days = mine.flatMap(({ dueDate }) => DATE.exec(String(dueDate ?? ''))?.[0] ?? [])
    return days.length > 0 ? [...new Set(days)].sort().join(', ') : undefined
  }
}
