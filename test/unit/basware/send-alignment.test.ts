import { deepStrictEqual, ok } from 'node:assert/strict'
import {
  type ApiBench as Bench,
  apiBench as bench,
  orderLine as line,
  order,
  supplier,
} from '../../support/basware-sending.ts'

const signal = new AbortController().signal

describe('basware-send: alignment', () => {
  const keeper = () => {
    const texts = new Map<string, string>()
    const made = {
      note: async (address: string) => texts.get(address),
      saveNote: async (address: string, text: string) => void texts.set(address, text),
    }
    return { texts, options: { keeper: async () => made } }
  }
  const rowsOf = async (one: Bench): Promise<string[]> =>
    (await one.target.alignment(signal, { since: '', night: 0 })).map(
      ({ kind, code, text }) => `${kind} ${code}: ${text}`,
    )

  it('looks at the lines of each order once in thirty nights, and of one that was sent since at once', async () => {
    const one = bench('purchase_order', keeper().options)
    await one.prepare()
    const numbers = ['PO1', 'PO2', 'PO3', 'PO4', 'PO5']
    await one.write(one.batch(...numbers.map((number) => order(number))))
    const asked = async (since: string, night: number): Promise<string[]> => {
      const before = one.api.gets.length
      await one.target.alignment(signal, { since, night })
      const orders = one.api.gets.slice(before).map((path) => /orderExternalCode=(\w+)/.exec(path)?.[1])
      return [...new Set(orders.filter((code) => code !== undefined))].sort()
    }
    const all = numbers.map((number) => `x3_${number}`)
    deepStrictEqual(await asked('2000-01-01', 0), all)
    const nights: string[] = []
    for (let night = 100; night < 130; night++) nights.push(...(await asked('9999-01-01', night)))
    deepStrictEqual(nights.sort(), all)
  })

  it('tells suppliers that are missing, otherwise, there twice or there alone, and no name stands in the ledger', async () => {
    const { texts, options } = keeper()
    const one = bench('supplier', options)
    const { api, prepare, write, batch } = one
    await prepare()
    await write(batch(...['1', '2', '3', '4'].map((code) => supplier(code))))
    deepStrictEqual(await rowsOf(one), [])
    const there = (externalCode: string, more: object = {}) => ({
      ...{
        externalCode,
        vendorCode: '1',
        name: 'Firm 1',
        processingStatus: { active: true },
        companies: [{ companyCode: 'F1' }],
      },
      ...more,
    })
    api.put(
      'vendors',
      there('x3_1', { name: 'Other', processingStatus: { active: false } }),
      there('HAND_2', { vendorCode: '2' }),
      there('HAND_9', { vendorCode: '9' }),
      there('HAND_8', { vendorCode: '8', processingStatus: { active: false } }),
      there('HAND_7', { vendorCode: '7', companies: [{ companyCode: 'US10' }] }),
    )
    const fresh = bench('supplier', options)
    fresh.api.put(
      'vendors',
      ...['x3_1', 'x3_2', 'x3_3', 'HAND_2', 'HAND_9', 'HAND_8', 'HAND_7'].flatMap(
        (code) => api.get('vendors', code) ?? [],
      ),
    )
    deepStrictEqual(await rowsOf(fresh), [
      'differs 1: its name there is Other; it is not active there, and active in the ERP',
      'missing 4: it was sent, and is not there',
      'only-there 9: it was never sent',
      'twice 2: what was sent is there under another code too',
    ])
    ok(![...texts.values()].some((text) => text.includes('Firm')))
  })

  it('tells orders that are open there and closed in the ERP', async () => {
    const { options } = keeper()
    const one = bench('purchase_order', options)
    const { api, prepare, write, batch } = one
    await prepare()
    await write(batch(order('PO1', [line(1000)], { closed: 'yes' }), order('PO2')))
    deepStrictEqual(await rowsOf(one), [])
    api.put('matchingOrders', {
      ...(api.get('matchingOrders', 'x3_PO1') ?? {}),
      externalCode: 'x3_PO1',
      isClosed: false,
    })
    deepStrictEqual(await rowsOf(one), ['open PO1: it is open there, and closed in the ERP'])
  })
})
