/** REST api1 as a door: classes that a site publishes under representations of its own. */
import type { X3Connection } from '../connection.ts'
import type { Door } from '../door.ts'
import { type Api1Entity, DIMENSION_TYPES } from './entities.ts'
import { type Api1Line, createApi1Line, type LineOptions } from './line.ts'
import { createApi1Listing, createApi1Reader } from './reader.ts'
import { type Api1Resolved, type Published, resolveApi1, type Site } from './resolve.ts'
import { walkPage } from './walk.ts'

export interface Api1Settings {
  /** Where Syracuse is: `https://host:8124`. */
  readonly url: string
  /** By entity, and by `entity.walk` for what else is watched. */
  readonly classes: Readonly<Record<string, Published>>
  readonly entities: Readonly<Record<string, Api1Entity>>
  /** Records of one page. */
  readonly pageSize: number
  /** Sessions that are held at the same time at most. */
  readonly sessions: number
  /** Greatest pause before a session is asked for again, ms; 30 s. */
  readonly sessionWaitMs?: number
  readonly dateDays: number
}

export interface Api1Door extends Door {
  readonly line: Api1Line
  readonly site: Site
}

export function createApi1Door(connection: X3Connection, settings: Api1Settings, kept?: LineOptions['kept']): Api1Door {
  const { sessions, sessionWaitMs } = settings
  const line = createApi1Line(connection, new URL(settings.url).origin, {
    sessions,
    ...(sessionWaitMs === undefined ? {} : { sessionWaitMs }),
    ...(kept ? { kept } : {}),
  })
  const { classes, entities, dateDays } = settings
  const site: Site = { line, entities, dateDays, classOf: (entity) => classes[entity] }
  const { pageSize } = settings
  return {
    name: 'REST api1',
    line,
    site,
    async ask(signal) {
      const [first] = Object.values(classes)
      if (!first) return
      const walk = { ...{ line, published: first, key: [], times: new Set<string>() }, what: 'the clock of X3' }
      await walkPage(walk, { filter: undefined, cursor: null, count: 1, signal })
    },
    resolve: (def, options, signal) => resolveApi1(site, def, options, signal),
    async dimensionTypes(entity, signal) {
      const published = classes[DIMENSION_TYPES.name]
      if (!published) return []
      const key = [DIMENSION_TYPES.field]
      const walk = { ...{ line, published, key, times: new Set<string>() }, what: `${entity}: the dimension types` }
      const codes: string[] = []
      let cursor: string | null = null
      do {
        const found = await walkPage(walk, { filter: undefined, cursor, count: 200, signal })
        codes.push(...found.rows.map((row) => String(row[DIMENSION_TYPES.field])))
        cursor = found.cursor
      } while (cursor !== null)
      return codes.sort()
    },
    reader: (entity, options) =>
      createApi1Reader(connection, line, entity as Api1Resolved, { ...options, ...telling(line, options), pageSize }),
    listing: (entity, options) =>
      createApi1Listing(connection, line, entity as Api1Resolved, { ...options, ...telling(line, options) }),
    forget() {},
    leave: () => line.leave(),
  }
}

/** What is waited for, with the reason where it is a session. */
const telling = (line: Api1Line, { waiting }: { readonly waiting?: (what: string) => void }) =>
  waiting ? { waiting: (what: string) => waiting(line.because(what)) } : {}
