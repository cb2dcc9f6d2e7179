/** What is asked of X3 for one entity: pages, with the next one sent ahead, single documents and keys, each tried again. */
import type { PageRequest } from '../../../sync/contract/source.ts'
import type { Unread, X3Connection } from './connection.ts'
import type { Numbers, Raw } from './convert.ts'
import { pageOf, type QueryPage } from './dimensions.ts'
import type { Ask } from './documents.ts'
import { pageRetry } from './page-retry.ts'
import type { ResolvedEntity } from './resolve.ts'
import type { NodeRef } from './schema.ts'
import { pageQuery, readQuery, selectKey, selectRecord } from './select.ts'

export type Reading = Pick<PageRequest, 'nextRead' | 'signal'>

/** Where a page begins. */
export type Place = readonly [filter: string | undefined, cursor: string | null]

/** A reply that waits to be read, and its read number. */
interface Sent {
  readonly unread: Unread
  readonly read: number
}

/** A page of the entity, its reply still at hand: it may have to be read once more, and is to be dropped. */
export interface EntityPage extends Sent {
  /** How many records were asked for. */
  readonly first: number
  readonly data: Raw
  /** How numbers were read. */
  readonly exact: boolean
  readonly notices: readonly string[]
  readonly page: QueryPage
}

export interface Requests {
  /** A page of the entity; `future` is the filter of stamps that lie ahead of X3's clock. */
  page(place: Place, reading: Reading, future?: string): Promise<EntityPage>
  /**
   * Sends for the page behind the last one: it is on its way while that one is taken apart and delivered. It is parsed in its
   * turn, since objects that wait are moved and marked again and again by the collector.
   */
  sendAhead(first: number, place: Place, reading: Reading): void
  /** Key of the one record at a place. */
  key(place: Place, reading: Reading): Promise<{ page: QueryPage; read: number }>
  /** A document as it is now; nothing where it is gone. */
  document(id: unknown, reading: Reading): Promise<{ document: Raw | null | undefined; read: number }>
  /** Further pages of the lists of a document. */
  further(reading: Reading): Ask
  /** A page of another node. */
  pageOfNode(text: string, nodes: NodeRef, place: Place, reading: Reading, what: string): Promise<QueryPage>
}

const ORDER = '{"_id":1}'

export function createRequests(
  connection: X3Connection,
  entity: ResolvedEntity,
  options: {
    readonly numbers: Numbers
    readonly pageSize: number
    readonly waiting?: (what: string) => void
  },
): Requests {
  const { numbers, pageSize, waiting } = options
  const { nodes, def } = entity
  const queries = queriesOf(entity)
  const { again, sized } = pageRetry(connection, { pageSize, ...(waiting ? { waiting } : {}) })

  const send = async (text: string, variables: Raw, what: string, reading: Reading): Promise<Sent> => {
    let read = 0
    const onAttempt = () => {
      read = reading.nextRead()
    }
    return { unread: await connection.send(text, variables, { what, signal: reading.signal, onAttempt }), read }
  }
  const once = async (text: string, variables: Raw, reading: Reading, what = def.entity) => {
    const { unread, read } = await send(text, variables, what, reading)
    return { data: unread.read(numbers.exact).data as Raw, bytes: unread.bytes, read }
  }
  const ask = (text: string, variables: Raw, reading: Reading) =>
    again(() => once(text, variables, reading), reading.signal)
  const sendPage = (first: number, place: Place, reading: Reading, future?: string) =>
    future === undefined
      ? send(queries.page, pageVariables(first, place), def.entity, reading)
      : send(queries.future, { ...pageVariables(first, place), future }, def.entity, reading)
  const ahead = createAhead(sendPage)

  return {
    sendAhead: ahead.send,
    page: (place, reading, future) =>
      sized(async (first) => {
        const { unread, read } = await (ahead.take(place) ?? sendPage(first, place, reading, future))
        const { exact } = numbers
        const { data, notices } = unread.read(exact)
        return { first, data, exact, unread, notices, read, page: pageOf(data, nodes.root, nodes.node) }
      }, reading.signal),
    async key(place, reading) {
      const { data, read } = await ask(queries.key, pageVariables(1, place), reading)
      return { page: pageOf(data, nodes.root, nodes.node), read }
    },
    async document(id, reading) {
      const { data, read } = await ask(queries.document, { id }, reading)
      const root = data[nodes.root] as Record<string, { read?: Raw | null }> | undefined
      return { document: root?.[nodes.node]?.read, read }
    },
    further: (reading) => (text, variables) => ask(text, variables, reading),
    pageOfNode: (text, { root, node }, place, reading, what) =>
      sized(async (first) => {
        const { data } = await once(text, pageVariables(first, place), reading, what)
        return pageOf(data, root, node)
      }, reading.signal),
  }
}

const queriesOf = (entity: ResolvedEntity) => {
  const { nodes, queryArgs, idType } = entity
  const selection = selectRecord(entity)
  return {
    page: pageQuery(nodes, queryArgs, selection),
    future: pageQuery(nodes, queryArgs, selection, 'future'),
    key: pageQuery(nodes, queryArgs, selectKey(entity)),
    document: readQuery(nodes, idType, selection),
  }
}

const pageVariables = (first: number, [filter, after]: Place): Raw => ({
  first,
  after,
  filter: filter ?? null,
  orderBy: ORDER,
})

/** The one page that is on its way. */
function createAhead(sendPage: (first: number, place: Place, reading: Reading) => Promise<Sent>) {
  let ahead: { readonly of: string; readonly sent: Promise<Sent> } | undefined
  return {
    send(first: number, place: Place, reading: Reading): void {
      const sent = sendPage(first, place, reading)
      // What failed is told in its turn.
      sent.catch(() => undefined)
      ahead = { of: JSON.stringify(place), sent }
    },
    take(place: Place): Promise<Sent> | undefined {
      const sent = ahead?.of === JSON.stringify(place) ? ahead.sent : undefined
      ahead = undefined
      return sent
    },
  }
}
