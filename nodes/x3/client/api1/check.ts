/** Test connection by api1: what the site publishes, what is proposed, and what of each entity can be read. */
import { isSyncError, withHint } from '../../../../sync/contract/errors.ts'
import { clockLine, fine, type ReportLine } from '../../../../vendor/report.ts'
import type { X3Connection } from '../connection.ts'
import { ENTITIES, withOptions } from '../entities/index.ts'
import type { EntityDef } from '../entities/types.ts'
import type { Api1Door } from './door.ts'
import { DIMENSION_TYPES } from './entities.ts'
import { detailsPath, queryPath, resolveApi1, rowsOf } from './resolve.ts'

/** Costs a session, which is given back. */
export async function checkApi1(connection: X3Connection, door: Api1Door, signal: AbortSignal): Promise<ReportLine[]> {
  const { line, site } = door
  try {
    const proxies = await published(door, connection.folder, signal)
    const lines: ReportLine[] = [
      fine(
        `Reached REST api1 of ${new URL(connection.apiUrl).origin}, folder ${connection.folder}, as ${connection.user}.`,
      ),
      clockLine('X3', connection.clock.differenceSeconds() ?? 0, 'Windows follow'),
      ...(proxies ? proposals(door, proxies) : [fine('X3 does not list what it publishes: Classes must be typed.')]),
    ]
    for (const def of ENTITIES) if (site.classOf(def.entity)) lines.push(await entityLine(door, def, signal))
    const without = ENTITIES.filter(({ entity }) => !site.classOf(entity)).map(({ entity }) => entity)
    if (without.length > 0) lines.push(fine(`Not read yet, since no class is chosen: ${without.join(', ')}.`))
    lines.push(
      fine('api1 names no total: whether a listing of the sweep is whole is known only by its coming to its end.'),
    )
    return lines
  } finally {
    await line.leave()
  }
}

/** What its stamp is, and one record of it, a document with its lines: what is missing of it is named. */
async function entityLine({ line, site }: Api1Door, def: EntityDef, signal: AbortSignal): Promise<ReportLine> {
  const { entity: name } = def
  try {
    const entity = await resolveApi1(site, withOptions(def, []), { stampField: '_updateStamp' }, signal)
    const { of, published } = entity.api1
    const [row] = rowsOf(await line.again(queryPath(line, published, { count: '1' }), { what: name, signal }))
    if (row && entity.lists.length > 0) {
      const key = of.key.map((field) => String(row[field]))
      await line.again(detailsPath(line, published, key), { what: `${name}, its lines`, signal })
    }
    const by = entity.stamp ? `by ${entity.stamp.field}` : 'as a whole'
    const notices = entity.notices.length > 0 ? ` ${entity.notices.join('. ')}.` : ''
    return fine(`${name}: can be read ${by}${row ? '' : ', and is empty'}.${notices}`)
  } catch (error) {
    if (signal.aborted || !isSyncError(error)) throw error
    return { ok: false, text: withHint(error.message, error.cause.hint) }
  }
}

/** `CLASS.REPRESENTATION` of all that is published; undefined where X3 refuses to say. */
async function published(door: Api1Door, folder: string, signal: AbortSignal): Promise<string[] | undefined> {
  const query = new URLSearchParams({
    ...{ representation: 'representationProxy.$lookup', count: '3000', dataset: folder },
  })
  try {
    const path = `/sdata/syracuse/collaboration/syracuse/representationProxies?${query}`
    const body = await door.line.again(path, { what: 'what X3 publishes', signal })
    return rowsOf(body).map(({ entity }) => String(entity))
  } catch (error) {
    if (!isSyncError(error) || error.cause.class === 'auth' || error.code === 'x3.401') throw error
    return undefined
  }
}

/** Lines for Classes that are not there yet, for each class that the site publishes. */
function proposals({ site }: Api1Door, proxies: readonly string[]): ReportLine[] {
  const found = (proposed: string): string | undefined => proxies.find((proxy) => proxy.split('.')[0] === proposed)
  const wanted = [
    ...Object.entries(site.entities).flatMap(([entity, { proposed, watch }]) => [
      [entity, proposed] as const,
      ...watch.map((one) => [`${entity}.${one.walk}`, one.proposed] as const),
    ]),
    [DIMENSION_TYPES.name, DIMENSION_TYPES.proposed] as const,
  ]
  const lines = wanted
    .filter(([slot]) => !site.classOf(slot))
    .flatMap(([slot, proposed]) => {
      const proxy = found(proposed)
      return proxy ? [`${slot} = ${proxy}`] : []
    })
  const seen = fine(`X3 publishes ${proxies.length} representations.`)
  return lines.length === 0 ? [seen] : [seen, fine(`Proposed for Classes: ${lines.join('; ')}`)]
}
