/** The X3 client against the sandbox: connections to it, and whole walks through an entity. */
import { createX3Connection, type X3Connection } from '../../nodes/x3/client/connection.ts'
import type { X3Auth, X3Options } from '../../nodes/x3/client/options.ts'
import { createX3Source, type X3SourceOptions } from '../../nodes/x3/client/poll.ts'
import { createX3Schema } from '../../nodes/x3/client/schema.ts'
import type { DataRecord } from '../../sync/contract/message.ts'
import type { EntityPlan, RefusedRecord, Source, StampWindow } from '../../sync/contract/source.ts'
import type { X3Fixture } from './x3.ts'

export const never = new AbortController().signal

export type JwtAuth = Extract<X3Auth, { kind: 'jwt' }>

export const jwtOf = ({ x3 }: X3Fixture, more: Partial<JwtAuth> = {}): JwtAuth => ({
  kind: 'jwt',
  clientId: x3.clientId,
  secret: x3.secret,
  user: x3.user,
  ...more,
})

export function connect(fixture: X3Fixture, more: Partial<X3Options> = {}): X3Connection {
  return createX3Connection({ url: fixture.x3.url, folder: fixture.x3.folder, auth: jwtOf(fixture), ...more })
}

export const sourceOf = (connection: X3Connection, more: Partial<X3SourceOptions> = {}): Source =>
  createX3Source(connection, createX3Schema(connection), { source: 'demo', ...more })

export interface Reading {
  readonly plan: EntityPlan
  readonly records: DataRecord[]
  readonly refused: RefusedRecord[]
  readonly notices: string[]
  /** Records by walk. */
  readonly walks: Record<string, number>
  readonly future: number
}

/** Everything an entity gives within a window, walk by walk. */
export async function readEntity(
  source: Source,
  entity: string,
  window: StampWindow = { from: null, bound: null },
  only?: readonly string[],
): Promise<Reading> {
  const plan = await source.plan(entity, never)
  const reading = {
    plan,
    records: [] as DataRecord[],
    refused: [] as RefusedRecord[],
    notices: [...(plan.notices ?? [])],
  }
  const walks: Record<string, number> = {}
  let future = 0
  let read = 0
  for (const walk of only ?? plan.walks) {
    walks[walk] = 0
    let cursor: string | null = null
    do {
      const page = await plan.readPage({ walk, window, cursor, nextRead: () => ++read, signal: never })
      reading.records.push(...page.records)
      reading.refused.push(...(page.refused ?? []))
      reading.notices.push(...(page.notices ?? []))
      walks[walk] += page.records.length
      future += page.future ?? 0
      cursor = page.cursor
    } while (cursor !== null)
  }
  return { ...reading, walks, future }
}
