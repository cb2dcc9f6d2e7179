import { deepStrictEqual, ok, strictEqual } from 'node:assert'
import type { RequestHandler } from 'express'
import { z } from 'zod'
import { masked } from '../../../nodes/kit/masked.ts'
import { handle, scrub } from '../../../nodes/kit/routes.ts'
import { syncError } from '../../../sync/contract/errors.ts'

/** Calls a handler as Express would; gives status and body of the answer. */
async function call(
  handler: RequestHandler,
  body: unknown,
): Promise<{ status: number; body: Record<string, unknown> }> {
  return new Promise((resolve) => {
    let status = 200
    const response = {
      on: () => response,
      setHeader: () => response,
      headersSent: false,
      status: (code: number) => {
        status = code
        return response
      },
      json: (answer: Record<string, unknown>) => resolve({ status, body: answer }),
    }
    handler({ method: 'POST', body, params: {} } as never, response as never, () => {})
  })
}

describe('admin routes', () => {
  it('answer a wrong body, one of our errors, and a fault of the programme in words', async () => {
    const body = z.object({ id: z.string() })
    deepStrictEqual(
      (
        await call(
          handle(body, async () => ({ ok: 1 })),
          { id: 'a' },
        )
      ).body,
      { ok: 1 },
    )
    strictEqual(
      (
        await call(
          handle(body, async () => ({})),
          {},
        )
      ).status,
      400,
    )
    const refused = await call(
      handle(body, () => Promise.reject(syncError('auth', 'x.1', 'Refused', { hint: 'Look.' }))),
      { id: 'a' },
    )
    deepStrictEqual(refused, { status: 422, body: { error: 'Refused', code: 'x.1', hint: 'Look.' } })
    const broken = await call(
      handle(body, () => Promise.reject(new TypeError('boom'))),
      { id: 'a' },
    )
    strictEqual(broken.status, 500)
    ok(!JSON.stringify(broken.body).includes('    at '))
  })

  it('refuse a body that is too large', async () => {
    const { status } = await call(
      handle(z.object({ id: z.string() }), async () => ({})),
      { id: 'x'.repeat(1_100_000) },
    )
    strictEqual(status, 413)
  })

  it('take secrets out of whatever is answered, also where JSON escapes them', () => {
    const secret = 'pa"ss\\word'
    const answer = scrub({ text: `login with ${secret} failed`, list: [{ [secret]: 1 }] }, [secret, 'ab', ''])
    deepStrictEqual(answer, { text: 'login with ••• failed', list: [{ '•••': 1 }] })
    deepStrictEqual(scrub({ text: 'ab' }, ['ab']), { text: 'ab' })
  })

  it('mask sensitive columns in headers and lists, and only where there is a value', () => {
    const column = (name: string, sensitive = false) => ({ name, type: 'string' as const, sensitive })
    const { records } = masked({
      schema: {
        entity: 'e',
        key: ['code'],
        columns: [column('code'), column('iban', true)],
        lists: { lines: { entity: 'e_line', key: ['code'], columns: [column('iban', true), column('amount')] } },
      },
      records: [
        { _row: 0, code: 'a', iban: 'DE1', lines: [{ iban: 'DE2', amount: '1.00' }] },
        { _row: 1, code: 'b', iban: null, lines: [] },
      ],
    })
    deepStrictEqual(records, [
      { _row: 0, code: 'a', iban: '•••', lines: [{ iban: '•••', amount: '1.00' }] },
      { _row: 1, code: 'b', iban: null, lines: [] },
    ])
  })
})
