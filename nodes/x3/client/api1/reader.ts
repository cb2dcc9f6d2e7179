/** Pages and whole documents of one entity by api1: headers by walk, lines by one request a document, some at a time. */
import { isSyncError, syncError } from '../../../../sync/contract/errors.ts'
import { type DataRecord, keyText } from '../../../../sync/contract/message.ts'
import type { EntityPlan, Listing, Page, PageRequest, RefusedRecord } from '../../../../sync/contract/source.ts'
import type { ReadApart } from '../apart.ts'
import { readByKeys } from '../by-keys.ts'
import type { X3Connection } from '../connection.ts'
import { compileConverter, type Raw } from '../convert.ts'
import type { ListingOptions } from '../listing.ts'
import { LISTED_AT_ONCE } from '../listing.ts'
import { type PageRetry, pageRetry } from '../page-retry.ts'
import type { Reader, ReaderOptions } from '../reader.ts'
import { createRecords } from '../records.ts'
import type { Reading } from '../requests.ts'
import type { Api1Entity } from './entities.ts'
import { type Api1Line, MISSING } from './line.ts'
import { nodeMaker } from './nodes.ts'
import { type Api1Resolved, detailsPath } from './resolve.ts'
import { type Walk, type WalkedPage, walkPage } from './walk.ts'

/** Keys in one condition: an address must not grow without end. */
const KEYS_AT_ONCE = 10

export function createApi1Reader(
  connection: X3Connection,
  line: Api1Line,
  entity: Api1Resolved,
  options: ReaderOptions,
): Reader {
  const { of, published, times, watched } = entity.api1
  options.numbers.exact = true
  const name = entity.def.entity
  const walk: Walk = { ...{ line, published, times }, key: of.key, what: name }
  const retry = pageRetry(connection, options)
  const toNode = nodeMaker(of, flagsOf(entity))
  const isDocument = entity.lists.length > 0
  const document = detailsOf(line, entity, retry, toNode)
  const requests = {
    document,
    further: () => () => Promise.reject(new Error('details are whole')),
  }
  const records = createRecords(entity, options, requests)

  const settled = async (row: Raw, read: number, reading: Reading) => {
    const found = isDocument
      ? await document(JSON.stringify(of.key.map((field) => row[field])), reading)
      : { document: toNode(row), read }
    if (!found.document) return {}
    const record = records.atOnce(found.document, found.read)
    return record ? { record } : records.settle(found.document, found.read, reading)
  }

  const pages = pagesAhead(connection.concurrency > 1, (filter, cursor, { nextRead, signal }) => {
    let read = 0
    const onAttempt = (): void => {
      read = nextRead()
    }
    const ask = (count: number) => walkPage(walk, { filter, cursor, count, signal, onAttempt })
    return retry.sized(ask, signal).then((found) => ({ found, read }))
  })

  const page = async (filter: string | undefined, request: Reading & Pick<PageRequest, 'cursor'>): Promise<Page> => {
    const { found, read } = await pages(filter, request.cursor, request)
    const results = await Promise.all(
      found.rows.map((row) =>
        settled(row, read, request).catch((error: unknown) => {
          // One that cannot be had alone keeps nobody else from going on.
          if (!isSyncError(error) || error.code !== 'x3.api1-key') throw error
          const fault = {
            code: error.code,
            message: error.message,
            again: false,
            ...(error.cause.hint ? { hint: error.cause.hint } : {}),
          }
          return { record: undefined, refused: records.refuse(toNode(row), read, fault) }
        }),
      ),
    )
    const made: DataRecord[] = []
    const cursors: string[] = []
    const refused: RefusedRecord[] = []
    for (const [index, result] of results.entries()) {
      if (result.refused) refused.push(result.refused)
      if (!result.record) continue
      made.push(result.record)
      cursors.push(found.cursors[index] as string)
    }
    return {
      ...{ records: made, cursors, cursor: found.cursor },
      ...(refused.length > 0 ? { refused } : {}),
      ...(found.notices.length > 0 ? { notices: found.notices } : {}),
    }
  }

  return {
    page,
    byKeys: readByKeys(page, KEYS_AT_ONCE),
    apart: readApart(line, entity, retry),
    async named(watch, filter, request) {
      const place = watched[entity.watch.indexOf(watch)]
      if (!place) return { tuples: [], cursor: null }
      const { by, proposed } = of.watch.find((one) => one.walk === watch.def.walk) ?? { by: [], proposed: '' }
      const own: Walk = {
        ...walk,
        published: place,
        key: WATCHED_KEYS[proposed] ?? by,
        what: `${name}, ${place.name}`,
      }
      const { cursor, signal } = request
      const found = await retry.sized((count) => walkPage(own, { filter, cursor, count, signal }), signal)
      const tuples = new Map(
        found.rows.map((row) => by.map((field) => row[field])).map((tuple) => [JSON.stringify(tuple), tuple]),
      )
      return { tuples: [...tuples.values()], cursor: found.cursor }
    },
  }
}

/** Elements of a list that is a class of its own, by the documents that they name. */
function readApart(line: Api1Line, entity: Api1Resolved, retry: PageRetry): ReadApart {
  return async (list, numbers, { signal, nextRead }) => {
    const { by, key, columns } = entity.api1.of.apart[list.def.name] as NonNullable<Api1Entity['apart'][string]>
    const published = { name: list.nodes.root, representation: list.nodes.node }
    const walk: Walk = { line, published, key, times: new Set(), what: `${entity.def.entity}, ${published.name}` }
    const toNode = nodeMaker({ ...entity.api1.of, key, columns, lists: {}, sign: undefined }, () => false)
    const all: Raw[] = []
    for (let at = 0; at < numbers.length; at += KEYS_AT_ONCE) {
      const filter = JSON.stringify({ [by]: { _in: numbers.slice(at, at + KEYS_AT_ONCE) } })
      let cursor: string | null = null
      do {
        const place = cursor
        const onAttempt = (): void => void nextRead()
        const found: WalkedPage = await retry.sized(
          (count) => walkPage(walk, { filter, cursor: place, count, signal, onAttempt }),
          signal,
        )
        for (const row of found.rows) all.push(toNode(row))
        cursor = found.cursor
      } while (cursor !== null)
    }
    return all
  }
}

interface AskedPage {
  readonly found: WalkedPage
  /** Number of its request. */
  readonly read: number
}
type AskPage = (filter: string | undefined, cursor: string | null, reading: Reading) => Promise<AskedPage>

/** The next page is on its way while the documents of one are read. What failed ahead of its turn is asked again in its turn. */
function pagesAhead(isAhead: boolean, ask: AskPage): AskPage {
  let next: { readonly place: string; readonly page: Promise<AskedPage | undefined> } | undefined
  return async (filter, cursor, reading) => {
    const place = JSON.stringify([filter, cursor])
    const early = next?.place === place ? await next.page : undefined
    next = undefined
    const asked = early ?? (await ask(filter, cursor, reading))
    const after = asked.found.cursor
    if (isAhead && after !== null)
      next = {
        place: JSON.stringify([filter, after]),
        page: ask(filter, after, reading).catch(() => undefined),
      }
    return asked
  }
}

/** Keys of the classes of lines (x3.md facts, 6); of others the parts that name the document. */
const WATCHED_KEYS: Readonly<Record<string, readonly string[]>> = {
  PORDERQ: ['POHNUM', 'POPLIN', 'POQSEQ'],
  PRECEIPTD: ['PTHNUM', 'PTDLIN'],
  PINVOICED: ['NUM', 'PIDLIN'],
  SINVOICED: ['NUM', 'SIDLIN'],
  GACCENTRYD: ['TYP', 'NUM', 'LIN', 'LEDTYP'],
  GACCENTRYA: ['TYP', 'NUM', 'LIN', 'LEDTYP', 'ANALIN'],
}

/** The whole document of a key (JSON of its parts), with the number of the request that read it; nothing where it is gone. */
function detailsOf(
  line: Api1Line,
  entity: Api1Resolved,
  retry: PageRetry,
  toNode: (item: Raw) => Raw,
): (id: unknown, reading: Reading) => Promise<{ document: Raw | undefined; read: number }> {
  const { of, published } = entity.api1
  return (id, { nextRead, signal }) => {
    const parts = JSON.parse(String(id)) as (string | number)[]
    const key = parts.join('~')
    const path = detailsPath(line, published, parts)
    return retry.again(async () => {
      let read = 0
      const onAttempt = (): void => {
        read = nextRead()
      }
      try {
        const item = await line.get(path, { what: `${entity.def.entity} ${key}`, signal, onAttempt })
        if (of.key.some((field, index) => item[field] !== parts[index]))
          throw syncError('data', 'x3.api1-key', `${entity.def.entity} ${key}: X3 gave another record under this key`, {
            hint: 'Its key holds the sign ~, which joins the parts of a key there. Read this entity by GraphQL, or leave the record out with a filter.',
          })
        return { document: toNode({ ...item }), read }
      } catch (error) {
        if (!isSyncError(error) || error.code !== MISSING) throw error
        return { document: undefined, read }
      }
    }, signal)
  }
}

const flagsOf =
  (entity: Api1Resolved) =>
  (list: string, column: string): boolean => {
    const columns = list === '' ? entity.columns : (entity.lists.find(({ def }) => def.name === list)?.columns ?? [])
    return columns.some(({ def }) => def.name === column && def.type === 'boolean')
  }

/** Keys and stamps of an entity. api1 names no total: what was listed is all there is to know of it. */
export function createApi1Listing(
  connection: X3Connection,
  line: Api1Line,
  entity: Api1Resolved,
  { schema, source, filter, waiting }: ListingOptions,
): NonNullable<EntityPlan['list']> {
  const { of, published, times } = entity.api1
  const columns = entity.columns.filter(({ def }) => entity.def.key.includes(def.name))
  const convert = compileConverter(
    { ...entity, columns, lists: [] },
    { source, dimensions: new Map(), chosenDimensionsOnly: true },
  )
  const toNode = nodeMaker(of, flagsOf(entity))
  const walk: Walk = { ...{ line, published, times }, key: of.key, what: `${entity.def.entity}, keys` }
  const { sized } = pageRetry(connection, { pageSize: LISTED_AT_ONCE, ...(waiting ? { waiting } : {}) })
  return ({ cursor, nextRead, signal }) =>
    sized(async (count): Promise<Listing> => {
      const [before, from] = cursor === null ? [0, null] : (JSON.parse(cursor) as [number, string])
      const onAttempt = (): void => void nextRead()
      const found = await walkPage(walk, { filter, cursor: from, count, signal, onAttempt })
      const keys = found.rows.map((row) => {
        const record = convert(toNode(row))
        return { key: keyText(schema, record), stamp: record._stamp ?? null }
      })
      const total = before + keys.length
      return {
        ...{ keys, total },
        cursor: found.cursor === null ? null : JSON.stringify([total, found.cursor]),
        ...(found.notices.length > 0 ? { notices: [...found.notices] } : {}),
      }
    }, signal)
}
