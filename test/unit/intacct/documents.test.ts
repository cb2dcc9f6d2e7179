import assert from 'node:assert/strict'
import { zoneOf } from '../../../nodes/intacct/client/clock.ts'
import type { Fields } from '../../../nodes/intacct/client/convert.ts'
import { createDocuments } from '../../../nodes/intacct/client/documents.ts'
import { compareKeys, type PageQuery, type Pages, type QueryPage } from '../../../nodes/intacct/client/pages.ts'
import type { Condition } from '../../../nodes/intacct/client/request.ts'
import type { DataRecord } from '../../../sync/contract/message.ts'

const never = new AbortController().signal
const stamp = (minute: number): string => `03/10/2026 09:${String(minute).padStart(2, '0')}:00`

/** Whether a row passes a condition; numbers by value, stamps of one day as text. */
function passes(row: Fields, condition: Condition | undefined): boolean {
  if (!condition) return true
  if ('of' in condition) {
    const parts = condition.of.filter((part) => part !== undefined)
    if (parts.length === 0) return true
    return condition.op === 'and' ? parts.every((part) => passes(row, part)) : parts.some((part) => passes(row, part))
  }
  const value = row[condition.field] ?? ''
  if ('values' in condition) {
    const [low = '', high = ''] = condition.values
    if (condition.op === 'in') return condition.values.includes(value)
    return compareKeys([value], [low]) >= 0 && compareKeys([value], [high]) <= 0
  }
  if (!('value' in condition)) return (value === '') === (condition.op === 'isnull')
  const order = compareKeys([value], [condition.value])
  return {
    equalto: order === 0,
    notequalto: order !== 0,
    lessthan: order < 0,
    lessthanorequalto: order <= 0,
    greaterthan: order > 0,
    greaterthanorequalto: order >= 0,
  }[condition.op]
}

describe('documents of Intacct', () => {
  const world = {
    headers: [] as Record<string, string>[],
    lines: [] as Record<string, string>[],
    asked: [] as { object: string; rows: number }[],
    minute: 0,
    /** What happens between two questions, by their number. */
    between: new Map<number, () => void>(),
  }
  const pagesOf = (rows: () => Fields[], size: number): Pages => {
    const page = async (query: PageQuery): Promise<QueryPage> => {
      const at = Date.parse(`2026-03-10T09:${String(world.minute).padStart(2, '0')}:00Z`)
      const filter = await query.filter()
      const key = (row: Fields) => query.orderBy.map((field) => row[field] ?? '')
      const after = query.after
      const found = rows()
        .filter((row) => passes(row, filter) && (after === null || compareKeys(key(row), after) > 0))
        .sort((a, b) => compareKeys(key(a), key(b)))
        .map((row) => ({ ...row }))
      const given = found.slice(0, size)
      world.asked.push({ object: query.object, rows: given.length })
      const last = given.at(-1)
      const read = world.asked.length
      world.between.get(read)?.()
      return {
        rows: given,
        total: found.length,
        remaining: found.length - given.length,
        last: last ? key(last) : after,
        read,
        at,
        notices: [],
      }
    }
    return {
      page,
      async all(query) {
        const found: Fields[] = []
        for (let after: readonly string[] | null = null; ; ) {
          const one: QueryPage = await page({ ...query, after })
          found.push(...one.rows)
          if (one.remaining === 0) return { rows: found, read: one.read, at: one.at, notices: [], unreadable: [] }
          after = one.last
        }
      },
    }
  }
  const documents = (sizes = { headers: 3, lines: 4 }) =>
    createDocuments({
      header: {
        object: 'GLBATCH',
        record: 'RECORDNO',
        stamp: 'WHENMODIFIED',
        select: [],
        keys: ['RECORDNO'],
        pages: pagesOf(() => world.headers, sizes.headers),
      },
      lines: {
        object: 'GLENTRY',
        record: 'RECORDNO',
        parent: 'BATCHNO',
        select: [],
        keys: ['BATCHNO'],
        pages: pagesOf(() => world.lines, sizes.lines),
      },
      zone: async () => zoneOf('UTC'),
      assemble: (header, lines) =>
        ({
          _row: 0,
          number: header.RECORDNO ?? '',
          title: header.TITLE ?? '',
          lines: lines.map(({ RECORDNO, TITLE }) => `${RECORDNO} ${TITLE}`),
        }) as unknown as DataRecord,
      faultOf: (record) => (record.title === 'unbalanced' ? 'does not balance' : undefined),
      nameOf: (record) => `gl_entry ${record.number}`,
    })
  const put = (number: number, lineCount: number, title = 'a') => {
    world.headers.push({ RECORDNO: String(number), TITLE: title, WHENMODIFIED: stamp(1) })
    for (let n = 0; n < lineCount; n++)
      world.lines.push({ RECORDNO: String(world.lines.length + 1), BATCHNO: String(number), TITLE: title })
  }
  /** What a person does to a document at a minute. */
  const change = (number: number, minute: number, title: string) => {
    const header = world.headers.find((row) => row.RECORDNO === String(number))
    if (header) Object.assign(header, { TITLE: title, WHENMODIFIED: stamp(minute) })
    for (const line of world.lines.filter((row) => row.BATCHNO === String(number))) line.TITLE = title
  }
  const readAll = async (
    reader: ReturnType<typeof documents>,
    from: string | null = null,
    cursor: string | null = null,
  ) => {
    const found: DataRecord[] = []
    const refused: string[] = []
    const cursors: string[] = []
    for (let at = cursor; ; ) {
      const request = {
        walk: 'changed',
        window: { from, bound: '2026-03-10T09:02:00Z' },
        cursor: at,
        nextRead: () => 1,
        signal: never,
      }
      const page = await reader.page(
        async () => undefined,
        request,
        () => true,
      )
      found.push(...page.records)
      refused.push(...(page.refused ?? []).map(({ code, message }) => `${code} ${message}`))
      cursors.push(...(page.cursors ?? []))
      if (page.cursor === null) return { found, refused, cursors }
      at = page.cursor
    }
  }
  const shape = (records: readonly DataRecord[]) =>
    records.map(({ number, title, lines }) => `${number} ${title} ${(lines as unknown as string[]).length}`)
  const isWhole = (record: DataRecord) =>
    (record.lines as unknown as string[]).every((line) => line.endsWith(` ${record.title}`))

  beforeEach(() => {
    Object.assign(world, { headers: [], lines: [], asked: [], minute: 10, between: new Map() })
  })

  for (const from of [null, '2026-03-10T09:00:00Z'])
    it(`come each once with all their lines, ${from ? 'in a window' : 'in a load of everything'}, whatever the sizes of pages`, async () => {
      for (let number = 1; number <= 11; number++) put(number * 3, (number * 7) % 5 || 9)
      const wanted = world.headers.map(
        ({ RECORDNO }) => `${RECORDNO} a ${world.lines.filter((line) => line.BATCHNO === RECORDNO).length}`,
      )
      for (const sizes of [
        { headers: 3, lines: 4 },
        { headers: 1, lines: 1 },
        { headers: 100, lines: 2 },
        { headers: 4, lines: 1000 },
      ]) {
        const { found, refused, cursors } = await readAll(documents(sizes), from)
        assert.deepEqual(shape(found), wanted)
        assert.deepEqual(refused, [])
        assert.deepEqual(
          cursors,
          world.headers.map(({ RECORDNO }) => RECORDNO),
        )
        const rest = await readAll(documents(sizes), from, '12')
        assert.deepEqual(shape(rest.found), wanted.slice(4))
      }
    })

  it('walk lines on full pages beside their headers, and prove a page with the question for the next', async () => {
    for (let number = 1; number <= 30; number++) put(number, 5)
    await readAll(documents({ headers: 10, lines: 50 }))
    const calls = (object: string) => world.asked.filter((one) => one.object === object).map(({ rows }) => rows)
    assert.deepEqual(calls('GLENTRY'), [50, 50, 50])
    assert.deepEqual(calls('GLBATCH'), [10, 10, 10, 0])
  })

  it('that change between header and lines are read again, whole', async () => {
    for (let number = 1; number <= 5; number++) put(number, 3)
    // The first question is for headers: before their lines come, document 2 changes.
    world.between.set(1, () => change(2, 11, 'b'))
    const { found, refused } = await readAll(documents())
    assert.deepEqual(refused, [])
    assert.ok(found.every(isWhole), JSON.stringify(found))
    assert.deepEqual(shape(found), ['1 a 3', '2 b 3', '3 a 3', '4 a 3', '5 a 3'])
  })

  it('that change each time they are read are held, and named', async () => {
    put(1, 2)
    put(2, 2)
    for (let times = 1; times < 40; times++) world.between.set(times, () => change(2, 10 + times, `t${times}`))
    const { found, refused } = await readAll(documents())
    assert.deepEqual(shape(found), ['1 a 2'])
    assert.deepEqual(refused, ['intacct.changed gl_entry 2: changed each time while it was read'])
  })

  it('that are deleted after their header was read are no documents without lines', async () => {
    put(1, 2)
    put(2, 2)
    world.between.set(1, () => {
      world.headers = world.headers.filter(({ RECORDNO }) => RECORDNO !== '2')
      world.lines = world.lines.filter(({ BATCHNO }) => BATCHNO !== '2')
    })
    const { found, refused } = await readAll(documents())
    assert.deepEqual(shape(found), ['1 a 2'])
    assert.deepEqual(refused, [])
  })

  it('that have no lines are believed when a second reading says so', async () => {
    put(1, 0)
    assert.deepEqual(shape((await readAll(documents())).found), ['1 a 0'])
  })

  it('that do not balance are read again, then held', async () => {
    put(1, 2, 'unbalanced')
    put(2, 2)
    const { found, refused } = await readAll(documents())
    assert.deepEqual(shape(found), ['2 a 2'])
    assert.deepEqual(refused, ['intacct.unbalanced gl_entry 1: does not balance'])
  })

  it('by number come whole, missing ones left out', async () => {
    for (let number = 1; number <= 8; number++) put(number, 3)
    const page = await documents().byNumbers(['7', '2', '99', '2'], { nextRead: () => 1, signal: never })
    assert.deepEqual(shape(page.records).sort(), ['2 a 3', '7 a 3'])
  })
})
