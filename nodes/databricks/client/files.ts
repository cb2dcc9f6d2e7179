/** The staging volume: files uploaded from memory by the Files API, never through a temporary file on this machine. */
import { createHash } from 'node:crypto'
import { syncError } from '../../../sync/contract/errors.ts'
import type { WriteContext } from '../../../sync/contract/target.ts'
import { gzipped } from '../../../vendor/warehouse/staged-rows.ts'
import type { Connection } from './connection.ts'

export interface Volume {
  /** `/Volumes/main/finance/staging` */
  readonly path: string
}

/** A volume as `catalog.schema.volume` or as a path below `/Volumes/`. */
export function volumeOf(name: string): Volume {
  const trimmed = name.trim().replace(/\/+$/, '')
  const parts = trimmed.startsWith('/Volumes/') ? trimmed.slice('/Volumes/'.length).split('/') : trimmed.split('.')
  const wellFormed = parts.every((part) => part !== '' && part !== '.' && part !== '..' && !/[*?[\]{}'"\\]/.test(part))
  if (!wellFormed || parts.length < 3 || (!trimmed.startsWith('/') && parts.length > 3)) {
    throw syncError(
      'config',
      'databricks.volume',
      `The staging volume ${name} must be given as catalog.schema.volume or /Volumes/catalog/schema/volume`,
      {
        hint: 'Create one with CREATE VOLUME main.finance.tieout_staging and choose it in the connection.',
      },
    )
  }
  return { path: `/Volumes/${parts.join('/')}` }
}

/** Name of a staged file: always the same for what it is named after, without `_` or `.` in front (the loader skips those). */
export function fileName(batchId: string, table: string, part: number): string {
  const readable = `${batchId}-${table}`.replace(/[^A-Za-z0-9-]+/g, '-').slice(0, 80)
  const unique = createHash('sha256').update(`${batchId}\n${table}\n${part}`).digest('hex').slice(0, 16)
  return `tieout-${readable}-${unique}.json.gz`
}

export const filePath = (volume: Volume, name: string): string =>
  `/api/2.0/fs/files${`${volume.path}/${name}`.split('/').map(encodeURIComponent).join('/')}`

/** Uploads NDJSON as gzip; overwrites what an earlier attempt left. Pieces are empty afterwards. */
export async function upload(
  connection: Connection,
  volume: Volume,
  name: string,
  ndjson: string | readonly Buffer[],
  context: WriteContext,
): Promise<void> {
  await connection.rest(
    {
      method: 'PUT',
      path: `${filePath(volume, name)}?overwrite=true`,
      body: await gzipped(ndjson),
      what: `Upload of ${name} to ${volume.path}`,
    },
    context,
  )
}

/** Whether the file is there. */
export async function exists(
  connection: Connection,
  volume: Volume,
  name: string,
  context: WriteContext,
): Promise<boolean> {
  const reply = await connection.rest(
    { method: 'HEAD', path: filePath(volume, name), what: `Look for ${name} in ${volume.path}`, allow: [404] },
    context,
  )
  return reply.status !== 404
}

/** Removes staged files as well as it can: one that stays costs space and is overwritten or ignored, never loaded again. */
export function removeLater(connection: Connection, volume: Volume, names: readonly string[]): void {
  const context: WriteContext = { signal: AbortSignal.timeout(30_000), waiting: () => undefined }
  for (const name of names) {
    connection
      .rest({ method: 'DELETE', path: filePath(volume, name), what: `Removal of ${name}`, allow: [404] }, context)
      .catch(() => undefined)
  }
}
