import { createCipheriv, createDecipheriv, createHash, randomBytes, randomUUID } from 'node:crypto'
import { mkdir, readdir, readFile, rm, stat, writeFile } from 'node:fs/promises'
import path from 'node:path'

/** A file in a stage. `key` is where the storage has it: the stage's folder and the path in it. */
export interface StagedFile {
  key: string
  /** Path in the stage. */
  path: string
  /** On this machine, decrypted. */
  disk: string
  size: number
  /** MD5 of what was uploaded. */
  etag: string
  modified: number
  gzip: boolean
  /** Headers that came with it and go back with it. */
  headers: Record<string, string>
}

/** The part of the stages that a statement needs to find files. */
export interface Locator {
  /** Files of a stage whose path begins with `prefix`, by name. */
  files(stageId: string, prefix?: string): StagedFile[]
}

export interface Stages extends Locator {
  /** A new folder for a stage; a replaced stage gets another one, so that its files are gone. */
  newId(): string
  /** Stores an upload, decrypted with the key that `material` gave for it. */
  put(key: string, body: Buffer, headers: Record<string, string>): Promise<void>
  /** By storage key; undefined where there is none. */
  get(key: string): StagedFile | undefined
  /** As it was uploaded. */
  read(file: StagedFile): Promise<Buffer>
  remove(file: StagedFile): Promise<void>
  removeStage(stageId: string): Promise<void>
  /** What a client needs to encrypt a file for this account. */
  material(queryId: string): { queryStageMasterKey: string; queryId: string; smkId: number }
  close(): Promise<void>
}

const KEY_ID = 92_019_681_909_886
const REMOVED_KEPT = 50

/** Keeps staged files in a folder, decrypted, so that the engine can read them. */
export async function openStages(folder: string, keep: boolean): Promise<Stages> {
  await mkdir(folder, { recursive: true })
  const master = await masterKey(folder, keep)
  const files = new Map<string, StagedFile>()
  const removed: string[] = []
  if (keep) for (const file of await saved(folder)) files.set(file.key, file)

  const stages: Stages = {
    newId: () => randomUUID(),
    files(stageId, prefix = '') {
      const start = `${stageId}/${prefix}`
      return [...files.values()].filter((file) => file.key.startsWith(start)).sort((a, b) => (a.key < b.key ? -1 : 1))
    },
    async put(key, body, headers) {
      const plain = headers['x-goog-meta-encryptiondata']
        ? decrypt(body, headers['x-goog-meta-encryptiondata'], master)
        : body
      const disk = path.join(folder, randomUUID())
      await writeFile(disk, plain)
      const [, ...rest] = key.split('/')
      const file: StagedFile = {
        key,
        path: rest.join('/'),
        disk,
        size: body.length,
        etag: createHash('md5').update(plain).digest('hex'),
        modified: Date.now(),
        gzip: plain[0] === 0x1f && plain[1] === 0x8b,
        headers,
      }
      if (keep) await writeFile(`${disk}.json`, JSON.stringify(file))
      files.set(key, file)
    },
    get: (key) => files.get(key),
    read: async (file) => encryptAgain(await readFile(file.disk), file.headers['x-goog-meta-encryptiondata'], master),
    async remove(file) {
      files.delete(file.key)
      if (keep) await rm(`${file.disk}.json`, { force: true })
      // An open transaction may have to read it once more.
      removed.push(file.disk)
      if (removed.length > REMOVED_KEPT) await rm(removed.shift() ?? '', { force: true })
    },
    async removeStage(stageId) {
      for (const file of stages.files(stageId, '')) await stages.remove(file)
    },
    material: (queryId) => ({ queryStageMasterKey: master.toString('base64'), queryId, smkId: KEY_ID }),
    async close() {
      if (!keep) return await rm(folder, { recursive: true, force: true })
      for (const disk of removed) await rm(disk, { force: true })
    },
  }
  return stages
}

async function masterKey(folder: string, keep: boolean): Promise<Buffer> {
  const file = path.join(folder, '.key')
  const found = keep ? await readFile(file).catch(() => undefined) : undefined
  if (found) return found
  const key = randomBytes(16)
  if (keep) await writeFile(file, key, { mode: 0o600 })
  return key
}

async function saved(folder: string): Promise<StagedFile[]> {
  const names = (await readdir(folder)).filter((name) => name.endsWith('.json'))
  const files = await Promise.all(
    names.map(async (name) => JSON.parse(await readFile(path.join(folder, name), 'utf8')) as StagedFile),
  )
  const there = await Promise.all(
    files.map((file) =>
      stat(file.disk).then(
        () => true,
        () => false,
      ),
    ),
  )
  return files.filter((_, index) => there[index])
}

interface EncryptionData {
  WrappedContentKey: { EncryptedKey: string }
  ContentEncryptionIV: string
}

/** The client's envelope: a file key under the stage's master key (AES-ECB), the content under the file key (AES-CBC). */
function fileKey(description: string, master: Buffer): { key: Buffer; iv: Buffer } {
  const data = JSON.parse(description) as EncryptionData
  const unwrap = createDecipheriv(`aes-${master.length * 8}-ecb`, master, null)
  const key = Buffer.concat([unwrap.update(Buffer.from(data.WrappedContentKey.EncryptedKey, 'base64')), unwrap.final()])
  return { key, iv: Buffer.from(data.ContentEncryptionIV, 'base64') }
}

function decrypt(body: Buffer, description: string, master: Buffer): Buffer {
  const { key, iv } = fileKey(description, master)
  const cipher = createDecipheriv(`aes-${key.length * 8}-cbc`, key, iv)
  return Buffer.concat([cipher.update(body), cipher.final()])
}

/** The same bytes as were uploaded: key and vector are those of the upload. */
function encryptAgain(plain: Buffer, description: string | undefined, master: Buffer): Buffer {
  if (description === undefined) return plain
  const { key, iv } = fileKey(description, master)
  const cipher = createCipheriv(`aes-${key.length * 8}-cbc`, key, iv)
  return Buffer.concat([cipher.update(plain), cipher.final()])
}
