/** What the client reads and writes against Basware's own published file. */
import { deepStrictEqual, ok } from 'node:assert/strict'
import { type ColumnDef, HEADER, ROW } from '../../nodes/basware/client/entities.ts'
import { SCOPES } from '../../nodes/basware/client/options.ts'
import { baswareContract, type PublishedApi, type PublishedField } from '../support/basware-contract.ts'

const KINDS: Readonly<Record<string, (field: PublishedField) => boolean>> = {
  string: ({ type, format }) => type === 'string' && format !== 'date-time',
  date: ({ type, format }) => type === 'string' && format === 'date-time',
  timestamp: ({ type, format }) => type === 'string' && format === 'date-time',
  boolean: ({ type }) => type === 'boolean',
  integer: ({ type }) => type === 'integer',
  decimal: ({ type }) => type === 'number',
  json: ({ type }) => type === 'array',
}

describe("the client's fields and Basware's published file", function () {
  let api: PublishedApi
  before(() => {
    const found = baswareContract()
    if (!found) this.ctx.skip()
    else api = found
  })

  const wrong = (columns: readonly ColumnDef[], entity: string): string[] => {
    const { properties } = api.components.schemas[entity] as { properties: Readonly<Record<string, PublishedField>> }
    return columns.flatMap(({ name, field, type, custom }) => {
      if (custom) return Object.keys(properties).some((one) => custom.test(one)) ? [] : [`${name}: no such fields`]
      if (field === undefined) return []
      const theirs = properties[field]
      if (!theirs) return [`${name}: ${entity} has no ${field}`]
      return KINDS[type.replace(/\(.*/, '')]?.(theirs)
        ? []
        : [`${name}: ${field} is ${theirs.type} ${theirs.format ?? ''}`]
    })
  }

  it('are named and typed alike', () => {
    deepStrictEqual(wrong(HEADER, 'AccountingDocumentEntity'), [])
    deepStrictEqual(wrong(ROW, 'StandardCodingEntity'), [])
  })

  it("hold every sum of the document and of the row, in its own currency and the company's", () => {
    const sums = (entity: string): string[] =>
      Object.entries(api.components.schemas[entity]?.properties ?? {})
        .filter(([name, { type }]) => type === 'number' && /^(net|gross|tax|cash)(Sum|Total)/.test(name))
        .map(([name]) => name)
        .filter((name) => !/Organization$/.test(name))
    const missing = (columns: readonly ColumnDef[], entity: string) =>
      sums(entity).filter((name) => !columns.some(({ field }) => field === name))
    deepStrictEqual(missing(HEADER, 'AccountingDocumentEntity'), ['cashSumCompany'])
    deepStrictEqual(missing(ROW, 'StandardCodingEntity'), [])
  })

  it('of the answer are those of the file, and the scopes go with the paths that are used', () => {
    const theirs = api.components.schemas.TransferResponseEntity
    const ours = [
      'externalCode',
      'success',
      'responseMessage',
      'sourceSystem',
      'voucherNumber1',
      'voucherNumber2',
      'paymentBlock',
    ]
    ok(ours.every((name) => theirs?.properties[name]))
    deepStrictEqual(
      theirs?.required?.filter((name) => !ours.includes(name)),
      [],
    )
    deepStrictEqual(
      ['responseMessage', 'voucherNumber1', 'voucherNumber2', 'externalCode'].map(
        (name) => theirs?.properties[name]?.maxLength,
      ),
      [250, 25, 25, 36],
    )
    for (const scope of Object.values(SCOPES).flat())
      ok(
        Object.keys(api.paths).some((path) => path.split('/')[2] === scope.split('.')[0]),
        scope,
      )
  })
})
