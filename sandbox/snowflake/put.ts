import { randomBytes } from 'node:crypto'
import type { Session } from './account.ts'
import { partsOf } from './catalog.ts'
import { noPrivilege, syntaxError } from './errors.ts'
import { newScope } from './execute.ts'
import type { Running } from './running.ts'
import { parseQuery } from './sql/query.ts'
import { findStage } from './sql/stage-ref.ts'

const LOCAL = String.raw`(?:'file://([^']+)'|file://([^'\s]+))`
const STAGE = String.raw`(?:'@([^']+)'|@((?:"[^"]*"|[^'\s])+))`
// The driver itself, for bound rows, writes no space between the two.
const PUT = new RegExp(String.raw`^\s*PUT\s+${LOCAL}\s*${STAGE}(.*)$`, 'is')
const GET = new RegExp(String.raw`^\s*GET\s+${STAGE}\s+${LOCAL}(.*)$`, 'is')

/** PUT and GET are for the driver to do; their text has `//` and is not SQL. */
export function isTransfer(sql: string): boolean {
  return /^\s*(?:PUT|GET)\s/i.test(sql)
}

/** What the driver needs to bring a file to its stage or fetch it: where the storage is, its token, and the file's key. */
export function planTransfer(running: Running, session: Session, sql: string, queryId: string): object {
  const put = PUT.exec(sql)
  const get = put ? null : GET.exec(sql)
  if (!put && !get) throw syntaxError(sql.trim().slice(0, 20), sql, 0)
  const [, quotedFirst, plainFirst, quotedSecond, plainSecond, tail = ''] = put ?? get ?? []
  const [first, second] = [quotedFirst ?? plainFirst ?? '', quotedSecond ?? plainSecond ?? '']
  const [source, target] = put ? [first, second] : [second, first]
  const option = (name: string) => new RegExp(`${name}\\s*=\\s*'?(\\w+)'?`, 'i').exec(tail)?.[1]
  const scope = newScope(running.account, session)
  scope.verb = put ? 'PUT' : 'GET'
  const { stage, path } = findStage(scope, target, parseQuery)
  const privilege = put ? 'WRITE' : 'READ'
  if (running.account.rights.isDenied(privilege, ...partsOf(stage))) throw noPrivilege('stage', stage.name)
  if (stage.name.startsWith('%'))
    running.account.rights.check('OWNERSHIP', 'table', stage.database, stage.schema, stage.name.slice(1))
  const token = `ya29.${randomBytes(24).toString('base64url')}`
  running.storageTokens.add(token)
  const folder = path === '' || path.endsWith('/') ? path : `${path}/`
  const stageInfo = {
    locationType: 'GCS',
    location: `stages/${stage.id}/${put ? folder : ''}`,
    path: `${stage.id}/${folder}`,
    region: 'us-central1',
    storageAccount: null,
    isClientSideEncrypted: true,
    creds: { GCS_ACCESS_TOKEN: token },
    presignedUrl: null,
    endPoint: `${running.url}/gcs`,
    useVirtualUrl: false,
  }
  const material = running.account.stages.material(queryId)
  const common = {
    stageInfo,
    parallel: Number(option('PARALLEL') ?? 4),
    queryId,
    presignedUrls: null,
    kind: null,
    operation: 'Node',
  }
  if (put)
    return {
      ...common,
      command: 'UPLOAD',
      uploadInfo: stageInfo,
      src_locations: [source],
      threshold: 209_715_200,
      autoCompress: (option('AUTO_COMPRESS') ?? 'true').toLowerCase() === 'true',
      overwrite: (option('OVERWRITE') ?? 'false').toLowerCase() === 'true',
      sourceCompression: (option('SOURCE_COMPRESSION') ?? 'auto_detect').toLowerCase(),
      clientShowEncryptionParameter: false,
      encryptionMaterial: material,
    }
  const files = running.account.stages.files(stage.id, path)
  return {
    ...common,
    command: 'DOWNLOAD',
    src_locations: files.map((file) => file.path),
    localLocation: source,
    encryptionMaterial: files.map(() => material),
    presignedUrls: files.map(() => null),
  }
}
