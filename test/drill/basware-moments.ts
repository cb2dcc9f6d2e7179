/**
 * Moments at which a flow that posts is killed: they come from Basware and X3, which see each request before it is done, and from the
 * ledger's files.
 */
import { watch } from 'node:fs'
import type { FaultKind, FaultPlan } from '../../sandbox/faults.ts'

type Server = 'basware' | 'x3'

/**
 * Points on the way of an invoice, before and after each. A request that has arrived stands behind what the ledger wrote before it;
 * what is done of it, and never told, stands before what the ledger writes after it.
 */
export const POINTS = [
  ...(['before recorded', 'after recorded', 'before acknowledged', 'after acknowledged'] as const),
  ...(['before read again', 'after read again', 'before intent', 'after intent', 'before sent', 'after sent'] as const),
  ...(['before committed', 'after committed', 'before result stored', 'after result stored'] as const),
  ...(['before answered', 'after answered', 'before confirmed', 'after confirmed'] as const),
] as const
export type Point = (typeof POINTS)[number] | 'random'

/** The `nth` chance of its kind from now on. `done`: whether a random request is done. */
export interface Moment {
  /** One of the springs, or `random`. */
  readonly point: string
  readonly nth: number
  readonly done: boolean
}

interface Seen {
  readonly server: Server
  readonly site: string
  /** The last one before it that changes something, or looks into X3. */
  readonly after: string
}

/** `fate`: what is done with the request whose sender has been killed; a file: it goes on, and the next write of it is the moment. */
export interface Spring {
  readonly at: (seen: Seen) => boolean
  readonly fate: FaultKind | 'wal' | 'installation'
}

export const at =
  (site: string, after?: string) =>
  (seen: Seen): boolean =>
    seen.site === site && (after === undefined || seen.after === after)
const READ_AGAIN = at('document-get', 'acknowledge')
const WITNESS = at('document-get', 'soap:look')
export const STATUS = ({ site }: Seen): boolean => site.startsWith('status-')

export type Springs = Readonly<Record<string, Spring>>

export const SPRINGS: Readonly<Record<(typeof POINTS)[number], Spring>> = {
  'before recorded': { at: at('documents-get'), fate: 'reset-after' },
  'after recorded': { at: at('acknowledge'), fate: 'reset-before' },
  'before acknowledged': { at: at('acknowledge'), fate: 'reset-after' },
  'after acknowledged': { at: READ_AGAIN, fate: 'reset-before' },
  'before read again': { at: READ_AGAIN, fate: 'reset-after' },
  'after read again': { at: at('soap:look', 'acknowledge'), fate: 'reset-before' },
  'before intent': { at: WITNESS, fate: 'reset-after' },
  'after intent': { at: WITNESS, fate: 'wal' },
  'before sent': { at: WITNESS, fate: 'installation' },
  'after sent': { at: at('soap:save'), fate: 'reset-before' },
  // X3 takes its time, and commits when the next process has looked already.
  'before committed': { at: at('soap:save'), fate: 'timeout' },
  'after committed': { at: at('soap:save'), fate: 'reset-after' },
  'before result stored': { at: at('soap:save'), fate: 'wal' },
  'after result stored': { at: at('soap:look', 'soap:save'), fate: 'reset-before' },
  'before answered': { at: at('transfer'), fate: 'reset-before' },
  'after answered': { at: at('transfer'), fate: 'reset-after' },
  'before confirmed': { at: STATUS, fate: 'reset-before' },
  'after confirmed': { at: STATUS, fate: 'wal' },
}

const REMEMBERED = ['acknowledge', 'soap:look', 'soap:save', 'transfer']

export interface Trap {
  readonly plans: Readonly<Record<Server, FaultPlan>>
  /** Waits for a moment from now on; `kill` is called in it, before anything else happens. Gives where it came, in words. */
  arm(moment: Moment, kill: () => void): Promise<string>
  disarm(): void
  /** How many chances of a point there were since it was armed. */
  chances(): number
  close(): void
}

/** `inner`: what is played besides. `ledgers`: folder of the ledger. */
export function createTrap(inner: Readonly<Record<Server, FaultPlan>>, ledgers: string, springs: Springs): Trap {
  let after = ''
  let count = 0
  let armed: { readonly moment: Moment; readonly spring: (what: string) => void } | undefined
  let watched: 'wal' | 'installation' | undefined

  const spring = (what: string): void => {
    armed?.spring(what)
    armed = undefined
    watched = undefined
  }
  const isNow = (seen: Seen, { point, nth }: Moment): boolean => {
    if (point === 'random' || springs[point]?.at(seen)) count++
    else return false
    return count === nth
  }
  const look = (server: Server, site: string): FaultKind | undefined => {
    const seen: Seen = { server, site, after }
    if (REMEMBERED.includes(site)) after = site
    if (!armed || watched || !isNow(seen, armed.moment)) return undefined
    const { point, done } = armed.moment
    const fate = springs[point]?.fate ?? (done ? 'reset-after' : 'reset-before')
    if (fate === 'wal' || fate === 'installation') {
      watched = fate
      return undefined
    }
    spring(`${server} ${site}, ${fate === 'reset-before' ? 'not done' : fate === 'timeout' ? 'done later' : 'done'}`)
    return fate
  }
  const watcher = watch(ledgers, (_event, file) => {
    if (watched && file?.endsWith(watched)) spring(`ledger, ${watched} written`)
  })
  const around = (server: Server): FaultPlan => ({
    ...inner[server],
    next: (site, text) => look(server, site) ?? inner[server].next(site, text),
  })
  return {
    plans: { basware: around('basware'), x3: around('x3') },
    arm(moment, kill) {
      count = 0
      return new Promise((resolve) => {
        armed = {
          moment,
          spring(what) {
            kill()
            resolve(what)
          },
        }
      })
    },
    disarm() {
      armed = undefined
      watched = undefined
    },
    chances: () => count,
    close: () => watcher.close(),
  }
}
