import type { Reply } from '../http.ts'
import { failure, notAuthorized, refuse } from './errors.ts'
import * as models from './models.ts'
import { executeQueries } from './queries.ts'
import { cancelRefresh, listRefreshes, oneRefresh, startRefresh } from './refreshes.ts'
import { deleteRows, postRows, sequenceNumbers } from './rows.ts'
import { type Call, type Service, workspaceOf } from './service.ts'

/** A kind of request: the site that faults are planned for, and what it does. */
export interface Route {
  readonly site: string
  run(service: Service, call: Call): Reply | Promise<Reply>
}

const reads = (service: Service, { path }: Call): string => workspaceOf(service, path[1] ?? '', false).id
const writes = (service: Service, { path }: Call): string => workspaceOf(service, path[1] ?? '', true).id
const dataset = ({ path }: Call): string => path[3] ?? ''
const table = ({ path }: Call): [string, string] => [path[3] ?? '', path[5] ?? '']

/** By method and path, `*` for a part that is a name; below `/v1.0/myorg`. */
const ROUTES: Readonly<Record<string, Route>> = {
  'GET groups': { site: 'groups', run: models.groups },
  'GET groups/*': { site: 'groups', run: models.groups },
  'GET groups/*/datasets': { site: 'datasets-get', run: (s, c) => models.listDatasets(s, reads(s, c)) },
  'POST groups/*/datasets': { site: 'dataset-create', run: (s, c) => models.createDataset(s, writes(s, c), c) },
  'GET groups/*/datasets/*': { site: 'dataset-get', run: (s, c) => models.oneDataset(s, reads(s, c), dataset(c)) },
  'DELETE groups/*/datasets/*': {
    site: 'dataset-delete',
    run: (s, c) => models.deleteDataset(s, writes(s, c), dataset(c)),
  },
  'GET groups/*/datasets/*/tables': {
    site: 'tables-get',
    run: (s, c) => models.listTables(s, reads(s, c), dataset(c)),
  },
  'PUT groups/*/datasets/*/tables/*': {
    site: 'table-put',
    run: (s, c) => models.replaceTable(s, writes(s, c), table(c), c),
  },
  'POST groups/*/datasets/*/tables/*/rows': {
    site: 'rows-post',
    run: (s, c) => postRows(s, writes(s, c), table(c), c),
  },
  'DELETE groups/*/datasets/*/tables/*/rows': {
    site: 'rows-delete',
    run: (s, c) => deleteRows(s, writes(s, c), table(c)),
  },
  'GET groups/*/datasets/*/tables/*/sequenceNumbers': {
    site: 'sequence-numbers',
    run: (s, c) => sequenceNumbers(s, reads(s, c), table(c)),
  },
  'POST groups/*/datasets/*/executeQueries': {
    site: 'execute-queries',
    run: (s, c) => executeQueries(s, reads(s, c), dataset(c), c),
  },
  'POST groups/*/datasets/*/refreshes': {
    site: 'refresh-post',
    run: (s, c) => startRefresh(s, workspaceOf(s, c.path[1] ?? '', true), dataset(c), c),
  },
  'GET groups/*/datasets/*/refreshes': {
    site: 'refresh-get',
    run: (s, c) => listRefreshes(s, reads(s, c), dataset(c), c),
  },
  'GET groups/*/datasets/*/refreshes/*': { site: 'refresh-get', run: (s, c) => oneRefresh(s, reads(s, c), table(c)) },
  'DELETE groups/*/datasets/*/refreshes/*': {
    site: 'refresh-delete',
    run: (s, c) => cancelRefresh(s, writes(s, c), table(c)),
  },
}

const NAMES = new Set([1, 3, 5])

/** What a request is for; a refusal where it is for nothing here. */
export function routeOf({ method, path }: Pick<Call, 'method' | 'path'>): Route {
  const found = ROUTES[`${method} ${path.map((part, at) => (NAMES.has(at) ? '*' : part)).join('/')}`]
  if (found) return found
  // A service principal has no workspace of its own.
  if (path[0] === 'datasets') throw refuse(notAuthorized())
  throw refuse(failure(404, 'ItemNotFound', 'No HTTP resource was found that matches the request.'))
}
