/** Variables of the environment in what a dialog stored: `${NAME}`, `${NAME:-default}`, and secrets that name one. */
import { readFileSync } from 'node:fs'
import type { Node, NodeAPI } from 'node-red'
import { asSyncError, type SyncError, syncError } from '../../sync/contract/errors.ts'
import { together } from './faults.ts'

/** What the editor stored: strings, numbers, booleans, tables. */
export type Values = Record<string, unknown>

/** The value of a variable; undefined where it is not set. */
export type Lookup = (name: string) => unknown

const WHOLE = /^\$\{(\S+)\}$/
const PART = /\$\{([^}\s]+)\}/
/** A variable that may be unset or empty. */
const OPTIONAL = /^\$\{([^\s:{}]+):-([^\s{}]*)\}$/
/** A secret that is typed as a variable: anything else with such signs is the secret itself. */
const TYPED = /^\$\{([A-Za-z_]\w*)\}$/
/** Variables that may hold secrets of connections; those of Tieout itself may not be sent anywhere. */
const SECRET_VARIABLE = /^(?!TIEOUT_)[A-Z][A-Z0-9_]*$/

/** Variables as a deployed node sees them: its own flow's, else those of the flows as a whole, else the process's. */
export function environment(RED: NodeAPI, live: Node | null): Lookup {
  let seen = live
  RED.nodes.eachNode((node) => {
    seen ??= node.z ? null : RED.nodes.getNode(node.id)
  })
  return (name) => (seen ? RED.util.getSetting(seen, name) : undefined) ?? process.env[name]
}

/** A value with all its texts replaced, at any depth. */
function mapTexts(value: unknown, change: (text: string) => unknown): unknown {
  if (typeof value === 'string') return change(value)
  if (Array.isArray(value)) return value.map((part) => mapTexts(part, change))
  if (value === null || typeof value !== 'object') return value
  return Object.fromEntries(Object.entries(value).map(([key, part]) => [key, mapTexts(part, change)]))
}

/** The value of `${NAME:-default}`; any other text as it is. An empty variable counts as unset, as in shells. */
function optional(text: string, lookup: Lookup): unknown {
  const [, name, otherwise] = OPTIONAL.exec(text) ?? []
  return name === undefined ? text : lookup(name) || otherwise
}

/**
 * Puts values of variables in, as Node-RED does at start: only where a whole text is `${NAME}`, at any depth; and those of
 * `${NAME:-default}`.
 */
export function fillEnv(value: unknown, lookup: Lookup): unknown {
  return mapTexts(value, (text) => {
    if (OPTIONAL.test(text)) return optional(text, lookup)
    const name = WHOLE.exec(text)?.[1]
    return name === undefined ? text : (lookup(name) ?? text)
  })
}

/** The same for `${NAME:-default}` alone, where Node-RED has done the rest. */
export const withDefaults = (values: Values, lookup: Lookup, literal: readonly string[] = []): Values =>
  Object.fromEntries(
    Object.entries(values).map(([field, value]) => [
      field,
      literal.includes(field) ? value : mapTexts(value, (text) => optional(text, lookup)),
    ]),
  )

/** Finds what `${...}` was left over in a value, at any depth: an unset variable or one inside a longer text. */
function leftOver(value: unknown): { readonly name: string; readonly whole: boolean } | undefined {
  if (typeof value === 'string') {
    const name = PART.exec(value)?.[1]
    return name === undefined ? undefined : { name, whole: WHOLE.test(value) }
  }
  if (value === null || typeof value !== 'object') return undefined
  for (const part of Object.values(value)) {
    const found = leftOver(part)
    if (found) return found
  }
  return undefined
}

const unset = (field: string, name: string, hint: string): SyncError =>
  syncError('config', 'tieout.env', `Field ${field}: the environment variable ${name} is not set`, { field, hint })

/** What is wrong where Node-RED left `${...}` literal: an error for each field, which names the variable. */
export function leftVariables(values: Values, literal: readonly string[] = []): SyncError[] {
  return Object.entries(values).flatMap(([field, value]) => {
    const left = literal.includes(field) ? undefined : leftOver(value)
    if (!left) return []
    if (left.whole)
      return unset(
        field,
        left.name,
        `Set ${left.name} where Node-RED is started, or in the global environment of the flows, and start again; or put the value itself into the field.`,
      )
    const text = `Field ${field}: \${${left.name}} stands inside a longer text, where Node-RED does not replace it`
    const hint = 'Put the whole value of the field into one environment variable.'
    return syncError('config', 'tieout.env', text, { field, hint })
  })
}

/** The property of a flow that names the variable of a secret: `secretFrom`. */
export const variableOf = (secret: string): string => `${secret}From`

/** Secrets as far as they are known, and what is wrong with the variables of others. */
export interface Secrets {
  readonly found: Readonly<Record<string, string>>
  readonly faults: readonly SyncError[]
}

/**
 * Secrets as they count: the variable that the flow names, else what was typed in, as it is. `typed`: the credentials, in which
 * Node-RED has replaced `${NAME}`. A fault is a `config` error of a variable that is not set or may not be one.
 */
export function readSecrets(names: readonly string[], stored: Values, typed: Values, lookup: Lookup): Secrets {
  const found: Record<string, string> = {}
  const faults: SyncError[] = []
  for (const name of names) {
    const from = stored[variableOf(name)]
    try {
      const value =
        typeof from === 'string' && from !== '' ? ofVariable(name, from, lookup) : asTyped(name, typed[name])
      if (value !== undefined) found[name] = value
    } catch (error) {
      faults.push(asSyncError(error))
    }
  }
  return { found, faults }
}

/** The same; throws where something is wrong with one. */
export function secretsOf(...asked: Parameters<typeof readSecrets>): Secrets['found'] {
  const { found, faults } = readSecrets(...asked)
  const fault = together(faults)
  if (fault) throw fault
  return found
}

function asTyped(field: string, value: unknown): string | undefined {
  if (typeof value !== 'string') return undefined
  const left = TYPED.exec(value)?.[1]
  if (left === undefined) return value
  throw unset(field, left, `Set ${left} where Node-RED is started, and start again.`)
}

function ofVariable(field: string, name: string, lookup: Lookup): string {
  if (!SECRET_VARIABLE.test(name))
    throw syncError('config', 'tieout.env', `Field ${field}: "${name.slice(0, 100)}" is no variable for a secret`, {
      field,
      hint: 'Its name has capital letters, digits and _, begins with a letter, and not with TIEOUT_.',
    })
  const value = lookup(name)
  if (typeof value === 'string' && value !== '') return value
  const file = lookup(`${name}_FILE`)
  if (typeof file !== 'string' || file === '')
    throw unset(
      field,
      name,
      `Set ${name}, or ${name}_FILE to the path of a file that holds the secret, where Node-RED is started.`,
    )
  try {
    return readFileSync(file, 'utf8').replace(/\r?\n$/, '')
  } catch {
    throw syncError('config', 'tieout.env', `Field ${field}: ${name}_FILE names ${file}, which cannot be read`, {
      field,
      hint: 'Let the file be readable for the user that Node-RED runs as.',
    })
  }
}
