/** Builds the Dockerfile with buildah, on a base of Debian's root and the npm packages `node` and `npm`. */
import { spawnSync } from 'node:child_process'
import { copyFileSync, existsSync, mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join, resolve } from 'node:path'

const SUITE = 'bookworm'
const BASE = 'localhost/node:tieout-test'
const IMAGE = 'localhost/tieout:test'

/** What the image says of itself. */
export interface ImageConfig {
  readonly Cmd: readonly string[]
  readonly Env: readonly string[]
  readonly WorkingDir: string
  readonly User: string
  readonly Healthcheck?: { readonly Test: readonly string[] }
}

export interface Built {
  /** Its root on this machine. */
  readonly root: string
  readonly config: ImageConfig
  remove(): void
}

/** Runs a command to its end; throws with what it wrote where it fails. */
function run(command: string, args: readonly string[], shown = false): string {
  const { status, stdout, stderr, error } = spawnSync(command, args, {
    encoding: 'utf8',
    maxBuffer: 1 << 28,
    stdio: ['ignore', 'pipe', shown ? 'inherit' : 'pipe'],
  })
  if (status === 0) return stdout.trim()
  throw new Error(
    `${command} ${args.join(' ')}: ${error?.message ?? status}\n${stdout.slice(-3000)}\n${(stderr ?? '').slice(-3000)}`,
  )
}

/** What is missing on this machine to build, in words; undefined: nothing. */
export function missing(): string | undefined {
  const absent = ['buildah', 'debootstrap', 'unshare', 'chroot'].filter(
    (name) => spawnSync('which', [name]).status !== 0,
  )
  if (absent.length > 0) return `${absent.join(', ')} missing: apt-get install buildah debootstrap`
  return process.getuid?.() === 0 ? undefined : 'building and mounting an image takes root'
}

/** Takes minutes: a Debian is fetched, and the packages of the image twice. */
export function build(): Built {
  const home = mkdtempSync(join(tmpdir(), 'tieout-image-'))
  const buildah = (...args: readonly string[]): string =>
    run('buildah', ['--storage-driver', 'vfs', '--root', join(home, 'store'), '--runroot', join(home, 'run'), ...args])
  const remove = (): void => {
    spawnSync('buildah', [
      '--storage-driver',
      'vfs',
      '--root',
      join(home, 'store'),
      '--runroot',
      join(home, 'run'),
      'rm',
      '--all',
    ])
    rmSync(home, { recursive: true, force: true })
  }
  try {
    makeBase(buildah)
    const isolated = ['--isolation', 'chroot', '--pull-never', '--format', 'docker', '--layers=false']
    buildah('bud', ...isolated, '--build-arg', 'NODE=tieout-test', '--tag', IMAGE, resolve('.'))
    const container = buildah('from', '--pull-never', IMAGE)
    const { Docker } = JSON.parse(buildah('inspect', '--type', 'image', IMAGE)) as { Docker: { config: ImageConfig } }
    return { root: buildah('mount', container), config: Docker.config, remove }
  } catch (error) {
    remove()
    throw error
  }
}

/**
 * In the place of the official image of Node: a minimal Debian, Node and npm, the user `node`. `TIEOUT_TEST_DEBIAN` names a folder
 * with a root that debootstrap made before.
 */
function makeBase(buildah: (...args: readonly string[]) => string): void {
  const container = buildah('from', 'scratch')
  const root = buildah('mount', container)
  const there = process.env.TIEOUT_TEST_DEBIAN
  if (there) run('cp', ['-a', `${there}/.`, root])
  else run('debootstrap', ['--variant=minbase', '--include=ca-certificates', SUITE, root])
  copyFileSync('node_modules/node/bin/node', join(root, 'usr/local/bin/node'))
  run('npm', ['install', '--global', '--prefix', join(root, 'usr/local'), `npm@${run('npm', ['--version'])}`])
  run('chroot', [root, 'useradd', '--uid', '1000', '--create-home', 'node'])
  // A registry behind an authority of this machine's own.
  const own = process.env.NODE_EXTRA_CA_CERTS
  if (own && existsSync(own)) copyFileSync(own, join(root, 'etc/tieout-test-ca.pem'))
  const trusted = own ? ['--env', 'NODE_EXTRA_CA_CERTS=/etc/tieout-test-ca.pem'] : []
  buildah('config', '--env', 'PATH=/usr/local/bin:/usr/bin:/bin', ...trusted, '--cmd', 'node', container)
  buildah('commit', container, BASE)
  buildah('rm', container)
}

/** The version that the Dockerfile takes, for who compares. */
export const nodeOf = (): string => /^ARG NODE=(\S+?)-/m.exec(readFileSync('Dockerfile', 'utf8'))?.[1] ?? ''
