import assert from 'node:assert/strict'
import { createBooks } from '../../sandbox/books/books.ts'
import type { Books, JournalEntry } from '../../sandbox/books/types.ts'
import { type Constraint, comparePositions, compileFilter, compileOrder } from '../../sandbox/x3/filter.ts'
import { createFolder } from '../../sandbox/x3/folder.ts'
import { nodeSpecs } from '../../sandbox/x3/graph/nodes.ts'
import { parseRelaxed } from '../../sandbox/x3/json.ts'
import type { Context, NodeSpec } from '../../sandbox/x3/model.ts'
import { type Page, pageOfNode } from '../../sandbox/x3/page.ts'
import { valueType } from '../../sandbox/x3/values.ts'

const now = Date.parse('2026-03-10T09:00:00Z')

describe('X3 sandbox: relaxed JSON', () => {
  it('reads strict JSON, bare keys, single quotes, +1 and a comma too many', () => {
    const expected = { code: 'AE003', list: [1, -1, true, null], deep: { _id: 'it\'s "so"' } }
    const texts = [
      JSON.stringify(expected),
      `{code:'AE003',list:[+1,-1,true,null],deep:{_id:'it\\'s "so"'}}`,
      ` { code : "AE003" , 'list': [ 1, -1, true, null, ], "deep": {_id:"it's \\"so\\"",},}`,
    ]
    for (const text of texts) assert.deepEqual(JSON.parse(JSON.stringify(parseRelaxed(text))), expected)
  })

  it('keeps digits that no JS number holds, and escapes', () => {
    assert.equal(parseRelaxed('12345678901234567890.123456789'), '12345678901234567890.123456789')
    assert.equal(parseRelaxed("'\\u00e9\\n\\\\'"), 'é\n\\')
  })

  it('refuses what is not JSON and names the place', () => {
    for (const text of ['{code:AE003}', '{code:', "{'a' 1}", '[1 2]', '{a:1} x', "'open", '']) {
      assert.throws(() => parseRelaxed(text), /position \d+/, text)
    }
  })

  it('takes no key for a property of Object', () => {
    const parsed = parseRelaxed('{__proto__:{polluted:true}}') as object
    assert.deepEqual(Object.keys(parsed), ['__proto__'])
    assert.equal(({} as { polluted?: boolean }).polluted, undefined)
  })
})

describe('X3 sandbox: values', () => {
  it('compares decimals digit by digit', () => {
    const { compare } = valueType('Decimal', undefined)
    const rising = [
      '-100',
      '-99.5',
      '-0.01',
      '0',
      '0.1',
      '0.11',
      '9',
      '10',
      '10.000000000000000001',
      '12345678901234567890',
    ]
    for (const [i, low] of rising.entries()) {
      for (const high of rising.slice(i + 1)) {
        assert.ok(compare(low, high) < 0, `${low} < ${high}`)
        assert.ok(compare(high, low) > 0, `${high} > ${low}`)
      }
    }
    assert.equal(compare('1.50', '01.5'), 0)
    assert.equal(compare('-0', '0.00'), 0)
  })

  it('refuses literals of another type', () => {
    assert.throws(() => valueType('Int', undefined).parse('1.5'))
    assert.throws(() => valueType('Date', undefined).parse('10/03/2026'))
    assert.throws(() => valueType('Datetime', undefined).parse('soon'))
    assert.throws(() => valueType('X', ['no', 'yes']).parse('false'))
  })
})

describe('X3 sandbox: filters over the books', () => {
  let books: Books
  let context: Context
  const specs = nodeSpecs('current')
  const spec = (type: string): NodeSpec => {
    const found = specs.get(type)
    assert.ok(found, type)
    return found
  }

  before(() => {
    books = createBooks({ seed: 7, size: 'small', today: '2026-03-10', now: () => now })
    const options = { books, maxFirst: 1000, emptyStamp: 'mixed' as const, milliseconds: false, lostAfter: 2 }
    context = createFolder(options).open(new Set(), now, false).context
  })

  function find(type: string, filter: string, orderBy = '', first = 1_000_000): Page {
    const node = spec(type)
    return pageOfNode({ first }, compileFilter(filter, node, specs), compileOrder(orderBy, node, specs), node, context)
  }
  const keys = (type: string, filter: string, orderBy = ''): string[] =>
    find(type, filter, orderBy).items.map((item) => spec(type).position(item).join('|'))
  const entries = (): JournalEntry[] => [...books.tables.journalEntry.walk()]
  const keyOf = (entry: JournalEntry): string => books.tables.journalEntry.keyOf(entry)

  it('compares, combines and lists', () => {
    const all = entries()
    const some = all.filter((e) => e.company === 'FR10' && e.accountingDate >= '2026-01-01').map(keyOf)
    assert.ok(some.length > 0 && some.length < all.length)
    for (const filter of [
      "{company:'FR10',accountingDate:{_gte:'2026-01-01'}}",
      "[{company:{_id:'FR10'}},{accountingDate:{_gt:'2025-12-31'}}]",
      "{_and:[{company:{code:{_eq:'FR10'}}},{accountingDate:{_gte:'2026-01-01'}}]}",
      '{"company":{"code":{"_in":["FR10","XX"]}},"accountingDate":{"_gte":"2026-01-01"}}',
      "{company:{_nin:['GB10']},_not:{accountingDate:{_lt:'2026-01-01'}}}",
      "{company:{code:{_regex:'^FR'}},accountingDate:{_gte:'2026-01-01',_lte:'9999-12-31'}}",
    ]) {
      assert.deepEqual(keys('JournalEntry', filter), some, filter)
    }
    const either = all.filter((e) => e.company === 'GB10' || e.status === 'temporary').map(keyOf)
    assert.deepEqual(keys('JournalEntry', "{_or:[{company:'GB10'},{journalEntryStatus:'temporary'}]}"), either)
    assert.deepEqual(
      keys('JournalEntry', "{journalEntryStatus:{_ne:'final'}}"),
      all.filter((e) => e.status === 'temporary').map(keyOf),
    )
  })

  it('treats an empty text and a missing reference as null', () => {
    const lines = entries().flatMap((e) => e.lines)
    const without = lines.filter((l) => !l.businessPartner).length
    assert.ok(without > 0)
    assert.equal(find('JournalEntryLine', '{businessPartner:null}').items.length, without)
    assert.equal(find('JournalEntryLine', '{businessPartner:{_ne:null}}').items.length, lines.length - without)
    const open = lines.filter((l) => !l.matchingCode).length
    assert.equal(find('JournalEntryLine', '{matchingCode:null}').items.length, open)
    assert.equal(find('JournalEntryLine', "{matchingCode:''}").items.length, open)
  })

  it('knows the quantifiers of collections', () => {
    const all = entries()
    const withIas = (e: JournalEntry): boolean => e.lines.some((l) => l.ledger === 'ias')
    const of = (test: (e: JournalEntry) => boolean): string[] => all.filter(test).map(keyOf)
    assert.deepEqual(keys('JournalEntry', "{journalEntryLines:{_atLeast:1,ledgerTypeNumber:'ias'}}"), of(withIas))
    assert.deepEqual(
      keys('JournalEntry', "{journalEntryLines:{_none:true,ledgerTypeNumber:'ias'}}"),
      of((e) => !withIas(e)),
    )
    assert.deepEqual(
      keys('JournalEntry', "{journalEntryLines:{_every:true,ledgerTypeNumber:'legal'}}"),
      of((e) => e.lines.every((l) => l.ledger === 'legal')),
    )
    assert.deepEqual(
      keys('JournalEntry', '{journalEntryLines:{_atMost:4}}'),
      of((e) => e.lines.length <= 4),
    )
  })

  it('finds by stamps what looking at everything finds', () => {
    const bounds: [from: string, to: string][] = [
      ['2026-03-09T00:00:00Z', '2026-03-10T00:00:00Z'],
      ['2025-06-01T00:00:00Z', '2025-09-01T12:30:01Z'],
    ]
    for (const [from, to] of bounds) {
      const inside = (stamp: string | null): boolean => stamp !== null && stamp >= from && stamp <= to
      const filter = `{_updateStamp:{_gte:'${from}',_lte:'${to}'}}`
      assert.deepEqual(
        keys('JournalEntry', filter),
        entries()
          .filter((e) => inside(e.updated))
          .map(keyOf),
      )
      assert.equal(
        find('JournalEntryLine', filter).items.length,
        entries().flatMap((e) => e.lines.filter((l) => inside(l.updated))).length,
      )
      assert.deepEqual(
        keys('SupplierInvoiceHeader', filter),
        [...books.tables.supplierInvoice.walk()].filter((i) => inside(i.headerUpdated)).map((i) => i.number),
      )
      assert.deepEqual(
        keys('Supplier', `{code:${filter}}`),
        [...books.tables.supplier.walk()]
          .filter((s) => inside(books.tables.businessPartner.get(s.code)?.updated ?? null))
          .map((s) => s.code),
      )
    }
  })

  it('finds records without a stamp, told as null or as the empty date', () => {
    const empty = [...books.tables.account.walk()].filter((a) => a.updated === null).map((a) => `${a.chart}|${a.code}`)
    assert.ok(empty.length > 0)
    const nulls = keys('Account', '{_updateStamp:null}')
    const sentinels = keys('Account', "{_updateStamp:{_lt:'1753-01-02'}}")
    assert.deepEqual([...nulls, ...sentinels].sort(), empty)
    assert.deepEqual(keys('Account', "{_or:[{_updateStamp:null},{_updateStamp:{_lt:'1753-01-02'}}]}"), empty)
    const below = keys('Account', "{_updateStamp:{_lte:'2100-01-01'}}")
    assert.equal(below.length, books.tables.account.count() - nulls.length)
  })

  it('builds only the documents that a window holds', () => {
    let built = 0
    const table = books.tables.journalEntry
    const counted: Books = {
      ...books,
      tables: {
        ...books.tables,
        journalEntry: {
          ...table,
          get: (key) => {
            built++
            return table.get(key)
          },
          walk: () => assert.fail('the whole table is walked'),
        },
      },
    }
    const before = context
    const options = { books: counted, maxFirst: 1000, emptyStamp: 'null' as const, milliseconds: false, lostAfter: 2 }
    context = createFolder(options).open(new Set(), now, false).context
    const one = entries()[5]
    assert.ok(one?.updated)
    for (const filter of [
      `{_updateStamp:{_gte:'${one.updated}',_lte:'${one.updated}'}}`,
      `{_id:'${keyOf(one)}'}`,
      `{journalEntryType:'${one.entryType}',journalEntryNumber:'${one.number}'}`,
      `{_or:[{_id:'${keyOf(one)}'},{_updateStamp:'${one.updated}'}]}`,
    ]) {
      built = 0
      assert.ok(keys('JournalEntry', filter).includes(keyOf(one)), filter)
      assert.ok(built > 0 && built < 5, `${filter} built ${built}`)
    }
    built = 0
    assert.equal(
      find('JournalEntryLine', `{journalEntry:{_id:{_in:['${keyOf(one)}']}}}`).items.length,
      one.lines.length,
    )
    assert.ok(built < 3)
    context = before
  })

  it('orders by any field, the key breaking ties', () => {
    const found = find('JournalEntryLine', '', '{transactionAmount:-1,journalEntry:{accountingDate:+1}}').items as {
      line: { amount: string }
    }[]
    const amounts = found.map(({ line }) => Number(line.amount))
    assert.deepEqual(
      amounts,
      [...amounts].sort((a, b) => b - a),
    )
    assert.deepEqual(keys('Product', '', '{_id:-1}'), keys('Product', '').reverse())
    const positions = find('PurchaseOrderLine', '').items.map((item) => spec('PurchaseOrderLine').position(item))
    assert.deepEqual(positions, [...positions].sort(comparePositions))
  })

  it('refuses fields, operators and values that do not exist, naming them', () => {
    for (const [filter, words] of [
      ['{nope:1}', /JournalEntry\.nope/],
      ["{company:{nope:'x'}}", /Company\.nope/],
      ["{accountingDate:{_after:'2026-01-01'}}", /_after/],
      ["{accountingDate:'yesterday'}", /JournalEntry\.accountingDate/],
      ["{journalEntryStatus:'open'}", /AccountingJournalStatus/],
      ["{journalEntryLines:{ledgerTypeNumber:'ias'}}", /_atLeast/],
      ["{journalEntryNumber:{_regex:'('}}", /regular expression/],
      ['{company:', /position/],
      ["'FR10'", /object/],
    ] as const) {
      assert.throws(() => compileFilter(filter, spec('JournalEntry'), specs), words, filter)
    }
    assert.throws(() => compileOrder('{nope:1}', spec('JournalEntry'), specs), /JournalEntry\.nope/)
    assert.throws(() => compileOrder('{_id:2}', spec('JournalEntry'), specs), /1 or -1/)
  })

  it('says what a filter demands of the key', () => {
    const demands = (type: string, filter: string): readonly Constraint[] =>
      compileFilter(filter, spec(type), specs).constraints
    assert.deepEqual(demands('PurchaseOrder', "{id:'A'}"), [{ kind: 'in', path: '_id', values: ['A'] }])
    assert.deepEqual(demands('PurchaseInvoice', "{supplierInvoiceHeader:{id:'A'}}"), [
      { kind: 'in', path: '_id', values: ['A'] },
    ])
    assert.deepEqual(demands('Supplier', "{code:{code:'A'}}"), [{ kind: 'in', path: '_id', values: ['A'] }])
    assert.deepEqual(demands('Supplier', "{currency:{_ne:'EUR'}}"), [])
  })
})
