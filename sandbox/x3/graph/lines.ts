/** A line with its document. */
export interface LineOf<D, L> {
  readonly doc: D
  readonly line: L
}

/** The lines of a document in key order, each with the document. */
export function linesOf<D extends { lines: L[] }, L extends object>(
  doc: D,
  order: (line: L) => number,
): readonly LineOf<D, L>[] {
  const lines = doc.lines
  let sorted = true
  for (let i = 1; i < lines.length && sorted; i++) sorted = order(lines[i - 1] as L) <= order(lines[i] as L)
  const inOrder = sorted ? lines : [...lines].sort((a, b) => order(a) - order(b))
  return inOrder.map((line) => ({ doc, line }))
}
