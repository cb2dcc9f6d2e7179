/** Lists that people open in a spreadsheet. */

const AMOUNT = /^-?\d+(\.\d+)?$/

/** A text that a spreadsheet would take for a formula gets an apostrophe; amounts stay as they are. */
function cellOf(isAmount: boolean, text: string): string {
  const safe = /^[=+\-@\t\r]/.test(text) && !(isAmount && AMOUNT.test(text)) ? `'${text}` : text
  return /[",\r\n]/.test(safe) ? `"${safe.replaceAll('"', '""')}"` : safe
}

/** As CSV, with the mark by which spreadsheets know UTF-8. `amounts`: columns that hold some; unless told those with `_amount` in their name. */
export function csvOf<C extends string>(
  columns: readonly C[],
  lines: readonly Readonly<Partial<Record<C, string>>>[],
  amounts: readonly C[] = columns.filter((name) => name.includes('_amount')),
): string {
  const own = new Set(amounts)
  const texts = columns.map((name) => cellOf(false, name))
  const rows = [texts, ...lines.map((line) => columns.map((name) => cellOf(own.has(name), line[name] ?? '')))]
  return `\uFEFF${rows.map((cells) => `${cells.join(',')}\r\n`).join('')}`
}
