import { readFile } from 'node:fs/promises'
import { gunzipSync } from 'node:zlib'
import { parse } from 'csv-parse/sync'
import type { Session } from './account.ts'
import { newScope } from './execute.ts'
import type { Running } from './running.ts'
import type { Bind } from './sql/cursor.ts'
import { parseQuery } from './sql/query.ts'
import { findStage } from './sql/stage-ref.ts'

/** Bound rows that the driver has put into a stage as CSV, as columns; an empty field is NULL, a quoted one a text. */
export async function readBinds(running: Running, session: Session, place: string): Promise<Map<string, Bind>> {
  const { stages } = running.account
  const { stage, path } = findStage(newScope(running.account, session), place.replace(/^@/, ''), parseQuery)
  const files = stages.files(stage.id, `${path}/`).sort((a, b) => number(a.path) - number(b.path))
  const columns: (string | null)[][] = []
  for (const file of files) {
    const content = await readFile(file.disk)
    const rows = parse(file.gzip ? gunzipSync(content) : content, {
      relax_column_count: true,
      cast: (value, { quoting }) => (value === '' && !quoting ? null : value),
    }) as (string | null)[][]
    for (const row of rows) {
      for (const [index, value] of row.entries()) {
        const column = columns[index] ?? []
        columns[index] = column
        column.push(value)
      }
    }
  }
  return new Map(columns.map((value, index) => [String(index + 1), { type: 'TEXT', value }]))
}

const number = (path: string) => Number(/(\d+)(?:\.gz)?$/.exec(path)?.[1] ?? 0)
