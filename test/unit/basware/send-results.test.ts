import { deepStrictEqual, strictEqual } from 'node:assert/strict'
import { createBaswareTarget, createSendMemory } from '../../../nodes/basware/client/send/target.ts'
import type { PendingResult } from '../../../sync/contract/results.ts'
import {
  type ApiBench as Bench,
  apiBench as bench,
  orderLine as line,
  order,
  pendingOf,
  RULES,
  supplier,
} from '../../support/basware-sending.ts'

const signal = new AbortController().signal

describe('basware-send: results', () => {
  const ask = (one: Bench) => one.target.results?.follow(pendingOf(one.accepted), { signal, waiting: () => undefined })
  const told = async (one: Bench, statuses: Readonly<Record<string, object>>, whole = 'Success') => {
    one.api.status = ({ requestId, bodies }) => ({
      requestId,
      requestStatus: whole,
      systems: [
        {
          items: bodies.flatMap(({ externalCode }) =>
            statuses[externalCode] ? [{ externalCode, ...statuses[externalCode] }] : [],
          ),
        },
      ],
    })
    return (await ask(one))?.get('x3|PO1')
  }
  let one: Bench
  beforeEach(async () => {
    one = bench('purchase_order')
    await one.prepare()
    await one.write(one.batch(order('PO1', [line(1000), line(2000)])))
  })
  const all = (status: object): Record<string, object> => ({
    x3_PO1: status,
    x3_PO1_1000_1: status,
    x3_PO1_2000_1: status,
  })

  it('are of the whole record: the worst of its items', async () => {
    const ok = { status: 'Success' }
    const error = { status: 'Error', errors: [{ category: 'DataValidation', message: 'Supplier unknown' }] }
    deepStrictEqual(await told(one, all(ok)), { kind: 'processed' })
    deepStrictEqual(await told(one, {}), { kind: 'processed' })
    deepStrictEqual(await told(one, {}, 'InProgress'), { kind: 'pending' })
    deepStrictEqual(await told(one, { ...all(ok), x3_PO1_2000_1: { status: 'InProgress' } }), { kind: 'pending' })
    deepStrictEqual(await told(one, { ...all(ok), x3_PO1: error }), {
      ...{ kind: 'failed', code: 'basware.not-processed', text: 'Supplier unknown', cause: 'data' },
    })
    const technical = { status: 'Error', errors: [{ category: 'Technical', message: 'Queue' }] }
    deepStrictEqual(await told(one, { ...all(ok), x3_PO1_1000_1: technical }), {
      ...{ kind: 'failed', code: 'basware.not-processed', text: 'Queue', cause: 'technical' },
    })
    deepStrictEqual(await told(one, all({ status: 'NotProcessed' })), { kind: 'unchanged' })
    deepStrictEqual(await told(one, { ...all(ok), x3_PO1: { status: 'NotProcessed' } }), {
      kind: 'processed',
      skipped: true,
    })
    deepStrictEqual(await told(one, { ...all(ok), x3_PO1: { status: 'RecordExpired' } }), { kind: 'superseded' })
    deepStrictEqual(await told(one, { ...all(ok), x3_PO1: { status: 'Warning', errors: [{ message: 'No tax' }] } }), {
      ...{ kind: 'warning', text: 'No tax' },
    })
    one.api.status = () => undefined
    deepStrictEqual((await ask(one))?.get('x3|PO1'), { kind: 'unknown' })
  })

  it('of what was sent twice are those of the last request that did something', async () => {
    const [header] = pendingOf(one.accepted)
    const twice = {
      ...header,
      requests: [
        { request: 'a', items: ['x'] },
        { request: 'b', items: ['x'] },
      ],
    } as PendingResult
    const follow = async (a: string, b: string) => {
      const status = (requestId: string, of: string) => ({
        ...{ requestId, requestStatus: 'Success', systems: [{ items: [{ externalCode: 'x', status: of }] }] },
      })
      const { connection } = one.api
      const get: typeof connection.get = async () => ({
        data: { requestStatus: [status('a', a), status('b', b)] },
        continuation: null,
      })
      const target = createBaswareTarget(
        { ...connection, get },
        createSendMemory(),
        { rules: RULES, moves: () => '', limits: { most: {}, bytes: 6e6 } },
        'supplier',
      )
      return (await target.results?.follow([twice], { signal, waiting: () => undefined }))?.get('x3|PO1')?.kind
    }
    deepStrictEqual(await follow('RecordExpired', 'Success'), 'processed')
    deepStrictEqual(await follow('Success', 'RecordExpired'), 'superseded')
    deepStrictEqual(await follow('Success', 'NotProcessed'), 'processed')
    deepStrictEqual(await follow('Error', 'NotProcessed'), 'failed')
    deepStrictEqual(await follow('NotProcessed', 'NotProcessed'), 'unchanged')
  })

  it('of ten thousand are asked by the list', async () => {
    const many = bench('supplier')
    await many.prepare()
    for (let at = 0; at < 10_000; at += 1000)
      await many.write(many.batch(...Array.from({ length: 1000 }, (_, k) => supplier(String(at + k)))))
    const before = many.api.gets.length
    const found = await ask(many)
    strictEqual([...(found?.values() ?? [])].filter(({ kind }) => kind === 'processed').length, 10_000)
    strictEqual(many.api.gets.length - before, 1)
  })
})
