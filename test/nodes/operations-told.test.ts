import { deepStrictEqual, match, ok, strictEqual } from 'node:assert'
import { syncError } from '../../sync/contract/errors.ts'
import { supplier } from '../support/fakes.ts'
import { type FlowEntry, first, helper, inbox, load, node, statuses } from '../support/helper.ts'
import { mended, operationsFlow, secrets, types, world } from '../support/operations-flow.ts'
import { waitFor } from '../support/wait.ts'

describe('operations: what is told', () => {
  const { flow, run } = operationsFlow()

  describe('sync-alert', () => {
    const alert = (more: object = {}): FlowEntry => ({
      id: 'a',
      type: 'sync-alert',
      ledger: 'L',
      everySeconds: 1,
      wires: [['alerts']],
      ...more,
    })
    const told = (seen: readonly Record<string, unknown>[]): string[] =>
      seen.map(({ payload }) => `${(payload as { kind: string }).kind} ${(payload as { state: string }).state}`)

    it('tells a failed run once, and once that it is over', async () => {
      await load(types, flow('return msg', [alert()]), secrets)
      const alerts = inbox('alerts')
      world.source.onPage(() => {
        throw syncError('config', 'x3.right', 'The right to read supplier is missing')
      })
      await run()
      await waitFor(() => alerts.length > 0)
      deepStrictEqual(told(alerts), ['run-failed raised'])
      match(
        String(alerts[0] && (alerts[0].payload as { message: string }).message),
        /right to read supplier is missing/,
      )
      await run()
      world.source.onPage(() => undefined)
      await run()
      await waitFor(() => alerts.length > 1)
      deepStrictEqual(told(alerts), ['run-failed raised', 'run-failed cleared'])
    })

    it('tells held records over the limit, and nothing again after a redeploy', async () => {
      world.target.tells = true
      world.target.refuses = ({ name }) => (name === 'Supplier B' ? 'the name is not known' : undefined)
      await load(types, flow('return msg', [alert({ heldOver: 0 })]), secrets)
      await run()
      const alerts = inbox('alerts')
      await waitFor(() => alerts.length > 0)
      deepStrictEqual(told(alerts), ['held raised'])
      match(String(alerts[0] && (alerts[0].payload as { message: string }).message), /1 record of books is held/)
      await helper.unload()
      await helper.stopServer()
      await load(types, flow('return msg', [alert({ heldOver: 0 })]), secrets)
      const later = inbox('alerts')
      const shown = statuses('a')
      await waitFor(() => shown.some((text) => text === 'red ring 1 open alert'))
      deepStrictEqual(told(later), [])
      world.target.refuses = () => undefined
      node('r').receive(mended)
      await waitFor(() => later.length > 0)
      deepStrictEqual(told(later), ['held cleared'])
    })
  })

  describe('the colour of the nodes while something is held', () => {
    beforeEach(() => {
      world.target.tells = true
      world.target.refuses = ({ name }) => (name === 'Supplier B' ? 'the name is not known' : undefined)
    })
    const alert: FlowEntry = { id: 'a', type: 'sync-alert', ledger: 'L', everySeconds: 1, heldOver: 10, wires: [[]] }

    it('is amber at source and sink, and at sync-alert though no limit is passed; a later batch changes nothing', async () => {
      await load(types, flow('return msg', [alert]), secrets)
      const [source, sink, alerts] = [statuses('s'), statuses('w'), statuses('a')]
      const after = inbox('after')
      await run()
      await first(after)
      await waitFor(() => sink.some((text) => text.startsWith('yellow dot open: 1 held; supplier: 2 delivered')))
      await waitFor(() => source.some((text) => text.startsWith('yellow dot open: supplier: 1 held')))
      await waitFor(() => alerts.some((text) => text.startsWith('yellow dot open: books: 1 held; no alert')))
      world.source.clockIs('2026-03-01T09:00:00Z')
      world.source.put('supplier', supplier('D', 'Supplier D'))
      sink.length = 0
      alerts.length = 0
      await run()
      await waitFor(() => sink.some((text) => text.startsWith('yellow dot open: 1 held; supplier: 1 delivered')))
      ok(![...source, ...sink, ...alerts].some((text) => text.startsWith('green')), [...source, ...sink].join('\n'))
    })

    it('is green again when the record is delivered', async () => {
      await load(types, flow('return msg', [alert]), secrets)
      await run()
      world.target.refuses = () => undefined
      const [sink, alerts] = [statuses('w'), statuses('a')]
      node('r').receive(mended)
      await waitFor(() => sink.some((text) => text.startsWith('green dot supplier: 1 delivered')))
      await waitFor(() => alerts.some((text) => text.startsWith('green dot no alert')))
    })

    it('is amber at dead-letter that holds', async () => {
      await load(types, flow(`throw new Error('no rate for EUR')`), secrets)
      const shown = statuses('d')
      await run()
      await waitFor(() => shown.some((text) => text.startsWith('yellow dot 3 records held')))
    })
  })

  it('sync-ledger refuses another secret than the ledger was made with, and the nodes say so', async () => {
    await load(types, flow('return msg'), secrets)
    await run()
    await helper.unload()
    await helper.stopServer()
    await load(types, flow('return msg', [], { scope: ['s'], to: 'alerts' }), {
      L: { key: 'another' },
    })
    const caught = inbox('alerts')
    node('s').receive({})
    const { message, cause } = (await first(caught)).error as { message: string; cause: { code: string } }
    match(message, /made with another secret/)
    strictEqual(cause.code, 'ledger.key')
    ok(!message.includes('another secret for'))
  })
})
