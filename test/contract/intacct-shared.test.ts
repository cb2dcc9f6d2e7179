/** Two entities that read one object: what a run asks of it, and that neither misses what happens between them. */
import assert from 'node:assert/strict'
import type { IntacctConnection } from '../../nodes/intacct/client/connection.ts'
import type { IntacctSourceOptions } from '../../nodes/intacct/client/poll.ts'
import { createIntacctSchema, type IntacctSchema } from '../../nodes/intacct/client/schema.ts'
import type { Dimension } from '../../sandbox/books/types.ts'
import type { PollOptions } from '../../sync/contract/engine.ts'
import type { RunSummary } from '../../sync/contract/summary.ts'
import { type IntacctFixture, startIntacctFixture } from '../support/intacct.ts'
import { connectIntacct, intacctSource } from '../support/intacct-client.ts'
import { type Rig, rig, sums } from '../support/rig.ts'

const BOTH = ['dimension', 'cost_centre'] as const
/** Stands for all keys of the fixture: any sweep before it is due again. */
const SWEEP = { sweep: { since: null } }

describe('Intacct, an object that two entities read', () => {
  let fixture: IntacctFixture
  let r: Rig
  let connection: IntacctConnection
  let schema: IntacctSchema
  /** Runs after each reply to a query, with its object. */
  let after: (object: string) => void

  beforeEach(async () => {
    fixture = await startIntacctFixture()
    r = await rig()
    after = () => {}
    const plain = connectIntacct(fixture)
    connection = {
      ...plain,
      async call(functions, options) {
        const reply = await plain.call(functions, options)
        for (const one of functions) if (one.name === 'query') after(one.query.object)
        // Time passes, so that nobody's window ends like another's by chance.
        fixture.clock.time += 5000
        return reply
      },
    }
    schema = createIntacctSchema(connection)
  })
  afterEach(async () => {
    await r.close()
    await connection.close()
    await fixture.intacct.close()
  })

  /** Calls that the company's meter counts, by object. */
  const billed = (): Record<string, number> => ({ ...fixture.intacct.stats().meter['2026-03'] })
  /** A run of what changed; gives its calls by object too. */
  async function run(
    options: Partial<IntacctSourceOptions> = {},
    more: Partial<PollOptions> = {},
  ): Promise<RunSummary & { made: Record<string, number> }> {
    const before = billed()
    const entities = options.entities ?? BOTH
    const source = intacctSource(connection, { lagSeconds: 0, deletions: 'off', ...options, entities }, schema)
    const summary = await r.poll({ source, entities, ...more })
    const made: Record<string, number> = {}
    for (const [object, n] of Object.entries(billed()))
      if (n > (before[object] ?? 0)) made[object] = n - (before[object] ?? 0)
    return { ...summary, made }
  }
  const done = <S extends RunSummary>(summary: S): S => {
    assert.ok(summary.state === 'done' && summary.verdict !== 'differs', JSON.stringify(summary, null, 1))
    return summary
  }

  const table = () =>
    fixture.books.tables.dimension as IntacctFixture['books']['tables']['dimension'] & {
      put(thing: Dimension): void
      remove(key: string, at: string): void
    }
  const now = (): string => `${new Date(fixture.clock.time).toISOString().slice(0, 19)}Z`
  const department = (n: number): Dimension => {
    const found = [...table().walk()].filter(({ type }) => type === 'CCT')[n]
    assert.ok(found)
    return found
  }
  const retitle = (n: number, title: string): string => {
    const found = department(n)
    table().put({ ...found, title, updated: now() })
    return found.code
  }
  /** Titles of a department in the two tables. */
  const titles = (code: string) => [
    r.target('dimension').stored.get(`demo|DEPARTMENT|${code}`)?.record.title,
    r.target('cost_centre').stored.get(`demo|${code}`)?.record.title,
  ]
  /** Both hold every department as the books have it. */
  const same = (): void => {
    const wanted = [...table().walk()].filter(({ type }) => type === 'CCT').map(({ code, title }) => [code, title])
    const held = (entity: string) =>
      [...r.target(entity).stored.values()]
        .filter(({ record }) => (record.type ?? 'DEPARTMENT') === 'DEPARTMENT')
        .map(({ record }) => [record.code, record.title])
    for (const entity of BOTH) assert.deepEqual(held(entity).sort(), wanted.sort(), entity)
  }

  it('is asked for once, in the first load, without changes and in a full reading; both end at one moment', async () => {
    for (const scope of ['changes', 'changes', 'full'] as const) {
      const { made } = done(await run({}, { scope: { kind: scope } }))
      assert.deepEqual(made, {
        ...{ DEPARTMENT: 1, LOCATION: 1, PROJECT: 1, CLASS: 1 },
        [fixture.intacct.userDimension]: 1,
      })
      const [one, other] = await Promise.all(BOTH.map((entity) => r.ledger.position('s', entity)))
      assert.equal(one?.readThrough, other?.readThrough)
      same()
    }
  })

  it('a change arrives in both, under the number of the one request', async () => {
    done(await run())
    const code = retitle(0, 'Renamed')
    const { made, ...summary } = done(await run())
    assert.equal(made.DEPARTMENT, 1)
    assert.deepEqual(titles(code), ['Renamed', 'Renamed'])
    for (const entity of BOTH) assert.equal(sums(summary, entity).delivered, 1)
    assert.equal(
      r.target('dimension').stored.get(`demo|DEPARTMENT|${code}`)?.read,
      r.target('cost_centre').stored.get(`demo|${code}`)?.read,
    )
  })

  it('a change between the two is in neither, and comes to both with the next run, without an overlap too', async () => {
    const overlapSeconds = 0
    done(await run({ overlapSeconds }))
    const before = department(3).title
    const changed: string[] = []
    after = (object) => {
      if (object === 'DEPARTMENT' && changed.length === 0) changed.push(retitle(3, 'In between'))
    }
    done(await run({ overlapSeconds }))
    const [code = ''] = changed
    assert.deepEqual(titles(code), [before, before])
    const { made } = done(await run({ overlapSeconds }))
    assert.equal(made.DEPARTMENT, 1)
    assert.deepEqual(titles(code), ['In between', 'In between'])
    same()
  })

  it('a sweep lists it once and deletes in both', async () => {
    done(await run())
    const gone = department(1)
    table().remove(`CCT|${gone.code}`, now())
    const { made, ...summary } = done(await run({}, SWEEP))
    // The window, the listing, and each entity's question by key before it deletes.
    assert.equal(made.DEPARTMENT, 4)
    for (const entity of BOTH) assert.equal(sums(summary, entity).sweep?.gone, 1)
    assert.deepEqual(titles(gone.code), [undefined, undefined])
    same()
    const again = done(await run({}, SWEEP))
    assert.equal(again.made.DEPARTMENT, 2)
  })

  it('is asked for once more where the second wants a field that the first did not read', async () => {
    const extra = (entity: string) => ({ extraFields: { [entity]: [{ field: 'CREATEDBY' }] } })
    assert.equal(done(await run(extra('dimension'))).made.DEPARTMENT, 1)
    assert.equal(done(await run(extra('cost_centre'), { scope: { kind: 'full' } })).made.DEPARTMENT, 2)
    const [stored] = r.target('cost_centre').stored.values()
    assert.ok(stored && 'createdby' in stored.record)
    same()
  })

  it('is read by each on its own where it is more than a page, and nothing is missing', async () => {
    const { made } = done(await run({ pageSize: 3 }))
    assert.ok((made.DEPARTMENT ?? 0) > 4)
    same()
    retitle(2, 'Renamed')
    assert.equal(done(await run({ pageSize: 3, overlapSeconds: 0 })).made.DEPARTMENT, 1)
    same()
  })

  it('an entity that joins later reads it from its beginning', async () => {
    done(await run({ entities: ['dimension'] }))
    retitle(0, 'Renamed')
    assert.equal(done(await run()).made.DEPARTMENT, 2)
    same()
    assert.equal(done(await run()).made.DEPARTMENT, 1)
  })

  it('where one entity fails the other goes on; whole again, they share as before', async () => {
    done(await run())
    fixture.intacct.deny('PROJECT')
    retitle(0, 'Renamed')
    const failed = await run()
    assert.equal(failed.state, 'failed')
    assert.equal(sums(failed, 'cost_centre').delivered, 1)
    retitle(1, 'Renamed too')
    fixture.intacct.allow('PROJECT')
    done(await run())
    same()
    assert.equal(done(await run()).made.DEPARTMENT, 1)
  })

  it('serves further objects of the same name that want no more, and asks anew for those that do', async () => {
    const entities = [...BOTH, 'department']
    const { made } = done(await run({ entities, objects: { department: 'DEPARTMENT' } }))
    assert.equal(made.DEPARTMENT, 2)
    assert.equal(r.target('department').stored.size, r.target('cost_centre').stored.size)
  })
})
