import { deepStrictEqual, ok } from 'node:assert'
import { globSync, readFileSync } from 'node:fs'
import { basename } from 'node:path'
import { ENTITIES as INTACCT } from '../../nodes/intacct/client/entities.ts'
import { ENTITIES as X3 } from '../../nodes/x3/client/entities/index.ts'
import { withEntities } from '../../scripts/templates.ts'
import { bothSides } from '../support/dialogs.ts'

/** Entities of each source, as its client lists them: from there everything else takes them. */
const OF: Readonly<Record<string, readonly string[]>> = {
  'x3-poll': X3.map(({ entity }) => entity),
  'intacct-query': INTACCT.map(({ entity }) => entity),
}
interface FlowNode {
  readonly type: string
  readonly entities?: readonly { readonly entity: string }[]
}

const names = (rows: unknown): string[] => (rows as { entity: string }[]).map(({ entity }) => entity)

describe('the entities of a source', () => {
  it('are what a new node begins with', async () => {
    const offered = (await bothSides()).flatMap(({ type, dialog }) =>
      type in OF ? [[type, names(dialog.defaults.entities?.value)] as const] : [],
    )
    deepStrictEqual(Object.fromEntries(offered), OF)
  })

  it('are what the templates read, all of them or some, in the same order (npm run templates)', () => {
    const templates = globSync('flows/*.json').map((file) => ({
      name: basename(file, '.json'),
      nodes: JSON.parse(readFileSync(file, 'utf8')) as FlowNode[],
    }))
    ok(templates.length >= 4)
    for (const { name, nodes } of templates) {
      deepStrictEqual(nodes, withEntities(name, nodes), name)
      for (const { type, entities } of nodes.filter(({ type }) => type in OF)) {
        const chosen = names(entities)
        deepStrictEqual(
          chosen,
          OF[type]?.filter((entity) => chosen.includes(entity)),
          name,
        )
      }
    }
  })

  it('are each described in docs/entities.md: a section for those of X3, a line of a table for those of Intacct', () => {
    const page = readFileSync('docs/entities.md', 'utf8')
    const described = { 'x3-poll': /^## (\w+)$/gm, 'intacct-query': /^\| (\w+)/gm }
    for (const [type, form] of Object.entries(described)) {
      const found = new Set([...page.matchAll(form)].map(([, name]) => name))
      deepStrictEqual(
        OF[type]?.filter((name) => !found.has(name)),
        [],
      )
    }
  })
})
