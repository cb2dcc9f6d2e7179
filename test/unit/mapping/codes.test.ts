import { deepStrictEqual, strictEqual, throws } from 'node:assert'
import { compileCodes, parseCodes } from '../../../nodes/mapping/codes.ts'

const row = (from: string, to: string, valid_from = '', valid_to = '') => ({ from, to, valid_from, valid_to })

describe('code tables', () => {
  it('look a code up on its day', () => {
    const lookup = compileCodes({
      name: 'account',
      rows: [row('6011', '400', '', '2025-12-31'), row('6011', '410', '2026-01-01')],
    })
    strictEqual(lookup('6011', '2025-12-31'), '400')
    strictEqual(lookup('6011', '2026-01-01'), '410')
    strictEqual(lookup('6012', '2026-01-01'), undefined)
  })

  it('do not have a code outside its validity', () => {
    const lookup = compileCodes({ name: 'account', rows: [row('6011', '410', '2026-01-01', '2026-06-30')] })
    strictEqual(lookup('6011', '2025-12-31'), undefined)
    strictEqual(lookup('6011', '2026-07-01'), undefined)
  })

  it('refuse two lines of one code on one day, naming the code', () => {
    throws(
      () => compileCodes({ name: 'account', rows: [row('6011', '1'), row('6011', '2', '2026-01-01')] }),
      /account.*6011 twice.*1 and to 2/,
    )
  })

  it('read a CSV with zeros, quotes, semicolons and a byte order mark', () => {
    deepStrictEqual(parseCodes('\uFEFFFrom;To;valid_from\r\n00123;"4;00";2026-01-01\r\n007;8;\r\n'), [
      row('00123', '4;00', '2026-01-01'),
      row('007', '8'),
    ])
  })

  it('name the line and column of a CSV that is wrong', () => {
    throws(() => parseCodes('from,to,valid_from\n1,2,\n3,4,31.12.2026\n'), /Line 3.*valid_from.*YYYY-MM-DD/)
    throws(() => parseCodes('code,target\n1,2\n'), /no column "from"/)
  })
})
