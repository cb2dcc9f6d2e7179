import assert from 'node:assert/strict'
import fc from 'fast-check'
import { type Cell, type Comparison, compare, plainDecimal, type TargetReader } from '../../demo/compare.ts'
import { expectedTables } from '../../demo/expected.ts'
import { dimensionColumn } from '../../demo/expected-entries.ts'
import type { ExpectedOptions, ExpectedTable } from '../../demo/expected-table.ts'
import { nextDay, open } from '../support/books.ts'

type Row = Record<string, Cell>
/** A target in memory: tables of rows, each with what a sink adds for itself. */
type Target = Map<string, Row[]>

function expected(options: Partial<ExpectedOptions> = {}, day = false): ExpectedTable[] {
  const { books, clock } = open()
  if (day) nextDay(books, clock)
  return expectedTables(books, { source: 'SEED', ...options })
}

/** A true copy, as a warehouse would give it back: decimals with all their digits, columns and rows in another order. */
function copyOf(tables: readonly ExpectedTable[]): Target {
  const stored = (table: ExpectedTable, row: Row): Row => {
    const cells = Object.entries(row).map(([name, cell]) => {
      const whole = typeof cell === 'string' && table.types[name] === 'decimal'
      return [name, whole ? `${cell}${cell.includes('.') ? '' : '.'}0000` : cell]
    })
    return Object.fromEntries([...cells.reverse(), ['_sync_run', 'r1'], ['_sync_read', 7], ['_row_hash', 'ab']])
  }
  return new Map(tables.map((table) => [table.name, [...table.rows()].map((row) => stored(table, row)).reverse()]))
}

function reader(target: Target): TargetReader {
  return {
    columns: async (table) => {
      const rows = target.get(table)
      return rows && Object.keys(rows[0] ?? {})
    },
    async *rows(table, columns) {
      for (const row of target.get(table) ?? []) yield columns.map((name) => row[name] ?? null)
    },
  }
}

function rowsOf(target: Target, table: string): Row[] {
  const rows = target.get(table)
  assert.ok(rows, table)
  return rows
}

function find(target: Target, table: string, fits: (row: Row) => boolean): Row {
  const row = rowsOf(target, table).find(fits)
  assert.ok(row, `no such row in ${table}`)
  return row
}

function remove(target: Target, table: string, gone: (row: Row) => boolean): number {
  const rows = rowsOf(target, table)
  const left = rows.filter((row) => !gone(row))
  target.set(table, left)
  return rows.length - left.length
}

function counts({ missing, extra, different }: Comparison): [missing: number, extra: number, different: number] {
  return [missing, extra, different]
}

describe('the comparer', () => {
  const tables = expected()
  const rows = tables.reduce((sum, table) => sum + [...table.rows()].length, 0)

  /** Plants one error in a true copy and compares. */
  async function planted(error: (target: Target) => void): Promise<Comparison> {
    const target = copyOf(tables)
    error(target)
    const result = await compare(tables, reader(target))
    assert.equal(result.rows, rows)
    return result
  }

  it('finds nothing in a true copy, and counts what it compared', async () => {
    const result = await planted(() => {})
    assert.deepEqual(counts(result), [0, 0, 0])
    assert.deepEqual(result.examples, [])
    assert.equal(
      result.tables.gl_entry_line?.rows,
      [...(tables.find(({ name }) => name === 'gl_entry_line')?.rows() ?? [])].length,
    )
    const records = tables.filter(({ main }) => main).reduce((sum, table) => sum + [...table.rows()].length, 0)
    assert.equal(result.records, records)
    assert.ok(records > 300 && rows > 1_700)
  })

  it('finds one cent', async () => {
    const result = await planted((target) => {
      const line = find(target, 'gl_entry_line', ({ amount_ledger }) => String(amount_ledger).endsWith('10000'))
      line.amount_ledger = String(line.amount_ledger).replace(/10000$/, '20000')
    })
    assert.deepEqual(counts(result), [0, 0, 1])
    assert.match(
      result.examples[0] ?? '',
      /^gl_entry_line SEED \/ .*, amount_ledger: expected "-?\d+\.\d1", found "-?\d+\.\d2"$/,
    )
  })

  it('finds one cent on an amount of 15 digits', async () => {
    const big = open({ size: 'medium' })
    const [table] = expectedTables(big.books, { source: 'SEED' }).filter(({ name }) => name === 'gl_entry_line')
    assert.ok(table)
    const target = copyOf([table])
    const line = find(target, 'gl_entry_line', ({ amount }) => /^\d{15}\.\d[0-8]0000$/.test(String(amount)))
    line.amount = String(line.amount).replace(/(\d)0000$/, (_, digit: string) => `${Number(digit) + 1}0000`)
    assert.deepEqual(counts(await compare([table], reader(target))), [0, 0, 1])
  })

  it('finds a swapped sign', async () => {
    const result = await planted((target) => {
      const line = find(target, 'gl_entry_line', ({ amount }) => String(amount).startsWith('-'))
      line.amount = String(line.amount).slice(1)
    })
    assert.deepEqual(counts(result), [0, 0, 1])
  })

  it('finds one line missing', async () => {
    let key = ''
    const result = await planted((target) => {
      const line = rowsOf(target, 'purchase_order_line').pop()
      key = `purchase_order_line SEED / ${line?.number} / ${line?.line} / ${line?.sequence}: missing in the target`
    })
    assert.deepEqual(counts(result), [1, 0, 0])
    assert.deepEqual(result.examples, [key])
  })

  it('finds one line too many', async () => {
    const result = await planted((target) => {
      const [line] = rowsOf(target, 'sales_invoice_line')
      rowsOf(target, 'sales_invoice_line').push({ ...line, line: 999_000 })
    })
    assert.deepEqual(counts(result), [0, 1, 0])
  })

  it('finds a doubled row', async () => {
    const result = await planted((target) => {
      rowsOf(target, 'supplier').push({ ...rowsOf(target, 'supplier')[3] })
    })
    assert.deepEqual(counts(result), [0, 1, 0])
    assert.match(result.examples[0] ?? '', /^supplier SEED \/ \w+: extra in the target/)
  })

  it('finds an empty text where null belongs, and null where a text belongs', async () => {
    const empty = await planted((target) => {
      find(target, 'supplier', ({ vat_number }) => vat_number === null).vat_number = ''
    })
    assert.deepEqual(counts(empty), [0, 0, 1])
    const lost = await planted((target) => {
      find(target, 'product', ({ upc }) => upc !== null).upc = null
    })
    assert.deepEqual(counts(lost), [0, 0, 1])
    assert.match(lost.examples[0] ?? '', /, upc: expected "\d{13}", found null$/)
  })

  it('finds a lost leading zero, in a key and in a plain column', async () => {
    const account = await planted((target) => {
      find(
        target,
        'gl_entry_line',
        ({ chart, account }) => chart === 'ENG' && String(account).startsWith('0'),
      ).account = '10'
    })
    assert.deepEqual(counts(account), [0, 0, 1])
    const key = await planted((target) => {
      find(target, 'cost_centre', ({ code }) => code === '00010').code = '10'
    })
    assert.deepEqual(counts(key), [1, 1, 0])
    const number = await planted((target) => {
      find(target, 'product', ({ upc }) => upc !== null).upc = 12
    })
    assert.deepEqual(counts(number), [0, 0, 1])
  })

  it('finds two dimensions swapped', async () => {
    const result = await planted((target) => {
      const line = find(
        target,
        'gl_entry_line',
        ({ dim_cct, dim_prd }) => dim_cct !== null && dim_prd !== null && dim_cct !== dim_prd,
      )
      Object.assign(line, { dim_cct: line.dim_prd, dim_prd: line.dim_cct })
    })
    assert.deepEqual(counts(result), [0, 0, 1])
    assert.equal(result.examples.length, 2)
  })

  it('finds a document missing: its header, its lines, its splits', async () => {
    let gone = 0
    const result = await planted((target) => {
      const { entry_type, number } = rowsOf(target, 'gl_entry')[5] as Row
      for (const table of ['gl_entry', 'gl_entry_line', 'gl_entry_analytical'])
        gone += remove(target, table, (row) => row.entry_type === entry_type && row.number === number)
    })
    assert.ok(gone > 4)
    assert.deepEqual(counts(result), [gone, 0, 0])
  })

  it('takes the other journal of the same number for what it is', async () => {
    const result = await planted((target) => {
      for (const row of rowsOf(target, 'gl_entry')) if (row.entry_type === 'STK') row.entry_type = 'GEN'
    })
    const stock = result.tables.gl_entry?.missing ?? 0
    assert.ok(stock > 5)
    // Whichever of the two is read first counts as the row, so the other is extra.
    assert.deepEqual([result.missing, result.extra], [stock, stock])
  })

  it('counts every row of a table that is not there or not filled', async () => {
    const customers = [...(tables.find(({ name }) => name === 'customer')?.rows() ?? [])].length
    const absent = await planted((target) => target.delete('customer'))
    assert.deepEqual(counts(absent), [customers, 0, 0])
    assert.deepEqual(absent.examples, [`customer: the target has no such table, ${customers} rows are missing`])
    const empty = await planted((target) => target.set('customer', [{ source: 'other', code: 'X' }]))
    assert.deepEqual(counts(empty), [customers, 1, 0])
  })

  it('counts every row of a column that is not there, and values of a column that should not be', async () => {
    const suppliers = [...(tables.find(({ name }) => name === 'supplier')?.rows() ?? [])].length
    const lacking = await planted((target) => {
      for (const row of rowsOf(target, 'supplier')) delete row.category
    })
    assert.deepEqual(counts(lacking), [0, 0, suppliers])
    assert.deepEqual(lacking.examples, ['supplier: the target lacks the column category'])
    const leaked = await planted((target) => {
      rowsOf(target, 'supplier').forEach((row, k) => {
        row.bank_account = k === 4 ? 'FR7612' : null
      })
    })
    assert.deepEqual(counts(leaked), [0, 0, 1])
    const keyless = await planted((target) => {
      for (const row of rowsOf(target, 'supplier')) delete row.code
    })
    assert.deepEqual(counts(keyless), [suppliers, 0, 0])
  })

  it('finds a date moved by a day and a flag turned', async () => {
    const result = await planted((target) => {
      find(target, 'gl_entry', ({ accounting_date }) => accounting_date !== null).accounting_date = '1999-12-31'
      const customer = find(target, 'customer', ({ active }) => active === true)
      customer.active = false
    })
    assert.deepEqual(counts(result), [0, 0, 2])
  })

  it('takes a value for what it is, however the warehouse writes it', async () => {
    const result = await planted((target) => {
      for (const row of rowsOf(target, 'supplier')) row.active = String(row.active)
      for (const row of rowsOf(target, 'gl_entry')) row.accounting_date = `${row.accounting_date}T00:00:00.000Z`
      for (const row of rowsOf(target, 'purchase_order_line'))
        Object.assign(row, {
          line: `${row.line}`,
          gross_price: `${row.gross_price}`.replace(/^-?/, (sign) => `${sign || '+'}0`),
        })
    })
    assert.deepEqual(counts(result), [0, 0, 0])
  })

  it('tells at most 20 examples, of every table that is wrong', async () => {
    const result = await planted((target) => {
      for (const table of ['supplier', 'gl_entry', 'gl_entry_line'])
        target.set(table, rowsOf(target, table).slice(0, 1))
    })
    assert.ok(result.missing > 500)
    assert.ok(result.examples.length <= 20)
    for (const table of ['supplier', 'gl_entry', 'gl_entry_line'])
      assert.ok(result.examples.some((text) => text.startsWith(`${table} `)))
  })

  it('refuses expected rows that cannot be told apart', async () => {
    const [supplier] = tables
    assert.ok(supplier)
    const twice: ExpectedTable = { ...supplier, rows: () => [...supplier.rows(), ...supplier.rows()] }
    await assert.rejects(
      compare([twice], reader(copyOf([supplier]))),
      /^Error: The books have supplier SEED \/ \w+ twice\.$/,
    )
  })

  it('reads a decimal exactly', () => {
    for (const [text, plain] of [
      ['1234.50', '1234.5'],
      ['-0.00', '0'],
      ['+007', '7'],
      ['.5', '0.5'],
      ['5.', '5'],
      ['1.5e3', '1500'],
      ['15e-4', '0.0015'],
      ['-1E-7', '-0.0000001'],
      ['12345678901234567890.12345678', '12345678901234567890.12345678'],
      ['', ''],
      ['12,5', '12,5'],
      ['NaN', 'NaN'],
      ['.', '.'],
    ] as const)
      assert.equal(plainDecimal(text), plain, text)
    fc.assert(
      fc.property(
        fc.bigInt({ min: -(10n ** 28n), max: 10n ** 28n }),
        fc.nat({ max: 8 }),
        fc.nat({ max: 5 }),
        (minor, scale, zeros) => {
          const digits = String(minor < 0n ? -minor : minor).padStart(scale + 1, '0')
          const text = `${minor < 0n ? '-' : ''}${digits.slice(0, digits.length - scale)}.${digits.slice(digits.length - scale)}${'0'.repeat(zeros)}`
          const plain = plainDecimal(text)
          assert.equal(plainDecimal(plain), plain)
          const [whole = '', fraction = ''] = plain.split('.')
          assert.equal(BigInt(whole + fraction.padEnd(8, '0')), minor * 10n ** BigInt(8 - scale))
        },
      ),
    )
  })
})

describe('the expected rows', () => {
  const rowsIn = (tables: ExpectedTable[], name: string): Row[] => [
    ...(tables.find((table) => table.name === name)?.rows() ?? []),
  ]

  it('have the columns of the entities page, in signed amounts', () => {
    const { books } = open()
    const lines = rowsIn(expectedTables(books, { source: 'SEED' }), 'gl_entry_line')
    for (const entry of books.tables.journalEntry.walk())
      for (const line of entry.lines) {
        const row = lines.shift()
        assert.deepEqual(
          [row?.source, row?.number, row?.line, row?.ledger],
          ['SEED', entry.number, line.line, line.ledger],
        )
        assert.equal(Number(row?.amount), line.sign * Number(line.amount))
        assert.equal(row?.period, entry.accountingDate.slice(0, 7))
        const only = line.analytical.length === 1 ? line.analytical[0]?.dimensions : undefined
        assert.deepEqual(
          [row?.dim_cct, row?.dim_prd, row?.dim_pro],
          [only?.CCT ?? null, only?.PRD ?? null, only?.PRO ?? null],
        )
      }
    assert.equal(lines.length, 0)
    assert.equal(dimensionColumn('P.2-Ä'), 'dim_p_2__')
  })

  it('leave out what must be held, ledgers and entities that were not chosen, and bank accounts unless chosen', () => {
    const { books, clock } = open()
    nextDay(books, clock)
    const held = [...books.tables.journalEntry.walk()].filter(({ mustHold }) => mustHold !== undefined)
    assert.equal(held.length, 1)
    const all = expectedTables(books, { source: 'SEED' })
    for (const name of ['gl_entry', 'gl_entry_line', 'gl_entry_analytical'])
      assert.ok(
        !rowsIn(all, name).some((row) => row.entry_type === held[0]?.entryType && row.number === held[0]?.number),
      )
    assert.equal(rowsIn(all, 'gl_entry').length, books.tables.journalEntry.count() - 1)
    assert.ok(!('bank_account' in (rowsIn(all, 'supplier')[0] ?? {})))
    const some = expectedTables(books, {
      source: 'SEED',
      entities: ['supplier', 'gl_entry'],
      ledgers: ['ias'],
      sensitive: ['supplier.bank_account'],
    })
    assert.deepEqual(
      some.map(({ name }) => name),
      ['supplier', 'gl_entry', 'gl_entry_line', 'gl_entry_analytical'],
    )
    assert.deepEqual(new Set(rowsIn(some, 'gl_entry_line').map(({ ledger }) => ledger)), new Set(['ias']))
    assert.ok(rowsIn(some, 'supplier').some(({ bank_account }) => typeof bank_account === 'string'))
  })

  it('have no empty text, and follow the flow’s mapping', () => {
    for (const table of expected({}, true))
      for (const row of table.rows())
        assert.ok(!Object.values(row).includes(''), `${table.name} ${JSON.stringify(row)}`)
    const mapped = expected({
      transform: (table, row) =>
        table === 'gl_entry_line' ? { ...row, account: `G${row.account}`, account_source: row.account ?? null } : row,
    })
    const [line] = rowsIn(mapped, 'gl_entry_line')
    assert.equal(line?.account, `G${line?.account_source}`)
  })
})
