/**
 * What keeps an expression from holding up the process: a clock that is looked at before each of its parts, which lets others have
 * their turn in between, and bounds for what is done in one go (patterns, ranges, long texts, duplicates of long lists).
 */
import { createContext, Script } from 'node:vm'

/** Time for one row, and how long it is worked before others have a turn. */
const MOST_MS = 2000
const TURN_MS = 20
/** Parts that may stand inside one another in an expression, and those that may be open while it is worked. */
const DEEPEST = 300
const MOST_OPEN = 5000
/** Time for one look of a pattern at a text. */
const PATTERN_MS = 200
/** Numbers of a range, and characters that a text is filled up to. */
const LONGEST = 100_000

/** What is done before and after each part of an expression, for one row. */
interface Watch {
  /** Throws when the row's time is over, or the expression calls itself without end. */
  enter(): void | Promise<void>
  leave(): void
}

interface Environment {
  lookup(name: string): unknown
}

const WATCH = 'tieout watch'
const watchOf = (environment: Environment): Watch => environment.lookup(WATCH) as Watch

/** JSONata calls these before and after each part (its own way to bound it); a row's watch is among its variables. */
export const hooks: readonly (readonly [
  symbol,
  (part: unknown, input: unknown, environment: Environment) => unknown,
])[] = [
  [Symbol.for('jsonata.__evaluate_entry'), (_part, _input, environment) => watchOf(environment).enter()],
  [Symbol.for('jsonata.__evaluate_exit'), (_part, _input, environment) => watchOf(environment).leave()],
]

/** The watch of one row, as a variable of its evaluation. */
export function watched(): Record<string, Watch> {
  const started = performance.now()
  let turn = started
  let parts = 0
  let open = 0
  const enter = (): void | Promise<void> => {
    if (++open > MOST_OPEN) throw new Error(`more than ${MOST_OPEN} parts of it are open: a function calls itself`)
    if (++parts % 32 !== 0) return undefined
    const now = performance.now()
    if (now - started > MOST_MS) throw new Error(`it took longer than ${MOST_MS / 1000} s for one row`)
    if (now - turn < TURN_MS) return undefined
    turn = now
    return new Promise((resolve) => setImmediate(resolve))
  }
  const leave = (): void => {
    open--
  }
  return { [WATCH]: { enter, leave } }
}

/** A part of a compiled expression. */
interface Part {
  type?: string
  value?: unknown
  lhs?: unknown
  rhs?: unknown
  [name: string]: unknown
}

/**
 * Puts bounded functions in the place of the patterns and ranges of a compiled expression, and gives them by their names. Throws
 * where it is deeper than 300 parts.
 */
export function guarded(ast: unknown): Record<string, unknown> {
  const bound: Record<string, unknown> = {}
  const visit = (part: unknown, deep: number): void => {
    if (deep > DEEPEST) throw new Error(`it is deeper than ${DEEPEST} parts`)
    if (typeof part !== 'object' || part === null || part instanceof RegExp) return
    if (Array.isArray(part)) {
      for (const one of part) visit(one, deep + 1)
      return
    }
    const node = part as Part
    for (const one of Object.values(node)) visit(one, deep + 1)
    if (node.type === 'regex' && node.value instanceof RegExp) {
      const name = `tieout pattern ${Object.keys(bound).length}`
      bound[name] = pattern(node.value)
      Object.assign(node, { type: 'variable', value: name })
    } else if (node.type === 'binary' && node.value === '..') {
      bound['tieout range'] = range
      const { lhs, rhs } = node
      Object.assign(node, {
        type: 'function',
        value: '(',
        procedure: { type: 'variable', value: 'tieout range' },
        arguments: [lhs, rhs],
      })
      delete node.lhs
      delete node.rhs
    }
  }
  visit(ast, 0)
  return bound
}

const looking = new Script('look()')
const room = createContext({ look: (): unknown => undefined })

/** A pattern as JSONata's functions take one; a text that it needs too long for is refused. */
function pattern({ source, flags }: RegExp) {
  const find = (text: string, from = 0): object | undefined => {
    const regex = new RegExp(source, flags.includes('g') ? flags : `${flags}g`)
    regex.lastIndex = from
    room.look = () => regex.exec(text)
    let match: RegExpExecArray | null
    try {
      match = looking.runInContext(room, { timeout: PATTERN_MS }) as RegExpExecArray | null
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code !== 'ERR_SCRIPT_EXECUTION_TIMEOUT') throw error
      throw new Error(
        `the pattern /${source}/ took longer than ${PATTERN_MS} ms on a text of ${text.length} characters`,
      )
    }
    if (match === null) return undefined
    const end = match.index + match[0].length
    const next = (): object | undefined => {
      if (regex.lastIndex >= text.length) return undefined
      const found = find(text, regex.lastIndex) as { match: string } | undefined
      if (found?.match === '') throw new Error(`the pattern /${source}/ matches no character`)
      return found
    }
    return { match: match[0], start: match.index, end, groups: match.slice(1), next }
  }
  return find
}

/** `[from..to]`. */
function range(from: unknown, to: unknown): number[] | undefined {
  if (from === undefined || to === undefined) return undefined
  if (!Number.isInteger(from) || !Number.isInteger(to)) throw new Error('a range goes from one whole number to another')
  const [first, last] = [from as number, to as number]
  if (last < first) return undefined
  if (last - first >= LONGEST) throw new Error(`a range has ${LONGEST} numbers at most`)
  return Array.from({ length: last - first + 1 }, (_, at) => first + at)
}

/** In the place of JSONata's own, which know no bounds. */
export const boundedFunctions: Readonly<Record<string, (...args: unknown[]) => unknown>> = {
  pad(text, width, char) {
    if (text === undefined) return undefined
    if (!(Math.abs(Number(width)) <= LONGEST)) throw new Error(`$pad fills up to ${LONGEST} characters at most`)
    const by = String(char || ' ')
    return Number(width) < 0 ? String(text).padStart(-Number(width), by) : String(text).padEnd(Number(width), by)
  },
  distinct(list) {
    if (!Array.isArray(list)) return list
    return [...new Map(list.map((one) => [JSON.stringify(one), one])).values()]
  },
  eval() {
    throw new Error('$eval is not for mappings')
  },
}
