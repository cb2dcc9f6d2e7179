/** Tables of a dataset as a whole: rows of the newest version of each key, by the measures' own rule, in one DAX query. */
import type { WholeTable, WriteContext } from '../../../sync/contract/target.ts'
import { isNoQueries } from './connection.ts'
import type { CountDeps } from './counts.ts'
import { datasetPath } from './datasets.ts'
import { countNewest } from './dax.ts'
import type { ModelTable } from './model.ts'
import { NO_QUERIES } from './totals.ts'

/** A text, why, where queries are not allowed. There is no hash in a push dataset, so that versions are not told by a sum. */
export async function wholeTables(
  { connection, workspace, dataset }: CountDeps,
  tables: readonly ModelTable[],
  source: string,
  context: WriteContext,
): Promise<readonly WholeTable[] | string> {
  const header = tables.find(({ list }) => list === '')?.name ?? ''
  const names = tables.map(({ name }) => name)
  try {
    const path = `${datasetPath(workspace, dataset)}/executeQueries`
    const [row] = await connection.query(
      path,
      countNewest(header, names, source),
      `Rows of ${names.join(', ')}`,
      context,
    )
    const count = (name: string): number => Number(row?.[`[${name}]`] ?? 0)
    return tables.map(({ list, name }, i) => ({
      ...{ list, name, rows: count(`n${i}`), others: 0 },
      ...(list === '' ? { highest: count('h'), versions: count('v') } : { highest: 0 }),
    }))
  } catch (error) {
    if (isNoQueries(error)) return NO_QUERIES
    throw error
  }
}
