/** Groups, datasets and their tables. */
import { randomUUID } from 'node:crypto'
import { json, type Reply } from '../http.ts'
import type { Dataset, Table } from './api.ts'
import { readCreation, readTable } from './definitions.ts'
import { badRequest, failure, featureDeprecated, noTable, notPush, refuse } from './errors.ts'
import { type Call, countKey, datasetOf, nothing, odata, type Service, workspaceOf } from './service.ts'
import { dataType } from './values.ts'

export function jsonBody(body: Buffer): unknown {
  try {
    return JSON.parse(body.toString())
  } catch {
    throw refuse(failure(400, 'BadRequest', 'The request body is not valid JSON.'))
  }
}

/** `GET /groups` and `GET /groups/{id}`: what the principal has a role on. */
export function groups(service: Service, { path, url }: Call): Reply {
  const [, id] = path
  if (id !== undefined)
    return json(200, group(workspaceOf(service, id, false)), { 'content-type': 'application/json; charset=utf-8' })
  const filter = url.searchParams.get('$filter')
  const [, equal] = /^name eq '((?:[^']|'')*)'$/.exec(filter ?? '') ?? []
  const [, part] = /^contains\(name,\s*'((?:[^']|'')*)'\)$/.exec(filter ?? '') ?? []
  if (filter !== null && equal === undefined && part === undefined) {
    throw refuse(badRequest(`The sandbox knows no filter '${filter}'.`, '$filter'))
  }
  const wanted = (equal ?? part ?? '').replaceAll("''", "'").toLowerCase()
  const seen = [...service.workspaces.values()].filter(({ role, name }) => {
    const lower = name.toLowerCase()
    return role !== 'none' && (equal === undefined ? lower.includes(wanted) : lower === wanted)
  })
  const skip = Number(url.searchParams.get('$skip') ?? 0)
  const top = Number(url.searchParams.get('$top') ?? 5000)
  return odata(undefined, 'groups', { '@odata.count': seen.length, value: seen.slice(skip, skip + top).map(group) })
}

const group = ({ id, name, dedicated }: { id: string; name: string; dedicated: boolean }): object => ({
  ...{ id, isReadOnly: false, isOnDedicatedCapacity: dedicated, type: 'Workspace', name },
})

function described(service: Service, dataset: Dataset): object {
  const page = `https://app.powerbi.com/groups/${dataset.workspace}/datasets/${dataset.id}`
  return {
    ...{ id: dataset.id, name: dataset.name, webUrl: page, addRowsAPIEnabled: dataset.mode !== 'Import' },
    ...{ configuredBy: service.clientId, isRefreshable: true, isEffectiveIdentityRequired: false },
    ...{ isEffectiveIdentityRolesRequired: false, isOnPremGatewayRequired: false, targetStorageMode: 'Abf' },
    ...{ createdDate: new Date(dataset.createdAt).toISOString(), upstreamDatasets: [], users: [] },
    queryScaleOutSettings: { autoSyncReadOnlyReplicas: true, maxReadOnlyReplicas: 0 },
  }
}

/** `GET /groups/{g}/datasets` */
export function listDatasets(service: Service, workspace: string): Reply {
  const seen = [...service.datasets.values()].filter(
    (dataset) => dataset.workspace === workspace && dataset.listedAt <= service.now(),
  )
  return odata(workspace, 'datasets', { value: seen.map((dataset) => described(service, dataset)) })
}

export function oneDataset(service: Service, workspace: string, id: string): Reply {
  return odata(workspace, 'datasets/$entity', described(service, datasetOf(service, workspace, id)))
}

/** `POST /groups/{g}/datasets`: two of one name can be there. */
export async function createDataset(service: Service, workspace: string, { url, body }: Call): Promise<Reply> {
  const { creation, createdStatus, createMs } = service.tuning
  const asked = readCreation(jsonBody(body), url.searchParams.get('defaultRetentionPolicy'), service.tuning)
  if (!creation) throw refuse(featureDeprecated())
  const now = service.now()
  const dataset: Dataset = {
    ...{ id: randomUUID(), workspace, createdAt: now, listedAt: createdStatus === 202 ? now + createMs : now },
    ...asked,
  }
  await keepDataset(service, dataset)
  const { id, name, retention } = dataset
  return odata(
    workspace,
    'datasets/$entity',
    { id, name, defaultRetentionPolicy: retention, upstreamDatasets: [], users: [] },
    createdStatus,
  )
}

export async function keepDataset(service: Service, dataset: Dataset): Promise<void> {
  for (const table of dataset.tables) await service.store.define(dataset.id, table)
  await service.store.save(dataset)
  service.datasets.set(dataset.id, dataset)
}

/** `DELETE /groups/{g}/datasets/{d}` */
export async function deleteDataset(service: Service, workspace: string, id: string): Promise<Reply> {
  const dataset = datasetOf(service, workspace, id)
  service.datasets.delete(dataset.id)
  await service.store.remove(dataset.id)
  return nothing()
}

/** The dataset and table of a push call; the table's name is taken letter by letter. */
export function pushTable(
  service: Service,
  workspace: string,
  id: string,
  name: string,
): { dataset: Dataset; table: Table } {
  const dataset = pushDataset(service, workspace, id)
  const table = dataset.tables.find((known) => known.name === name)
  if (!table) throw refuse(noTable(id, name))
  return { dataset, table }
}

function pushDataset(service: Service, workspace: string, id: string): Dataset {
  const dataset = datasetOf(service, workspace, id)
  if (dataset.mode === 'Import') throw refuse(notPush(id))
  return dataset
}

/** `GET .../tables`: names only. */
export function listTables(service: Service, workspace: string, id: string): Reply {
  const { tables } = pushDataset(service, workspace, id)
  return odata(workspace, 'tables', { value: tables.map(({ name }) => ({ name })) })
}

/** `PUT .../tables/{t}`: the table is what the body says from now on, measures and all; a type cannot change. */
export async function replaceTable(
  service: Service,
  workspace: string,
  [id, name]: readonly [string, string],
  { body }: Call,
): Promise<Reply> {
  const { dataset, table } = pushTable(service, workspace, id, name)
  const wanted = readTable(jsonBody(body), name, service.tuning)
  for (const { name: column, dataType: spelling } of wanted.columns) {
    const before = table.columns.find((known) => known.name === column)
    if (before && dataType(before.dataType) !== dataType(spelling)) {
      throw refuse(
        badRequest(
          `The data type of column '${column}' cannot be changed from '${before.dataType}' to '${spelling}'.`,
          'table',
        ),
      )
    }
  }
  await service.store.define(dataset.id, wanted)
  dataset.tables = dataset.tables.map((known) => (known === table ? wanted : known))
  await service.store.save(dataset)
  return odata(workspace, 'tables/$entity', { name, source: [] })
}

export const rowCount = (service: Service, dataset: string, table: string): number =>
  service.counts.get(countKey(dataset, table)) ?? 0
