/** Datasets of a workspace by the REST API. */
import { z } from 'zod'
import { syncError } from '../../../sync/contract/errors.ts'
import type { WriteContext } from '../../../sync/contract/target.ts'
import { waitSaying } from '../../../sync/contract/wait.ts'
import type { Connection } from './connection.ts'
import { MARKS, type ModelTable } from './model.ts'

const dataset = z.object({
  id: z.string(),
  name: z.string().default(''),
  addRowsAPIEnabled: z.boolean().default(false),
  isRefreshable: z.boolean().default(false),
  configuredBy: z.string().optional(),
})
export type Dataset = z.output<typeof dataset>
const list = z.object({ value: z.array(dataset).default([]) })
const tables = z.object({ value: z.array(z.object({ name: z.string() })).default([]) })
const groups = z.object({
  value: z
    .array(
      z.object({
        id: z.string(),
        name: z.string().default(''),
        isReadOnly: z.boolean().default(false),
        isOnDedicatedCapacity: z.boolean().default(false),
      }),
    )
    .default([]),
})
export type Workspace = z.output<typeof groups>['value'][number]

type Context = Pick<WriteContext, 'signal'>

const id = encodeURIComponent
export const workspacePath = (workspace: string): string => `/groups/${id(workspace)}`
export const datasetPath = (workspace: string, datasetId: string): string =>
  `${workspacePath(workspace)}/datasets/${id(datasetId)}`
export const tablePath = (workspace: string, datasetId: string, table: string): string =>
  `${datasetPath(workspace, datasetId)}/tables/${id(table)}`

/** Pages of the list of workspaces. */
const PAGE = 1000

export async function listWorkspaces(connection: Connection, context: Context): Promise<readonly Workspace[]> {
  const found: Workspace[] = []
  for (;;) {
    const path = `/groups?$top=${PAGE}&$skip=${found.length}`
    const page = groups.parse(
      await connection.json({ method: 'GET', path, what: 'List of workspaces', kind: 'call' }, context),
    ).value
    found.push(...page)
    if (page.length < PAGE) return found
  }
}

export async function listDatasets(
  connection: Connection,
  workspace: string,
  context: Context,
): Promise<readonly Dataset[]> {
  const path = `${workspacePath(workspace)}/datasets`
  return list.parse(
    await connection.json(
      { method: 'GET', path, what: `Datasets of the workspace ${workspace}`, kind: 'call' },
      context,
    ),
  ).value
}

export async function readDataset(
  connection: Connection,
  workspace: string,
  datasetId: string,
  context: Context,
): Promise<Dataset> {
  const path = datasetPath(workspace, datasetId)
  return dataset.parse(
    await connection.json({ method: 'GET', path, what: `Dataset ${datasetId}`, kind: 'call' }, context),
  )
}

export async function tableNames(
  connection: Connection,
  workspace: string,
  datasetId: string,
  context: Context,
): Promise<readonly string[]> {
  const path = `${datasetPath(workspace, datasetId)}/tables`
  return tables
    .parse(
      await connection.json({ method: 'GET', path, what: `Tables of the dataset ${datasetId}`, kind: 'call' }, context),
    )
    .value.map(({ name }) => name)
}

export interface NewDataset {
  readonly name: string
  readonly tables: readonly ModelTable[]
  readonly retention: 'None' | 'basicFIFO'
  readonly relationships: boolean
}

/** Creation goes on for a while after 202. */
const LISTED_WITHIN_MS = 120_000
const ASK_AGAIN_MS = 2_000

/**
 * Creates a dataset and waits until the workspace lists it. An answer that was lost is settled by the list: a dataset of the
 * name that was not there before is the one.
 */
export async function createDataset(
  connection: Connection,
  workspace: string,
  wanted: NewDataset,
  context: WriteContext,
): Promise<string> {
  const header = wanted.tables.at(-1)?.name ?? ''
  const body = {
    name: wanted.name,
    defaultMode: 'Push',
    tables: [...wanted.tables, MARKS].map(tableBody),
    ...(wanted.relationships && wanted.tables.length > 1
      ? {
          relationships: wanted.tables.slice(0, -1).map(({ name }) => ({
            name: `${name} to ${header}`.slice(0, 100),
            fromTable: name,
            fromColumn: '_sync_version',
            toTable: header,
            toColumn: '_sync_version',
          })),
        }
      : {}),
  }
  const what = `Creating the dataset "${wanted.name}"`
  const reply = await connection.call(
    {
      method: 'POST',
      path: `${workspacePath(workspace)}/datasets?defaultRetentionPolicy=${wanted.retention}`,
      body: JSON.stringify(body),
      what,
      kind: 'call',
    },
    context,
  )
  const made = readId(reply.text)
  for (let waited = 0; ; waited += ASK_AGAIN_MS) {
    const found = (await listDatasets(connection, workspace, context)).find((one) =>
      made === undefined ? one.name === wanted.name : one.id === made,
    )
    if (found) return found.id
    if (waited >= LISTED_WITHIN_MS)
      throw syncError(
        'transient',
        'powerbi.not-listed',
        `${what}: it was accepted, but the workspace does not list it yet.`,
        {
          hint: 'The next run looks again.',
        },
      )
    await waitSaying(ASK_AGAIN_MS, 'Power BI creates the dataset', context, connection.clock)
  }
}

function readId(text: string): string | undefined {
  try {
    return z.object({ id: z.string() }).parse(JSON.parse(text)).id
  } catch {
    return undefined
  }
}

const tableBody = ({ name, columns, measures, ...rest }: ModelTable & { readonly isHidden?: true }): object => ({
  name,
  columns,
  ...(measures.length > 0 ? { measures } : {}),
  ...(rest.isHidden ? { isHidden: true } : {}),
})

/** The whole list of columns and measures takes the place of the one before. */
export async function putTable(
  connection: Connection,
  workspace: string,
  datasetId: string,
  table: ModelTable,
  context: Context,
): Promise<void> {
  await connection.call(
    {
      method: 'PUT',
      path: tablePath(workspace, datasetId, table.name),
      body: JSON.stringify(tableBody(table)),
      what: `New columns of ${table.name}`,
      kind: 'call',
    },
    context,
  )
}

export async function deleteRows(
  connection: Connection,
  workspace: string,
  datasetId: string,
  table: string,
  context: Context,
): Promise<void> {
  await connection.call(
    {
      method: 'DELETE',
      path: `${tablePath(workspace, datasetId, table)}/rows`,
      what: `Emptying ${table}`,
      kind: 'call',
    },
    context,
  )
}
