import Big from 'big.js'
import { escaped, leaf } from '../xml.ts'
import type { Entry, ObjectSpec } from './model.ts'
import { type Column, cell, type Reader, reach } from './read.ts'
import type { Outcome } from './reply.ts'
import type { QueryCall } from './request.ts'

/** count, sum, min, max and avg over what a query has found, one row for each set of the other fields' values. */
export function aggregate(
  reader: Reader,
  object: ObjectSpec,
  wanted: QueryCall,
  columns: readonly Column[],
  found: readonly Entry[],
): Outcome {
  const measures = wanted.aggregates.map(({ kind, field }) => ({ kind, field, reached: reach(reader, object, field) }))
  const groups = new Map<string, { cells: string[]; values: string[][] }>()
  // By number, so that the lines of a document come one after another.
  for (const entry of found.toSorted((a, b) => a.no - b.no)) {
    const row = object.load(entry)
    if (row === undefined) continue
    const cells = columns.map((column) => cell(reader, object, entry, row, column))
    const key = JSON.stringify(cells)
    const group = groups.get(key) ?? { cells, values: measures.map(() => []) }
    groups.set(key, group)
    for (const [k, { reached }] of measures.entries()) {
      const value = reached.get(row)
      if (value !== null) group.values[k]?.push(value)
    }
  }
  if (columns.length === 0 && groups.size === 0) groups.set('', { cells: [], values: measures.map(() => []) })
  const rows = [...groups.values()].map(({ cells, values }) => {
    const own = columns.map(({ name }, k) => leaf(name, cells[k] ?? ''))
    const made = measures.map(({ kind, field }, k) => leaf(tag(kind, field), measure(kind, values[k] ?? [])))
    return `<${wanted.object}>${own.join('')}${made.join('')}</${wanted.object}>`
  })
  const page = rows.slice(wanted.offset, wanted.offset + wanted.pageSize)
  const remaining = Math.max(0, rows.length - wanted.offset - page.length)
  return {
    data: `<data listtype="${escaped(wanted.object)}" totalcount="${rows.length}" offset="${wanted.offset}" count="${page.length}" numremaining="${remaining}">${page.join('')}</data>`,
  }
}

/** A sum comes under the field's own name, a count does not, as documented; the others by analogy. */
function tag(kind: string, field: string): string {
  return kind === 'sum' ? field : `${kind.toUpperCase()}.${field}`
}

function measure(kind: string, values: readonly string[]): string {
  if (kind === 'count') return String(values.length)
  if (values.length === 0) return ''
  if (kind === 'min' || kind === 'max') {
    const numbers = values.every((value) => /^-?\d+(\.\d+)?$/.test(value))
    const before = (a: string, b: string): boolean => (numbers ? new Big(a).lt(b) : a < b)
    return values.reduce((best, value) => (before(value, best) === (kind === 'min') ? value : best))
  }
  const sum = values.reduce((total, value) => total.plus(value), new Big(0))
  return (kind === 'avg' ? sum.div(values.length) : sum).toFixed()
}
