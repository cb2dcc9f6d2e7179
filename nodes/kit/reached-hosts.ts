/** Hosts that have answered are kept in the ledger: after a restart in the middle of an outage they are still no typing errors. */
import { z } from 'zod'
import type { Notes } from '../../ledger/ledger.ts'
import { rememberHosts } from '../../vendor/hosts.ts'

/** What they stand under among the ledger's notes. */
const PLACE = 'tieout://hosts'
/** Of those that are kept: an address that changes with each start must not fill the ledger. */
const MOST = 200

const names = z.array(z.string()).catch([])

/** Takes the hosts of a ledger over and keeps there which answer from now on. Returns the way back. */
export async function keepHosts(ledger: Notes, failed: (error: unknown) => void): Promise<() => void> {
  const text = await ledger.note(PLACE)
  let hosts = names.parse(text === undefined ? [] : JSON.parse(text))
  return rememberHosts(hosts, (host) => {
    hosts = [...hosts.filter((other) => other !== host), host].slice(-MOST)
    ledger.saveNote(PLACE, JSON.stringify(hosts)).catch(failed)
  })
}
