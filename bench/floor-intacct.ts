/** The floor's reading: the pages that the flow asks for, through the same parser, flattened; no checks, no session to keep, no flow. */
import { Agent, request } from 'undici'
import type { Address } from '../demo/ends/end.ts'
import { zoneOf } from '../nodes/intacct/client/clock.ts'
import { createIntacctConnection } from '../nodes/intacct/client/connection.ts'
import { compileRow, type Fields } from '../nodes/intacct/client/convert.ts'
import { createReplyParser } from '../nodes/intacct/client/reply.ts'
import { type Condition, type Query, writeRequest } from '../nodes/intacct/client/request.ts'
import {
  type ResolvedEntity,
  type ResolvedLines,
  type ResolvedObject,
  resolveEntity,
} from '../nodes/intacct/client/resolve.ts'
import { createIntacctSchema } from '../nodes/intacct/client/schema.ts'
import type { Row } from '../sync/contract/message.ts'
import type { FloorBatch, FloorReader, Script } from './floor-parts.ts'

type Ask = (query: Query) => Promise<readonly Fields[]>
/** What the statements ask of a document besides its columns. */
const MARK = { x: 'u', r: '1', h: '0' }
const PAGE = 2000

export async function openReader(address: Address): Promise<FloorReader> {
  const { url, senderId, senderPassword, companyId, userId, userPassword } = address as Readonly<Record<string, string>>
  const control = { senderId: senderId ?? '', senderPassword: senderPassword ?? '' }
  const login = { company: companyId ?? '', user: userId ?? '', password: userPassword ?? '' }
  const agent = new Agent({ connections: 1 })
  const post = async (to: string, xml: string) => {
    const reply = await request(to, {
      method: 'POST',
      body: xml,
      dispatcher: agent,
      headers: { 'content-type': 'application/xml' },
    })
    const parser = createReplyParser('the floor')
    for await (const chunk of reply.body) parser.write(chunk)
    return parser.end().results[0]
  }
  const signed = await post(
    url ?? '',
    writeRequest(control, { kind: 'login', ...login, entity: '' }, [{ name: 'getAPISession' }]).xml,
  )
  const { SESSIONID: id = '', ENDPOINT: endpoint = '' } = signed?.rows[0]?.fields ?? {}
  const ask: Ask = async (query) => {
    const result = await post(
      endpoint ?? '',
      writeRequest(control, { kind: 'session', id: id ?? '' }, [{ name: 'query', query }]).xml,
    )
    if (result?.status !== 'success') throw new Error(`Intacct refused ${query.object}`)
    return result.rows.map(({ fields }) => fields)
  }
  const connection = createIntacctConnection({ ...control, ...login, gateway: url ?? '', allowedHosts: ['127.0.0.1'] })
  const schema = createIntacctSchema(connection)
  const never = new AbortController().signal
  return {
    async *batches(script) {
      for (const [entity, sizes] of Object.entries(script.batches)) {
        const resolved = await resolveEntity(schema, entity, { sensitive: [], extraFields: [] }, never)
        yield* readBatches(ask, resolved, sizes, script)
      }
    },
    async close() {
      await connection.close()
      await agent.close()
    },
  }
}

async function* readBatches(
  ask: Ask,
  entity: ResolvedEntity,
  sizes: readonly number[],
  { source, accounts }: Script,
): AsyncGenerator<FloorBatch> {
  const options = { source, zone: zoneOf('UTC') }
  const groups = new Map(accounts.map(({ from, to }) => [from, to]))
  const { lines, schema, def } = entity
  const convertLine = lines && compileRow(lines.columns, options)
  const names = {
    '': schema.columns.map(({ name }) => name),
    lines: schema.lists?.lines?.columns.map(({ name }) => name) ?? [],
  }
  const keys = new Set(schema.key)
  let batch = 0
  let open = newBatch(def.entity, lines !== undefined)
  for (const object of entity.objects) {
    const convert = compileRow(object.columns, options)
    for await (const { header, own } of lines ? documents(ask, object, lines) : masters(ask, object)) {
      const n = String(open.records++)
      const row = convert(header)
      open.rows += 1 + own.length
      open.tables['']?.push(JSON.stringify({ n, ...MARK, ...staged(row, names[''], undefined) }))
      if (lines && convertLine) {
        const list = open.tables.lines as string[]
        list.push(JSON.stringify({ n, ...MARK, ...staged(row, names[''], keys) }))
        for (const one of own) {
          const line = convertLine(one, row)
          const cells = staged(line, names.lines, undefined)
          if (def.entity === 'gl_entry') {
            cells[`c${names.lines.indexOf('account')}`] = groups.get(String(line.account))
            cells[`c${names.lines.length}`] = String(line.account)
          }
          list.push(JSON.stringify({ n, ...cells }))
        }
      }
      if (open.records < (sizes[batch] ?? Number.POSITIVE_INFINITY)) continue
      yield open
      batch++
      open = newBatch(def.entity, lines !== undefined)
    }
  }
  if (open.records > 0) throw new Error(`the floor read ${open.records} of ${def.entity} more than the flow`)
}

const newBatch = (entity: string, hasLines: boolean) => ({
  entity,
  records: 0,
  rows: 0,
  tables: (hasLines ? { '': [], lines: [] } : { '': [] }) as Record<string, string[]>,
})

/** Fields by position, as the warehouse's statements read them. */
function staged(
  row: Row,
  names: readonly string[],
  only: ReadonlySet<string> | undefined,
): Record<string, string | undefined> {
  const cells: Record<string, string | undefined> = {}
  for (const [index, name] of names.entries()) {
    const value = row[name]
    if (value !== null && value !== undefined && (only === undefined || only.has(name)))
      cells[`c${index}`] = String(value)
  }
  return cells
}

interface Document {
  readonly header: Fields
  readonly own: readonly Fields[]
}

const NONE: readonly Fields[] = []

async function* masters(ask: Ask, object: ResolvedObject): AsyncGenerator<Document> {
  for await (const header of walk(ask, object, [object.record])) yield { header, own: NONE }
}

async function* documents(ask: Ask, head: ResolvedObject, lines: ResolvedLines): AsyncGenerator<Document> {
  const rows = walk(ask, lines, [lines.parent, lines.record])
  let next = await rows.next()
  for await (const header of walk(ask, head, [head.record])) {
    const number = header[head.record.toUpperCase()]
    const own: Fields[] = []
    while (!next.done && next.value[lines.parent.toUpperCase()] === number) {
      own.push(next.value)
      next = await rows.next()
    }
    yield { header, own }
  }
}

/** All rows of an object in the order of a key, page by page. */
async function* walk(
  ask: Ask,
  { object, select }: ResolvedObject,
  key: readonly string[],
): AsyncGenerator<Fields, undefined> {
  const [field = '', second] = key
  for (let filter: Condition | undefined; ; ) {
    const rows = await ask({ object, select, filter, orderBy: key, pageSize: PAGE })
    yield* rows
    const last = rows.at(-1)
    if (rows.length < PAGE || last === undefined) return undefined
    const value = last[field.toUpperCase()] ?? ''
    const further: Condition = { op: 'greaterthan', field, value }
    filter =
      second === undefined
        ? further
        : {
            op: 'or',
            of: [
              further,
              {
                op: 'and',
                of: [
                  { op: 'equalto', field, value },
                  { op: 'greaterthan', field: second, value: last[second.toUpperCase()] ?? '' },
                ],
              },
            ],
          }
  }
}
