/** Account and cost centre of matched rows: of the order, of the row, or held. */
import { deepStrictEqual, match, ok, strictEqual } from 'node:assert/strict'
import { type CodingRules, codingsOf } from '../../nodes/basware/client/coding.ts'
import { createOrderBook, createOrders } from '../../nodes/basware/client/orders.ts'
import { type Invoice, recordsIn } from '../../nodes/basware/client/replies.ts'
import { type BaswareRig, startBaswareRig } from '../support/basware-client.ts'

const signal = new AbortController().signal

describe('the coding of matched rows', () => {
  let rig: BaswareRig
  before(async () => {
    rig = await startBaswareRig()
  })
  after(() => rig.close())
  const reading = () => ({ connection: rig.connection, signal })
  const invoice = async (like: string): Promise<Invoice> => {
    return read((rig.sandbox.act('approve', { like }) as { invoiceIds: [string] }).invoiceIds[0])
  }
  const read = async (id: string): Promise<Invoice> => {
    const ask = { what: id, scope: 'accountingDocuments.read', signal }
    const found = await rig.connection.get(`/v1/accountingDocuments/${id}`, ask)
    return recordsIn('accountingDocuments', found?.data, id)[0] as Invoice
  }
  /** The first of the matched invoices from the beginning of which this holds. */
  const firstOf = async (
    like: (codings: Awaited<ReturnType<typeof codingsOf>>, one: Invoice) => boolean,
  ): Promise<Invoice> => {
    const { api } = rig.sandbox.act('documents', {}) as { api: { invoiceId: string; orderNumbers?: string[] }[] }
    for (const { invoiceId } of api.filter(({ orderNumbers }) => orderNumbers)) {
      const found = await read(invoiceId)
      if (like(await code(found), found)) return found
    }
    throw new Error('There is none')
  }
  const code = (one: Invoice, rules: Partial<CodingRules> = {}) =>
    codingsOf(one, { matched: 'order', unreadable: 'row', ...rules }, createOrders(createOrderBook()), reading())
  const rows = (one: Invoice) => one.codingRows ?? []

  it('is that of the order; rows that were matched with none keep their own', async () => {
    const matched = await invoice('matched order')
    const { of, held, differences } = await code(matched)
    deepStrictEqual([held, differences], [undefined, []])
    for (const row of rows(matched)) {
      strictEqual(of(row).from, 'order')
      deepStrictEqual([of(row).account, of(row).costCentre], [row.accountCode, row.costCenterCode])
    }
    const byHand = await invoice('coded by hand')
    const before = rig.connection.requests()
    deepStrictEqual((await code(byHand)).of(rows(byHand)[0] as never).from, 'row')
    strictEqual(rig.connection.requests(), before)
  })

  it('differs from what was approved: the order counts and it is told, the row counts, or it is held', async () => {
    // Whose order line has one coding: of several, another one is held.
    for (;;) {
      const other = await invoice('other coding than the order')
      const { of, held, differences } = await code(other)
      if (held) {
        deepStrictEqual(held.code, 'basware.codings')
        match(held.message, /is approved as .*, and the order line has 2 other codings/)
        continue
      }
      const [row] = rows(other) as [Invoice['codingRows'] extends readonly (infer R)[] | null | undefined ? R : never]
      strictEqual(differences.length, 1)
      match(differences[0] ?? '', new RegExp(`approved ${row.accountCode} / ${row.costCenterCode}, order `))
      ok(of(row).account !== row.accountCode || of(row).costCentre !== row.costCenterCode)
      const own = await code(other, { matched: 'row' })
      deepStrictEqual([own.of(row).account, own.of(row).from, own.differences], [row.accountCode, 'row', []])
      const strict = await code(other, { matched: 'hold' })
      deepStrictEqual([strict.held?.code, /its order has/.test(strict.held?.message ?? '')], ['basware.differs', true])
      return
    }
  })

  it('cannot be read: the row counts and says so, or it is held', async () => {
    const unread = await firstOf(({ of }, one) => rows(one).every((row) => of(row).from === 'order not readable'))
    const { of, held, differences } = await code(unread)
    strictEqual(held, undefined)
    strictEqual(differences.filter((text) => /order not readable/.test(text)).length, rows(unread).length)
    for (const row of rows(unread))
      deepStrictEqual([of(row).from, of(row).account], ['order not readable', row.accountCode])
    const strict = await code(unread, { unreadable: 'hold' })
    strictEqual(strict.held?.code, 'basware.order')
  })

  it('is held where two orders of the company have the number', async () => {
    const { held } = await code(await firstOf((found) => found.held?.code === 'basware.two-orders'))
    match(held?.message ?? '', /that Basware has 2 times in this company/)
  })

  it('asks for all orders of a company once, and then for what changed', async () => {
    const book = createOrderBook()
    const matched = await invoice('matched order')
    const asked = () =>
      rig.sandbox
        .requests()
        .filter(({ path }) => path.startsWith('/v1/matchingOrders?'))
        .map(({ path }) => /lastUpdated/.test(path))
    const before = asked().length
    for (let run = 0; run < 2; run++)
      await codingsOf(matched, { matched: 'order', unreadable: 'row' }, createOrders(book), reading())
    const found = asked().slice(before)
    deepStrictEqual([found[0], found.at(-1)], [false, true])
    ok((book.companies.get(matched.companyCode)?.codes.size ?? 0) > 5)
  })
})
