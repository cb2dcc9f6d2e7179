/** The floor's writing: the flow's rows in as few posts, and nothing else. The rows come as the warehouses' floors have them and are parsed once more here. */
import { Agent, request } from 'undici'
import type { Address } from '../demo/ends/end.ts'
import { MARKS, type ModelTable, modelOf } from '../nodes/powerbi/client/model.ts'
import type { Schema } from '../sync/contract/message.ts'
import { normalise } from '../sync/values/money.ts'
import type { FloorWriter } from './floor-parts.ts'

/** As the shipped flow has them. */
const OPTIONS = { tables: '{entity}', amounts: ['amount*', 'quantity', 'gross_price', 'discount'] }
const ROWS = 10_000

/** Value of a column as text to JSON. */
type Encode = (value: string) => string

interface Part {
  readonly table: ModelTable
  readonly cells: readonly { readonly label: string; readonly encode: Encode }[]
}

export async function openWriter(address: Address): Promise<FloorWriter> {
  const { apiUrl, loginUrl, tenant, clientId, clientSecret, workspace, caPem } = address as Readonly<
    Record<'apiUrl' | 'loginUrl' | 'tenant' | 'clientId' | 'clientSecret' | 'workspace' | 'caPem', string>
  >
  const agent = new Agent({ connect: { ca: caPem } })
  const send = async (method: 'POST', url: string, headers: Record<string, string>, body: string): Promise<string> => {
    const reply = await request(url, { method, dispatcher: agent, headers, body })
    const text = await reply.body.text()
    if (reply.statusCode >= 300) throw new Error(`${method} ${url}: HTTP ${reply.statusCode} ${text.slice(0, 200)}`)
    return text
  }
  const form = new URLSearchParams({
    grant_type: 'client_credentials',
    client_id: clientId,
    client_secret: clientSecret,
    scope: 'https://analysis.windows.net/powerbi/api/.default',
  })
  const login = await send(
    'POST',
    `${loginUrl}/${tenant}/oauth2/v2.0/token`,
    { 'content-type': 'application/x-www-form-urlencoded' },
    form.toString(),
  )
  const headers = {
    authorization: `Bearer ${(JSON.parse(login) as { access_token: string }).access_token}`,
    'content-type': 'application/json',
  }
  const known = new Map<string, { dataset: string; parts: readonly Part[] }>()
  let records = 0

  return {
    async create(schemas) {
      for (const schema of schemas) {
        const tables = modelOf(schema, OPTIONS)
        const body = { name: `Tieout ${schema.entity}`, defaultMode: 'Push', tables: [...tables, MARKS].map(bare) }
        const url = `${apiUrl}/v1.0/myorg/groups/${workspace}/datasets?defaultRetentionPolicy=None`
        const { id } = JSON.parse(await send('POST', url, headers, JSON.stringify(body))) as { id: string }
        known.set(schema.entity, { dataset: id, parts: tables.map((table) => partOf(schema, table)) })
      }
    },
    async write({ entity, tables }) {
      const { dataset, parts } = known.get(entity) ?? { dataset: '', parts: [] }
      const first = records
      const own = (n: string): string => `"_sync_key":"${first + Number(n)}","_sync_version":"${first + Number(n)}"`
      for (const { table, cells } of parts) {
        const rows: string[] = []
        for (const text of tables[table.list] ?? []) {
          const staged = JSON.parse(text) as Record<string, string>
          // a list has a row for each document besides those of its lines
          if (table.list !== '' && staged.x !== undefined) continue
          let row = '{'
          for (const [i, { label, encode }] of cells.entries()) {
            const value = staged[`c${i}`]
            if (value !== undefined) row += `${label}${encode(value)},`
          }
          rows.push(`${row}${own(staged.n ?? '')}${table.list === '' ? ',"_sync_deleted":false' : ''}}`)
        }
        const url = `${apiUrl}/v1.0/myorg/groups/${workspace}/datasets/${dataset}/tables/${table.name}/rows`
        for (let from = 0; from < rows.length; from += ROWS)
          await send('POST', url, headers, `{"rows":[${rows.slice(from, from + ROWS).join(',')}]}`)
      }
      records += tables['']?.length ?? 0
    },
    close: () => agent.close(),
  }
}

/** A number where a double keeps its digits, else text, which the service converts. */
function exact(value: string): string {
  const plain = normalise(value)
  return plain.length <= 15 ? plain : `"${plain}"`
}

const bare = ({ name, columns }: ModelTable): object => ({ name, columns })

function partOf(schema: Schema, table: ModelTable): Part {
  const columns = table.list === '' ? schema.columns : (schema.lists?.[table.list]?.columns ?? [])
  const types = new Map(table.columns.map(({ name, dataType }) => [name, dataType]))
  const cells = columns.map(({ name, type }) => {
    const encoders: Readonly<Record<string, Encode>> = {
      Int64: String,
      Boolean: String,
      Decimal: exact,
      DateTime: (value) => `"${value}T00:00:00Z"`,
    }
    const asText: Encode = type.startsWith('decimal') ? (value) => `"${normalise(value)}"` : JSON.stringify
    return { label: `${JSON.stringify(name)}:`, encode: encoders[types.get(name) ?? ''] ?? asText }
  })
  return { table, cells }
}
