import assert from 'node:assert/strict'
import { type SyncError, syncError } from '../../../../sync/contract/errors.ts'
import type { Loading } from '../../../../vendor/warehouse/append-target.ts'
import type { FoundColumn, SqlDialect, Statement } from '../../../../vendor/warehouse/dialect.ts'
import type { MergeStatements } from '../../../../vendor/warehouse/merging.ts'
import { sqlTarget } from '../../../../vendor/warehouse/sql-target.ts'
import { VERSION_COLUMNS } from '../../../../vendor/warehouse/technical-columns.ts'
import { createWarehouse } from '../../../../vendor/warehouse/warehouse.ts'
import { batchOf, entry, journal, writeContext } from '../../../support/warehouse.ts'

const context = writeContext()
const tableOf = (entity: string) => ({ catalog: 'c', schema: 's', table: entity })
const text = (name: string): FoundColumn => {
  const type = { kind: 'TEXT', precision: 38, scale: 0, length: 100, collation: '' }
  return { name, declared: 'TEXT', type, nullable: true, comment: '' }
}

/** A warehouse of no vendor: it keeps what it was sent, and knows the tables that it made. */
function fake(own: Partial<SqlDialect> = {}, answer: (sql: string) => unknown = () => undefined) {
  const sent: string[] = []
  const made = new Map<string, readonly FoundColumn[]>()
  const run = async ({ sql }: Statement) => {
    sent.push(sql)
    return [(await answer(sql)) as Record<string, unknown>].filter(Boolean)
  }
  const plain: SqlDialect['plain'] = ({ catalog, schema, table }) => [catalog, schema, table].join('.')
  const dialect: SqlDialect = {
    vendor: 'Fake',
    code: 'fake',
    address: 'fake://host',
    anyCase: true,
    manyAtOnce: true,
    cheapMisses: true,
    quote: (name) => `"${name}"`,
    plain,
    newName: (name) => name,
    alias: (name) => name,
    textType: 'TEXT',
    decimalType: 'DECIMAL',
    parameter: (name) => `@${name}`,
    qualifiedSet: false,
    cast: (value) => value,
    fromHex: (value) => `HEX(${value})`,
    exact: (value) => value,
    statements: () => sent.length,
    run,
    session: (_what, _tags, task, of) => task({ context: of, run, discard: () => void sent.push('DISCARD') }),
    async columns(names) {
      sent.push(`COLUMNS ${names.map(({ table }) => table).join()}`)
      return names.map((name) => made.get(plain(name)))
    },
    async create({ name, columns }) {
      sent.push(`CREATE ${name.table}`)
      made.set(
        plain(name),
        columns.map((column) => text(column.name)),
      )
      return true
    },
    addColumns: async ({ table }) => sent.push(`ADD ${table}`),
    addColumnsText: () => '',
    holds: () => true,
    sqlType: () => 'TEXT',
    widen: () => '',
    collated: async () => syncError('config', 'fake.collation', 'collated'),
    isMissing: (error) => (error as SyncError).code === 'fake.missing',
    lacksColumn: () => false,
    ...own,
  }
  return { sent, warehouse: createWarehouse(dialect) }
}

const transaction: SqlDialect['transaction'] = {
  begin: 'BEGIN',
  commit: 'COMMIT',
  rollback: 'ROLLBACK',
  isLost: (error) => (error as SyncError).code === 'fake.session',
}
const twoLists = { ...journal, lists: { ...journal.lists, tax: journal.lists?.lines ?? journal } }
const batch = batchOf('b', [entry('1', { read: 1 }), entry('2', { read: 1, delete: true })], twoLists)

/** A target of three tables whose statements are named after what they do. */
function merging(f: ReturnType<typeof fake>, more: Partial<MergeStatements<string>> = {}, samePlace = false) {
  const target = sqlTarget<string>(f.warehouse, 'gl_entry', {
    mode: 'merge',
    tableOf,
    staging: (_schema, parts) => ({
      async stage({ id }, purpose) {
        f.sent.push(`STAGE${purpose}`)
        return id
      },
      drop: () => void f.sent.push('DROP'),
      samePlace,
      statements: (found) => ({
        merge: (place) => ({ sql: `MERGE ${parts[place]?.list || 'header'} ${found[place]?.('source')?.name ?? '?'}` }),
        rejected: (place) => ({ sql: `CHECK ${place}` }),
        ...more,
      }),
    }),
  })
  assert.ok(target.mode === 'merge')
  return target
}

const failing = (at: string, cls: 'config' | 'transient' | 'unknown-outcome' = 'config', code = 'fake.no') => {
  return (sql: string): undefined => {
    if (sql.startsWith(at)) throw syncError(cls, code, 'refused')
  }
}

describe('the target of a SQL warehouse', () => {
  describe('that has transactions', () => {
    it('writes lists and header in one, and takes the rows away behind it', async () => {
      const f = fake({ transaction })
      await merging(f).write(batch, context)
      assert.deepEqual(f.sent, ['STAGE', 'BEGIN', 'MERGE lines ?', 'MERGE tax ?', 'MERGE header ?', 'COMMIT', 'DROP'])
    })

    it('sends nothing behind a statement that failed, takes back what was written, and the rows away', async () => {
      const f = fake({ transaction }, failing('MERGE lines'))
      await assert.rejects(merging(f).write(batch, context), /refused/)
      assert.deepEqual(f.sent, ['STAGE', 'BEGIN', 'MERGE lines ?', 'ROLLBACK', 'DROP'])
    })

    for (const [what, cls, code] of [
      ['a session that is gone', 'transient', 'fake.session'],
      ['a statement of which nobody knows what became of it', 'unknown-outcome', 'fake.reset'],
    ] as const)
      it(`rolls nothing back after ${what}`, async () => {
        const f = fake({ transaction }, failing('MERGE header', cls, code))
        await assert.rejects(merging(f).write(batch, context), /refused/)
        assert.deepEqual(f.sent.slice(-2), ['MERGE header ?', 'DROP'])
      })

    it('does not use a session again whose transaction it could not take back', async () => {
      const refuse = failing('MERGE tax')
      const f = fake({ transaction }, (sql) => refuse(sql) ?? failing('ROLLBACK')(sql))
      await assert.rejects(merging(f).write(batch, context), /refused/)
      assert.deepEqual(f.sent.slice(-3), ['ROLLBACK', 'DISCARD', 'DROP'])
    })

    it('keeps nothing of a batch of which a table left rows out, and says how many records', async () => {
      const leftOut: MergeStatements<string>['leftOut'] = {
        code: 'fake.left-out',
        why: ({ table }) => `${table} left it out.`,
        expected: () => 1,
        touched: (row) => Number(row?.touched ?? 0),
        query: (place) => ({ sql: `VANISHED ${place}` }),
      }
      const short = (sql: string) =>
        sql === 'VANISHED 0' ? { n: '0' } : { touched: sql.startsWith('MERGE header') ? 0 : 1 }
      const f = fake({ transaction }, short)
      await assert.rejects(merging(f, { leftOut }).write(batch, context), ({ message, cause, code }: SyncError) => {
        assert.deepEqual([cause.class, code], ['data', 'fake.left-out'])
        assert.match(message, /^1 record\(s\): gl_entry left it out/)
        return true
      })
      assert.deepEqual(f.sent.slice(-4), ['MERGE header ?', 'VANISHED 0', 'ROLLBACK', 'DROP'])
      const asked = fake({ transaction }, (sql) => (sql.startsWith('CHECK') ? undefined : short(sql)))
      const found = await merging(asked, { leftOut }).findRejected(batch, context)
      assert.deepEqual(found, [{ index: 0, code: 'fake.left-out', message: 'gl_entry left it out.' }])
      assert.deepEqual(asked.sent.slice(-2), ['ROLLBACK', 'DROP'], 'only tried')
    })
  })

  describe('that has none', () => {
    it('writes the header when all lists have ended', async () => {
      let open = 0
      const f = fake({}, async (sql) => {
        open += 1
        await new Promise(setImmediate)
        assert.equal(open, sql.startsWith('MERGE header') ? 1 : 2, 'lists are written side by side')
        await new Promise(setImmediate)
        open -= 1
      })
      await merging(f).write(batch, context)
      assert.deepEqual(f.sent, ['STAGE', 'MERGE lines ?', 'MERGE tax ?', 'MERGE header ?', 'DROP'])
    })

    it('writes no header whose list was refused, and waits for the other list', async () => {
      let ended = false
      const f = fake({}, async (sql) => {
        if (sql.startsWith('MERGE lines')) throw syncError('config', 'fake.no', 'refused')
        await new Promise(setImmediate)
        ended = true
      })
      await assert.rejects(merging(f).write(batch, context), () => ended)
      assert.deepEqual(f.sent.slice(-2), ['MERGE tax ?', 'DROP'])
    })
  })

  it('leaves the rows of a failed attempt where the next one puts its own, which their removal might meet', async () => {
    const refuses = fake({ transaction }, failing('MERGE lines'))
    await assert.rejects(merging(refuses, {}, true).write(batch, context), /refused/)
    assert.equal(refuses.sent.at(-1), 'ROLLBACK')
    const cannotTell = fake({ transaction }, failing('CHECK'))
    await assert.rejects(merging(cannotTell, {}, true).findRejected(batch, context), /refused/)
    assert.equal(cannotTell.sent.at(-1), 'CHECK 0')
    const takes = fake({ transaction })
    await merging(takes, {}, true).write(batch, context)
    assert.equal(takes.sent.at(-1), 'DROP')
  })

  it('looks at the tables before a statement names a column where only the stored name counts', async () => {
    const f = fake({ anyCase: false })
    const target = merging(f)
    await target.prepare(twoLists, context)
    await target.write(batch, context)
    assert.equal(f.sent.at(-2), 'MERGE header source')
    const unprepared = fake({ anyCase: false })
    await merging(unprepared).write(batch, context)
    assert.ok(unprepared.sent.some((sql) => sql.startsWith('COLUMNS')))
    const any = fake()
    await merging(any).write(batch, context)
    assert.ok(!any.sent.some((sql) => sql.startsWith('COLUMNS')))
  })

  it('asks for the columns of all tables at once where that is one question, else creates behind one that is missing', async () => {
    const many = fake()
    await merging(many).prepare(journal, context)
    assert.deepEqual(many.sent.slice(0, 3), [
      'COLUMNS gl_entry,gl_entry_line',
      'CREATE gl_entry',
      'CREATE gl_entry_line',
    ])
    const each = fake({ manyAtOnce: false })
    await merging(each).prepare(journal, context)
    assert.deepEqual(each.sent, [
      'COLUMNS gl_entry',
      'CREATE gl_entry',
      'COLUMNS gl_entry',
      'CREATE gl_entry_line',
      'COLUMNS gl_entry_line',
    ])
  })

  it('says that a table holds no keys where it is not there, and not where it could not be read after it was seen', async () => {
    const keysOf = async (anyCase: boolean, code: string) => {
      const target = merging(fake({ anyCase }, failing('SELECT CAST', 'config', code)))
      if (!anyCase) await target.prepare(twoLists, context)
      const found = []
      for await (const page of target.keys(twoLists, 'x3', context)) found.push(...page)
      return found
    }
    assert.deepEqual(await keysOf(true, 'fake.missing'), [])
    await assert.rejects(keysOf(true, 'fake.no'), /refused/)
    await assert.rejects(keysOf(false, 'fake.missing'), /refused/)
  })

  describe('that appends', () => {
    function appending(own: Partial<Loading>) {
      const f = fake()
      const say = async <T>(sql: string, value: T): Promise<T> => {
        f.sent.push(sql)
        return value
      }
      const loading: Loading = {
        counts: false,
        upload: () => say('UPLOAD', undefined),
        load: () => say('LOAD', Number.NaN),
        arrived: () => say('ARRIVED', 0),
        exists: () => say('EXISTS', true),
        remove: () => say('REMOVE', undefined),
        ...own,
      }
      const options = { mode: 'append', tableOf, columns: VERSION_COLUMNS, loading: () => loading } as const
      const target = sqlTarget(f.warehouse, 'gl_entry', options)
      assert.ok(target.mode === 'append')
      return { ...f, target }
    }
    const other = batchOf('b', [entry('1', { read: 1 })])

    it('compares what was loaded with what was sent where the warehouse counts, and what is there where an answer was lost', async () => {
      const plain = appending({})
      await plain.target.write(other, context)
      assert.deepEqual(plain.sent, ['UPLOAD', 'LOAD', 'REMOVE'])
      const short = appending({ counts: true, load: async () => 2 })
      await assert.rejects(short.target.write(other, context), ({ code }: SyncError) => code === 'fake.count')
      assert.deepEqual(short.sent, ['UPLOAD'], 'the file stays')
      const again = appending({ counts: true, load: async () => 0, arrived: async () => 1 })
      await again.target.write(other, context)
      assert.deepEqual(again.sent, ['UPLOAD', 'REMOVE'])
    })

    it('takes a file that is gone for loaded only where its rows are in', async () => {
      const gone: Partial<Loading> = {
        isGone: () => true,
        load: () => Promise.reject(syncError('config', 'fake.no', 'no such file')),
      }
      await assert.rejects(appending(gone).target.write(other, context), /no such file/)
      const { target, sent } = appending({ ...gone, arrived: async () => 1 })
      await target.write(other, context)
      assert.deepEqual(sent, ['UPLOAD', 'REMOVE'])
    })

    it('tells what became of a batch by its rows, then by its file', async () => {
      const ask = async (own: Partial<Loading>) => {
        const { target, sent } = appending(own)
        return [await target.resolve('b', journal, context, 1), ...sent]
      }
      assert.deepEqual(await ask({ arrived: async () => 1 }), ['delivered', 'REMOVE'])
      assert.deepEqual(await ask({ exists: async () => false }), ['absent', 'ARRIVED'])
      assert.deepEqual(await ask({ load: async () => 1 }), ['delivered', 'ARRIVED', 'EXISTS', 'REMOVE'])
      assert.deepEqual(await ask({}), ['absent', 'ARRIVED', 'EXISTS', 'LOAD', 'ARRIVED', 'REMOVE'])
    })
  })
})
