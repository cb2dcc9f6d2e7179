/** Logins and deploys in the log, without Node-RED's whole audit: every request of every editor would stand there too. */

/** An event of Node-RED's audit log, as far as it is told. */
export interface AuditEvent {
  readonly event?: string
  readonly username?: string
  readonly address?: string
  readonly user?: { readonly username?: string }
  readonly type?: string
}

const WORDS: Readonly<Record<string, string>> = {
  'auth.login': 'logged in',
  'auth.login.fail.credentials': 'was refused: wrong name or password',
  'auth.login.fail.too-many-attempts': 'was refused: too many attempts',
  'flows.set': 'deployed',
}

/** What an event says; undefined: it is not told. Names come from outside: nothing of them breaks a line. */
export function accessLine({ event = '', username, address, user }: AuditEvent): string | undefined {
  const words = WORDS[event]
  if (words === undefined) return undefined
  const name = JSON.stringify((username ?? user?.username ?? 'nobody').slice(0, 100))
  return `[tieout] ${name} ${words}${address ? `, from ${address}` : ''}`
}

/** A handler of Node-RED's log. */
export function accessLog(message: AuditEvent): void {
  const line = accessLine(message)
  if (line !== undefined) console.log(`${new Date().toISOString()} ${line}`)
}
