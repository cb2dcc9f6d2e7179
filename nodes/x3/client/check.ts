/** Test connection, and the few questions a dialog asks: all without long retries. */
import { isSyncError } from '../../../sync/errors.ts'
import type { DataRecord, Schema } from '../../../sync/message.ts'
import type { X3Connection } from './connection.ts'
import { pageOf } from './dimensions.ts'
import { ENTITIES } from './entities/index.ts'
import type { EntityDef } from './entities/types.ts'
import { createX3Source, type X3SourceOptions } from './poll.ts'
import { type ResolvedEntity, resolveEntity } from './resolve.ts'
import { createX3Schema, type X3Schema } from './schema.ts'
import { pageQuery, selectPaths, selectRecord } from './select.ts'

/** A line of the report: what is fine and what is not. */
export interface CheckLine {
  readonly ok: boolean
  readonly text: string
}

/** The same connection for somebody who waits before a dialog: two attempts, no more. */
export function hurried(connection: X3Connection): X3Connection {
  const retry = { attempts: 2, firstDelayMs: 200, maxRetryAfterMs: 5_000 }
  return {
    ...connection,
    retry,
    query: (text, variables, options) =>
      connection.query(text, variables, { ...options, retry: options.retry ?? retry }),
  }
}

/** Says what was reached, as whom, how the clocks stand, and for each entity what can be read and what is missing. */
export async function checkX3(given: X3Connection, signal: AbortSignal): Promise<CheckLine[]> {
  const connection = hurried(given)
  const schema = createX3Schema(connection)
  await connection.query('{__typename}', {}, { what: 'Test connection', signal, retry: false })
  const lines: CheckLine[] = [
    {
      ok: true,
      text: `Reached ${connection.apiUrl}, folder ${connection.folder || '(the default of the user)'}, as ${connection.user}.`,
    },
    clockLine(connection.clock.differenceSeconds() ?? 0),
    { ok: true, text: `X3 speaks the form ${await schema.generation(signal)}... of its packages.` },
  ]
  for (const def of ENTITIES) lines.push(await entityLine(connection, schema, def, signal))
  return lines
}

function clockLine(seconds: number): CheckLine {
  const apart = Math.abs(seconds)
  if (apart <= 2) return { ok: true, text: 'The clocks agree.' }
  const size =
    apart < 120
      ? `${apart} s`
      : apart < 7200
        ? `${Math.round(apart / 60)} minutes`
        : `${Math.round(apart / 3600)} hours`
  const way = seconds > 0 ? 'ahead of' : 'behind'
  return { ok: true, text: `The clock of X3 is ${size} ${way} ours. Tokens and windows follow the clock of X3.` }
}

/** One record of the entity, and one of each node that its lines and joins stand on, because each has a right of its own. */
async function entityLine(
  connection: X3Connection,
  schema: X3Schema,
  def: EntityDef,
  signal: AbortSignal,
): Promise<CheckLine> {
  try {
    const entity = await resolveEntity(schema, def, { stampField: '_updateStamp' }, signal)
    const found = await first(connection, entity, signal)
    for (const watch of entity.watch) {
      const text = pageQuery(watch.nodes, {}, selectPaths(watch.paths))
      await connection.query(text, { first: 1 }, { what: `${def.entity}, ${watch.nodes.node}`, signal })
    }
    const notices = entity.notices.length > 0 ? ` ${entity.notices.join('. ')}.` : ''
    return { ok: true, text: `${def.entity}: ${found ? 'can be read' : 'can be read, and is empty'}.${notices}` }
  } catch (error) {
    if (signal.aborted || !isSyncError(error)) throw error
    return { ok: false, text: `${error.message.replace(/\.$/, '')}.${error.cause.hint ? ` ${error.cause.hint}` : ''}` }
  }
}

async function first(connection: X3Connection, entity: ResolvedEntity, signal: AbortSignal): Promise<boolean> {
  const text = pageQuery(entity.nodes, entity.queryArgs, selectRecord(entity))
  const reply = await connection.query(text, { first: 1 }, { what: entity.def.entity, signal })
  return pageOf(reply.data, entity.nodes.root, entity.nodes.node).edges.length > 0
}

/** Ten records of an entity as they would be sent. */
export async function previewX3(
  given: X3Connection,
  options: X3SourceOptions,
  entity: string,
  signal: AbortSignal,
): Promise<{ schema: Schema; records: DataRecord[]; notices: string[] }> {
  const connection = hurried(given)
  const source = createX3Source(connection, createX3Schema(connection), { ...options, pageSize: 10 })
  const plan = await source.plan(entity, signal)
  let read = 0
  const page = await plan.readPage({
    walk: 'changed',
    window: { from: null, bound: null },
    cursor: null,
    nextRead: () => ++read,
    signal,
  })
  return {
    schema: plan.schema,
    records: page.records.slice(0, 10),
    notices: [
      ...(plan.notices ?? []),
      ...(page.notices ?? []),
      ...(page.refused ?? []).map((refused) => refused.message),
    ],
  }
}
