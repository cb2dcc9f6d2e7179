/** What made rows, in versions, and which deliveries hold what is made otherwise now. */
import { createHash } from 'node:crypto'
import { type Database, prepared } from './database.ts'
import type { SourceMemory } from './known.ts'
import type { Makings, Outdated, Standing } from './ledger.ts'
import { type Counted, countOutdated, judgeMade, type Place, type Why } from './outdated.ts'
import type { ReadAgainBook } from './read-again.ts'
import type { WayBook } from './ways.ts'

const SQL = {
  put: `
    INSERT INTO making (version, kind, maker, entity, content, since, current) VALUES (?, ?, ?, ?, ?, ?, 1)
    ON CONFLICT DO UPDATE SET current = 1`,
  others: 'UPDATE making SET current = 0 WHERE kind = ? AND maker = ? AND entity = ? AND version <> ?',
  entities: 'SELECT DISTINCT entity FROM making WHERE kind = ? AND maker = ?',
  places: `
    SELECT f.address, f.entity, a.id, iif(a.appends, 'append', 'merge') AS mode FROM filled AS f
    JOIN address AS a ON a.address = f.address WHERE f.sync = ?1 AND f.list = ''
    UNION SELECT p.address, p.entity, a.id, 'post' FROM posting AS p
    JOIN address AS a ON a.address = p.address WHERE p.sync = ?1`,
}

interface Old {
  readonly place: Place
  readonly whys: readonly Why[]
  readonly counted: Counted
}

export function createMakings(
  db: Database,
  parts: {
    readonly ways: Pick<WayBook, 'written'>
    readonly known: Pick<SourceMemory, 'areShown'>
    readonly readAgain: Pick<ReadAgainBook, 'add'>
    readonly at: () => string
  },
): Makings {
  const { put, others, entities: made, places } = prepared(db, SQL)
  /** The last version that was noted of each maker and entity. */
  const noted = new Map<string, string>()
  const counts = new Map<string, { readonly of: string; readonly at: number; readonly counted: Promise<Counted> }>()
  const judge = judgeMade(db)
  const count = countOutdated(db)

  const counted = (sync: string, place: Place, old: readonly string[], mayBeOld: number): Promise<Counted> => {
    const name = JSON.stringify([sync, place.id, place.entity])
    const of = JSON.stringify([parts.ways.written(place.id), old])
    const before = counts.get(name)
    const now = performance.now()
    if (before && (before.of === of || now - before.at < mayBeOld)) return before.counted
    const found = count(sync, place, old)
    counts.set(name, { of, at: now, counted: found })
    found.catch(() => counts.delete(name))
    return found
  }

  const lookAt = async (sync: string, { mappings, mayBeOld = 0 }: Standing = {}): Promise<Old[]> => {
    const all: Old[] = []
    for (const place of db.guard(() => places.all(sync)) as unknown as Place[]) {
      const old = db.guard(() => judge(place, mappings))
      if (old.size === 0) continue
      const found = await counted(sync, place, [...old.keys()], mayBeOld)
      const whys = [...old].flatMap(([list, why]) => (found.lists.has(list) ? why : []))
      if (whys.length > 0) all.push({ place, whys, counted: found })
    }
    return all
  }

  return {
    async noteMaking({ kind, by, entity, rules, codes, columns }) {
      const content = JSON.stringify({ rules, codes, columns })
      const hash = createHash('sha256')
        .update(JSON.stringify([kind, by, entity, content]))
        .digest('hex')
        .slice(0, 12)
      const version = kind === 'fields' ? `fields ${hash}` : hash
      const name = JSON.stringify([kind, by, entity])
      if (noted.get(name) === version) return version
      db.tx(() => {
        put.run(version, kind, by, entity, content, parts.at())
        others.run(kind, by, entity, version)
      })
      noted.set(name, version)
      return version
    },
    entitiesMade: async (kind, by) =>
      (db.guard(() => made.all(kind, by)) as { entity: string }[]).map(({ entity }) => entity),
    outdated: async (sync, standing) => (await lookAt(sync, standing)).map(inSum),
    async readOutdatedAgain(sync, entities, standing) {
      const old = await lookAt(sync, standing)
      const mine = old.filter(({ place }) => place.mode !== 'post' && entities.includes(place.entity))
      const areKnown = mine.every(({ place: { entity }, counted: { keys } }) => {
        // What the source does not have under its key becomes a deletion.
        return keys !== undefined && parts.known.areShown(sync, entity, keys).size === keys.length
      })
      if (areKnown)
        db.tx(() => {
          for (const { place, counted } of mine) parts.readAgain.add(sync, place.entity, counted.keys ?? [], true)
        })
      return areKnown
    },
  }
}

function inSum({ place: { entity, address, mode }, whys, counted: { rows, sinkName } }: Old): Outdated {
  const mappings = whys.flatMap(({ mapping }) => (mapping === undefined ? [] : [mapping]))
  const [oldest = null] = mappings.filter((since) => since !== null).sort()
  return {
    ...{ entity, address, sinkName, mode, rows },
    ...(mappings.length > 0 && { mapping: oldest }),
    fields: [...new Set(whys.flatMap(({ fields }) => fields))],
  }
}
