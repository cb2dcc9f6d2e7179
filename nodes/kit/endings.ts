/** What a person must renew, and when: certificates and tokens that were pasted into connections. What we renew is not among it. */
import { X509Certificate } from 'node:crypto'
import type { NodeAPI } from 'node-red'
import { allConnections } from './members.ts'
import { textOrFile } from './route.ts'

export interface Ending {
  /** The connection's name, or its type. */
  readonly connection: string
  /** What ends: `the certificate "erp.example"`. */
  readonly what: string
  /** When, ISO. */
  readonly until: string
}

const DAY_MS = 86_400_000
/** One that ended so long ago is not in use: bundles of authorities have many. */
const FORGOTTEN_MS = 30 * DAY_MS
/** Fields that hold certificates, or name a file that does. */
const FILES = ['ca', 'certificate']

/** The first thing that ends on each deployed connection that has any. */
export async function endingsOf(RED: NodeAPI, now: number): Promise<Ending[]> {
  const found = await Promise.all(
    allConnections(RED).map(async ({ config, credentials, context: { name: connection } }) => {
      const fields = Object.entries({ ...(config as object), ...(credentials as object) })
      const all = await Promise.all(
        fields.map(([field, value]) => (typeof value === 'string' ? endsIn(field, value) : [])),
      )
      const [first] = all
        .flat()
        .filter(({ until }) => Date.parse(until) > now - FORGOTTEN_MS)
        .sort((a, b) => (a.until < b.until ? -1 : 1))
      return first ? [{ connection, ...first }] : []
    }),
  )
  return found.flat()
}

async function endsIn(field: string, value: string): Promise<Omit<Ending, 'connection'>[]> {
  const token = tokenEnd(value)
  if (token !== undefined) return [{ what: `the token in ${field}`, until: token }]
  if (!value.includes('-----BEGIN CERTIFICATE') && !(FILES.includes(field) && value !== '')) return []
  const text = (await textOrFile(value)).replaceAll('\\n', '\n')
  const blocks = text.match(/-----BEGIN CERTIFICATE-----[\s\S]+?-----END CERTIFICATE-----/g) ?? []
  return blocks.flatMap((pem) => {
    try {
      const { validToDate, subject } = new X509Certificate(pem)
      const name = /CN=([^\n]+)/.exec(subject)?.[1] ?? field
      return [{ what: `the certificate "${name}" in ${field}`, until: validToDate.toISOString() }]
    } catch {
      // A field that cannot be read is told by whoever connects.
      return []
    }
  })
}

/** When a token that says so itself (a JWT) ends. */
function tokenEnd(text: string): string | undefined {
  const body = /^eyJ[\w-]+\.(eyJ[\w-]+)\.[\w-]*$/.exec(text.trim())?.[1]
  if (body === undefined) return undefined
  try {
    const { exp } = JSON.parse(Buffer.from(body, 'base64url').toString('utf8')) as { exp?: unknown }
    return typeof exp === 'number' ? new Date(exp * 1000).toISOString() : undefined
  } catch {
    return undefined
  }
}
