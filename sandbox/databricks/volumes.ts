import { mkdirSync, readdirSync, statSync } from 'node:fs'
import path from 'node:path'
import { pathNotFound, type TableName } from './errors.ts'

/** A path below `/Volumes`, taken apart; `rest` is relative to the volume, '' the volume itself. */
export interface VolumePath {
  volume: TableName
  rest: string
  disk: string
}

/** A file as a statement sees it and where it lies. */
export interface VolumeFile {
  path: string
  disk: string
}

export interface Volumes {
  /** Undefined where the text is no path below a volume. */
  locate(volumePath: string): VolumePath | undefined
  create(volume: TableName): void
  /** The files a path means: the file itself, those of a folder, or those that fit `*` in the last part. PATH_NOT_FOUND. */
  list(volumePath: string): VolumeFile[]
}

/** Volumes as folders below `root`. */
export function openVolumes(root: string): Volumes {
  function locate(volumePath: string): VolumePath | undefined {
    const [empty, top, catalog, schema, name, ...rest] = volumePath.replace(/\/+$/, '').split('/')
    if (empty !== '' || top !== 'Volumes' || !catalog || !schema || !name) return undefined
    if (
      [catalog, schema, name, ...rest].some(
        (part) => part === '' || part === '.' || part === '..' || part.includes('\0'),
      )
    )
      return undefined
    const volume = { catalog: catalog.toLowerCase(), schema: schema.toLowerCase(), name: name.toLowerCase() }
    return { volume, rest: rest.join('/'), disk: path.join(root, volume.schema, volume.name, ...rest) }
  }

  function list(volumePath: string): VolumeFile[] {
    const clean = volumePath.replace(/^dbfs:/, '').replace(/\/+$/, '')
    const found = locate(clean)
    if (!found) throw pathNotFound(volumePath)
    const last = path.posix.basename(clean)
    if (last.includes('*')) {
      const pattern = glob(last)
      return children(path.posix.dirname(clean), path.dirname(found.disk), volumePath).filter((file) =>
        pattern.test(path.posix.basename(file.path)),
      )
    }
    const stat = statSync(found.disk, { throwIfNoEntry: false })
    if (!stat) throw pathNotFound(volumePath)
    return stat.isFile() ? [{ path: clean, disk: found.disk }] : children(clean, found.disk, volumePath)
  }

  return {
    locate,
    list,
    create: (volume) => mkdirSync(path.join(root, volume.schema, volume.name), { recursive: true }),
  }
}

/** Files whose name begins with `_` or `.` are hidden from readers. */
function children(folder: string, disk: string, asked: string): VolumeFile[] {
  if (!statSync(disk, { throwIfNoEntry: false })?.isDirectory()) throw pathNotFound(asked)
  return readdirSync(disk, { withFileTypes: true })
    .filter((entry) => entry.isFile() && !/^[_.]/.test(entry.name))
    .map((entry) => ({ path: `${folder}/${entry.name}`, disk: path.join(disk, entry.name) }))
    .sort((a, b) => (a.path < b.path ? -1 : 1))
}

/** A file name with `*` for any text. */
export function glob(pattern: string): RegExp {
  const parts = pattern.split('*').map((part) => part.replace(/[\\^$.*+?()[\]{}|]/g, '\\$&'))
  return new RegExp(`^${parts.join('.*')}$`)
}
