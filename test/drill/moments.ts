/** Moments at which a run is killed: they come from the sandboxes' side, which see each request before it is done. */
import { watch } from 'node:fs'
import type { DatabricksSandbox } from '../../sandbox/databricks/server.ts'
import type { LoggedStatement } from '../../sandbox/databricks/service.ts'
import type { FaultKind, FaultPlan } from '../../sandbox/faults.ts'

/**
 * - `read`: during a request to X3.
 * - `send`: a MERGE or an upload has arrived and is not done.
 * - `committed`: a MERGE is committed, its reply never sent.
 * - `settle`: after the last MERGE of a batch was committed, when the ledger's file changes.
 * - `mark`: the mark's statement has arrived, and is done or not.
 * - `random`: any request, done or not.
 */
export const KINDS = ['read', 'send', 'committed', 'settle', 'mark', 'random'] as const
export type Kind = (typeof KINDS)[number]

/** The `nth` chance of its kind within one run. */
export interface Moment {
  readonly kind: Kind
  readonly nth: number
  /** Whether what has arrived is done, for kinds that leave it open. */
  readonly done: boolean
}

/** Where the moment came, in words. */
export interface Sprung {
  readonly site: string
  readonly what: string
}

export interface Request {
  readonly server: 'x3' | 'databricks'
  readonly site: string
  readonly text: string
}

export interface Trap {
  readonly plans: { readonly x3: FaultPlan; readonly databricks: FaultPlan }
  /** Waits for a moment from now on; `kill` is called in it, before anything else happens. */
  arm(moment: Moment, kill: () => void): Promise<Sprung>
  disarm(): void
  /** Forgets what was seen: a run begins. */
  begin(): void
  requests(): readonly Request[]
  /** How many chances of each kind there were since `begin`. */
  chances(): Readonly<Record<Kind, number>>
  close(): void
}

const isMark = (text: string): boolean => /\b_tieout_mark\b/.test(text)
const isMerge = ({ site, text }: Request): boolean => site === 'execute:merge' && !isMark(text)

/** A document's header comes after its lists: with it the batch is in. */
const isLast = (request: Request): boolean => !/_(line|analytical)`?$/.test(inWords(request))

function kindsOf(request: Request): Kind[] {
  if (request.server === 'x3') return request.site === 'graphql:read' ? ['read', 'random'] : ['random']
  if (request.site === 'execute:merge' && isMark(request.text)) return ['mark', 'random']
  if (isMerge(request)) return ['send', 'committed', ...(isLast(request) ? (['settle'] as const) : []), 'random']
  return request.site === 'files-put' ? ['send', 'random'] : ['random']
}

/** The node that a query of X3 begins at. */
export function nodeOf(text: string): string | undefined {
  const node = /query\W.*?\{\s*(\w+)\s*\{\s*(\w+)/s.exec(text)
  return node ? `${node[1]}.${node[2]}` : undefined
}

/** What a request was about, short. */
function inWords({ site, text }: Request): string {
  const table = /MERGE INTO\s+(\S+)/i.exec(text)?.[1]?.replaceAll('`', '')
  return table ? `MERGE into ${table}` : (nodeOf(text) ?? site)
}

const none = (): Record<Kind, number> => ({ read: 0, send: 0, committed: 0, settle: 0, mark: 0, random: 0 })

export function createTrap(options: {
  readonly inner: { readonly x3: FaultPlan; readonly databricks: FaultPlan }
  readonly databricks: () => Pick<DatabricksSandbox, 'log'>
  /** Folder of the ledger. */
  readonly ledgers: string
}): Trap {
  let seen: Request[] = []
  let counts = none()
  let armed: { moment: Moment; spring: (sprung: Sprung) => void } | undefined
  /** A MERGE whose settlement is waited for, and the last statement done before it. */
  let settling: { request: Request; after: LoggedStatement | undefined } | undefined

  /** What is done with the request whose sender has just been killed; undefined: the moment is not now. */
  function look(request: Request): FaultKind | undefined {
    seen.push(request)
    const kinds = kindsOf(request)
    for (const kind of kinds) counts[kind] += 1
    if (!armed || settling) return undefined
    const { kind, nth, done } = armed.moment
    if (!kinds.includes(kind) || counts[kind] !== nth) return undefined
    if (kind === 'settle') {
      settling = { request, after: options.databricks().log().at(-1) }
      return undefined
    }
    const isDone = kind === 'committed' || ((kind === 'mark' || kind === 'random') && done)
    armed.spring({ site: request.site, what: `${inWords(request)}, ${isDone ? 'done' : 'not done'}` })
    armed = undefined
    return isDone ? 'reset-after' : 'reset-before'
  }

  const watcher = watch(options.ledgers, (_event, file) => {
    if (!armed || !settling || !file?.endsWith('-wal')) return
    const log = options.databricks().log()
    const later = log.slice(settling.after ? log.indexOf(settling.after) + 1 : 0)
    if (!later.some(({ kind, error }) => kind === 'merge' && error === undefined)) return
    armed.spring({ site: 'ledger', what: `written after ${inWords(settling.request)}` })
    armed = undefined
  })

  const around = (server: Request['server']): FaultPlan => {
    const plan = options.inner[server]
    return { ...plan, next: (site, text = '') => look({ server, site, text }) ?? plan.next(site, text) }
  }
  return {
    plans: { x3: around('x3'), databricks: around('databricks') },
    arm: (moment, kill) =>
      new Promise((resolve) => {
        armed = {
          moment,
          spring(sprung) {
            kill()
            resolve(sprung)
          },
        }
      }),
    disarm() {
      armed = undefined
      settling = undefined
    },
    begin() {
      seen = []
      counts = none()
    },
    requests: () => seen,
    chances: () => counts,
    close: () => watcher.close(),
  }
}
