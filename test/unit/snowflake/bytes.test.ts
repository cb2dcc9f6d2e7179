import assert from 'node:assert/strict'
import { createHash } from 'node:crypto'
import { gzipSync } from 'node:zlib'
import { describe, it } from 'mocha'
import { createBooks } from '../../../sandbox/books/books.ts'
import type { Column, DataRecord, Row, Schema, Value } from '../../../sync/contract/message.ts'
import { compileSerializer, packRows } from '../../../vendor/warehouse/staged-rows.ts'

const strings = (...names: string[]): Column[] => names.map((name) => ({ name, type: 'string' }))
const header = strings('source', 'entry_type', 'number', 'company', 'journal', 'accounting_date', 'status', 'currency')
const columns = strings(
  ...['source', 'entry_type', 'number', 'ledger', 'line', 'company', 'journal', 'accounting_date', 'period', 'site'],
  ...['chart', 'account', 'business_partner', 'currency', 'amount', 'ledger_currency', 'amount_ledger', 'quantity'],
  ...['description', 'tax'],
)
const key = ['source', 'entry_type', 'number']
const schema: Schema = {
  entity: 'gl_entry',
  key,
  columns: header,
  lists: { lines: { entity: 'gl_entry_line', key: [...key, 'ledger', 'line'], columns } },
}

/** What a statement with array binds sends: one array of values for each column. */
const inline = (rows: readonly (Value | undefined)[][]): number => {
  const [first = []] = rows
  const bindings = first.map((_, i) => [i + 1, { type: 'TEXT', value: rows.map((row) => row[i] ?? null) }])
  return Buffer.byteLength(JSON.stringify({ bindings: Object.fromEntries(bindings) }))
}

describe('snowflake: bytes on the wire', () => {
  it('the staged files of 100,000 rows of journals are at most 0.35 times what inline binds would send', () => {
    const now = Date.parse('2026-03-02T12:00:00Z')
    const books = createBooks({ seed: 1, size: 320_000, today: '2026-03-02', now: () => now })
    const serializers = [
      compileSerializer(schema, { list: '', columns: header, tag: '0' }),
      compileSerializer(schema, { list: 'lines', columns, tag: '1' }),
    ]
    let [rows, staged, bound] = [0, 0, 0]
    let batch: { record: DataRecord; key: string; read: number; hash: string }[] = []
    let batched = 0
    const send = (): void => {
      const { files } = packRows((into) => {
        for (const serialize of serializers) serialize(batch, into)
      })
      staged += gzipSync(Buffer.concat(files.flat()), { level: 1 }).length
      bound += inline(
        batch.map(({ record, read, hash }) => [...header.map(({ name }) => record[name]), String(read), hash]),
      )
      bound += inline(
        batch.flatMap(({ record }) => (record.lines as Row[]).map((line) => columns.map(({ name }) => line[name]))),
      )
      rows += batched
      batch = []
      batched = 0
    }
    for (const entry of books.tables.journalEntry.walk()) {
      const own = {
        source: 'x3',
        entry_type: entry.entryType,
        number: entry.number,
        company: entry.company,
        journal: entry.journal,
        accounting_date: entry.accountingDate,
        status: 'final',
        currency: entry.currency,
      }
      const lines = entry.lines.map((line) => ({
        ...own,
        ledger: line.ledger,
        line: line.line,
        period: line.accountingDate.slice(0, 7),
        site: line.site,
        chart: line.chart,
        account: line.account,
        business_partner: line.businessPartner,
        amount: line.amount,
        ledger_currency: line.ledgerCurrency,
        amount_ledger: line.ledgerAmount,
        quantity: line.quantity,
        description: line.description,
        tax: line.tax,
      }))
      const hash = createHash('md5').update(entry.number).digest('hex')
      batch.push({ record: { _row: 0, ...own, lines }, key: entry.number, read: 1_763_636_400_000_001, hash })
      batched += 1 + lines.length
      if (batched >= 10_000) send()
      if (rows >= 100_000) break
    }
    if (batched > 0) send()
    assert.ok(rows >= 100_000, `${rows} rows`)
    assert.ok(staged <= 0.35 * bound, `${staged} bytes staged, ${bound} as inline binds`)
  })
})
