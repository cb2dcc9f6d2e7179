/** The reading of replies by itself: a page of 2,000 rows of 60 fields through the reader of replies, beside the bare parser without handlers. */
import { SaxesParser } from 'saxes'
import { createReplyParser } from '../nodes/intacct/client/reply.ts'

const ROWS = 2000
const FIELDS = 60
/** As they come from the socket. */
const CHUNK = 65_536

export interface ParseResult {
  readonly megabytes: number
  /** Best of all passes, milliseconds of CPU. */
  readonly bareMs: number
  readonly oursMs: number
  /** How fast the reader is, the bare parser being 1. */
  readonly ratio: number
  /** The longest that one chunk kept the event loop. */
  readonly longestMs: number
}

export function parseBench(times = 20): ParseResult {
  const row = Array.from({ length: FIELDS }, (_, n) => `<FIELD${n}>value ${n} of a row</FIELD${n}>`).join('')
  const body = Buffer.from(
    `<?xml version="1.0" encoding="UTF-8"?><response><control><status>success</status></control><operation><authentication><status>success</status></authentication><result><status>success</status><function>query</function><controlid>c</controlid><data listtype="GLENTRY" count="${ROWS}" totalcount="${ROWS}" numremaining="0">${`<GLENTRY>${row}</GLENTRY>`.repeat(ROWS)}</data></result></operation></response>`,
  )
  const parts = Array.from({ length: Math.ceil(body.length / CHUNK) }, (_, n) =>
    body.subarray(n * CHUNK, (n + 1) * CHUNK),
  )
  const timed = (work: () => void): number => {
    const started = performance.now()
    work()
    return performance.now() - started
  }
  // What other programmes take of the machine is not in it.
  const worked = (work: () => void): number => {
    const before = process.cpuUsage()
    work()
    return process.cpuUsage(before).user / 1000
  }
  const best = { bare: Number.POSITIVE_INFINITY, ours: Number.POSITIVE_INFINITY, longest: Number.POSITIVE_INFINITY }
  for (let time = 0; time < times; time++) {
    const bare = worked(() => {
      const parser = new SaxesParser()
      const decoder = new TextDecoder()
      for (const part of parts) parser.write(decoder.decode(part, { stream: true }))
      parser.close()
    })
    let longest = 0
    const ours = worked(() => {
      const parser = createReplyParser('gl_entry')
      for (const part of parts)
        longest = Math.max(
          longest,
          timed(() => parser.write(part)),
        )
      const found = parser.end().results[0]?.rows.length
      if (found !== ROWS) throw new Error(`${found} rows of ${ROWS}`)
    })
    best.bare = Math.min(best.bare, bare)
    best.ours = Math.min(best.ours, ours)
    best.longest = Math.min(best.longest, longest)
  }
  const round = (value: number): number => Number(value.toFixed(1))
  return {
    megabytes: round(body.length / 1e6),
    bareMs: round(best.bare),
    oursMs: round(best.ours),
    ratio: Number((best.bare / best.ours).toFixed(2)),
    longestMs: round(best.longest),
  }
}

export const describeParse = ({ megabytes, bareMs, oursMs, ratio, longestMs }: ParseResult): string =>
  `a page of ${ROWS} rows of ${FIELDS} fields (${megabytes} MB): ${oursMs} ms, the bare parser ${bareMs} ms: ${ratio} of its speed (to reach: 0.5); longest hold of the event loop ${longestMs} ms (to reach: 100)`
