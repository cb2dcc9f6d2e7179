// Node-RED's settings, built from the environment: a login or no start, secrets encrypted or no start.
// No top-level await here: Node-RED loads this file with require().
import { createDecipheriv, createHash, randomBytes } from 'node:crypto'
import { existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs'
import { createRequire, enableCompileCache } from 'node:module'
import { homedir } from 'node:os'
import { join, resolve } from 'node:path'
import { refuse } from './dist/login/refuse.js'

const env = process.env
const FLOW_FILE = 'flows.json'

/** The user directory as Node-RED will take it: --userDir, TIEOUT_USER_DIR, or ~/.node-red. */
function userDirectory() {
  const args = process.argv
  const at = args.findIndex((arg) => arg === '--userDir' || arg === '-u')
  const given = at >= 0 ? args[at + 1] : args.find((arg) => arg.startsWith('--userDir='))?.slice('--userDir='.length)
  return resolve(given ?? env.TIEOUT_USER_DIR ?? join(homedir(), '.node-red'))
}

/** @param {string} file @returns {unknown} the parsed file, or undefined where there is none */
function readJson(file) {
  if (!existsSync(file)) return undefined
  try {
    return JSON.parse(readFileSync(file, 'utf8'))
  } catch (error) {
    throw refuse(
      `${file} is not valid JSON (${/** @type {Error} */ (error).message}). Correct it or restore it from a backup.`,
    )
  }
}

/** NAME, or the content of the file that NAME_FILE names (Docker secrets). It leaves the environment, which flows can read. */
function secretFromEnv(/** @type {string} */ name) {
  const { [`${name}_FILE`]: file, [name]: value } = env
  if (file && !existsSync(file)) throw refuse(`${name}_FILE names ${file}, which does not exist.`)
  delete env[name]
  return file ? readFileSync(file, 'utf8').trim() : value
}

/** Whether a key opens the credentials file, as Node-RED encrypts it. */
function opens(/** @type {string} */ secret, /** @type {string} */ encrypted) {
  try {
    const key = createHash('sha256').update(secret).digest()
    const cipher = createDecipheriv('aes-256-ctr', key, Buffer.from(encrypted.slice(0, 32), 'hex'))
    JSON.parse(cipher.update(encrypted.slice(32), 'base64', 'utf8') + cipher.final('utf8'))
    return true
  } catch {
    return false
  }
}

/**
 * The key of all stored secrets: from the environment, else from a file that the first start makes.
 * With a wrong key Node-RED starts with empty credentials and the next deploy overwrites the good ones, so that start is refused.
 */
function credentialSecret(/** @type {string} */ userDir) {
  const keyFile = join(userDir, 'credential-secret')
  const credentials = join(userDir, FLOW_FILE.replace('.json', '_cred.json'))
  const stored = /** @type {{$?: unknown} | undefined} */ (readJson(credentials))
  const encrypted = typeof stored?.$ === 'string' ? stored.$ : undefined
  // A user directory from before: Node-RED's own generated key, which it gives up for ours at this start.
  const earlier = /** @type {{_credentialSecret?: string} | undefined} */ (
    readJson(join(userDir, '.config.runtime.json'))
  )?._credentialSecret
  const given = secretFromEnv('TIEOUT_CREDENTIAL_SECRET')
  const kept = existsSync(keyFile) ? readFileSync(keyFile, 'utf8').trim() : undefined
  const secret = given || kept
  const key = earlier || secret
  if (encrypted && !(key && opens(key, encrypted)))
    throw refuse(
      `${credentials} cannot be decrypted with ${given ? 'TIEOUT_CREDENTIAL_SECRET' : kept ? keyFile : 'any key: none is set'}. ` +
        `Set the key it was written with. If that is lost, move ${credentials} away and enter the passwords anew.`,
    )
  if (secret) return secret
  const made = randomBytes(32).toString('hex')
  mkdirSync(userDir, { recursive: true })
  writeFileSync(keyFile, `${made}\n`, { mode: 0o600, flag: 'wx' })
  return made
}

const userDir = userDirectory()

// Whatever Node-RED writes from here on (flows, encrypted passwords, context) is for the user alone that it runs as.
process.umask(0o077)

// Compiled code outlives the process: a start and its first runs take less time. Node checks the source of what it takes from there.
enableCompileCache(join(userDir, 'compile-cache'))
/** After it, so that this code and its libraries are taken from there too. @type {typeof import('./dist/login/login.js')} */
const { openLogin, accessLog } = createRequire(import.meta.url)('./dist/login/login.js')

/** @type {typeof import('./dist/watchdog/watchdog.js')} */
const { frozenSeconds, startWatchdog } = createRequire(import.meta.url)('./dist/watchdog/watchdog.js')
try {
  startWatchdog(frozenSeconds(env.TIEOUT_FROZEN_SECONDS))
} catch (error) {
  throw refuse(/** @type {Error} */ (error).message)
}

const passwordHash = secretFromEnv('TIEOUT_ADMIN_PASSWORD_HASH')
const login = openLogin({
  userDir,
  // More users, with roles, stand in users.json of the user directory (docs/operating.md).
  admin: passwordHash ? { username: env.TIEOUT_ADMIN_USER || 'admin', password: passwordHash } : undefined,
  publicUrls: env.TIEOUT_PUBLIC_URL || '',
  trustProxy: env.TIEOUT_TRUST_PROXY === 'true',
  root: () => settings.httpAdminRoot,
})

const settings = {
  userDir,
  flowFile: FLOW_FILE,
  flowFilePretty: true,
  uiHost: env.TIEOUT_HOST || '127.0.0.1',
  uiPort: Number(env.PORT || 1880),
  adminAuth: login.adminAuth,
  credentialSecret: credentialSecret(userDir),
  /** This repository, or the installed package, is loaded as the package it is. */
  nodesDir: [import.meta.dirname],
  nodesExcludes: ['nrlint', '90-exec.js'],
  httpAdminMiddleware: login.middleware,
  telemetry: { enabled: false, updateNotification: false },
  externalModules: { palette: { allowInstall: false, allowUpload: false }, modules: { allowInstall: false } },
  functionExternalModules: false,
  exportGlobalContextKeys: false,
  diagnostics: { enabled: true, ui: false },
  runtimeState: { enabled: false, ui: false },
  logging: {
    console: { level: env.TIEOUT_LOG_LEVEL || 'info', metrics: false, audit: env.TIEOUT_AUDIT === 'true' },
    /** Who logged in, who failed to and from where, and who deployed. */
    access: { level: 'off', metrics: false, audit: true, handler: () => accessLog },
  },
  editorTheme: {
    page: { title: 'Tieout' },
    header: { title: 'Tieout' },
    tours: false,
    palette: {
      catalogues: [],
      categories: ['Tieout', 'subflows', 'common', 'function', 'network', 'sequence', 'parser', 'storage'],
    },
    projects: { enabled: false },
    codeEditor: { lib: 'monaco' },
  },
}

export { settings as default, settings as 'module.exports' }
