/** What can be asked of the gateway, and how it is written. The functions are a closed list: nothing that writes can be said. */
import { randomUUID } from 'node:crypto'
import { XMLBuilder } from 'fast-xml-parser'
import { syncError } from '../../../sync/contract/errors.ts'

/** A condition of a query. `and` and `or` of one are written as that one, of none not at all. */
export type Condition =
  | { readonly op: 'and' | 'or'; readonly of: readonly (Condition | undefined)[] }
  | { readonly op: 'isnull' | 'isnotnull'; readonly field: string }
  | {
      readonly op: 'equalto' | 'notequalto' | 'lessthan' | 'lessthanorequalto' | 'greaterthan' | 'greaterthanorequalto'
      readonly field: string
      readonly value: string
    }
  /** `between` takes two values, the lower one first; `in` up to 1000. */
  | { readonly op: 'between' | 'in'; readonly field: string; readonly values: readonly string[] }

export interface Query {
  readonly object: string
  readonly select: readonly string[]
  readonly filter?: Condition | undefined
  /** Ascending, in this order. Without it pages have no order at all. */
  readonly orderBy: readonly string[]
  /** 1 to 2000. */
  readonly pageSize: number
}

/** Everything that is ever sent. */
export type GatewayFunction =
  | { readonly name: 'getAPISession' }
  | { readonly name: 'readUserFormatting' }
  | { readonly name: 'getDimensions' }
  | { readonly name: 'lookup'; readonly object: string }
  | { readonly name: 'inspect' }
  | { readonly name: 'query'; readonly query: Query }

/** The most values of one `in`. */
export const MOST_VALUES = 1000
export const GREATEST_PAGE = 2000

const NAME = /^[A-Za-z_][A-Za-z0-9_.]{0,127}$/

/** Whether a name can be asked for and its values told in a reply, where it is the name of an element. */
export const isName = (name: string): boolean => NAME.test(name)

/** Object and field names are words with dots; anything else, from whomever, is never sent. */
export function checkName(name: string, kind: 'object' | 'field'): string {
  if (isName(name)) return name
  throw syncError(
    'config',
    'intacct.name',
    `"${name.slice(0, 60)}" is no name of ${kind === 'object' ? 'an object' : 'a field'} of Intacct`,
    {
      field: kind,
      hint: 'Pick it from the list in the dialog: letters, digits, underscores and dots.',
    },
  )
}

export interface Control {
  readonly senderId: string
  readonly senderPassword: string
}

export type Authentication =
  | { readonly kind: 'session'; readonly id: string }
  | {
      readonly kind: 'login'
      readonly company: string
      readonly user: string
      readonly password: string
      readonly entity: string
    }

/** A request as XML, and the control ids of its functions in their order. */
export interface WrittenRequest {
  readonly xml: string
  readonly ids: readonly string[]
}

const builder = () =>
  new XMLBuilder({ ignoreAttributes: false, attributeNamePrefix: '@', suppressEmptyNode: true, format: false })

/** Each function gets a control id that never was before: the gateway may refuse one that comes twice. */
export function writeRequest(
  control: Control,
  authentication: Authentication,
  functions: readonly GatewayFunction[],
): WrittenRequest {
  const ids = functions.map(() => randomUUID())
  const xml = builder().build({
    '?xml': { '@version': '1.0', '@encoding': 'UTF-8' },
    request: {
      control: {
        senderid: control.senderId,
        password: control.senderPassword,
        controlid: randomUUID(),
        // Reads may be repeated: the default (true) would have the gateway refuse what it has seen.
        uniqueid: 'false',
        dtdversion: '3.0',
        includewhitespace: 'false',
      },
      operation: {
        '@transaction': 'false',
        authentication: authenticationOf(authentication),
        content: { function: functions.map((one, index) => ({ '@controlid': ids[index], ...functionOf(one) })) },
      },
    },
  })
  return { xml, ids }
}

function authenticationOf(given: Authentication) {
  if (given.kind === 'session') return { sessionid: given.id }
  // companyid stands before password, as older gateways ask for.
  return {
    login: {
      userid: given.user,
      companyid: given.company,
      password: given.password,
      ...(given.entity === '' ? {} : { locationid: given.entity }),
    },
  }
}

function functionOf(given: GatewayFunction): object {
  switch (given.name) {
    case 'getAPISession':
    case 'readUserFormatting':
    case 'getDimensions':
      return { [given.name]: '' }
    case 'lookup':
      return { lookup: { object: checkName(given.object, 'object') } }
    case 'inspect':
      return { inspect: { object: '*' } }
    case 'query':
      return { query: queryOf(given.query) }
  }
}

function queryOf({ object, select, filter, orderBy, pageSize }: Query): object {
  const condition = filter && conditionOf(filter)
  return {
    object: checkName(object, 'object'),
    select: { field: select.map((name) => checkName(name, 'field')) },
    ...(condition ? { filter: condition } : {}),
    orderby: { order: orderBy.map((name) => ({ field: checkName(name, 'field'), ascending: '' })) },
    // Rows of private entities are hidden at the top level unless asked for.
    options: { showprivate: 'true' },
    pagesize: String(Math.min(GREATEST_PAGE, Math.max(1, pageSize))),
  }
}

/** Operators of one name are a list under it: their order says nothing. */
function conditionOf(given: Condition): Record<string, unknown> | undefined {
  if ('of' in given) {
    const parts = given.of.map((part) => part && conditionOf(part)).filter((part) => part !== undefined)
    if (parts.length < 2) return parts[0]
    const grouped: Record<string, unknown[]> = {}
    for (const [op, value] of parts.flatMap((part) => Object.entries(part))) {
      grouped[op] ??= []
      grouped[op].push(value)
    }
    return { [given.op]: grouped }
  }
  const field = checkName(given.field, 'field')
  if ('values' in given) return { [given.op]: { field, value: [...given.values] } }
  return { [given.op]: 'value' in given ? { field, value: given.value } : { field } }
}

/** Values in as many lists as the gateway allows in one. */
export function anyOf(field: string, values: readonly string[]): Condition {
  const of: Condition[] = []
  for (let at = 0; at < values.length; at += MOST_VALUES)
    of.push({ op: 'in', field, values: values.slice(at, at + MOST_VALUES) })
  return { op: 'or', of }
}

export const and = (...of: (Condition | undefined)[]): Condition => ({ op: 'and', of })
export const or = (...of: (Condition | undefined)[]): Condition => ({ op: 'or', of })
