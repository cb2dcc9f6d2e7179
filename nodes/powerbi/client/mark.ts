/** Marks in a table of the dataset, one row for each run that wrote: the last one of a sync counts. */
import type { Mark, WriteContext } from '../../../sync/target.ts'
import { waitSaying } from './clock.ts'
import { type Connection, isNoQueries } from './connection.ts'
import { datasetPath, tablePath } from './datasets.ts'
import { table } from './dax.ts'
import { MARKS } from './model.ts'
import type { Quota } from './quota.ts'

/** None where there is no table of marks (a dataset of somebody else's), or nothing can be asked. */
export async function readMarks(
  connection: Connection,
  workspace: string,
  dataset: string,
  header: string,
  context: WriteContext,
): Promise<readonly Mark[]> {
  try {
    const path = `${datasetPath(workspace, dataset)}/executeQueries`
    const rows = await connection.query(path, `EVALUATE ${table(MARKS.name)}`, `Mark of ${header}`, context)
    const newest = new Map<string, Mark>()
    const text = (value: unknown): string => (value === null || value === undefined ? '' : String(value))
    for (const row of rows) {
      const cell = (name: string): string => text(row[`${MARKS.name}[${name}]`])
      const mark: Mark = {
        sync: cell('sync'),
        entity: cell('entity'),
        sourceAddress: cell('source_address'),
        ledger: cell('ledger'),
        run: cell('run'),
        read: Number(cell('read')),
        floor: cell('floor') || null,
      }
      const key = JSON.stringify([mark.sync, mark.entity, mark.sourceAddress])
      if (mark.read >= (newest.get(key)?.read ?? -1)) newest.set(key, mark)
    }
    return [...newest.values()]
  } catch (error) {
    if (isNoQueries(error)) return []
    throw error
  }
}

/** Sent twice it says the same twice. */
export async function writeMark(
  {
    connection,
    workspace,
    dataset,
    quota,
  }: { readonly connection: Connection; readonly workspace: string; readonly dataset: string; readonly quota: Quota },
  mark: Mark,
  context: WriteContext,
): Promise<void> {
  for (let pause = quota.pause(1, false); pause; pause = quota.pause(1, false))
    await waitSaying(connection.clock, pause.ms, pause.why, context)
  const row = {
    sync: mark.sync,
    entity: mark.entity,
    source_address: mark.sourceAddress,
    ledger: mark.ledger,
    run: mark.run,
    read: mark.read,
    ...(mark.floor === null ? {} : { floor: mark.floor }),
    at: new Date(connection.clock.now()).toISOString(),
    _sync_batch: 'mark',
  }
  try {
    const path = `${tablePath(workspace, dataset, MARKS.name)}/rows`
    await connection.call(
      { method: 'POST', path, body: JSON.stringify({ rows: [row] }), what: `Mark of ${mark.entity}`, kind: 'rows' },
      context,
    )
  } finally {
    quota.took(1)
  }
}
