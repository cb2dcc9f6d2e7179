import { deepStrictEqual, match, ok } from 'node:assert'
import { comparePostings, type Posted } from '../../demo/compare-postings.ts'
import { expectedJournal, type Invoice, type LedgerLine } from '../../demo/expected-postings.ts'
import { createCompany } from '../../sandbox/basware/company/company.ts'
import { createGround } from '../../sandbox/basware/company/ground.ts'
import { HABITS } from '../../sandbox/basware/company/habits.ts'
import { createBooks } from '../../sandbox/books/books.ts'
import { decimal, scaleOf } from '../../sandbox/books/money.ts'

const seed = 1
const first = { seed, size: 'small', today: '2026-03-02' } as const
const books = createBooks({ ...first, now: () => 0 })
const ground = createGround(books, seed)

/** A journal as X3 would have it, line by line. */
function journalOf(invoice: Invoice): Posted {
  const lines = [...expectedJournal(ground, invoice)].map(([place, minor]): LedgerLine => {
    const [account = '', centre = '', partner = ''] = place.split('|')
    return {
      account,
      businessPartner: partner || null,
      sign: minor < 0n ? -1 : 1,
      amount: decimal(minor < 0n ? -minor : minor, scaleOf(invoice.currencyCode)),
      analytical: centre ? [{ dimensions: { CCT: centre } }] : [],
    }
  })
  const { voucherNumber1, voucherNumber2, currencyCode, companyCode } = invoice
  return {
    key: `${voucherNumber2}|${voucherNumber1}`,
    status: 'final',
    header: {},
    entry: { lines, currency: currencyCode, company: companyCode },
  }
}

describe('the comparer of postings', () => {
  const company = createCompany({ ...first, invoices: undefined, habits: HABITS, begins: 'sent' })
  const invoices = Array.from({ length: 8 }, (_, index) => company.invoice(index) as unknown as Invoice)
    .filter(({ companyCode }) => companyCode !== 'IE10')
    .map((invoice, n) => ({
      ...invoice,
      processingStatus: 'Transferred',
      voucherNumber1: `WS${n}`,
      voucherNumber2: 'BPSIN',
    }))
  const approved = new Set(invoices.map(({ invoiceId }) => invoiceId))
  const posted = invoices.map(journalOf)
  const compared = (more: Partial<Parameters<typeof comparePostings>[0]>) => {
    const {
      posted: good,
      held,
      missing,
      extra,
      different,
      examples,
    } = comparePostings({
      ...{ books, seed, approved, invoices, posted, held: new Map() },
      ...more,
    })
    return { counts: { good, held, missing, extra, different }, examples }
  }
  const all = invoices.length

  it('finds nothing where each invoice is there once, on its accounts', () => {
    ok(all > 5)
    deepStrictEqual(compared({}), {
      counts: { good: all, held: 0, missing: 0, extra: 0, different: 0 },
      examples: [],
    })
  })

  it('each of them balances', () => {
    for (const invoice of invoices)
      deepStrictEqual(
        [...expectedJournal(ground, invoice).values()].reduce((sum, minor) => sum + minor, 0n),
        0n,
      )
  })

  it('finds a doubled one, a lost one, a draft, and one that is not answered', () => {
    const [first, second] = posted as [Posted, Posted]
    const twice = { ...first, key: 'BPSIN|WS99' }
    deepStrictEqual(compared({ posted: [...posted, twice] }).counts, {
      good: all,
      held: 0,
      missing: 0,
      extra: 1,
      different: 0,
    })
    const lost = compared({ posted: posted.filter((one) => one !== second) })
    deepStrictEqual(lost.counts, { good: all - 1, held: 0, missing: 1, extra: 0, different: 0 })
    const draft = compared({ posted: posted.map((one) => (one === first ? { ...one, status: 'temporary' } : one)) })
    match(draft.examples.join(), /it is temporary/)
    const unanswered = invoices.map((one, n) => (n === 0 ? { ...one, processingStatus: 'TransferInProgress' } : one))
    deepStrictEqual(compared({ invoices: unanswered }).counts, {
      good: all - 1,
      held: 0,
      missing: 1,
      extra: 1,
      different: 0,
    })
  })

  it('counts what is held by Tieout, and knows it by its id', () => {
    const [one] = invoices as [Invoice]
    const waiting = invoices.map((each) => (each === one ? { ...each, processingStatus: 'TransferInProgress' } : each))
    const rest = posted.slice(1)
    const held = new Map([[one.invoiceId, 'x3.refused']])
    deepStrictEqual(compared({ invoices: waiting, posted: rest, held }).counts, {
      good: all - 1,
      held: 1,
      missing: 0,
      extra: 0,
      different: 0,
    })
  })

  it('finds another account, cost centre, amount, sign, supplier, currency or company', () => {
    const [first] = posted as [Posted]
    const [line, ...rest] = (first.entry?.lines ?? []) as [LedgerLine, ...LedgerLine[]]
    const changes: readonly Partial<LedgerLine>[] = [
      { account: 'other' },
      { analytical: [{ dimensions: { CCT: 'other' } }] },
      { amount: '0.01' },
      { sign: line.sign === 1 ? -1 : 1 },
      { businessPartner: 'other' },
    ]
    const entries = [
      ...changes.map((change) => ({ lines: [{ ...line, ...change }, ...rest] })),
      { currency: 'USD' },
      { company: 'XX' },
    ]
    for (const entry of entries) {
      const one = { ...first, entry: { ...first.entry, ...entry } } as Posted
      deepStrictEqual(
        compared({ posted: [one, ...posted.slice(1)] }).counts.different,
        1,
        JSON.stringify(entry).slice(0, 200),
      )
    }
  })
})
