import { mkdir, readdir, readFile, rename, rm, rmdir, stat, writeFile } from 'node:fs/promises'
import path from 'node:path'
import { json, type Reply } from '../http.ts'
import { failure } from './http.ts'
import type { Rights } from './rights.ts'
import type { VolumePath, Volumes } from './volumes.ts'

export interface FilesRequest {
  method: string
  /** `files` or `directories`. */
  what: string
  /** Decoded path from `/Volumes` on. */
  path: string
  overwrite: boolean
  body: Buffer
}

const NO_CONTENT: Reply = { status: 204, headers: {}, body: Buffer.alloc(0) }

/** The Files API below `/api/2.0/fs`, for files and directories in volumes. */
export async function filesApi(
  request: FilesRequest,
  volumes: Volumes,
  rights: Rights,
  hasVolume: (found: VolumePath) => Promise<boolean>,
): Promise<Reply> {
  const found = volumes.locate(request.path)
  if (!found) return failure(400, 'INVALID_PARAMETER_VALUE', `Invalid path: ${request.path}`)
  const { catalog, schema, name } = found.volume
  if (!(await hasVolume(found)))
    return failure(404, 'NOT_FOUND', `Volume '${catalog}.${schema}.${name}' does not exist.`)
  const privilege = ['GET', 'HEAD'].includes(request.method) ? 'READ VOLUME' : 'WRITE VOLUME'
  if (rights.isDenied(privilege, found.volume)) {
    return failure(
      403,
      'PERMISSION_DENIED',
      `User does not have ${privilege} on Volume '${catalog}.${schema}.${name}'.`,
    )
  }
  return request.what === 'files' ? await file(request, found) : await directory(request, found)
}

async function file({ method, overwrite, body }: FilesRequest, { disk, rest }: VolumePath): Promise<Reply> {
  const known = await stat(disk).catch(() => undefined)
  if (method === 'PUT') {
    if (rest === '' || known?.isDirectory()) return failure(400, 'INVALID_PARAMETER_VALUE', 'The path is a directory.')
    if (known && !overwrite) return failure(409, 'ALREADY_EXISTS', 'The file being created already exists.')
    await mkdir(path.dirname(disk), { recursive: true })
    // Whole or not at all: a statement that reads the volume never sees half a file.
    const half = path.join(path.dirname(disk), `.${path.basename(disk)}.upload`)
    await writeFile(half, body)
    await rename(half, disk)
    return NO_CONTENT
  }
  if (!known?.isFile()) return failure(404, 'NOT_FOUND', 'The file being accessed is not found.')
  if (method === 'DELETE') {
    await rm(disk)
    return NO_CONTENT
  }
  const headers = { 'content-type': 'application/octet-stream', 'last-modified': known.mtime.toUTCString() }
  if (method === 'GET') return { status: 200, headers, body: await readFile(disk) }
  if (method === 'HEAD')
    return { status: 200, headers: { ...headers, 'content-length': String(known.size) }, body: Buffer.alloc(0) }
  return failure(405, 'METHOD_NOT_ALLOWED', `${method} is not supported here.`)
}

async function directory({ method, path: asked }: FilesRequest, { disk }: VolumePath): Promise<Reply> {
  if (method === 'PUT') {
    await mkdir(disk, { recursive: true })
    return NO_CONTENT
  }
  const known = await stat(disk).catch(() => undefined)
  if (!known?.isDirectory()) return failure(404, 'NOT_FOUND', 'The directory being accessed is not found.')
  if (method === 'DELETE') {
    if ((await readdir(disk)).length > 0) return failure(400, 'DIRECTORY_NOT_EMPTY', 'The directory is not empty.')
    await rmdir(disk)
    return NO_CONTENT
  }
  if (method === 'HEAD') return { status: 200, headers: {}, body: Buffer.alloc(0) }
  if (method !== 'GET') return failure(405, 'METHOD_NOT_ALLOWED', `${method} is not supported here.`)
  const entries = await readdir(disk, { withFileTypes: true })
  const contents = await Promise.all(
    entries.map(async (entry) => {
      const size = entry.isFile() ? (await stat(path.join(disk, entry.name))).size : undefined
      return { path: `${asked}/${entry.name}`, name: entry.name, is_directory: entry.isDirectory(), file_size: size }
    }),
  )
  return json(200, { contents })
}
