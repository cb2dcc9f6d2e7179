import { deepStrictEqual, doesNotMatch, match, ok, strictEqual } from 'node:assert'
import type { Ledger } from '../../../ledger/ledger.ts'
import type { LedgerHandle, Member } from '../../../nodes/kit/kit.ts'
import { defineSearchRoutes } from '../../../nodes/operations/search-routes.ts'
import type { Engine } from '../../../sync/contract/engine.ts'
import { syncError } from '../../../sync/contract/errors.ts'
import type { Schema } from '../../../sync/contract/message.ts'
import type { StandingContext, StandingRecord, Target } from '../../../sync/contract/target.ts'
import { schemaNote } from '../../../sync/run/schema-note.ts'
import { supplierSchema } from '../../support/fakes.ts'
import { address, commit, delivery, held, type LedgerFolder, ledgerFolder } from '../../support/ledger.ts'
import { type Routes, routesOf } from '../../support/routes.ts'

interface Found {
  readonly found: readonly {
    readonly key: string
    readonly way?: { readonly run: string; readonly statements: readonly string[] }
    readonly decisions: readonly { readonly kind: string; readonly by: string; readonly reason: string }[]
  }[]
  readonly held: readonly {
    readonly key: string
    readonly state: string
    readonly sink: string
    readonly record?: unknown
    readonly decisions: readonly { readonly kind: string; readonly by: string; readonly reason: string }[]
  }[]
  readonly next?: string
}

const schema: Schema = {
  ...supplierSchema,
  columns: [...supplierSchema.columns, { name: 'iban', type: 'string', sensitive: true }],
  lists: {
    banks: {
      entity: 'supplier_bank',
      key: ['source', 'code', 'no'],
      columns: [
        { name: 'no', type: 'integer' },
        { name: 'iban', type: 'string', sensitive: true },
      ],
    },
  },
}

describe('the look-up of a document', () => {
  let folder: LedgerFolder
  let ledger: Ledger
  let routes: Routes
  let members: Map<string, Member>
  const sink = (target: Partial<Target>, accepts = true): Member => ({
    kind: 'sink',
    ref: { id: 'w', name: 'warehouse' },
    accepts: () => accepts,
    target: async () => ({ address, mode: 'merge', ...target }) as Target,
  })
  const there: StandingRecord = {
    record: { source: 'erp', code: 'A1', name: 'Acme', iban: 'DE11', banks: [{ no: '1', iban: 'DE22' }] },
    ...{ read: '10', run: 'r1', at: '2026-03-01', cut: [] },
  }

  beforeEach(async () => {
    folder = ledgerFolder()
    ledger = await folder.open({ now: () => Date.parse('2026-03-01T10:00:00Z') })
    members = new Map([['w', sink({ standing: async () => there })]])
    const engine = { get: async () => ({ ledger }) as Engine } as LedgerHandle['engine']
    routes = routesOf(defineSearchRoutes, { L: { kind: 'ledger', engine, members } })
  })
  afterEach(() => folder.remove())

  const search = async (given: object) => (await routes.call<Found>('GET', '/tieout/search', given)).body
  const row = (given: object = {}) =>
    routes.call<{ there: boolean; record: object; error?: string; hint?: string }>('POST', '/tieout/search/row', {
      ...{ entity: 'supplier', address, key: 'erp|A1' },
      ...given,
    })

  it('may be asked by whoever reads; the row in the target only by whoever may have a warehouse woken', () => {
    deepStrictEqual(Object.fromEntries(routes.rights), {
      'GET /tieout/search': 'tieout.read',
      'POST /tieout/search/row': 'tieout.write',
    })
  })

  it('refuses a page that it never gave in words', async () => {
    for (const after of ['nonsense', '', '{}', '{"numbers":[]}', '{"numbers":["A1"],"more":1}']) {
      const { status, body } = await routes.call<{ error: string }>('GET', '/tieout/search', { number: 'A1', after })
      strictEqual(status, 400, after)
      match(body.error, /^after/)
    }
  })

  it('says the way of the last version, and who decided what about it and why', async () => {
    await ledger.beginRun({ id: 'r1', sync: 's', mode: 'poll', at: '2026-03-01T10:00:00Z' })
    const trace = { statements: ['01ef'], requests: [], mappings: [] }
    await ledger.commit(commit({ address, trace, batch: 0, filled: [''], deliveries: [delivery('erp|A1', 10)] }))
    const who = { kind: 'edit', by: 'ann', reason: 'a typing error', sync: 's', sink: address } as const
    await ledger.decide({ ...who, entity: 'supplier', about: 'erp|A1' })
    await ledger.decide({ ...who, entity: 'customer', about: 'erp|A1' })
    const { found, held: none } = await search({ number: ' A1 ' })
    deepStrictEqual(none, [])
    strictEqual(found.length, 1)
    deepStrictEqual([found[0]?.key, found[0]?.way?.run, found[0]?.way?.statements], ['erp|A1', 'r1', ['01ef']])
    deepStrictEqual(
      found[0]?.decisions.map(({ kind, by, reason }) => [kind, by, reason]),
      [['edit', 'ann', 'a typing error']],
      'not what was decided about a customer of this key',
    )
    deepStrictEqual((await search({ number: 'A1', entity: 'customer' })).found, [])
  })

  it('says what is held of it and what was left out, by whom, and nothing of what it holds', async () => {
    await ledger.commit(commit({ held: [held('A1', 10)] }))
    const { held: open } = await ledger.findDeliveries({ number: 'A1' })
    await ledger.discardHeld(open, { by: 'bob', reason: 'a test supplier' })
    const { held: found } = await search({ number: 'A1' })
    deepStrictEqual(
      found.map(({ key, state, sink: by, decisions }) => [key, state, by, decisions[0]?.by, decisions[0]?.reason]),
      [['erp|A1', 'discarded', address, 'bob', 'a test supplier']],
    )
    doesNotMatch(JSON.stringify(found), /name of A1/)
  })

  it('finds a document of an inbox by the number that is printed on it, while it is not confirmed', async () => {
    const source = 'hub://tenant'
    const inbox = ledger.inbox({ source, sync: 's', entity: 'invoice' })
    const document = (number: string) => ({ invoiceNumber: number, iban: 'DE99' })
    await inbox.record([
      { key: 'hub|9f2c', document: document('F "117"') },
      { key: 'hub|8e1b', document: document('F "117"-2') },
    ])
    members.set('p', {
      ...{ kind: 'source', ref: { id: 'p', name: 'poll' }, answers: true, syncName: 's', entities: () => ['invoice'] },
      recordOf: (given) => ({ number: (given as { invoiceNumber: string }).invoiceNumber }) as never,
    } as Member)
    const at = 'x3://host/journals'
    await ledger.commit(commit({ address: at, entity: 'invoice', deliveries: [delivery('hub|9f2c|0', 10)] }))
    const all = async (given: object) => {
      const keys: string[] = []
      for (let after: string | undefined, first = true; first || after !== undefined; first = false) {
        const page = await search({ ...given, ...(after && { after }) })
        doesNotMatch(JSON.stringify(page), /DE99/)
        keys.push(...page.found.map(({ key }) => key))
        after = page.next
      }
      return keys
    }
    deepStrictEqual(await all({ number: 'F "117"' }), ['hub|9f2c|0'])
    deepStrictEqual(await all({ number: 'F "117"', entity: 'supplier' }), [])
    deepStrictEqual(await all({ number: 'DE99' }), [], 'by nothing else that it says')
    await inbox.acknowledged(['hub|9f2c'])
    await ledger.handOn(source, ['hub|9f2c|0'])
    await ledger.commit(commit({ entity: 'invoice', inbox: { source, recordKeys: ['hub|9f2c|0'] } }))
    for (const as of ['answered', 'confirmed'] as const) await ledger.saveAnswers(source, new Map([['hub|9f2c|0', as]]))
    deepStrictEqual(await all({ number: 'F "117"' }), [], 'then only by its key')
    deepStrictEqual(await all({ number: 'hub|9f2c|0' }), ['hub|9f2c|0'])
  })

  it('answers in pages, none of which keeps others waiting', async () => {
    const many = Array.from({ length: 25_000 }, (_, n) => delivery(`erp|T${n}|${n}`, 5))
    await ledger.commit(commit({ address, deliveries: [...many, delivery('erp|ZZ|last', 5)], filled: [''] }))
    let pages = 0
    let keys: string[] = []
    let longest = 0
    for (let after: string | undefined; pages < 500; pages++) {
      const start = process.cpuUsage()
      const page = await search({ number: 'last', ...(after && { after }) })
      const { user, system } = process.cpuUsage(start)
      longest = Math.max(longest, (user + system) / 1000)
      keys = [...keys, ...page.found.map(({ key }) => key)]
      after = page.next
      if (after === undefined) break
    }
    deepStrictEqual(keys, ['erp|ZZ|last'])
    ok(pages > 0 && pages < 500)
    ok(longest < 50, `${longest} ms`)
  })

  it('shows the row as it stands in the target, without sensitive values, and writes down who looked', async () => {
    await ledger.saveNote(schemaNote(address), JSON.stringify(schema))
    const { body } = await row()
    deepStrictEqual(
      [body.there, body.record],
      [true, { source: 'erp', code: 'A1', name: 'Acme', iban: '•••', banks: [{ no: '1', iban: '•••' }] }],
    )
    strictEqual(routes.log.length, 1)
    match(routes.log[0] ?? '', /"ann" looks at "supplier erp\|A1" as it stands at fakedb:/)
  })

  it('says that a record is not there', async () => {
    await ledger.saveNote(schemaNote(address), JSON.stringify(schema))
    members.set('w', sink({ standing: async () => undefined }))
    deepStrictEqual((await row()).body, { there: false })
  })

  it('shows what was posted with columns of its own, and what else the target says', async () => {
    const asked: unknown[] = []
    const post = {
      address,
      mode: 'post',
      standing: async (key: string, most: number, { note }: StandingContext) => {
        asked.push(key, most, await note.read())
        const own = { entity: 'journal', key: ['no'], columns: [{ name: 'bank', type: 'string', sensitive: true }] }
        return { ...there, record: { no: '7', bank: 'DE33' }, read: null, says: ['final'], schema: own }
      },
    }
    await ledger.saveNote(address, 'kept there')
    members.set('w', sink(post as never))
    const { body } = await row()
    deepStrictEqual(body, {
      ...{ there: true, record: { no: '7', bank: '•••' }, read: null, run: 'r1', at: '2026-03-01', cut: [] },
      says: ['final'],
    })
    deepStrictEqual(asked, ['erp|A1', 200, 'kept there'])
    // A target that merges may show columns of its own too: what is hidden is told by them.
    await ledger.saveNote(schemaNote(address), JSON.stringify(schema))
    const own = { entity: 'vendor', key: [], columns: [{ name: 'bank', type: 'string', sensitive: true }] } as const
    members.set('w', sink({ standing: async () => ({ ...there, record: { bank: 'DE33' }, schema: own }) }))
    deepStrictEqual((await row()).body.record, { bank: '•••' })
    strictEqual(routes.log.length, 2, 'each look is written down')
  })

  it('asks a target that may pass again, and says in words where none can be asked', async () => {
    const refused = async () => {
      const { status, body } = await row()
      strictEqual(status, 422)
      return `${body.error} ${body.hint}`
    }
    match(await refused(), /sensitive is not known yet/)
    await ledger.saveNote(schemaNote(address), JSON.stringify(schema))
    let asked = 0
    const standing = async () => {
      if (asked++ === 0) throw syncError('transient', 'fake.busy', 'busy')
      return there
    }
    members.set('w', sink({ standing, retry: { firstDelayMs: 1 } }))
    strictEqual((await row()).body.there, true)
    members.set('w', sink({}))
    match(await refused(), /cannot be asked for one row Look in the target itself/)
    members.set('w', sink({ standing }, false))
    match(await refused(), /No sink that is deployed writes supplier/)
    members.set('w', { ...sink({}), target: () => Promise.reject(syncError('config', 'fake.host', 'Field host')) })
    match(await refused(), /Field host/)
    strictEqual(routes.log.length, 1, 'nobody looked but once')
  })
})
