import { deepStrictEqual, strictEqual } from 'node:assert'
import { parse } from 'csv-parse/sync'
import { csvOf } from '../../../nodes/kit/csv.ts'

describe('CSV for people', () => {
  it('begins with the mark by which spreadsheets know UTF-8, and ends each line as they do', () => {
    strictEqual(csvOf(['a', 'b'], [{ a: 'é', b: 'x,"y"\nz' }]), '\uFEFFa,b\r\né,"x,""y""\nz"\r\n')
  })

  it('puts an apostrophe before a text that a spreadsheet would take for a formula, and leaves amounts as they are', () => {
    const hostile = ['=1+1', '+1', '-1', '@SUM(A1)', '\tx', '\r=1', "=HYPERLINK('x')"]
    const lines = hostile.map((text) => ({ text, net_amount: '-12.50' }))
    const rows: string[][] = parse(csvOf(['text', 'net_amount'], lines), { bom: true, from_line: 2 })
    deepStrictEqual(
      rows,
      hostile.map((text) => [`'${text}`, '-12.50']),
    )
  })

  it('takes no formula in a column of amounts for one, and no amount in a column of texts', () => {
    const [row]: string[][] = parse(csvOf(['n', 'sum', '=head'], [{ n: '-7', sum: '-7+cmd' }], ['sum']), {
      bom: true,
      from_line: 2,
    })
    deepStrictEqual(row, ["'-7", "'-7+cmd", ''])
    strictEqual(csvOf(['=head'], []), "\uFEFF'=head\r\n")
    strictEqual(csvOf(['sum'], [{ sum: '-7' }], ['sum']), '\uFEFFsum\r\n-7\r\n')
  })
})
