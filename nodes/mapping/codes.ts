/** Code tables: what an ERP's account, cost centre, dimension, tax or company is called in the target, and from when to when. */
import { parse } from 'csv-parse/sync'
import { z } from 'zod'
import { syncError } from '../../sync/contract/errors.ts'

const date = z
  .string()
  .regex(/^(\d{4}-\d{2}-\d{2})?$/, 'a date is written YYYY-MM-DD, or left empty')
  .default('')

/** One line of a code table; the dates are inclusive, empty means open. */
export const codeRow = z.object({
  from: z.string().min(1, 'the code in the ERP is missing'),
  to: z.string(),
  valid_from: date,
  valid_to: date,
})
export type CodeRow = z.infer<typeof codeRow>

export const codeTable = z.object({ name: z.string().min(1, 'a code table needs a name'), rows: z.array(codeRow) })
export type CodeTable = z.infer<typeof codeTable>

/** Looks a code up on a day (`YYYY-MM-DD`); undefined: not in the table on that day. */
export interface Lookup {
  (code: string, day: string): string | undefined
  /**
   * What this code becomes on every day and no other code ever does: itself where the table does not have it; undefined
   * where days or other codes matter.
   */
  alone(code: string): string | undefined
}

/**
 * Compiles a table for look-up. Two lines of one code that are valid on the same day are a `config` error. `added` are lines that
 * count where the table itself has none for a code on the day.
 */
export function compileCodes(table: CodeTable, added: readonly CodeRow[] = []): Lookup {
  const byCode = new Map<string, CodeRow[]>()
  for (const row of table.rows) {
    const rows = byCode.get(row.from)
    const clash = rows?.find((other) => overlap(other, row))
    if (clash) {
      throw syncError(
        'config',
        'mapping.codes.overlap',
        `Code table "${table.name}" maps ${row.from} twice on the same day, to ${clash.to} and to ${row.to}.`,
        { field: row.from, hint: 'Give the two lines validity dates that do not overlap, or delete one.' },
      )
    }
    if (rows) rows.push(row)
    else byCode.set(row.from, [row])
  }
  // The table's own come first, and are found first.
  for (const row of added) byCode.set(row.from, [...(byCode.get(row.from) ?? []), row])
  const sources = Map.groupBy([...table.rows, ...added], ({ to }) => to)
  const alone = (code: string): string | undefined => {
    const [row, another] = byCode.get(code) ?? []
    if (another || (row && (row.valid_from || row.valid_to))) return undefined
    const to = row ? row.to : code
    return (sources.get(to) ?? []).some(({ from }) => from !== code) ? undefined : to
  }
  return Object.assign((code: string, day: string) => byCode.get(code)?.find((row) => covers(row, day))?.to, { alone })
}

const last = (row: CodeRow): string => row.valid_to || '9999-12-31'
const covers = (row: CodeRow, day: string): boolean => row.valid_from <= day && day <= last(row)
const overlap = (a: CodeRow, b: CodeRow): boolean => a.valid_from <= last(b) && b.valid_from <= last(a)

/** The columns that a CSV may head its code tables with; the first two are needed. */
const HEADS = ['from', 'to', 'valid_from', 'valid_to'] as const

/**
 * Reads a code table from CSV text with a heading line `from,to[,valid_from,valid_to]`; comma, semicolon or tab.
 * Codes stay text (`00123` keeps its zeros). Errors name the line.
 */
export function parseCodes(text: string): CodeRow[] {
  const heading = text.replace(/^\uFEFF/, '').split(/\r?\n/, 1)[0] ?? ''
  const delimiter = [';', '\t', ','].find((d) => heading.includes(d)) ?? ','
  const records = csvRows(text, delimiter)
  const [head = [], ...body] = records
  const names = head.map((name) => name.trim().toLowerCase())
  const missing = HEADS.slice(0, 2).filter((name) => !names.includes(name))
  if (missing.length > 0) {
    throw syncError('config', 'mapping.csv.heading', `The CSV has no column "${missing.join('" and no column "')}".`, {
      hint: 'The first line must be: from,to,valid_from,valid_to (the two dates may be left out).',
    })
  }
  return body.map((cells, i) => {
    const parsed = codeRow.safeParse(Object.fromEntries(names.map((name, c) => [name, (cells[c] ?? '').trim()])))
    if (parsed.success) return parsed.data
    const issue = parsed.error.issues[0]
    throw syncError(
      'config',
      'mapping.csv.line',
      `Line ${i + 2} of the CSV, column "${issue?.path.join('.')}": ${issue?.message}.`,
    )
  })
}

function csvRows(text: string, delimiter: string): string[][] {
  try {
    return parse(text, { bom: true, delimiter, relax_column_count: true, skip_empty_lines: true })
  } catch (error) {
    throw syncError(
      'config',
      'mapping.csv',
      `The CSV cannot be read: ${error instanceof Error ? error.message : String(error)}.`,
      {
        hint: 'Save it as CSV with quotes around values that hold the separator.',
      },
    )
  }
}
