import assert from 'node:assert/strict'
import { describe, it } from 'mocha'
import { pageRequests } from '../../../bench/floor-x3.ts'
import { flatteners } from '../../../bench/floor-x3-rows.ts'
import { median } from '../../../bench/measure.ts'
import { medianPass, ratios } from '../../../bench/report.ts'

const sandbox = { cpu: 1, requests: 10, statements: 5, merges: 3, files: 2 }
const pass = (wall: number, cpu: number, peakRssMb: number) => ({
  ...{ wall, cpu, main: cpu / 2, peakRssMb, sandbox },
  ...{ records: 100, rows: 1000 },
})

describe('bench figures', () => {
  it('takes the middle of the passes, of an even number the mean of the two in the middle', () => {
    assert.equal(median([9, 1, 2]), 2)
    assert.equal(median([4, 1, 3, 2]), 2.5)
  })

  it('divides medians by medians and keeps the greatest memory', () => {
    const floor = medianPass([pass(1, 1, 100), pass(2, 2, 110), pass(30, 3, 90)])
    const flow = medianPass([pass(3, 3, 300), pass(2, 3, 390), pass(3, 9, 310)])
    assert.deepEqual(ratios({ floor, flow }), { wallRatio: 1.5, cpuRatio: 1.5, peakRssMb: 390 })
    assert.equal(floor.rowsPerSecond, 500)
  })

  it('repeats requests for records and further pages of them, not those for the schema', () => {
    const body = (query: string, variables: object) => JSON.stringify({ query, variables })
    const page = body('query($first:Int){x3Sales{salesInvoice{query(first:$first){edges{node{id}}}}}}', { first: 200 })
    const further = body(
      'query($document:Id!){document:x3Sales{salesInvoice{read(_id:$document){_id}}} more:x3Sales{salesInvoice{read(_id:$document){lines}}}}',
      { document: '7' },
    )
    const schema = body('query($t0:String!){t0:__type(name:$t0){kind}}', { t0: 'Supplier_node' })
    const wanted = pageRequests([schema, page, further, body('{__typename}', {})])
    assert.deepEqual(
      wanted.map(({ node, further: more }) => [node, more]),
      [
        ['salesInvoice', false],
        ['salesInvoice', true],
      ],
    )
  })

  it('gives a journal line its sign, its mapped account and the dimensions of its only split', () => {
    const split = { node: { dimensionType: { code: 'CCT' }, dimension: { code: 'D1' } } }
    const analytical = { node: { analyticalLineNumber: 1, transactionAmount: '5', dimensions: edges(split) } }
    const line = {
      node: {
        lineNumber: 10,
        sign: -1,
        transactionAmount: '5',
        account: { code: '401' },
        analyticalLines: edges(analytical),
      },
    }
    const entry = { journalEntryType: { code: 'GEN' }, journalEntryNumber: 'N1', journalEntryLines: edges(line) }
    const flat = flatteners('x3', new Map([['401', 'G401']])).gl_entry?.(entry as never)
    const [row] = flat?.lines ?? []
    assert.deepEqual([row?.c4, row?.c12, row?.c16, row?.c24, row?.c27], ['10', 'G401', '-5', 'D1', '401'])
    assert.equal(flat?.analytical?.[0]?.c10, '-5')
  })
})

const edges = (...list: object[]) => ({ query: { edges: list } })
