/** Reads all documents and masters by REST api1, once: as the client does, or as a bare script (the floor). */
import { Agent, request } from 'undici'
import { createApi1Door } from '../nodes/x3/client/api1/door.ts'
import { API1_ENTITIES } from '../nodes/x3/client/api1/entities.ts'
import { createX3Connection } from '../nodes/x3/client/connection.ts'
import { sourceThrough } from '../nodes/x3/client/poll.ts'
import { publishedClasses } from '../sandbox/x3/api1/classes.ts'
import { serve } from './child.ts'
import { type Cost, measure, peakRssMb } from './measure.ts'

/** Documents that are read at a time. */
const AT_ONCE = 4
/** Records of a page, as is shipped. */
const PAGE = 20

export interface Api1Address {
  readonly url: string
  readonly graphql: string
  readonly folder: string
  readonly user: string
  readonly password: string
}

export interface Read extends Cost {
  readonly records: number
  readonly peakRssMb: number
}

const never = new AbortController().signal

/** What is read: entities with their class, its key, and whether their lines come one document at a time. */
const CLASSES = Object.keys(API1_ENTITIES).flatMap((entity) => {
  // Dimensions of one type: read already.
  if (entity === 'cost_centre') return []
  const found = publishedClasses().find(({ holds }) => holds.includes(entity))
  if (!found) return []
  const { name, representation, key } = found
  const isDocument = Object.keys(API1_ENTITIES[entity]?.lists ?? {}).length > 0
  return [{ entity, name, representation, key, isDocument }]
})

const commands = {
  async client({ url, graphql, folder, user, password }: Api1Address): Promise<Read> {
    const end = measure()
    const connection = createX3Connection({
      ...{ url: graphql, folder, auth: { kind: 'basic', user, password }, concurrency: AT_ONCE },
    })
    const classes = Object.fromEntries(
      CLASSES.map(({ entity, name, representation }) => [entity, { name, representation }]),
    )
    const door = createApi1Door(connection, {
      ...{ url, classes, entities: API1_ENTITIES, pageSize: PAGE, sessions: AT_ONCE, dateDays: 35 },
    })
    const source = sourceThrough(door, connection, { source: 'bench', dimensionTypes: ['CCT'] })
    let records = 0
    let read = 0
    for (const { entity } of CLASSES) {
      const plan = await source.plan(entity, never)
      let cursor: string | null = null
      do {
        const page = await plan.readPage({
          ...{ walk: 'changed', window: { from: null, bound: null }, cursor, signal: never },
          nextRead: () => ++read,
        })
        records += page.records.length + (page.refused?.length ?? 0)
        cursor = page.cursor
      } while (cursor !== null)
    }
    await source.close?.()
    await connection.close()
    return { ...end(), records, peakRssMb: peakRssMb() }
  },

  /** Pages by key, the next one on its way while the documents of one are read four at a time; each body parsed, nothing else. */
  async floor({ url, folder, user, password }: Api1Address): Promise<Read> {
    const end = measure()
    const dispatcher = new Agent({ connections: AT_ONCE })
    const authorization = `Basic ${Buffer.from(`${user}:${password}`).toString('base64')}`
    const cookies: string[] = Array.from({ length: AT_ONCE }, () => '')
    const get = async (path: string): Promise<Record<string, unknown>> => {
      const cookie = cookies.pop() ?? ''
      const { headers, body } = await request(url + path, {
        dispatcher,
        headers: { authorization, ...(cookie ? { cookie } : {}) },
      })
      const given = String(headers['set-cookie'] ?? '').split(';', 1)[0]
      cookies.push(given || cookie)
      return JSON.parse(await body.text()) as Record<string, unknown>
    }
    const turns = limited(AT_ONCE)
    let records = 0
    for (const { name, representation, key, isDocument } of CLASSES) {
      const base = `/api1/x3/erp/${folder}/${name}`
      const pageAfter = (last: string | undefined) =>
        turns(() => {
          const query = new URLSearchParams({ representation: `${representation}.$query`, count: String(PAGE) })
          if (last !== undefined) query.set('key', `gt.${last}`)
          return get(`${base}?${query}`)
        })
      for (let page = await pageAfter(undefined); ; ) {
        const rows = page.$resources as Record<string, unknown>[]
        const keys = rows.map((row) => key.map((field) => String(row[field])).join('~'))
        const next = rows.length === PAGE ? pageAfter(keys.at(-1)) : undefined
        const whole = isDocument
          ? await Promise.all(
              keys.map((one) =>
                turns(() => get(`${base}('${encodeURIComponent(one)}')?representation=${representation}.$details`)),
              ),
            )
          : rows
        records += whole.length
        if (!next) break
        page = await next
      }
    }
    for (const cookie of cookies.splice(0))
      await (await request(`${url}/logout`, { dispatcher, headers: { authorization, cookie } })).body.dump()
    await dispatcher.destroy()
    return { ...end(), records, peakRssMb: peakRssMb() }
  },
}
export type Api1Reading = typeof commands

/** So many at a time, in the order in which they came. */
function limited(most: number): <T>(work: () => Promise<T>) => Promise<T> {
  let running = 0
  const waiting: (() => void)[] = []
  return async (work) => {
    if (running === most) await new Promise<void>((resolve) => waiting.push(resolve))
    else running += 1
    try {
      return await work()
    } finally {
      const next = waiting.shift()
      if (next) next()
      else running -= 1
    }
  }
}

serve(commands)
