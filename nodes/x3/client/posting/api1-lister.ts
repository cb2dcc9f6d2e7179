/** Journals found by REST api1: the class of journal entries, with the reference as a condition and the details of what is listed. */
import { syncError } from '../../../../sync/contract/errors.ts'
import type { Api1Settings } from '../api1/door.ts'
import type { Api1Entity, Api1List } from '../api1/entities.ts'
import { type Api1Line, type Body, createApi1Line } from '../api1/line.ts'
import { fieldOf } from '../api1/nodes.ts'
import { detailsPath, type Published, queryPath, rowsOf } from '../api1/resolve.ts'
import { whereOf } from '../api1/where.ts'
import type { X3Connection } from '../connection.ts'
import type { Fields } from '../soap/object.ts'
import type { Asking, Lister } from './look-up.ts'

const ENTITY = 'gl_entry'

export interface Api1LookUp {
  readonly ask: Asking
  /** Gives the session back. */
  leave(): Promise<void>
}

/** So long after the last look-up its session is kept: each new one may be lost with its first reply. */
const IDLE_MS = 60_000

/** All look-ups of a connection share one session. Throws `config` for a connection that says of no class what journals are. */
export function api1LookUp(connection: X3Connection, settings: Api1Settings): Api1LookUp {
  const published = settings.classes[ENTITY]
  const of = settings.entities[ENTITY]
  if (!published || !of?.lists.lines)
    throw syncError('config', 'x3.api1-class', 'no class of X3 is chosen for gl_entry, and no journal could be found', {
      field: 'lookUp',
      hint: 'Write gl_entry = CLASS.REPRESENTATION under Classes on the connection; Test connection proposes it.',
    })
  const line = createApi1Line(connection, new URL(settings.url).origin, { sessions: 1 })
  const lister = createLister(line, published, of, of.lists.lines)
  let asking = 0
  let idle: NodeJS.Timeout | undefined
  const leave = async (): Promise<void> => {
    clearTimeout(idle)
    await line.leave()
  }
  return {
    leave,
    async ask(work) {
      clearTimeout(idle)
      asking += 1
      try {
        return await work(lister)
      } finally {
        asking -= 1
        if (asking === 0) idle = setTimeout(() => void leave().catch(() => undefined), IDLE_MS).unref()
      }
    },
  }
}

function createLister(line: Api1Line, published: Published, of: Api1Entity, lines: Api1List): Lister {
  /** A column may be called otherwise in the customer's file. */
  const column = (name: string, own?: string): string => {
    const found = of.columns[own ?? name]
    return found === undefined ? name : fieldOf(found)
  }
  const [typeField = 'TYP', numberField = 'NUM'] = of.key
  return {
    async list(_publication, field, reference, most, call) {
      const where = whereOf({ [column(field)]: { _eq: reference } }, new Set())
      const body = await line.again(queryPath(line, published, { count: String(most), where }), call)
      return rowsOf(body).map((row) => ({ TYP: textOf(row[typeField]), NUM: textOf(row[numberField]) }))
    },
    async voucher(_publication, { TYP = '', NUM = '' }, field, call) {
      const body = await line.again(detailsPath(line, published, [TYP, NUM]), call)
      return {
        header: {
          ...textsOf(body),
          ...{ TYP: textOf(body[typeField]), NUM: textOf(body[numberField]), [field]: textOf(body[column(field)]) },
          ...{ CUR: textOf(body[column('CUR', 'currency')]), STA: textOf(body[column('STA', 'status')]) },
        },
        lines: linesOf(body, lines, `${call.what}, ${TYP} ${NUM}`),
      }
    },
  }
}

/** Lines of the first ledger that it has: in the others they stand once more. */
function linesOf(body: Body, { collection, columns, sign: side = 'SNS' }: Api1List, what: string): Fields[] {
  const name = (ours: string, usual: string): string => {
    const found = columns[ours]
    return found === undefined ? usual : fieldOf(found)
  }
  const [account, partner] = [name('account', 'ACC'), name('business_partner', 'BPR')]
  const [amount, ledger] = [name('amount', 'AMTCUR'), name('ledger', 'LEDTYP')]
  const rows = body[collection]
  if (!Array.isArray(rows) || rows.length === 0) throw noField(collection, what)
  const all = rows as readonly Body[]
  const numberOf = (row: Body): number => Number(row[ledger]) || 1
  const first = Math.min(...all.map(numberOf))
  return all
    .filter((row) => numberOf(row) === first)
    .map((row) => {
      const sign = Number(row[side])
      for (const field of [account, partner, amount]) if (row[field] === undefined) throw noField(field, what)
      if (sign !== 1 && sign !== -1) throw noField(side, what)
      const size = textOf(row[amount])
      return {
        ...{ ACC1: textOf(row[account]), BPR: textOf(row[partner]) },
        ...(sign === 1 ? { DEB: size } : { CDT: size }),
      }
    })
}

const textOf = (value: unknown): string =>
  typeof value === 'string' || typeof value === 'number' || typeof value === 'boolean' ? String(value).trim() : ''

const textsOf = (body: Body): Fields =>
  Object.fromEntries(Object.entries(body).flatMap(([name, value]) => (textOf(value) ? [[name, textOf(value)]] : [])))

/** Without it nobody could say what a journal owes to whom. */
const noField = (field: string, what: string) =>
  syncError('config', 'x3.unknown-field', `${what}: the details of the journal have no ${field}`, {
    field,
    hint: 'Have the representation show it in its details facet, or correct the names in the file of fields.',
  })
