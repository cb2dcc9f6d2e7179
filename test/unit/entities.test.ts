import { deepStrictEqual, ok } from 'node:assert'
import { globSync, readFileSync } from 'node:fs'
import { basename } from 'node:path'
import { ENTITIES as INTACCT } from '../../nodes/intacct/client/entities.ts'
import { ENTITIES as X3 } from '../../nodes/x3/client/entities/index.ts'
import { bothSides } from '../support/dialogs.ts'

/** Entities of each source, as its client lists them: from there everything else takes them. */
const OF: Readonly<Record<string, readonly string[]>> = {
  'x3-poll': X3.map(({ entity }) => entity),
  'intacct-query': INTACCT.map(({ entity }) => entity),
}
/** Templates that read some of them only: push datasets have a table for each, and a limit of rows a day. */
const SOME = ['x3-to-powerbi']

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

  it('are what the templates read, in the same order', () => {
    const templates = globSync('flows/*.json').flatMap((file) => {
      const nodes = JSON.parse(readFileSync(file, 'utf8')) as FlowNode[]
      return nodes.flatMap(({ type, entities }) =>
        entities ? [{ name: basename(file, '.json'), type, entities: names(entities) }] : [],
      )
    })
    ok(templates.length >= 4)
    for (const { name, type, entities } of templates) {
      const all = OF[type] ?? []
      deepStrictEqual(entities, SOME.includes(name) ? all.filter((entity) => entities.includes(entity)) : all, name)
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
