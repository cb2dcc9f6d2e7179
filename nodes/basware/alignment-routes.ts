/** Guarded routes for the report of what the ERP and Basware do not have alike: asked for, shown, as a file, as an alert. */
import type { NodeAPI } from 'node-red'
import { z } from 'zod'
import type { Engine } from '../../sync/contract/engine.ts'
import { syncError } from '../../sync/contract/errors.ts'
import { csvOf, fileAnswer, forDone, handle, type LedgerHandle, ledgersOf, type Member } from '../kit/kit.ts'
import type { AlignmentRow } from './client/send/align.ts'
import { type BaswareTarget, SENT } from './client/send/target.ts'

const name = z.string().min(1).max(300)
const asked = { ledger: name.optional() }

/** The ledger named, or the only one. */
export function ledgerNamed(RED: NodeAPI, id: string | undefined): LedgerHandle {
  const all = ledgersOf(RED, 'sync-ledger')
  const found = id === undefined && all.size === 1 ? [...all.values()][0] : all.get(id ?? '')
  if (found) return found
  throw syncError('config', 'tieout.ledger', id ? `There is no sync-ledger ${id}` : 'Name a ledger', {
    hint: `Name one: ?ledger=${[...all.keys()].join(' or ')}`,
  })
}

/** A row, and where it is from. */
type Row = AlignmentRow & { readonly node: string; readonly entity: string }

interface Report {
  /** When it began, ISO. */
  readonly at: string
  readonly done: boolean
  readonly rows: readonly Row[]
  /** What could not be compared, and why. */
  readonly problems: readonly string[]
}

/** What people get as a file. */
const COLUMNS = ['node', 'entity', 'place', 'kind', 'code', 'externalCode', 'text'] as const

/** The last report of each ledger; it lives as long as the process. */
const reports = new WeakMap<LedgerHandle, Report>()

export function defineAlignmentRoutes(RED: NodeAPI): void {
  const reportOf = (id: string | undefined) => reports.get(ledgerNamed(RED, id))
  /** Nodes and entities of which a person may say that the codes are used that stand there. */
  const decidable = (id: string | undefined) => ({
    sinks: sinksOf(RED, ledgerNamed(RED, id)).map(({ ref }) => ({ id: ref.id, name: ref.name })),
    entities: SENT,
  })

  RED.httpAdmin.get(
    '/tieout/basware/alignment',
    RED.auth.needsPermission('tieout.read'),
    handle(
      z.object({ ...asked, limit: z.coerce.number().int().min(1).max(1000).default(100) }),
      async ({ ledger, limit }) => {
        const found = reportOf(ledger)
        const rows = found?.rows ?? []
        return { ...found, ...decidable(ledger), rows: rows.slice(0, limit), count: rows.length }
      },
    ),
  )

  RED.httpAdmin.get(
    '/tieout/basware/alignment/file',
    RED.auth.needsPermission('tieout.read'),
    handle(z.object(asked), async ({ ledger }) => {
      const found = reportOf(ledger)
      if (!found?.done) throw syncError('config', 'basware.alignment', 'There is no report yet: compare first')
      return fileAnswer(`alignment-${found.at.slice(0, 10)}.csv`, 'text/csv', csvOf(COLUMNS, found.rows))
    }),
  )

  RED.httpAdmin.post(
    '/tieout/basware/alignment',
    RED.auth.needsPermission('tieout.write'),
    handle(z.strictObject({ ...asked, alert: z.boolean().default(false) }), async ({ ledger, alert }) => {
      const of = ledgerNamed(RED, ledger)
      if (reports.get(of)?.done === false) return { message: 'It is being compared.' }
      if (sinksOf(RED, of).length === 0)
        throw syncError('config', 'basware.alignment', 'No node that sends to Basware is deployed with this ledger')
      void beginComparison(RED, of, alert, new Date(Date.now() - DAY_MS).toISOString())
      return { message: 'It is compared. The list is filled when that is done.' }
    }),
  )
}

/** Compares all that nodes of a ledger send; lines of those orders that were sent since a moment (ISO), and of some others. */
export async function beginComparison(RED: NodeAPI, of: LedgerHandle, alert: boolean, since: string): Promise<void> {
  if (reports.get(of)?.done === false) return
  const at = new Date().toISOString()
  reports.set(of, { at, done: false, rows: [], problems: [] })
  const made = await compare(of, sinksOf(RED, of), alert, since).catch((error: unknown) => ({
    rows: [],
    problems: [forDone(error).message],
  }))
  reports.set(of, { at, done: true, ...made })
}

const DAY_MS = 86_400_000

/** Nodes that send to Basware with a ledger. */
export const sinksOf = (RED: NodeAPI, { members }: LedgerHandle): readonly Member[] =>
  [...members.values()].filter(({ ref }) => RED.nodes.getNode(ref.id)?.type === 'basware-send')

/** Longest time for a report: a list of a hundred thousand orders has two hundred pages. */
const LONGEST_MS = 1_800_000

async function compare(
  { engine }: LedgerHandle,
  sinks: readonly Member[],
  alert: boolean,
  since: string,
): Promise<Pick<Report, 'rows' | 'problems'>> {
  const { ledger } = await engine.get()
  const signal = AbortSignal.timeout(LONGEST_MS)
  const rows: Row[] = []
  const problems: string[] = []
  for (const { ref, target } of sinks) {
    for (const entity of SENT) {
      try {
        const found = (await target?.(entity)) as BaswareTarget | undefined
        if (!found || !(await ledger.hasDeliveries(found.address))) continue
        for (const row of await found.alignment(signal, { since, night: Math.floor(Date.now() / DAY_MS) }))
          rows.push({ ...row, node: ref.name, entity })
      } catch (error) {
        problems.push(`${ref.name}, ${entity}: ${forDone(error).message}`)
      }
    }
    await tell(ledger, ref.name, rows, alert)
  }
  return { rows, problems }
}

/** An alert lasts until a comparison finds nothing. */
async function tell(ledger: Engine['ledger'], node: string, rows: readonly Row[], alert: boolean): Promise<void> {
  const count = rows.filter((row) => row.node === node).length
  const about = { sync: node, kind: 'alignment' }
  if (count === 0) await ledger.clearAlerts(about)
  else if (alert)
    await ledger.raiseAlert({
      ...about,
      message: `${count} record(s) are not alike in the ERP and in Basware: see Alignment in the sidebar`,
    })
}
