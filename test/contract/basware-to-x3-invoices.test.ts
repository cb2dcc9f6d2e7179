/** What goes beyond a plain journal from Basware to X3, over both sandboxes: due dates read back, supplier invoices and their credit notes. */
import { deepStrictEqual, match, ok, strictEqual } from 'node:assert/strict'
import { inOldForm } from '../../nodes/x3/client/old-form.ts'
import { dueReader } from '../../nodes/x3/client/posting/open-item.ts'
import { createOperations } from '../../nodes/x3/client/posting/operation.ts'
import { createX3Schema } from '../../nodes/x3/client/schema.ts'
import type { RunSummary } from '../../sync/contract/summary.ts'
import type { Json } from '../support/basware.ts'
import {
  booksOf,
  type Invoices,
  type InvoicesOptions,
  type InvoicesRig,
  startInvoicesRig,
  tablesOf,
} from '../support/basware-x3.ts'
import { connect, never } from '../support/x3-client.ts'
import { INVOICE_OPERATION } from '../support/x3-posting.ts'

describe('invoices from Basware to X3, beyond a plain journal', function () {
  this.timeout(120_000)
  let rig: InvoicesRig
  afterEach(() => rig.close())

  const waiting = (): readonly Json[] =>
    rig.truth().filter((one) => one.processingStatus === 'WaitingForTransfer' && one.companyCode === 'FR10')
  const transferred = (): readonly Json[] =>
    rig.truth().filter((one) => one.processingStatus === 'Transferred' && String(one.voucherNumber1).startsWith('WS'))

  describe('due dates', () => {
    const due: InvoicesOptions = {
      companies: ['FR10'],
      rules: { dueDateField: 'DUDDAT' },
      post: (connection) => ({ due: dueReader(connection, createX3Schema(connection)) }),
    }
    async function runOf(x3: Parameters<typeof startInvoicesRig>[0]): Promise<[RunSummary, Invoices]> {
      rig = await startInvoicesRig(x3, { invoices: 34 })
      const invoices = await rig.process(due)
      await invoices.begin()
      return [await invoices.run(), invoices]
    }
    const wordsOf = async ({ ledger }: Invoices): Promise<(string | undefined)[]> =>
      (await ledger.listPostings({})).map(({ result }) => result?.notices?.join('; '))

    it('that X3 has as they were sent say nothing, whatever its open items look like', async () => {
      for (const openItems of ['dated', 'text'] as const) {
        const [run, invoices] = await runOf({ openItems })
        ok(rig.posted().length > 4)
        for (const { key, header } of rig.posted())
          strictEqual(rig.x3.books.tables.journalEntry.get(key)?.dueDate?.replaceAll('-', ''), header.DUDDAT)
        strictEqual(/due on another day/.test(JSON.stringify(run)), false)
        const results = (await invoices.ledger.listPostings({})).map(({ result }) => result?.due)
        ok(
          results.every((day) => /^2026-\d\d-\d\d$/.test(day ?? '')),
          JSON.stringify(results),
        )
        await rig.close()
      }
    })

    it('that differ make the run open, name both days, and keep nothing back', async () => {
      const [run, invoices] = await runOf({ soap: { dueDates: 'terms' } })
      const count = rig.posted().length
      match(JSON.stringify(run.open), new RegExp(`${count} posted record\\(s\\) are due on another day there`))
      for (const words of await wordsOf(invoices))
        match(words ?? '', /^WS\d+ is due on 2026-\S+ there, and on 2026-\S+ by its record/)
      await invoices.engine.posting.look()
      strictEqual(transferred().length, count, 'each is answered all the same')
    })

    it('are read by the names of every release', async () => {
      for (const generation of ['2021', 'sage'] as const) {
        rig = await startInvoicesRig({ generation })
        const { books } = rig.x3
        const [entry] = [...books.tables.journalEntry.walk()].filter(({ entryType }) => entryType === 'BPSIN')
        ok(entry)
        books.post({ ...entry, dueDate: '2026-04-30' })
        const own = connect(rig.x3, { now: rig.x3.clock.now })
        const connection = generation === 'sage' ? inOldForm(own) : own
        const read = dueReader(connection, createX3Schema(connection))
        strictEqual(await read('BPSIN', entry.number, never), '2026-04-30', generation)
        strictEqual(await read('GEN', entry.number, never), undefined, generation)
        await connection.close()
        await rig.close()
      }
    })

    it('that X3 does not publish are not spoken of', async () => {
      for (const openItems of ['undated', 'none'] as const) {
        const [run, invoices] = await runOf({ openItems })
        strictEqual(/due on another day/.test(JSON.stringify(run)), false)
        deepStrictEqual(
          new Set((await invoices.ledger.listPostings({})).map(({ result }) => result?.due)),
          new Set([undefined]),
        )
        await invoices.engine.posting.look()
        strictEqual(transferred().length, rig.posted().length)
        await rig.close()
      }
    })
  })

  it('credit notes as supplier invoices have their type, turned sides, exact amounts, and their voucher back in Basware', async () => {
    for (const creditNotes of ['negative', 'positive'] as const) {
      const books = booksOf()
      const tables = tablesOf(books)
      const [control = '', tax = ''] = [tables.suppliers[0]?.account, tables.taxes[0]?.account]
      const sides = creditNotes === 'negative' ? ('credit-negative' as const) : ('credit-positive' as const)
      const types = tables.types.map((row) => (row.sides === 'invoice' ? row : { ...row, entryType: 'BPSCM', sides }))
      rig = await startInvoicesRig(
        { books, custom: { invoices: { tax, control, credit: 'BPSCM' } } },
        { invoices: 48, habits: { creditNotes } },
      )
      const before = new Map(waiting().map((one) => [one.invoiceId, { ...one, like: rig.caseOf(one) }]))
      const { engine, begin, run } = await rig.process({
        ...{ companies: ['FR10'], rules: { types, dimensions: tables.dimensions.slice(0, 1) } },
        services: (connection) => createOperations(connection, INVOICE_OPERATION),
        post: () => ({
          ...{ publication: 'invoices', referenceField: 'REFINT', document: 'invoice' },
          test: {
            ...{ site: 'FR011', entryType: 'BPSIN', journal: '', currency: 'EUR', debit: tax, credit: '' },
            ...{ dimensions: {}, supplier: [...books.tables.supplier.walk()][0]?.code ?? '' },
          },
        }),
      })
      await begin()
      await run()
      await engine.posting.look()
      const credits = transferred().filter((one) => /^credit note/.test(before.get(one.invoiceId)?.like ?? ''))
      ok(credits.length > 0, String(credits.length))
      for (const one of transferred()) {
        const isCredit = credits.includes(one)
        strictEqual(one.voucherNumber2, isCredit ? 'BPSCM' : 'BPSIN')
        const entry = rig.x3.books.tables.journalEntry.get(`${one.voucherNumber2}|${one.voucherNumber1}`)
        const lines = entry?.lines ?? []
        const [owed, ...others] = lines.filter(({ businessPartner }) => businessPartner !== null)
        deepStrictEqual([entry?.status, entry?.currency, others], ['final', one.currencyCode, []])
        deepStrictEqual(
          [owed?.sign, owed?.account, owed?.businessPartner],
          [isCredit ? 1 : -1, control, one.supplierCode],
        )
        strictEqual(Number(owed?.amount), Math.abs(Number(one.grossSum)))
        ok(!lines.some(({ amount }) => amount.startsWith('-')))
      }
      await rig.close()
    }
  })
})
