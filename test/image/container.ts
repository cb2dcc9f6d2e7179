/** The image as an orchestrator starts it: its own command, a read-only root, no rights, one folder for data. */
import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { chownSync } from 'node:fs'
import type { Built } from './build.ts'

export interface Container {
  readonly child: ChildProcess
  output(): string
  /** SIGTERM; gives the exit code and the seconds that it took. */
  stop(): Promise<{ readonly code: number | null; readonly seconds: number }>
}

export interface ContainerOptions {
  readonly uid: number
  /** Folder for `/data`. */
  readonly data: string
  readonly env: Readonly<Record<string, string>>
  /** In the place of the image's own. */
  readonly command?: readonly string[]
}

/** Mounts are this process's own and end with it; as from any runtime comes `/etc/hosts`, without which `localhost` is no name. The last word is replaced by the program, so that signals reach that. */
const ENTER = `set -e
root=$1 data=$2 uid=$3 dir=$4; shift 4
/usr/bin/mount --bind "$root" "$root"
/usr/bin/mount --bind "$data" "$root/data"
/usr/bin/mount -t tmpfs tmpfs "$root/tmp"
/usr/bin/mount -t proc proc "$root/proc"
/usr/bin/mount --bind /dev "$root/dev"
: >>"$root/etc/hosts"
/usr/bin/mount --bind /etc/hosts "$root/etc/hosts"
/usr/bin/mount -o remount,bind,ro "$root"
exec /usr/sbin/chroot --userspec="$uid:$uid" --groups= "$root" /bin/sh -c 'cd "$0" && exec "$@"' "$dir" "$@"`

/** As runtimes do, the home of an unknown user is the root. */
export function startContainer({ root, config }: Built, options: ContainerOptions): Container {
  const { uid, data, env, command = config.Cmd } = options
  chownSync(data, uid, uid)
  const own = Object.fromEntries(config.Env.map((line) => line.split(/=(.*)/s) as [string, string]))
  const args = ['--mount', '/bin/sh', '-c', ENTER, 'enter', root, data, String(uid), config.WorkingDir, ...command]
  const child = spawn('unshare', args, { env: { HOME: '/', ...own, ...env }, stdio: ['ignore', 'pipe', 'pipe'] })
  let text = ''
  for (const stream of [child.stdout, child.stderr])
    stream.setEncoding('utf8').on('data', (chunk: string) => {
      text += chunk
    })
  return {
    child,
    output: () => text,
    async stop() {
      const began = Date.now()
      if (child.exitCode === null && child.signalCode === null) {
        const ended = once(child, 'exit')
        child.kill('SIGTERM')
        await ended
      }
      return { code: child.exitCode, seconds: (Date.now() - began) / 1000 }
    },
  }
}
