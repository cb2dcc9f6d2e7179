/** Lines as they are read, by the document that they belong to. */
import type { Fields } from './convert.ts'
import type { QueryPage, Spoilt } from './pages.ts'

/** A longer document is held. */
const LONGEST = 100_000

/** Why a document is not whole. */
export interface Fault {
  readonly code: string
  readonly message: string
  readonly hint?: string
  /** Reading it again will not help. */
  readonly final?: true
}

const TOO_LONG: Fault = {
  code: 'intacct.too-long',
  message: `has more than ${LONGEST} lines`,
  hint: 'Such a document is not moved. Split it in Intacct, or load it by hand.',
  final: true,
}

/** One that Intacct cannot give within the limits of an answer. */
export const unreadable = ({ message }: Spoilt): Fault => ({
  code: 'intacct.unreadable',
  message: `cannot be read (${message})`,
  hint: 'Take added fields with huge texts out of the node; it is read again when it changes.',
  final: true,
})

export interface Gathered {
  readonly headers: readonly Fields[]
  readonly rows: Map<string, Fields[]>
  /** Documents that cannot be moved, whose lines were let go. */
  readonly unfit: Map<string, Fault>
  readonly notices: string[]
  count: number
}

export interface Stock {
  /** Record number of the first document. */
  readonly from: string
  after: readonly string[] | null
  done: boolean
  readonly gathered: Gathered
}

export const newGathered = (): Gathered => ({ headers: [], rows: new Map(), unfit: new Map(), notices: [], count: 0 })

export function add(gathered: Gathered, { rows, notices, spoilt }: QueryPage, parent: string): void {
  gathered.notices.push(...notices)
  if (spoilt) letGo(gathered, spoilt.row[parent] ?? '', unreadable(spoilt))
  for (const row of rows) {
    const number = row[parent] ?? ''
    if (gathered.unfit.has(number)) continue
    const known = gathered.rows.get(number)
    if (known) known.push(row)
    else gathered.rows.set(number, [row])
    gathered.count++
    if (known && known.length > LONGEST) letGo(gathered, number, TOO_LONG)
  }
}

function letGo(gathered: Gathered, number: string, fault: Fault): void {
  gathered.count -= gathered.rows.get(number)?.length ?? 0
  gathered.rows.delete(number)
  gathered.unfit.set(number, fault)
}
