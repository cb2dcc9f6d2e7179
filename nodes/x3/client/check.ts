/** Test connection, and the few questions a dialog asks: all without long retries. */
import { isSyncError } from '../../../sync/contract/errors.ts'
import { clockLine, fine, HURRIED, type Preview, previewOf, type ReportLine } from '../../../vendor/report.ts'
import type { X3Connection } from './connection.ts'
import { pageOf } from './dimensions.ts'
import type { Door } from './door.ts'
import { ENTITIES, withOptions } from './entities/index.ts'
import type { EntityDef } from './entities/types.ts'
import { sourceThrough, type X3SourceOptions } from './poll.ts'
import { type ResolvedEntity, resolveEntity } from './resolve.ts'
import { createX3Schema, type X3Schema } from './schema.ts'
import { pageQuery, selectPaths, selectRecord } from './select.ts'

/** The same connection for somebody who waits before a dialog: two attempts, no more. */
export function hurried(connection: X3Connection): X3Connection {
  return {
    ...connection,
    retry: HURRIED,
    query: (text, variables, options) =>
      connection.query(text, variables, { ...options, retry: options.retry ?? HURRIED }),
  }
}

/** Says what was reached, as whom, how the clocks stand, and for each entity what can be read and what is missing. */
export async function checkX3(given: X3Connection, signal: AbortSignal): Promise<ReportLine[]> {
  const connection = hurried(given)
  const schema = createX3Schema(connection)
  await connection.query('{__typename}', {}, { what: 'Test connection', signal, retry: false })
  const lines: ReportLine[] = [
    fine(
      `Reached ${connection.apiUrl}, folder ${connection.folder || '(the default of the user)'}, as ${connection.user}.`,
    ),
    clockLine('X3', connection.clock.differenceSeconds() ?? 0, 'Tokens and windows follow'),
    fine(
      `The names of its packages begin with ${await schema.generation(signal)}: fields are read by the names that go with it.`,
    ),
  ]
  for (const def of ENTITIES) lines.push(await entityLine(connection, schema, def, signal))
  return lines
}

/** One record of the entity, and one of each node that its lines and joins stand on, because each has a right of its own. */
async function entityLine(
  connection: X3Connection,
  schema: X3Schema,
  def: EntityDef,
  signal: AbortSignal,
): Promise<ReportLine> {
  try {
    const entity = await resolveEntity(schema, withOptions(def, []), { stampField: '_updateStamp' }, signal)
    const found = await first(connection, entity, signal)
    for (const watch of entity.watch) {
      const text = pageQuery(watch.nodes, {}, selectPaths(watch.paths))
      await connection.query(text, { first: 1 }, { what: `${def.entity}, ${watch.nodes.node}`, signal })
    }
    const notices = entity.notices.length > 0 ? ` ${entity.notices.join('. ')}.` : ''
    return fine(`${def.entity}: ${found ? 'can be read' : 'can be read, and is empty'}.${notices}`)
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
  door: (connection: X3Connection) => Door,
  options: X3SourceOptions,
  entity: string,
  signal: AbortSignal,
): Promise<Preview> {
  const connection = hurried(given)
  const source = sourceThrough(door(connection), connection, { ...options, pageSize: 10 })
  try {
    return await previewOf(source, entity, (walk) => walk === 'changed', signal)
  } finally {
    await source.close?.()
  }
}
