import { deepStrictEqual, match, strictEqual } from 'node:assert'
import { z } from 'zod'
import { defineNode, field } from '../../nodes/kit/kit.ts'
import { syncError } from '../../sync/contract/errors.ts'
import { type FlowEntry, first, helper, inbox, load, node, unload, watchRejections } from '../support/helper.ts'
import { waitFor } from '../support/wait.ts'

type RED = Parameters<typeof defineNode>[0]

describe('node kit', () => {
  watchRejections()

  describe('defineNode', () => {
    const handlers: Record<
      string,
      (message: Record<string, unknown>, context: { signal: AbortSignal; send(o: number, m: object): void }) => unknown
    > = {}
    const any = (RED: RED): void =>
      defineNode(RED, {
        type: 'any',
        version: 1,
        config: z.object({ how: field.text(), limit: field.number(1, 0, 9) }),
        input: (m, c) => handlers[c.config.how]?.(m, c) as Promise<void>,
      })
    const one = (how: string, more: object = {}): FlowEntry[] => [
      { id: 'n', type: 'any', how, wires: [['out']], ...more },
      { id: 'out', type: 'helper' },
      { id: 'catch', type: 'catch', scope: null, wires: [['caught']] },
      { id: 'caught', type: 'helper' },
      { id: 'complete', type: 'complete', scope: ['n'], wires: [['completed']] },
      { id: 'completed', type: 'helper' },
    ]

    for (const [how, handler] of Object.entries({
      rejects: async () => Promise.reject(new TypeError('boom')),
      throws: () => {
        throw new TypeError('boom')
      },
    }))
      it(`a handler that ${how} gives one caught error with code and cause, without a stack`, async () => {
        handlers[how] = handler
        await load([any], one(how))
        const caught = inbox('caught')
        const completed = inbox('completed')
        node('n').receive({ payload: 1 })
        const { error } = (await first(caught)) as unknown as { error: Record<string, unknown> }
        match(String(error.message), /^Unexpected: boom\. This is a fault of the programme/)
        strictEqual(error.code, 'tieout.unexpected')
        strictEqual((error.cause as { class: string }).class, 'config')
        strictEqual(error.stack, undefined)
        node('n').receive({ payload: 2 })
        await waitFor(() => caught.length === 2)
        strictEqual(completed.length, 0)
      })

    it('a SyncError reaches the catch node with its cause as a plain object', async () => {
      handlers.data = () =>
        Promise.reject(syncError('data', 'x.7', 'Supplier A: field name is too long', { field: 'name', key: 's|A' }))
      await load([any], one('data'))
      const caught = inbox('caught')
      node('n').receive({})
      const { error } = (await first(caught)) as unknown as { error: Record<string, unknown> }
      strictEqual(error.message, 'Supplier A: field name is too long')
      deepStrictEqual(JSON.parse(JSON.stringify(error.cause)), {
        class: 'data',
        code: 'x.7',
        field: 'name',
        key: 's|A',
      })
    })

    it('completes once for each message', async () => {
      handlers.sends = async (m, { send }) => send(0, m)
      await load([any], one('sends'))
      const completed = inbox('completed')
      const out = inbox('out')
      for (let i = 0; i < 3; i++) node('n').receive({ payload: i })
      await waitFor(() => completed.length >= 3 && out.length >= 3)
      deepStrictEqual(completed.map((m) => m.payload).sort(), [0, 1, 2])
    })

    it('close aborts the signal and waits for the handler that is running', async () => {
      let began = false
      let ended = false
      handlers.slow = (_m, { signal }) =>
        new Promise<void>((resolve) => {
          began = true
          signal.addEventListener('abort', () =>
            setImmediate(() => {
              ended = true
              resolve()
            }),
          )
        })
      await load([any], one('slow'))
      const completed = inbox('completed')
      node('n').receive({})
      await waitFor(() => began)
      await helper.clearFlows()
      strictEqual(ended, true)
      strictEqual(completed.length, 0)
    })

    it('a status that throws does not fail the message', async () => {
      handlers.status = async (m, c) => {
        ;(c as unknown as { status: { done(t: string): void } }).status.done('fine')
        c.send(0, m)
      }
      await load([any], one('status'))
      node('n').status = () => {
        throw new Error('no status today')
      }
      const out = inbox('out')
      node('n').receive({ payload: 'through' })
      strictEqual((await first(out)).payload, 'through')
    })

    it('a wrong field makes the node red and fails each message with its name', async () => {
      await load([any], one('sends', { limit: 'many' }))
      const caught = inbox('caught')
      node('n').receive({})
      const { error } = (await first(caught)) as unknown as { error: { message: string; cause: { field: string } } }
      match(error.message, /Field limit: must be a number/)
      strictEqual(error.cause.field, 'limit')
    })

    it('an unset environment variable, and one inside a longer text, are named', async () => {
      await load([any], one(`\${TIEOUT_TEST_UNSET}`))
      const caught = inbox('caught')
      node('n').receive({})
      match(
        String((await first(caught)).error && ((await first(caught)).error as { message: string }).message),
        /Field how: the environment variable TIEOUT_TEST_UNSET is not set/,
      )
      await unload()
      await load([any], one(`x-\${TIEOUT_TEST_UNSET}`))
      const again = inbox('caught')
      node('n').receive({})
      match(
        ((await first(again)).error as { message: string }).message,
        /Field how: \$\{TIEOUT_TEST_UNSET\} stands inside a longer text/,
      )
    })

    it('a set environment variable gives its value, also to a number field', async () => {
      process.env.TIEOUT_TEST_LIMIT = '7'
      let seen: unknown
      handlers.env = (_m, c) => {
        seen = (c as unknown as { config: { limit: number } }).config.limit
      }
      await load([any], one('env', { limit: `\${TIEOUT_TEST_LIMIT}` }))
      const completed = inbox('completed')
      node('n').receive({})
      await first(completed)
      strictEqual(seen, 7)
      delete process.env.TIEOUT_TEST_LIMIT
    })
  })
})
