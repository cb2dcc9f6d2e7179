/** A target that posts journals to the sandbox of X3, with what its tests post and ask of it. */
import assert from 'node:assert/strict'
import type { X3Connection } from '../../nodes/x3/client/connection.ts'
import type { PostingRules } from '../../nodes/x3/client/posting/rules.ts'
import { createX3PostTarget, type X3PostOptions } from '../../nodes/x3/client/posting/target.ts'
import { createWebServices } from '../../nodes/x3/client/soap/client.ts'
import type { ChangingTable } from '../../sandbox/books/table.ts'
import type { Dimension } from '../../sandbox/books/types.ts'
import type { DataRecord, Row } from '../../sync/contract/message.ts'
import type { Found, PostFacts, PostResult, PostTarget, SendContext } from '../../sync/contract/posting.ts'
import type { WriteRecord } from '../../sync/contract/target.ts'
import { startX3Fixture, type X3Fixture } from './x3.ts'
import { connect, never } from './x3-client.ts'
import { approved, codingRow, handRules, taxRule } from './x3-posting.ts'

/** To be called in a `describe`. */
export function postedJournals() {
  let fixture: X3Fixture
  let connection: X3Connection
  let accounts: string[]
  let centres: { active: string; inactive: string }
  let supplier: string
  const closing: (() => Promise<unknown>)[] = []
  afterEach(async () => {
    for (const close of closing.splice(0)) await close()
  })

  async function open(
    options: Parameters<typeof startX3Fixture>[0] = {},
    more: Partial<X3PostOptions> = {},
    rules: Partial<PostingRules> = {},
  ): Promise<PostTarget> {
    fixture = await startX3Fixture(options)
    connection = connect(fixture, { retry: { attempts: 2, firstDelayMs: 1 }, now: fixture.clock.now, timeoutMs: 2000 })
    closing.push(
      () => connection.close(),
      () => fixture.x3.close(),
    )
    const { account, dimension, supplier: suppliers } = fixture.books.tables
    accounts = [...account.walk()].filter(({ chart, active }) => chart === 'FRA' && active).map(({ code }) => code)
    const [first, second] = [...dimension.walk()].filter(({ type, active }) => type === 'CCT' && active)
    if (second) (dimension as ChangingTable<Dimension>).put({ ...second, active: false })
    centres = { active: first?.code ?? '', inactive: second?.code ?? '' }
    supplier = [...suppliers.walk()][0]?.code ?? ''
    return target(more, rules)
  }
  function target(more: Partial<X3PostOptions> = {}, rules: Partial<PostingRules> = {}): PostTarget {
    const services = createWebServices(connection, { url: '', pool: 'TIEOUT', language: 'ENG', requestConfig: '' })
    const [cost = '', tax = '', owed = '', control = '', rounding = ''] = accounts
    const taxes = [
      taxRule('FR-S20', { account: tax, accountOnly: true }),
      taxRule('FR-RC20', { treatment: 'reverse', account: tax, owedAccount: owed, rate: '20', accountOnly: true }),
      taxRule('STRICT', { account: tax }),
      taxRule('FR-E00', { treatment: 'none', x3Code: 'EXO' }),
    ]
    const companies = [{ company: 'FR10', site: 'FR011', accrual: '', rounding }]
    const own = { ...handRules, taxes, companies, suppliers: [{ company: '*', supplier: '*', account: control }] }
    return createX3PostTarget(connection, services, {
      rules: { ...own, ...rules },
      publication: 'WSGAS',
      referenceField: '',
      test: { site: 'FR011', entryType: 'GEN', journal: '', currency: 'EUR', debit: cost, credit: tax, dimensions: {} },
      ...more,
    })
  }

  const notes = new Map<string, string>()
  const context = (more: Partial<SendContext> = {}): SendContext => ({
    signal: never,
    waiting: () => undefined,
    note: { read: async () => notes.get('note'), save: async (text) => void notes.set('note', text) },
    sending: () => undefined,
    ...more,
  })
  beforeEach(() => notes.clear())

  const row = (more: Row = {}): Row => codingRow({ account: accounts[0] ?? '', cost_centre: centres.active, ...more })
  const invoice = (more: Row = {}, lines?: readonly Row[]): DataRecord =>
    approved({ supplier, ...more }, lines ?? [row()])
  const written = (record: DataRecord, read = 1): WriteRecord => ({
    ...{ record, read, hash: '' },
    key: `basware|${String(record.id)}|${String(record.revision)}`,
  })
  const post = (to: PostTarget, record: DataRecord, as: 'draft' | 'final' = 'draft') =>
    to.post(written(record), { id: 'i', at: '', as }, context())
  const findOf = async (to: PostTarget, record: DataRecord): Promise<Found | undefined> => {
    const { key } = written(record)
    return (await to.find([{ key, at: null }], context())).get(key)
  }
  const postedOf = (found: Found | undefined): PostResult => {
    assert.equal(found?.kind, 'posted', JSON.stringify(found))
    return (found as { result: PostResult }).result
  }
  const factsIn = ({ amount, currency, party }: PostFacts) => ({ amount, currency, party })
  const posted = () => fixture.x3.soap.accountant.posted()
  return {
    get fixture() {
      return fixture
    },
    get connection() {
      return connection
    },
    get accounts() {
      return accounts
    },
    get centres() {
      return centres
    },
    get supplier() {
      return supplier
    },
    open,
    target,
    notes,
    context,
    row,
    invoice,
    written,
    post,
    findOf,
    postedOf,
    factsIn,
    posted,
  }
}
