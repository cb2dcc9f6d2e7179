// `npm run templates`: gives the flows that read everything the entities that their source can read.
import { globSync, readFileSync, writeFileSync } from 'node:fs'
import { basename } from 'node:path'
import { ENTITIES as INTACCT } from '../nodes/intacct/client/entities.ts'
import { ENTITIES as X3 } from '../nodes/x3/client/entities/index.ts'

/** Templates that read some entities only: each push dataset has a limit of rows a day, and Basware takes what it matches by. */
const SOME = ['x3-to-powerbi', 'x3-basware']

/** A row of the list of entities, as the dialog stores it. */
const ROWS: Readonly<Record<string, readonly object[]>> = {
  'x3-poll': X3.map(({ entity }) => ({ entity, filter: '' })),
  'intacct-query': INTACCT.map(({ entity }) => ({ entity })),
}

interface FlowNode {
  readonly type: string
}

/** The nodes of a template with the whole list in its source, unless it reads some entities only. */
export const withEntities = <N extends FlowNode>(name: string, nodes: readonly N[]): N[] =>
  nodes.map((node) => (ROWS[node.type] && !SOME.includes(name) ? { ...node, entities: ROWS[node.type] } : node))

if (import.meta.main)
  for (const file of globSync('flows/*.json')) {
    const nodes = JSON.parse(readFileSync(file, 'utf8')) as FlowNode[]
    writeFileSync(file, JSON.stringify(withEntities(basename(file, '.json'), nodes), null, 2))
  }
