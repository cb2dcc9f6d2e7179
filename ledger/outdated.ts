/** Rows that are made otherwise now: judged by the versions that made them, and counted by the batch that brought them. */
import { type Database, prepared } from './database.ts'
import type { Making, Outdated } from './ledger.ts'

/** Deliveries that are looked at before others get their turn. */
const PAGE = 5000
/** Records that are read by key; more of them come sooner with everything. */
const MOST_KEYS = 5000

/** Where a sync delivers an entity. */
export type Place = Readonly<Pick<Outdated, 'address' | 'entity' | 'mode'> & { id: number }>
/** Why rows are old: the time since when their mapping was in use (null: there was none), columns that they lack. */
export type Why = Pick<Outdated, 'mapping' | 'fields'>

interface Version {
  readonly version: string
  readonly kind: Making['kind']
  readonly maker: string
  readonly since: string
  readonly current: 0 | 1
}

/**
 * Which of the lists of versions that made rows at a place are old. It looks at the lists alone, of which there are few, and of
 * versions that nobody noted it says nothing. `standing`: the mapping nodes that still stand on the way; undefined: nobody knows.
 */
export function judgeMade(
  db: Database,
): (place: Place, standing: ReadonlySet<string> | undefined) => ReadonlyMap<string, readonly Why[]> {
  const { next, last, versions, content } = prepared(db, {
    next: 'SELECT min(trace ->> 2) AS made FROM way WHERE address = ? AND entity = ? AND trace ->> 2 > ?',
    last: 'SELECT max(at) AS at FROM way WHERE address = ? AND entity = ? AND trace ->> 2 = ?',
    versions: 'SELECT version, kind, maker, since, current FROM making WHERE entity = ?',
    content: 'SELECT content FROM making WHERE version = ?',
  })
  const listsAt = ({ id, entity }: Place): string[] => {
    const lists: string[] = []
    for (let made: string | null = ''; made !== null; ) {
      made = (next.get(id, entity, made) as { made: string | null }).made
      if (made !== null) lists.push(made)
    }
    return lists
  }
  const contentOf = (version: string) => JSON.parse((content.get(version) as { content: string }).content)
  /** Versions never change, and neither does how they differ. */
  const compared = new Map<string, ReturnType<typeof between>>()
  const compare = (old: Version, now: Version): ReturnType<typeof between> => {
    const name = `${old.version}>${now.version}`
    const found = compared.get(name) ?? between(contentOf(old.version), contentOf(now.version))
    compared.set(name, found)
    return found
  }
  return (place, standing) => {
    const stands = (maker: string): boolean => standing?.has(maker) ?? true
    const lists = listsAt(place)
    if (lists.length === 0) return new Map()
    const all = versions.all(place.entity) as unknown as Version[]
    const madeBy = (list: string): Version[] => {
      const names = JSON.parse(list) as string[]
      return all.filter(({ version }) => names.includes(version))
    }
    const mappings = new Set(lists.flatMap(madeBy).flatMap(({ kind, maker }) => (kind === 'mapping' ? maker : [])))
    /** A mapping stands on the way since then, and nothing has passed it by. */
    const isBefore = (list: string, maker: string): boolean => {
      const { at } = last.get(place.id, place.entity, list) as { at: string }
      return all.every((one) => one.kind !== 'mapping' || one.maker !== maker || one.since > at)
    }
    const whys = (list: string): Why[] => {
      const made = madeBy(list)
      const changed = made.flatMap((old): Why[] => {
        if (old.kind === 'mapping' && !stands(old.maker)) return [{ mapping: old.since, fields: [] }]
        const now = all.find((one) => one.current === 1 && one.kind === old.kind && one.maker === old.maker)
        if (now === undefined || now === old) return []
        const { isOther, fields } = compare(old, now)
        return isOther ? [{ mapping: old.since, fields: [] }] : fields.length > 0 ? [{ fields }] : []
      })
      const others = [...mappings].filter((maker) => stands(maker) && !made.some((one) => one.maker === maker))
      const isNoted = made.some(({ kind }) => kind === 'fields')
      return isNoted && others.some((maker) => isBefore(list, maker))
        ? [...changed, { mapping: null, fields: [] }]
        : changed
    }
    return new Map(lists.map((list) => [list, whys(list)] as const).filter(([, why]) => why.length > 0))
  }
}

type Content = Pick<Making, 'rules' | 'codes' | 'columns'>

/** Whether what the older one made would be other rows now, and which columns it lacks. */
function between(old: Content, now: Content): { readonly isOther: boolean; readonly fields: readonly string[] } {
  const codes = new Set(now.codes)
  const columns = new Set(old.columns)
  return {
    isOther: old.rules !== now.rules || old.codes.some((code) => !codes.has(code)),
    fields: now.columns.filter((column) => !columns.has(column)),
  }
}

/** Rows of a place that some lists of versions made. */
export interface Counted {
  readonly rows: number
  /** The lists that made them. */
  readonly lists: ReadonlySet<string>
  readonly sinkName: string
  /** Their keys; undefined: too many to be read by key, or the source may have others. */
  readonly keys: readonly string[] | undefined
}

interface Line {
  readonly run: number
  readonly low: number
  readonly high: number
  /** The highest of this line and those of its run before it. */
  readonly most: number
  readonly sinkName: string
  readonly made: string
}

/** Looks through the deliveries of a place in pages, between which others get their turn. */
export function countOutdated(db: Database): (sync: string, place: Place, old: readonly string[]) => Promise<Counted> {
  const { lines, page } = prepared(db, {
    lines: `
      SELECT w.run, w.low, w.high, max(w.high) OVER (PARTITION BY w.run ORDER BY w.low) AS most,
        w.sink_name AS sinkName, w.trace ->> 2 AS made
      FROM way AS w JOIN run AS r ON r.seq = w.run
      WHERE w.address = ? AND w.entity = ? AND w.trace ->> 2 IN (SELECT value FROM json_each(?)) AND r.sync = ?
      ORDER BY w.low`,
    page: `
      SELECT key, run, read, coalesce(source, 0) FROM delivery WHERE address = ? AND key > ? AND hash IS NOT NULL
      ORDER BY key LIMIT ${PAGE}`,
  })
  page.setReturnArrays(true)
  return async (sync, { id, entity }, old) => {
    const all = db.guard(() => lines.all(id, entity, JSON.stringify(old), sync)) as unknown as Line[]
    const byRun = Map.groupBy(all, ({ run }) => run)
    const found = { rows: 0, lists: new Set<string>(), sinkName: all[0]?.sinkName ?? '' }
    let keys: string[] | undefined = []
    for (let after: string | undefined = ''; after !== undefined && all.length > 0; ) {
      const rows = db.guard(() => page.all(id, after as string)) as unknown as [string, number, number, number][]
      for (const [key, run, read, source] of rows) {
        const line = lineOf(byRun.get(run) ?? [], read)
        if (!line) continue
        found.rows++
        found.lists.add(line.made)
        if (source !== 0 || found.rows > MOST_KEYS) keys = undefined
        else keys?.push(key)
      }
      after = rows.length < PAGE ? undefined : rows.at(-1)?.[0]
      await new Promise(setImmediate)
    }
    return { ...found, keys }
  }
}

/** The batch that brought a read number. Those of a run are in the order of their first numbers; what one request read may lie in several. */
function lineOf(lines: readonly Line[], read: number): Line | undefined {
  let from = 0
  let to = lines.length
  while (from < to) {
    const middle = (from + to) >> 1
    if ((lines[middle] as Line).low <= read) from = middle + 1
    else to = middle
  }
  for (let at = from - 1; at >= 0; at--) {
    const line = lines[at] as Line
    if (line.high >= read) return line
    if (line.most < read) return undefined
  }
  return undefined
}
