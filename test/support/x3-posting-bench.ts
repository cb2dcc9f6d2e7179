/** Journals of X3 by both of its doors, over HTTP on a line that loses and holds back posts: what the suite of targets that post asks for. */
import { schemaOf } from '../../nodes/basware/client/entities.ts'
import type { X3Connection } from '../../nodes/x3/client/connection.ts'
import type { X3Auth } from '../../nodes/x3/client/options.ts'
import { api1LookUp } from '../../nodes/x3/client/posting/api1-lister.ts'
import type { Asking } from '../../nodes/x3/client/posting/look-up.ts'
import { createOperations } from '../../nodes/x3/client/posting/operation.ts'
import { referenceOf } from '../../nodes/x3/client/posting/reference.ts'
import { createX3PostTarget } from '../../nodes/x3/client/posting/target.ts'
import { createWebServices, type WebServices } from '../../nodes/x3/client/soap/client.ts'
import { keyParts, type Row } from '../../sync/contract/message.ts'
import type { PostRules, PostTarget } from '../../sync/contract/posting.ts'
import { type PostWire, startPostWire } from './post-wire.ts'
import type { PostingBench } from './posting-rig.ts'
import { startX3Fixture, type X3Fixture } from './x3.ts'
import { api1Settings, BASIC } from './x3-api1.ts'
import { connect, jwtOf, never } from './x3-client.ts'
import { approved, codingRow, handRules, OPERATION, taxRule } from './x3-posting.ts'

export interface Door {
  readonly publication: string
  /** Its site in a plan of faults. */
  readonly site: string
  /** A request that posts, by its text. */
  readonly isPost: (body: string) => boolean
  readonly services: (connection: X3Connection, url: string) => WebServices
  /** Absent: journals are found by the door that writes. */
  readonly lookUp?: (connection: X3Connection, origin: string) => Asking
}

const services: Door['services'] = (connection, url) =>
  createWebServices(connection, { url, pool: 'TIEOUT', language: 'ENG', requestConfig: '' })

export const DOORS: Readonly<Record<string, Door>> = {
  'X3, web services': {
    publication: 'WSGAS',
    site: 'soap:save',
    isPost: (body) => /<\w+:save[ >]/.test(body),
    services,
  },
  'X3, web services, found by REST api1': {
    publication: 'WSGAS',
    site: 'soap:save',
    isPost: (body) => /<\w+:save[ >]/.test(body),
    services,
    lookUp: (connection, origin) => api1LookUp(connection, api1Settings(origin)).ask,
  },
  "X3, a customer's operations": {
    publication: 'journals',
    site: 'graphql:write',
    isPost: (body) => body.includes('postJournal'),
    services: (connection) => createOperations(connection, OPERATION),
  },
}

const reference = (key: string): string => referenceOf(String(keyParts(key)[1]), Number(keyParts(key)[2]))

/** An invoice of one row without tax. */
const row =
  (books: X3Fixture['books'], account: string) =>
  (id: string, revision: number, amount: string): Row => {
    const key = { source: 'hub', id, revision }
    const [supplier] = books.tables.supplier.walk()
    const sums = { net_amount: amount, gross_amount: amount, tax_amount: '0' }
    const line = codingRow({
      ...key,
      account,
      tax_code: 'FR-E00',
      net_amount: amount,
      tax_amount: '0',
      cost_centre: null,
    })
    const { _row, ...invoice } = approved({ ...key, number: `F-${id}`, supplier: supplier?.code ?? '', ...sums }, [
      line,
    ])
    return invoice
  }

export interface X3Bench extends PostingBench {
  readonly x3: X3Fixture['x3']
  readonly wire: PostWire
  /** A question beside the run, which takes a session of the pool for it. */
  busy(): Promise<unknown>
  close(): Promise<void>
}

export async function openX3Bench(
  { publication, isPost, services, lookUp }: Door,
  soap: NonNullable<Parameters<typeof startX3Fixture>[0]>['soap'] = {},
): Promise<X3Bench> {
  const fixture = await startX3Fixture({ soap: { shape: 'wide', ...soap }, ...(lookUp && { basic: BASIC }) })
  const { x3, books, clock } = fixture
  const wire = await startPostWire(new URL(x3.url).origin, isPost)
  const through = (url: string): string => wire.origin + new URL(url).pathname
  const auth: X3Auth = lookUp
    ? { kind: 'basic', ...BASIC }
    : jwtOf(fixture, { audience: { kind: 'registered', url: x3.url } })
  const retry = { attempts: 2, firstDelayMs: 1, maxDelayMs: 2 }
  const options = { retry, now: clock.now, timeoutMs: 2000, auth }
  const connection = connect(fixture, { ...options, url: through(x3.url) })
  const direct = connect(fixture, options)
  const accounts = [...books.tables.account.walk()].filter(({ chart, active }) => chart === 'FRA' && active)
  const [cost = '', control = '', rounding = ''] = accounts.map(({ code }) => code)
  const rules = {
    ...handRules,
    taxes: [taxRule('FR-E00', { treatment: 'none', x3Code: 'EXO' })],
    companies: [{ company: 'FR10', site: 'FR011', accrual: '', rounding }],
    suppliers: [{ company: '*', supplier: '*', account: control }],
  }
  const target = (by: X3Connection, url: string, waits?: Partial<PostRules>): PostTarget =>
    createX3PostTarget(by, services(by, url), {
      ...{ rules, publication, referenceField: 'REFINT', retry, ...(waits && { waits }) },
      ...(lookUp && { lookUp: lookUp(by, new URL(url).origin) }),
      test: {
        site: 'FR011',
        entryType: 'GEN',
        journal: '',
        currency: 'EUR',
        debit: cost,
        credit: control,
        dimensions: {},
      },
    })
  const standing = async (key: string): Promise<readonly string[]> =>
    x3.soap.accountant
      .posted()
      .filter(({ header }) => header.REFINT === reference(key))
      .map((one) => one.key.split('|')[1] ?? '')
  const keyOf = (number: string): string =>
    x3.soap.accountant.posted().find(({ key }) => key.endsWith(`|${number}`))?.key ?? ''
  return {
    x3,
    wire,
    busy: () =>
      services(connection, through(x3.soap.url)).query(publication, { REFINT: 'NOBODY' }, 1, {
        ...{ what: 'somebody else', signal: never },
      }),
    schema: schemaOf([]),
    row: row(books, cost),
    target: (waits) => target(connection, through(x3.soap.url), waits),
    next: wire.next,
    commitLate: wire.commitLate,
    posts: wire.posts,
    standing,
    async blind(on) {
      wire.swapped.clear()
      for (const { header } of on ? x3.soap.accountant.posted() : [])
        wire.swapped.set(String(header.REFINT), 'NOBODY-HAS-THIS-ONE')
    },
    finalise: async (number) => x3.soap.accountant.finalise(keyOf(number)),
    remove: async (number) => x3.soap.accountant.remove(keyOf(number)),
    async another(key, record) {
      const context = { signal: never, waiting: () => undefined, sending: () => undefined }
      const note = { read: async () => undefined, save: async () => undefined }
      const written = { key, record: { ...record, _row: 0 }, read: 1, hash: '' }
      const outcome = await target(direct, x3.soap.url).post(
        written,
        { id: 'o', at: '', as: 'draft' },
        { ...context, note },
      )
      if (outcome.kind !== 'posted') throw new Error(JSON.stringify(outcome))
      return outcome.result.number
    },
    async close() {
      await Promise.all([connection.close(), direct.close(), wire.close()])
      await x3.close()
    },
  }
}
