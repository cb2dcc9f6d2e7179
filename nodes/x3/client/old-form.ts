/**
 * GraphQL as X3 had it in 2021 (x3.md facts, 2.1): everything under `sage`, a node is its own page without `query`, and there
 * is no `read`. Requests in today's form are put into that one, and their answers back, so that nobody else knows of it.
 */
import type { Unread, X3Connection } from './connection.ts'
import type { Raw } from './convert.ts'
import type { Reply } from './reply.ts'

interface Selection {
  /** As it stands in a reply. */
  readonly key: string
  readonly name: string
  /** Alias and name, as written. */
  readonly written: string
  /** With its parentheses; empty: none. */
  readonly args: string
  readonly children: readonly Selection[]
}

interface Translated {
  readonly text: string
  readonly roots: readonly Selection[]
  /** Variables that named a record to `read`: filters now. */
  readonly ids: readonly string[]
  readonly isSchema: boolean
}

/** Translations kept: an entity has a handful of texts. */
const KEPT = 200

/** The same connection to an X3 of that form. */
export function inOldForm(connection: X3Connection): X3Connection {
  const known = new Map<string, Translated>()
  const translated = (text: string): Translated => {
    const found = known.get(text)
    if (found) return found
    if (known.size >= KEPT) known.clear()
    const made = translate(text)
    known.set(text, made)
    return made
  }
  const variablesOf = ({ ids }: Translated, variables: Readonly<Record<string, unknown>>) => ({
    ...variables,
    ...filtersIn(variables),
    ...Object.fromEntries(ids.map((name) => [name, JSON.stringify({ _id: variables[name] })])),
  })
  const replyOf = ({ roots, isSchema }: Translated, reply: Reply): Reply => {
    if (isSchema) return reply
    const data = restore(roots, (reply.data.sage ?? {}) as Raw)
    return { ...reply, data }
  }
  return {
    ...connection,
    form: 'sage',
    async send(text, variables, options) {
      const made = translated(text)
      const unread: Unread = await connection.send(made.text, variablesOf(made, variables), options)
      return { ...unread, read: (exact) => replyOf(made, unread.read(exact)) }
    },
    async query(text, variables, options) {
      const made = translated(text)
      return replyOf(made, await connection.query(made.text, variablesOf(made, variables), options))
    },
  }
}

const OPERATOR = /^_(?=(?:eq|ne|gt|gte|lt|lte|in|nin|and|or|not|regex)$)/

/** Sage's examples of that time write operators as `$in` and `$gt`. */
function filtersIn(variables: Readonly<Record<string, unknown>>): Record<string, string> {
  const old = (value: unknown): unknown => {
    if (Array.isArray(value)) return value.map(old)
    if (!isObject(value)) return value
    return Object.fromEntries(Object.entries(value).map(([name, inner]) => [name.replace(OPERATOR, '$'), old(inner)]))
  }
  return Object.fromEntries(
    FILTERS.flatMap((name) => {
      const text = variables[name]
      return typeof text === 'string' ? [[name, JSON.stringify(old(JSON.parse(text)))]] : []
    }),
  )
}

/** Variables that hold filters, which are strict JSON. */
const FILTERS = ['filter', 'future']

/** Exported for its tests. */
export function translate(text: string): Translated {
  const { head, roots } = parse(text)
  const ids: string[] = []
  const isSchema = roots.every(({ name }) => name.startsWith('__'))
  const body = roots.map((root) => print(root, ids)).join(' ')
  const declared = ids.reduce((all, name) => all.replace(new RegExp(`(\\$${name}:)\\s*\\w+(!?)`), '$1String$2'), head)
  return { text: isSchema ? text : `${declared}{sage{${body}}}`, roots, ids, isSchema }
}

function print({ written, args, children }: Selection, ids: string[]): string {
  const inner = (of: readonly Selection[]): string => of.map((child) => print(child, ids)).join(' ')
  const query = children.find(({ name }) => name === 'query')
  if (query) return `${written}${query.args}{${inner(query.children)}}`
  const read = children.find(({ name }) => name === 'read')
  if (read) {
    const id = /\$(\w+)/.exec(read.args)?.[1] ?? ''
    ids.push(id)
    return `${written}(first:1,filter:$${id}){edges{node{${inner(read.children)}}}}`
  }
  return children.length === 0 ? `${written}${args}` : `${written}${args}{${inner(children)}}`
}

/** An answer in today's form, along what was asked. */
function restore(selections: readonly Selection[], data: Raw): Raw {
  const out: Raw = {}
  for (const selection of selections) out[selection.key] = restored(selection, data[selection.key])
  return out
}

function restored({ children }: Selection, value: unknown): unknown {
  if (children.length === 0 || typeof value !== 'object' || value === null) return value
  if (Array.isArray(value)) return value.map((one) => (isObject(one) ? restore(children, one) : one))
  const query = children.find(({ name }) => name === 'query')
  if (query) return { [query.key]: restore(query.children, value as Raw) }
  const read = children.find(({ name }) => name === 'read')
  if (!read) return restore(children, value as Raw)
  const node = (value as { edges?: { node?: Raw | null }[] }).edges?.[0]?.node
  return { [read.key]: isObject(node) ? restore(read.children, node) : null }
}

const isObject = (value: unknown): value is Raw => typeof value === 'object' && value !== null && !Array.isArray(value)

/** Reads a query as we write them: selections of names with arguments, no fragments. */
function parse(text: string): { readonly head: string; readonly roots: readonly Selection[] } {
  const open = text.indexOf('{', text.startsWith('query') ? text.indexOf(')') : 0)
  let at = open
  const blank = (): void => {
    while (/[\s,]/.test(text[at] ?? '')) at++
  }
  const word = (): string => {
    const found = /^[\w]+/.exec(text.slice(at, at + 200))?.[0] ?? ''
    if (found === '') throw new Error(`no name at ${at} of ${text.slice(0, 200)}`)
    at += found.length
    return found
  }
  const parenthesis = (): string => {
    const from = at
    for (let depth = 0, quoted = false; at < text.length; at++) {
      const char = text[at]
      if (quoted) {
        if (char === '\\') at++
        else if (char === '"') quoted = false
        continue
      }
      if (char === '"') quoted = true
      if (char === '(') depth++
      if (char === ')' && --depth === 0) break
    }
    at++
    return text.slice(from, at)
  }
  const selections = (): Selection[] => {
    at++
    const found: Selection[] = []
    for (blank(); text[at] !== '}' && at < text.length; blank()) {
      const key = word()
      blank()
      const isAlias = text[at] === ':'
      if (isAlias) at++
      blank()
      const name = isAlias ? word() : key
      blank()
      const args = text[at] === '(' ? parenthesis() : ''
      blank()
      const children = text[at] === '{' ? selections() : []
      found.push({ key, name, written: isAlias ? `${key}:${name}` : name, args, children })
    }
    at++
    return found
  }
  return { head: text.slice(0, open), roots: selections() }
}
