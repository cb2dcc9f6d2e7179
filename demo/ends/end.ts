import type { Books } from '../../sandbox/books/types.ts'
import type { Cell, TargetReader } from '../compare.ts'
import type { ExpectedTable } from '../expected-table.ts'

/** A node of a flow file, as far as the demo looks at it. */
export interface FlowNode {
  id: string
  type: string
  name?: string
  [property: string]: unknown
}

/** Where a server of the sandbox is and what opens it. */
export type Address = Readonly<Record<string, string | number>>

/** One end of a flow: a server of the sandbox, and how a template reaches it. */
export interface End {
  /** The server's name in the sandbox. */
  readonly server: string
  /** The variables that a template names, and the member of the server's address that each takes, or what is made of it. */
  readonly environment: Readonly<Record<string, string | ((address: Address) => string)>>
  /** Variables that say the same wherever the server is. */
  readonly settings?: Readonly<Record<string, string>>
  /** What a template's node needs for a local server and the demo's books; the node as it is unless it is of this end. */
  fill(node: FlowNode, flows?: readonly FlowNode[], books?: Books): FlowNode
  /** What a person does in the editor once the flow is there; `post` is the editor's API. */
  begin?(
    flows: readonly FlowNode[],
    address: Address,
    post: (path: string, body: object) => Promise<unknown>,
  ): Promise<void>
}

/** The source name of a connection, put in for its variable. */
export function sourceName(
  flows: readonly FlowNode[],
  type: string,
  settings: Readonly<Record<string, string>>,
): string {
  const name = String(flows.find((node) => node.type === type)?.source)
  return settings[name.replace(/^\$\{(.*)\}$/, '$1')] ?? name
}

export interface SourceEnd extends End {
  /** What the target must hold of the books once the flow has run, as the flow's nodes choose and map it. */
  expected(books: Books, flows: readonly FlowNode[]): ExpectedTable[]
}

export interface TargetEnd extends End {
  /** What is stored, read behind the protocol's back; `ask` is the server's own query. */
  reader(address: Address, ask: (sql: string) => AsyncIterable<Cell[]>): TargetReader
}
