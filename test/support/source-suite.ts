/** What every source must keep to, whichever vendor is behind it: one suite, run against the real client and its sandbox. */
import assert from 'node:assert/strict'
import { type DataRecord, keyText } from '../../sync/contract/message.ts'
import type { EntityPlan, Listing, Page, Source, StampWindow } from '../../sync/contract/source.ts'
import { compileChecker } from '../../sync/values/types.ts'
import { readEntity } from './x3-client.ts'

export interface SourceStage {
  /** A source of one run on a connection that the stage closes. */
  open(more?: { readonly pageSize?: number }): Source
  /** Takes the right to read the entity away, and gives it back. */
  deny(entity: string): void
  allow(): void
  close(): Promise<void>
}

export interface SourceSuite {
  readonly name: string
  readonly start: () => Promise<SourceStage>
  readonly entities: readonly string[]
  /** A document with lines among them. */
  readonly document: string
  readonly address: RegExp
}

const never = new AbortController().signal
const everything: StampWindow = { from: null, bound: '2099-01-01T00:00:00Z' }

async function walkFrom(plan: EntityPlan, walk: string, cursor: string | null, window = everything): Promise<Page[]> {
  const pages: Page[] = []
  let read = 0
  for (let at: string | null = cursor; ; ) {
    const page: Page = await plan.readPage({ walk, window, cursor: at, nextRead: () => ++read, signal: never })
    pages.push(page)
    if (page.cursor === null) return pages
    assert.notEqual(page.cursor, at, 'the cursor does not move')
    at = page.cursor
  }
}

const keysOf = (plan: EntityPlan, records: readonly DataRecord[]): string[] =>
  records.map((record) => keyText(plan.schema, record))
const recordsOf = (pages: readonly Page[]): DataRecord[] => pages.flatMap((page) => [...page.records])

export function sourceSuite({ name, start, entities, document, address }: SourceSuite): void {
  describe(`${name} keeps to what every source must`, () => {
    let stage: SourceStage
    before(async () => {
      stage = await start()
    })
    after(async () => stage.close())
    afterEach(() => stage.allow())

    it("has an address, and a clock that is the server's, whole seconds in UTC", async () => {
      const source = stage.open()
      assert.match(source.address, address)
      assert.match(await source.clock(never), /^2026-03-10T09:00:0\dZ$/)
      await source.plan(document, never)
      assert.ok(source.requests() > 0)
    })

    it('names an entity that there is none of, as a fault of the configuration', async () => {
      await assert.rejects(
        stage.open().plan('no_such_entity', never),
        (error: Error & { cause: { class: string; hint?: string } }) => {
          assert.equal(error.cause.class, 'config')
          assert.match(error.message, /no_such_entity/)
          return true
        },
      )
    })

    for (const entity of entities) {
      it(`${entity}: each record once, with its key, version and stamp, and no value outside its type`, async () => {
        const { plan, records, refused } = await readEntity(stage.open({ pageSize: 9 }), entity, everything)
        assert.ok(records.length > 0)
        assert.deepEqual(refused, [])
        assert.equal(plan.schema.key[0], 'source')
        assert.equal(new Set(keysOf(plan, records)).size, records.length)
        const check = compileChecker(plan.schema)
        for (const record of records) {
          assert.equal(check(record)?.message, undefined)
          assert.equal(record.source, 'demo')
          assert.ok((record._read ?? 0) > 0)
          assert.ok(
            record._stamp === null || /^\d{4}-\d\d-\d\dT[\d:.]+Z$/.test(record._stamp ?? ''),
            String(record._stamp),
          )
        }
      })

      it(`${entity}: goes on behind any cursor, of a page and within it`, async () => {
        const plan = await stage.open({ pageSize: 9 }).plan(entity, never)
        const [walk = ''] = plan.walks
        const pages = await walkFrom(plan, walk, null)
        const all = keysOf(plan, recordsOf(pages))
        const places: [string | null, number][] = []
        let before = 0
        for (const page of pages) {
          for (const [index, cursor] of (page.cursors ?? []).entries()) places.push([cursor, before + index + 1])
          before += page.records.length
        }
        for (const [cursor, done] of places.filter((_, index) => index % 5 === 2 && index < 30)) {
          // As after a crash: another source, which knows nothing of the first.
          const fresh = await stage.open({ pageSize: 9 }).plan(entity, never)
          assert.deepEqual(keysOf(fresh, recordsOf(await walkFrom(fresh, walk, cursor))), all.slice(done))
        }
      })

      it(`${entity}: single records by key are the same records, and a key that is not there is left out`, async () => {
        const source = stage.open()
        const { plan, records } = await readEntity(source, entity, everything)
        const some = records.filter((_, index) => index % 4 === 1).slice(0, 5)
        const keys = keysOf(plan, some)
        const missing = keyText(plan.schema, {
          ...some[0],
          ...Object.fromEntries(plan.schema.key.slice(-1).map((part) => [part, '999999999'])),
        })
        const page = await plan.readKeys?.([...keys, missing], () => 77, never)
        const bare = (all: readonly DataRecord[]) =>
          all
            .map(({ _read, _row, ...record }) => record)
            .sort((a, b) => (keyText(plan.schema, a as DataRecord) < keyText(plan.schema, b as DataRecord) ? -1 : 1))
        assert.deepEqual(bare(page?.records ?? []), bare(some))
        assert.ok(page?.records.every((record) => record._read === 77))
      })

      it(`${entity}: lists the keys and stamps of what a whole reading gives`, async () => {
        const source = stage.open({ pageSize: 9 })
        const { plan, records } = await readEntity(source, entity, everything)
        const listed: [string, string | null][] = []
        for (let cursor: string | null = null; ; ) {
          const page: Listing | undefined = await plan.list?.({ cursor, nextRead: () => 1, signal: never })
          assert.ok(page)
          listed.push(...page.keys.map(({ key, stamp }): [string, string | null] => [key, stamp]))
          if (page.cursor === null) {
            assert.equal(page.total, listed.length)
            break
          }
          cursor = page.cursor
        }
        assert.deepEqual(
          listed.sort(),
          records
            .map((record): [string, string | null] => [keyText(plan.schema, record), record._stamp ?? null])
            .sort(),
        )
      })
    }

    it('takes a read number for each request for data, and gives records the one that began them', async () => {
      const plan = await stage.open({ pageSize: 9 }).plan(document, never)
      const numbers: number[] = []
      const nextRead = () => {
        numbers.push(numbers.length + 10)
        return numbers.length + 9
      }
      const page = await plan.readPage({
        walk: plan.walks[0] ?? '',
        window: everything,
        cursor: null,
        nextRead,
        signal: never,
      })
      assert.ok(page.records.length > 0)
      assert.ok(page.records.every((record) => numbers.includes(record._read ?? 0)))
    })

    it('a window without changes gives nothing, and says that it is at its end', async () => {
      for (const entity of entities) {
        const { records, refused } = await readEntity(stage.open(), entity, {
          from: '2026-03-10T08:58:00Z',
          bound: '2026-03-10T08:58:01Z',
        })
        assert.deepEqual([records, refused], [[], []], entity)
      }
    })

    it('an entity without its right fails by name, the others go on', async () => {
      stage.deny(entities[0] ?? '')
      const source = stage.open()
      await assert.rejects(
        readEntity(source, entities[0] ?? '', everything),
        (error: Error & { cause: { class: string } }) => {
          assert.equal(error.cause.class, 'config')
          assert.match(error.message, new RegExp(entities[0] ?? ''))
          return true
        },
      )
      assert.ok((await readEntity(source, document, everything)).records.length > 0)
    })

    it('stops when it is told to', async () => {
      const stop = new AbortController()
      const source = stage.open()
      const plan = await source.plan(document, never)
      const page = plan.readPage({
        walk: plan.walks[0] ?? '',
        window: everything,
        cursor: null,
        nextRead: () => 1,
        signal: stop.signal,
      })
      stop.abort()
      await assert.rejects(page)
    })
  })
}
