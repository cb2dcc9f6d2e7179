/** *Test connection*: what was reached, as whom, and what is missing. */
import { createReport, fine, type ReportLine } from '../../../vendor/report.ts'
import type { Connection } from './connection.ts'
import { type Dataset, datasetPath, listDatasets, listWorkspaces, type Workspace } from './datasets.ts'
import { CREATION_ENDS } from './errors.ts'

/** Workspaces that are looked into. */
const MOST_WORKSPACES = 5
const NAMES = 10

/** Never throws for what it finds. A token is asked for, the workspaces are listed, and one harmless DAX query is tried. */
export async function checkPowerbi(
  connection: Connection,
  who: string,
  signal: AbortSignal,
): Promise<readonly ReportLine[]> {
  const { lines, step } = createReport()
  const workspaces = await step(
    () => listWorkspaces(connection, { signal }),
    (found) => workspacesLine(connection, who, found),
  )
  if (!workspaces || workspaces.length === 0) return lines
  const push: { workspace: Workspace; dataset: Dataset }[] = []
  for (const workspace of workspaces.slice(0, MOST_WORKSPACES))
    await step(
      () => listDatasets(connection, workspace.id, { signal }),
      (found) => {
        for (const dataset of found) if (dataset.addRowsAPIEnabled) push.push({ workspace, dataset })
        const here = push.filter((one) => one.workspace === workspace).length
        return fine(`${workspace.name}: ${found.length} dataset(s), ${here} of them push datasets.`)
      },
    )
  const [first] = push
  if (first === undefined) {
    lines.push(fine('Whether queries (executeQueries) are allowed shows with the first push dataset.'))
    return lines
  }
  const path = `${datasetPath(first.workspace.id, first.dataset.id)}/executeQueries`
  const context = { signal, waiting: () => undefined }
  await step(
    () => connection.query(path, 'EVALUATE ROW("n",1)', `A query on the dataset "${first.dataset.name}"`, context),
    () => ({
      ok: true,
      text: 'Queries are allowed: after a lost answer Power BI is asked whether the rows are in, so that nothing is doubled.',
    }),
  )
  return lines
}

function workspacesLine(connection: Connection, who: string, found: readonly Workspace[]): ReportLine {
  if (found.length === 0)
    return {
      ok: false,
      text: `Reached ${connection.address} as the app ${who}, but it sees no workspace: add the app to one as Contributor (Manage access). A service principal has no "My workspace".`,
    }
  const names = found.slice(0, NAMES).map(({ name }) => name)
  const more = found.length > NAMES ? ` and ${found.length - NAMES} more` : ''
  return {
    ok: true,
    text: `Reached ${connection.address} as the app ${who}. Workspaces: ${names.join(', ')}${more}. ${CREATION_ENDS}`,
  }
}
