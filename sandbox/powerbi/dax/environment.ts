import type { Context, Model, ModelTable } from './model.ts'
import type { Node } from './parser.ts'
import { DaxError, type Value } from './values.ts'

/** A column of a table that an expression gives: what it is called, and the model's column whose values it has, if any. */
export interface Col {
  readonly name: string
  /** The model's table, for a column that is still called as in the model. */
  readonly table?: string
  readonly lineage?: string
}

export interface Tab {
  readonly columns: readonly Col[]
  readonly rows: readonly (readonly Value[])[]
  /** Where the rows are whole rows of a table of the model. */
  readonly base?: ModelTable
}

/** A row that is being looked at; `outer` is that of the iteration around it. */
export interface Row {
  readonly tab: Tab
  readonly values: readonly Value[]
  readonly outer: Row | undefined
}

export interface Variables {
  readonly name: string
  readonly value: Value | Tab
  readonly outer: Variables | undefined
}

/** Everything an expression can see. */
export interface Env {
  readonly model: Model
  readonly context: Context
  readonly row: Row | undefined
  readonly variables: Variables | undefined
  readonly engine: Engine
}

export interface Engine {
  scalar(node: Node, env: Env): Value
  table(node: Node, env: Env): Tab
  isTable(node: Node, env: Env): boolean
  measure(name: string): Node | undefined
  /** The filter context that the rows at hand make (context transition). */
  transition(env: Env): Context
}

export const isTab = (value: Value | Tab): value is Tab =>
  typeof value === 'object' && value !== null && 'columns' in value

export function variable(env: Env, name: string): Value | Tab | undefined {
  const wanted = name.toLowerCase()
  for (let at = env.variables; at; at = at.outer) if (at.name.toLowerCase() === wanted) return at.value
  return undefined
}

export const withRow = (env: Env, tab: Tab, values: readonly Value[]): Env => ({
  ...env,
  row: { tab, values, outer: env.row },
})

/** The arguments of a call, with a failure in the engine's words where there are too few or too many. */
export function takes(name: string, args: readonly Node[], least: number, most = least): void {
  if (args.length < least)
    throw new DaxError(
      `Too few arguments were passed to the ${name} function. The minimum argument count for the function is ${least}.`,
    )
  if (args.length > most)
    throw new DaxError(
      `Too many arguments were passed to the ${name} function. The maximum argument count for the function is ${most}.`,
    )
}

/** An argument that must be a column of the model. */
export function columnArgument(node: Node | undefined, name: string): Node & { readonly kind: 'column' } {
  if (node?.kind !== 'column')
    throw new DaxError(`The ${name} function expects a column reference expression as argument.`)
  return node
}

export function textLiteral(node: Node | undefined, name: string): string {
  if (node?.kind !== 'literal' || typeof node.value !== 'string')
    throw new DaxError(`Function '${name}' expects a column name as argument.`)
  return node.value
}

export function baseTab(table: ModelTable, rows: readonly (readonly Value[])[]): Tab {
  return { columns: table.columns.map(({ name, id }) => ({ name, table: table.name, lineage: id })), rows, base: table }
}
