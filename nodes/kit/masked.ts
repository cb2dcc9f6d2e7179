/** Records for people's eyes. */
import type { DataRecord, Schema } from '../../sync/contract/message.ts'
import type { Preview } from '../../vendor/report.ts'

const MASK = '•••'

/** Up to ten records without the values of sensitive columns. */
export function masked(preview: Preview): Preview {
  const hide = (row: Readonly<Record<string, unknown>>, columns: Schema['columns']) =>
    Object.fromEntries(
      Object.entries(row).map(([name, value]) => [
        name,
        value != null && columns.some((c) => c.name === name && c.sensitive) ? MASK : value,
      ]),
    )
  const { schema } = preview
  return {
    ...preview,
    records: preview.records.slice(0, 10).map((record) => {
      const lists = Object.entries(schema.lists ?? {}).map(([list, table]) => {
        const rows = record[list]
        return [
          list,
          Array.isArray(rows) ? rows.map((row: Record<string, unknown>) => hide(row, table.columns)) : rows,
        ] as const
      })
      return { ...hide(record, schema.columns), ...Object.fromEntries(lists) } as DataRecord
    }),
  }
}
