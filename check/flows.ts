/** What is wrong with a flow file before anybody starts it: unknown nodes, names that come twice, variables that are not set, secrets. */

/** A node of a flow file, as far as it is looked at. */
export interface FlowNode {
  readonly id: string
  readonly type: string
  readonly name?: string
  readonly [property: string]: unknown
}

/** What the flows are set against. */
export interface Surroundings {
  /** Types that are installed, with the names of their secrets. */
  readonly types: ReadonlyMap<string, readonly string[]>
  readonly variables: Readonly<Record<string, string | undefined>>
}

const WHOLE = /^\$\{(\S+)\}$/
const OPTIONAL = /^\$\{[^\s:{}]+:-[^\s{}]*\}$/
const SECRET_VARIABLE = /^(?!TIEOUT_)[A-Z][A-Z0-9_]*$/
const LOGIN = /^[a-z][a-z0-9+.-]*:\/\/[^\s/:@]*:[^\s/@]+@/i
const PRIVATE_KEY = /-----BEGIN [A-Z ]*PRIVATE KEY-----/
/** What Node-RED keeps in a flow file beside nodes. */
const OWN = ['tab', 'subflow', 'group', 'junction', 'global-config', 'unknown']

const called = ({ id, type, name }: FlowNode): string => `${name ? `"${name}"` : id} (${type})`

/** Faults in words, a line each; none: the flows can be started. Throws for what is no flow file. */
export function faultsOf(flows: unknown, around: Surroundings): string[] {
  if (!Array.isArray(flows) || !flows.every(isNode))
    throw new Error('This is no flow file: an array of nodes is expected.')
  const known = new Set([...OWN, ...around.types.keys(), ...flows.map(({ id }) => `subflow:${id}`)])
  const isOn = variablesOf(flows, around.variables)
  return [
    ...flows
      .filter(({ type }) => !known.has(type))
      .map((node) => `${called(node)}: this type of node is not installed`),
    ...twice(flows),
    ...flows.flatMap((node) => [
      ...unset(node, isOn),
      ...secretFaults(node, around.types.get(node.type) ?? [], isOn),
      ...inside(node),
    ]),
  ]
}

const isNode = (node: unknown): node is FlowNode =>
  typeof node === 'object' &&
  node !== null &&
  typeof (node as FlowNode).id === 'string' &&
  typeof (node as FlowNode).type === 'string'

/** Whether a variable is set: for the process, for the flows as a whole, or for some flow. */
function variablesOf(flows: readonly FlowNode[], variables: Surroundings['variables']): (name: string) => boolean {
  const own = flows.flatMap(({ env }) =>
    Array.isArray(env) ? (env as { name?: unknown }[]).map(({ name }) => name) : [],
  )
  return (name) => Boolean(variables[name]) || own.includes(name)
}

/** Ids that come twice, and syncs of one name in one ledger. */
function twice(flows: readonly FlowNode[]): string[] {
  const seen = new Map<string, FlowNode>()
  const again = (key: string, node: FlowNode, text: (first: FlowNode) => string): string[] => {
    const first = seen.get(key)
    if (!first) seen.set(key, node)
    return first ? [`${called(node)}: ${text(first)}`] : []
  }
  return flows.flatMap((node) => [
    ...again(`id ${node.id}`, node, (first) => `has the id of ${called(first)}`),
    ...(typeof node.syncName === 'string' && node.syncName !== '' && node.type !== 'replay' && node.d !== true
      ? again(
          `sync ${node.ledger} ${node.syncName}`,
          node,
          (first) => `its sync has the name "${node.syncName}" of ${called(first)}`,
        )
      : []),
  ])
}

/** Texts of a node with the field that they stand in, at any depth. */
function textsOf(node: FlowNode): (readonly [field: string, text: string])[] {
  const found: (readonly [string, string])[] = []
  const walk = (field: string, value: unknown): void => {
    if (typeof value === 'string') found.push([field, value])
    else if (typeof value === 'object' && value !== null) for (const part of Object.values(value)) walk(field, part)
  }
  for (const [field, value] of Object.entries(node)) if (field !== 'info') walk(field, value)
  return found
}

const unset = (node: FlowNode, isOn: (name: string) => boolean): string[] =>
  textsOf(node).flatMap(([field, text]) => {
    const name = OPTIONAL.test(text) ? undefined : WHOLE.exec(text)?.[1]
    return name === undefined || isOn(name)
      ? []
      : [`${called(node)}: ${field} names the variable ${name}, which is not set`]
  })

/** Variables that a node names for its secrets. */
const secretFaults = (node: FlowNode, secrets: readonly string[], isOn: (name: string) => boolean): string[] =>
  secrets.flatMap((secret) => {
    const name = node[`${secret}From`]
    if (typeof name !== 'string' || name === '') return []
    if (!SECRET_VARIABLE.test(name)) return [`${called(node)}: ${secret}From: "${name}" is no variable for a secret`]
    if (isOn(name) || isOn(`${name}_FILE`)) return []
    return [`${called(node)}: ${secret} is in the variable ${name}, and neither it nor ${name}_FILE is set`]
  })

/** Secrets in the file itself; none is repeated in what is said. */
const inside = (node: FlowNode): string[] => {
  const credentials = Object.entries((node.credentials ?? {}) as Record<string, unknown>)
  const cells = (
    Array.isArray(node.env) ? (node.env as { type?: string; name?: string; value?: unknown }[]) : []
  ).filter(({ type, value }) => type === 'cred' && Boolean(value))
  return [
    ...credentials
      .filter(([, value]) => typeof value === 'string' && value !== '' && !WHOLE.test(value))
      .map(([field]) => field),
    ...cells.map(({ name }) => `env ${name}`),
    ...textsOf(node)
      .filter(([field, text]) => field !== 'credentials' && (LOGIN.test(text) || PRIVATE_KEY.test(text)))
      .map(([field]) => field),
  ].map((field) => `${called(node)}: a secret stands in the file (${field}); let a variable hold it`)
}
