/** Lists that people open in a spreadsheet. */

const AMOUNT = /^-?\d+(\.\d+)?$/

/** A text that a spreadsheet would take for a formula gets an apostrophe; amounts stay as they are. */
function cellOf(name: string, text: string): string {
  const isAmount = /_amount/.test(name) && AMOUNT.test(text)
  const safe = /^[=+\-@\t\r]/.test(text) && !isAmount ? `'${text}` : text
  return /[",\r\n]/.test(safe) ? `"${safe.replaceAll('"', '""')}"` : safe
}

/** As CSV, with the mark by which spreadsheets know UTF-8. Columns with `_amount` in their name hold amounts. */
export function csvOf<C extends string>(
  columns: readonly C[],
  lines: readonly Readonly<Partial<Record<C, string>>>[],
): string {
  const rows = [columns, ...lines.map((line) => columns.map((name) => cellOf(name, line[name] ?? '')))]
  return `\uFEFF${rows.map((cells) => `${cells.join(',')}\r\n`).join('')}`
}
