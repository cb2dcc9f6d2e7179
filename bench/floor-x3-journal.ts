/** The floor's flattening of journals: header, lines and how they are split over dimensions. */
import { elements, type Flat, plain, type Raw, type StagedRow, signed, text } from './floor-x3-values.ts'

/** Dimension types of the demo books in the order of their columns. */
const DIMENSIONS = ['CCT', 'PRD', 'PRO']

function dimensionsOf(split: Raw): (string | undefined)[] {
  const codes: (string | undefined)[] = [undefined, undefined, undefined]
  for (const entry of elements(split.dimensions)) {
    const place = DIMENSIONS.indexOf(text(entry.dimensionType?.code) ?? '')
    if (place >= 0) codes[place] = text(entry.dimension?.code)
  }
  return codes
}

export function journal(n: Raw, source: string, accounts: ReadonlyMap<string, string>): Flat {
  const type = text(n.journalEntryType?.code)
  const number = text(n.journalEntryNumber)
  const company = text(n.company?.code)
  const name = text(n.journal?.code)
  const status = text(n.journalEntryStatus)
  const lines: StagedRow[] = []
  const analytical: StagedRow[] = []
  for (const l of elements(n.journalEntryLines)) {
    const ledger = text(l.ledgerTypeNumber)
    const line = plain(l.lineNumber)
    const date = text(l.accountingDate)
    const account = text(l.account?.code)
    const splits = elements(l.analyticalLines)
    let only: (string | undefined)[] = []
    for (const split of splits) {
      const codes = dimensionsOf(split)
      if (splits.length === 1) only = codes
      analytical.push({
        c0: source,
        c1: type,
        c2: number,
        c3: ledger,
        c4: line,
        c5: plain(split.analyticalLineNumber),
        c6: company,
        c7: date,
        c8: account,
        c9: text(split.site?.code),
        c10: signed(split.transactionAmount, l.sign),
        c11: text(split.quantity),
        c12: codes[0],
        c13: codes[1],
        c14: codes[2],
      })
    }
    lines.push({
      c0: source,
      c1: type,
      c2: number,
      c3: ledger,
      c4: line,
      c5: company,
      c6: name,
      c7: status,
      c8: date,
      c9: date?.slice(0, 7),
      c10: text(l.site?.code),
      c11: text(l.chartOfAccounts?.code),
      c12: account === undefined ? undefined : accounts.get(account),
      c13: text(l.controlAccount),
      c14: text(l.businessPartner?.code),
      c15: text(l.transactionCurrency?.code),
      c16: signed(l.transactionAmount, l.sign),
      c17: text(l.ledgerCurrency?.code),
      c18: signed(l.ledgerAmount, l.sign),
      c19: text(l.quantity),
      c20: text(l.lineDescription),
      c21: text(l.matchingCode),
      c22: text(l.matchingDate),
      c23: text(l.tax?.code),
      c24: only[0],
      c25: only[1],
      c26: only[2],
      c27: account,
    })
  }
  return {
    '': [
      {
        c0: source,
        c1: type,
        c2: number,
        c3: company,
        c4: text(n.site?.code),
        c5: name,
        c6: text(n.accountingDate),
        c7: status,
        c8: text(n.journalEntryTransaction?.code),
        c9: text(n.transactionCurrency?.code),
      },
    ],
    lines,
    analytical,
  }
}
