/** A run while it goes on, for people: how far each entity is, how fast, and what is waited for. */
import type { LiveEntity, LiveRun, Wait } from '../contract/engine.ts'
import { type BatchState, isDone } from './progress.ts'
import type { EntityRun, RunState } from './state.ts'
import { ruleOf } from './watch.ts'

export const rowsRead = ({ entities }: RunState): number =>
  [...entities.values()].reduce((sum, { rowsRead: rows }) => sum + rows, 0)

/** At `tick` of the settlement's clock. */
export function liveOf(run: RunState, tick: number): Omit<LiveRun, 'stop'> {
  const entities = [...run.entities.values()]
  return {
    sync: run.sync,
    run: run.id,
    mode: run.mode === 'replay' ? 'replay' : 'poll',
    started: run.started,
    rowsASecond: run.pace.rate(tick, rowsRead(run)),
    entities: entities.map(liveEntity),
    waits: [...sourceWait(run), ...entities.flatMap((entity) => sinkWaits(run, entity))],
    ...(run.late === undefined ? {} : { late: run.late }),
  }
}

function liveEntity(entity: EntityRun): LiveEntity {
  const { name, read, rowsRead: rows, prefix, batches, total, error, closed, readDone } = entity
  const settled = batches.slice(0, prefix.batch).reduce((sum, { count }) => sum + count, 0) + prefix.row
  return {
    entity: name,
    read,
    rows,
    settled,
    ...(total !== undefined && total >= read ? { total } : {}),
    state: error ? 'failed' : closed ? 'done' : readDone ? 'delivering' : 'reading',
    ...(error ? { problem: error.message } : {}),
  }
}

function sourceWait({ waits }: RunState): Wait[] {
  const wait = waits?.()
  return wait ? [wait] : []
}

/** Of each sink the first batch that waits: those behind it wait for that one. */
function sinkWaits(run: RunState, entity: EntityRun): Wait[] {
  const rule = ruleOf(run, entity)
  const open = entity.batches.slice(entity.prefix.batch).filter((batch) => !isDone(batch, rule))
  return entity.sinks.flatMap(({ id, name }) => {
    const side = open.map((batch: BatchState) => batch.sinks.get(id)).find((one) => one && one.outstanding > 0)
    if (entity.error || side?.waiting === undefined || side.waitingSince === undefined) return []
    return [{ entity: entity.name, sink: name, what: side.waiting, since: side.waitingSince }]
  })
}
