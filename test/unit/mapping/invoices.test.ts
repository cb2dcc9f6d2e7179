import { deepStrictEqual, match } from 'node:assert'
import { compileConverter } from '../../../nodes/basware/client/convert.ts'
import { schemaOf } from '../../../nodes/basware/client/entities.ts'
import { applyMapping } from '../../../nodes/mapping/apply.ts'
import { compileCodes } from '../../../nodes/mapping/codes.ts'
import { compileMapping } from '../../../nodes/mapping/compile.ts'
import { jsonata } from '../../../nodes/mapping/jsonata.ts'
import { type Rule, rule } from '../../../nodes/mapping/rules.ts'
import type { DataRecord, Row } from '../../../sync/contract/message.ts'
import { util } from '../../support/util.ts'

const table = (name: string, codes: Readonly<Record<string, string>>) =>
  [
    name,
    compileCodes({
      name,
      rows: Object.entries(codes).map(([from, to]) => ({ from, to, valid_from: '', valid_to: '' })),
    }),
  ] as const
const codes = new Map([table('account', { '6011': '601000' }), table('cost_centre', { '10': 'CC100' })])
const rules: Rule[] = ['account', 'cost_centre'].map((column) =>
  rule.parse({ do: 'code', entity: 'basware_invoice', list: 'lines', column, table: column, unmapped: 'hold' }),
)

describe('the coding rows of approved invoices', () => {
  const convert = compileConverter({ source: 'basware', sensitive: [], dateZone: '' })
  const invoice = (
    id: string,
    rows: readonly { readonly account: string | null; readonly centre: string | null }[],
  ): DataRecord =>
    convert(
      {
        ...{ invoiceId: id, companyCode: 'FR10', processingStatus: 'TransferInProgress', voucherDate: '2026-03-05' },
        codingRows: rows.map((_, k) => ({ externalCode: `${id}-${k}` })),
      },
      0,
      ({ externalCode }) => {
        const { account = null, centre = null } = rows[Number(externalCode.split('-')[1])] ?? {}
        return { account, costCentre: centre, from: 'order' }
      },
    )

  it('get the accounts and cost centres of the code tables; one that lands on none is held by its name', async () => {
    const schema = schemaOf([])
    const mapping = compileMapping(schema, rules, { codes, expression: jsonata(util), today: () => '2026-03-10' })
    const good = invoice('good', [
      { account: '6011', centre: '10' },
      { account: '6011', centre: null },
    ])
    const bad = invoice('bad', [
      { account: '6011', centre: '10' },
      { account: '9999', centre: '10' },
    ])
    const { payload, held } = await applyMapping(mapping, [good, bad], schema)
    deepStrictEqual(
      payload.map(({ id, lines }) => [id, (lines as Row[]).map(({ account, cost_centre }) => [account, cost_centre])]),
      [
        [
          'good',
          [
            ['601000', 'CC100'],
            ['601000', null],
          ],
        ],
      ],
    )
    deepStrictEqual(
      held.map(({ record }) => record.id),
      ['bad'],
    )
    match(held[0]?.cause.message ?? '', /basware\|bad\|0.*account.*9999|9999.*account/)
  })
})
