/** Of what a run has sent to a target with two stages: records and exact amounts, by what became of them. */
import type { Amounts, ResultFigures, ResultOutcome } from '../sync/contract/summary.ts'
import { type Database, prepared } from './database.ts'
import { sumOf } from './group-sums.ts'

type Figure = ResultFigures['accepted']
type Counted = 'accepted' | Exclude<ResultOutcome, 'pending'>

interface Accepted {
  readonly run: string
  readonly entity: string
  readonly address: string
  /** JSON; null: not known. */
  readonly amounts: string | null
  /** 0: it is in no figure. */
  readonly counted: number
}

/** Counts records, and writes them down together. */
export interface FigureCount {
  add(one: Accepted, as: Counted): void
  /** Inside a transaction. */
  write(): void
}

export interface ResultFigureBook {
  begin(): FigureCount
  of(run: string, entity: string, address: string): Promise<ResultFigures>
  /** Those of runs that are not kept any more. */
  purge(): void
}

interface Row {
  outcome: string
  records: number
  sums: string
  unknown: number
}

export function createResultFigures(db: Database): ResultFigureBook {
  const { find, put, all, open, purge } = prepared(db, {
    find: 'SELECT * FROM result_figure WHERE run = ? AND entity = ? AND address = ? AND outcome = ?',
    put: `
      INSERT OR REPLACE INTO result_figure (run, entity, address, outcome, records, sums, unknown)
      VALUES (?, ?, ?, ?, ?, ?, ?)`,
    all: 'SELECT outcome, records, sums, unknown FROM result_figure WHERE run = ? AND entity = ? AND address = ?',
    open: "SELECT amounts FROM result WHERE run = ? AND entity = ? AND address = ? AND state = 'pending' AND counted",
    purge: `
      DELETE FROM result_figure WHERE NOT EXISTS (SELECT 1 FROM run WHERE run.id = result_figure.run AND run.state <> 'kept')
        AND NOT EXISTS (SELECT 1 FROM result WHERE result.run = result_figure.run)`,
  })
  return {
    begin() {
      const all = new Map<string, Accepted[]>()
      return {
        add(one, as) {
          if (one.counted === 0) return
          const place = JSON.stringify([one.run, one.entity, one.address, as])
          const own = all.get(place)
          if (own) own.push(one)
          else all.set(place, [one])
        },
        write() {
          for (const [place, some] of all) {
            const [run = '', entity = '', address = '', as = ''] = JSON.parse(place) as string[]
            const before = find.get(run, entity, address, as) as unknown as Row | undefined
            const { records = 0, sums: text = '{}', unknown = 0 } = before ?? {}
            const sums = JSON.parse(text) as Record<string, string>
            for (const { amounts } of some) if (amounts !== null) addTo(sums, JSON.parse(amounts) as Amounts)
            const untold = some.filter(({ amounts }) => amounts === null).length
            put.run(run, entity, address, as, records + some.length, JSON.stringify(sums), unknown + untold)
          }
        },
      }
    },
    async of(run, entity, address) {
      const rows = db.guard(() => all.all(run, entity, address)) as unknown as Row[]
      const figure = (outcome: Counted): Figure => {
        const { records = 0, sums = '{}', unknown = 0 } = rows.find((row) => row.outcome === outcome) ?? {}
        return { records, unknown, sums: decimals(JSON.parse(sums) as Record<string, string>) }
      }
      const pending = db.guard(() => open.all(run, entity, address)) as { amounts: string | null }[]
      const sums: Record<string, string> = {}
      for (const { amounts } of pending) addTo(sums, amounts === null ? {} : (JSON.parse(amounts) as Amounts))
      const unknown = pending.filter(({ amounts }) => amounts === null).length
      return {
        accepted: figure('accepted'),
        processed: figure('processed'),
        warned: figure('warned'),
        superseded: figure('superseded'),
        held: figure('held'),
        again: figure('again'),
        pending: { records: pending.length, unknown, sums: decimals(sums) },
      }
    },
    purge() {
      purge.run()
    },
  }
}

/** Sums as `units:scale`, with decimals added. */
function addTo(sums: Record<string, string>, more: Amounts): Record<string, string> {
  for (const [currency, amount] of Object.entries(more)) {
    const [whole = '', part = ''] = amount.split('.')
    sums[currency] = sumOf(sums[currency] ?? '', `${whole}${part}:${part.length}`)
  }
  return sums
}

const decimals = (sums: Readonly<Record<string, string>>): Amounts =>
  Object.fromEntries(
    Object.entries(sums).map(([currency, sum]) => {
      const [units = '', scale = '0'] = sum.split(':')
      const sign = units.startsWith('-') ? '-' : ''
      const digits = units.replace('-', '').padStart(Number(scale) + 1, '0')
      const at = digits.length - Number(scale)
      return [currency, `${sign}${digits.slice(0, at)}${Number(scale) > 0 ? `.${digits.slice(at)}` : ''}`]
    }),
  )
