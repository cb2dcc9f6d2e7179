/** The floor's reading: the flow's own requests for data, one after the other, parsed and flattened. */
import { SignJWT } from 'jose'
import { Agent, request } from 'undici'
import type { Address } from '../demo/ends/end.ts'
import type { FloorBatch, FloorReader, Script } from './floor-parts.ts'
import { flatteners } from './floor-x3-rows.ts'
import { elements, type Flat, type Flatten, type Raw } from './floor-x3-values.ts'

interface Wanted {
  readonly body: string
  readonly variables: {
    readonly document?: string
    readonly owner?: string
    readonly after?: string | null
    readonly filter?: string | null
  }
  readonly root: string
  readonly node: string
  readonly further: boolean
}

const ENTITY_OF: Readonly<Record<string, string>> = {
  supplier: 'supplier',
  customer: 'customer',
  product: 'product',
  account: 'gl_account',
  dimension: 'dimension',
  purchaseOrder: 'purchase_order',
  purchaseInvoice: 'supplier_invoice',
  salesInvoice: 'sales_invoice',
  journalEntry: 'gl_entry',
}

/** Pages of records and further pages of their lists; what asks for the schema is left out. */
export function pageRequests(bodies: readonly string[]): Wanted[] {
  return bodies.flatMap((body) => {
    const { query, variables } = JSON.parse(body) as { query: string; variables: Wanted['variables'] }
    const further = variables.document !== undefined
    const [, root = '', node = ''] = /\{(?:document:)?(\w+)\{(\w+)\{/.exec(query) ?? []
    return !further && ENTITY_OF[node] === undefined ? [] : [{ body, variables, root, node, further }]
  })
}

const entityOf = ({ node, variables }: Wanted): string =>
  node === 'dimension' && variables.filter?.includes('"CCT"') ? 'cost_centre' : (ENTITY_OF[node] ?? node)

export async function openReader(address: Address): Promise<FloorReader> {
  const x3 = address as Readonly<Record<'url' | 'folder' | 'clientId' | 'secret' | 'user', string>>
  const agent = new Agent({ connections: 1 })
  const first = await request(x3.url, { method: 'POST', body: '{}', dispatcher: agent })
  await first.body.dump()
  // Signed in the server's time, as the flow does it; its clock stands still.
  const issued = Math.floor(Date.parse(String(first.headers.date)) / 1000) - 30
  const claims = { iss: x3.clientId, sub: x3.user, aud: x3.url, iat: issued, exp: issued + 300 }
  const token = await new SignJWT(claims)
    .setProtectedHeader({ alg: 'HS256', typ: 'JWT' })
    .sign(new TextEncoder().encode(x3.secret))
  const headers = {
    'content-type': 'application/json',
    authorization: `Bearer ${token}`,
    'x-xtrem-endpoint': x3.folder,
  }
  const ask = async (body: string): Promise<Raw> => {
    const reply = await request(x3.url, { method: 'POST', headers, body, dispatcher: agent })
    const text = await reply.body.text()
    if (reply.statusCode !== 200) throw new Error(`X3: HTTP ${reply.statusCode} ${text.slice(0, 200)}`)
    return (JSON.parse(text) as { data: Raw }).data
  }
  return {
    batches: (script) => readBatches(ask, script),
    inOrder: (requests) => inOrder(ask, requests),
    close: () => agent.close(),
  }
}

async function* readBatches(ask: (body: string) => Promise<Raw>, script: Script): AsyncGenerator<FloorBatch> {
  const flatten = flatteners(script.source, new Map(script.accounts.map(({ from, to }) => [from, to])))
  const wanted = pageRequests(script.requests)
  const filler = createFiller(script.batches)
  for (let at = 0; at < wanted.length; at++) {
    const page = wanted[at] as Wanted
    const entity = entityOf(page)
    const data = await ask(page.body)
    const nodes = elements(data[page.root]?.[page.node])
    while (wanted[at + 1]?.further) {
      const more = wanted[++at] as Wanted
      complete(nodes, more, await ask(more.body))
    }
    for (const node of nodes) {
      const full = filler.add(entity, (flatten[entity] as Flatten)(node))
      if (full) yield full
    }
  }
  filler.check()
}

/** A further page names its document: it goes behind the last page that had it. */
async function inOrder(ask: (body: string) => Promise<Raw>, requests: readonly string[]): Promise<string[]> {
  const ordered: { readonly page: string; readonly ids: ReadonlySet<unknown>; readonly further: string[] }[] = []
  for (const { body, further, root, node, variables } of pageRequests(requests)) {
    if (further) ordered.findLast(({ ids }) => ids.has(variables.document))?.further.push(body)
    else {
      const ids = new Set(elements((await ask(body))[root]?.[node]).map(({ _id }) => _id as unknown))
      ordered.push({ page: body, ids, further: [] })
    }
  }
  return ordered.flatMap(({ page, further }) => [page, ...further])
}

/** Appends a further page to the list of its owner, a document or a line of one. */
function complete(nodes: readonly Raw[], { variables }: Wanted, data: Raw): void {
  const id = (node: Raw): unknown => node._id
  const document = nodes.find((node) => id(node) === variables.document)
  const operations = Object.values(data.more ?? {})[0]
  const [field, page] = Object.entries(operations?.read ?? {})[0] ?? []
  const owners =
    document === undefined ? [] : [document, ...Object.values(document).flatMap((value) => elements(value))]
  const owner = owners.find((one) => id(one) === variables.owner && field !== undefined && one[field])
  if (owner === undefined || field === undefined)
    throw new Error(`nobody has the further page ${field} of ${variables.owner}`)
  const list = owner[field]?.query as unknown as { edges: unknown[]; pageInfo?: unknown }
  // Lists inside of lists come anew from their beginning.
  if (variables.after === null) list.edges.length = 0
  list.edges.push(...elements(page).map((node) => ({ node })))
}

/** What the statements ask of a document besides its columns. */
const MARK = { x: 'u', r: '1', h: '0' }
/** Entities with three key columns; the others have two. */
const KEYS: Readonly<Record<string, number>> = { gl_entry: 3, gl_account: 3, dimension: 3 }

function createFiller(sizes: Script['batches']) {
  const at = new Map<string, number>()
  const open = new Map<string, { records: number; rows: number; keys: Set<string>; tables: Record<string, string[]> }>()
  return {
    add(entity: string, flat: Flat): FloorBatch | undefined {
      const batch = open.get(entity) ?? { records: 0, rows: 0, keys: new Set<string>(), tables: {} }
      open.set(entity, batch)
      const n = String(batch.records++)
      const header = flat[''][0]
      const key =
        KEYS[entity] === 3 ? { c0: header.c0, c1: header.c1, c2: header.c2 } : { c0: header.c0, c1: header.c1 }
      const name = `${key.c1}|${key.c2}`
      // A record whose stamp is empty comes on two walks.
      if (!batch.keys.has(name)) {
        batch.keys.add(name)
        for (const list in flat) {
          const rows = flat[list] ?? []
          batch.tables[list] ??= []
          const texts = batch.tables[list]
          batch.rows += rows.length
          if (list === '') {
            texts.push(JSON.stringify({ n, ...MARK, ...header }))
            continue
          }
          texts.push(JSON.stringify({ n, ...MARK, ...key }))
          for (const row of rows) {
            row.n = n
            texts.push(JSON.stringify(row))
          }
        }
      }
      const place = at.get(entity) ?? 0
      if (batch.records < (sizes[entity]?.[place] ?? Number.POSITIVE_INFINITY)) return undefined
      at.set(entity, place + 1)
      open.delete(entity)
      const { records, rows, tables } = batch
      return { entity, records, rows, tables }
    },
    check(): void {
      const left = [...open].map(([entity, { records }]) => `${records} of ${entity}`)
      if (left.length > 0) throw new Error(`the floor read more than the flow: ${left.join(', ')}`)
    },
  }
}
