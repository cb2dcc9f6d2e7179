/** Marks in a table of the dataset, one row for each run that wrote: the last one of a sync counts. */
import type { Mark, WriteContext } from '../../../sync/contract/target.ts'
import { waitSaying } from '../../../sync/contract/wait.ts'
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
    return lastOfEach(rows.map((row) => (name) => String(row[`${MARKS.name}[${name}]`] ?? '')))
  } catch (error) {
    if (isNoQueries(error)) return []
    throw error
  }
}

/** Rows cannot be taken away: of one sync and ledger the last one counts, and says where its source is. */
function lastOfEach(cells: readonly ((name: string) => string)[]): readonly Mark[] {
  const last = new Map<string, Mark>()
  const inOrder = cells.toSorted(
    (a, b) => Number(a('read')) - Number(b('read')) || Date.parse(a('at')) - Date.parse(b('at')),
  )
  for (const cell of inOrder) {
    const mark: Mark = {
      sync: cell('sync'),
      entity: cell('entity'),
      sourceAddress: cell('source_address'),
      ...(cell('source') ? { source: cell('source') } : {}),
      ledger: cell('ledger'),
      run: cell('run'),
      read: Number(cell('read')),
      floor: cell('floor') || null,
    }
    for (const [key, older] of last)
      if (older.sync === mark.sync && older.entity === mark.entity && isReplaced(older, mark)) last.delete(key)
    last.set(JSON.stringify([mark.sync, mark.entity, mark.sourceAddress]), mark)
  }
  return [...last.values()]
}

const isReplaced = (older: Mark, mark: Mark): boolean =>
  older.ledger === mark.ledger || older.sourceAddress === mark.sourceAddress

/** Sent twice it says the same twice. `withSource`: the table has the column. */
export async function writeMark(
  {
    connection,
    workspace,
    dataset,
    quota,
    withSource,
  }: {
    readonly connection: Connection
    readonly workspace: string
    readonly dataset: string
    readonly quota: Quota
    readonly withSource: boolean
  },
  mark: Mark,
  context: WriteContext,
): Promise<void> {
  for (let pause = quota.pause(1, false); pause; pause = quota.pause(1, false))
    await waitSaying(pause.ms, pause.why, context, connection.clock)
  const row = {
    sync: mark.sync,
    entity: mark.entity,
    source_address: mark.sourceAddress,
    ...(withSource && mark.source ? { source: mark.source } : {}),
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
