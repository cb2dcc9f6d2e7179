import { deepStrictEqual, match, ok, strictEqual } from 'node:assert'
import glMapping from '../../nodes/mapping/gl-mapping.ts'
import mapGl from '../../nodes/mapping/map-gl.ts'
import type { BatchMessage, Schema } from '../../sync/contract/message.ts'
import { fakeEngine, ledgerNode } from '../support/fake-engine.ts'
import { type FlowEntry, first, helper, inbox, load, node, watchRejections } from '../support/helper.ts'

const schema: Schema = {
  entity: 'gl_entry',
  key: ['source', 'number'],
  columns: [
    { name: 'source', type: 'string' },
    { name: 'number', type: 'string' },
    { name: 'rate', type: 'decimal(28,8)' },
  ],
  lists: {
    lines: {
      entity: 'gl_entry_line',
      key: ['source', 'number', 'line'],
      columns: [
        { name: 'source', type: 'string' },
        { name: 'number', type: 'string' },
        { name: 'line', type: 'integer' },
        { name: 'account', type: 'string' },
        { name: 'amount', type: 'decimal(28,8)' },
        { name: 'iban', type: 'string', sensitive: true },
      ],
    },
  },
}

/** Journals with one line each, by account. */
const journals = (...accounts: string[]): BatchMessage => ({
  topic: 'gl_entry',
  payload: accounts.map((account, _row) => ({
    _row,
    source: 'x3',
    number: `N${_row}`,
    rate: '1.1',
    lines: [{ source: 'x3', number: `N${_row}`, line: 1, account, amount: '0.1', iban: 'DE02' }],
  })),
  schema,
  parts: { id: 'p', index: 0, type: 'array' },
  sync: { name: 'x', run: 'r1', entity: 'gl_entry', batch: 0, readNumber: 1, ledger: 'ledger-1', mode: 'poll' },
})

const flow = (rules: readonly object[]): FlowEntry[] => [
  { id: 'l', type: 'sync-ledger' },
  { id: 'codes', type: 'gl-mapping', tables: [{ name: 'account', rows: [{ from: '0601', to: '400' }] }] },
  { id: 'm', type: 'map-gl', ledger: 'l', mapping: 'codes', rules, wires: [['after'], ['held']] },
  { id: 'after', type: 'helper' },
  { id: 'held', type: 'helper' },
]
const code = { do: 'code', entity: 'gl_entry', list: 'lines', column: 'account', table: 'account' }

describe('map-gl and gl-mapping', () => {
  let engine = fakeEngine()
  const ledger = ledgerNode(() => engine)
  const types = [ledger, glMapping, mapGl]
  watchRejections()
  beforeEach(() => {
    engine = fakeEngine()
  })

  it('maps by the code table, computes exactly in expressions, and tells the new columns', async () => {
    const gross = { do: 'expression', entity: 'gl_entry', list: 'lines', column: 'gross', type: 'decimal(28,8)' }
    await load(types, flow([code, { ...gross, expression: '$round($mul(amount, $header.rate), 2)' }]))
    const after = inbox('after')
    node('m').receive(journals('0601') as never)
    const message = (await first(after)) as unknown as BatchMessage
    const [line] = (message.payload[0]?.lines ?? []) as Record<string, unknown>[]
    deepStrictEqual([line?.account, line?.gross], ['400', '0.11'])
    ok(message.schema.lists?.lines?.columns.some(({ name }) => name === 'gross'))
  })

  it('holds the journal with an unmapped account in the ledger, shows it without sensitive values, and sends the rest', async () => {
    await load(types, flow([code]))
    const after = inbox('after')
    const held = inbox('held')
    node('m').receive(journals('0601', '0999') as never)
    const shown = await first(held)
    match(JSON.stringify(shown.error), /account 0999.*Add the code to the table/)
    ok(!JSON.stringify(shown).includes('DE02'))
    strictEqual(((await first(after)).payload as unknown[]).length, 1)
    deepStrictEqual(
      engine.holds.map(({ stage, records }) => [stage, records.map(({ record }) => record.number)]),
      [['map', ['N1']]],
    )
  })

  describe('a code that a person adds to a table', () => {
    const head = {
      ...{ id: 'h1', heldBy: 'map:m', sync: 'x', entity: 'gl_entry' },
      cause: { codes: [{ table: 'account', code: '0999', day: '2026-03-01' }] },
    }
    const row = { mapping: 'codes', table: 'account', from: '0999', to: '499', valid_from: '', valid_to: '' }
    let rows: object[]
    const withLedger = () => {
      rows = []
      Object.assign(engine.ledger, {
        heldHeads: async ({ ids }: { ids: string[] }) => (ids.includes('h1') ? [head] : []),
        addedCodes: async () => rows,
        addCode: async (code: object, decision: object) => void rows.push({ ...code, decision }),
      })
    }
    const add = (more: object = {}) =>
      helper
        .request()
        .post('/tieout/codes')
        .send({
          ...{ ledger: 'l', held: 'h1', table: 'account', code: '0999', to: '499', valid_from: '', valid_to: '' },
          ...{ reason: 'a new account', ...more },
        })

    it('counts from the next batch on, after the table of the flow, and is kept with its reason', async () => {
      withLedger()
      await load(types, flow([code]))
      match((await add()).body.message, /account 0999 -> 499 counts from now on/)
      deepStrictEqual(rows, [
        {
          ...row,
          decision: {
            ...{ kind: 'code', by: 'anonymous', reason: 'a new account', sync: 'x', entity: 'gl_entry' },
            ...{ sink: 'map:m', about: 'account 0999 -> 499' },
          },
        },
      ])
      ;(rows as object[]).push({ ...row, from: '0601', to: '777' })
      const after = inbox('after')
      node('m').receive(journals('0601', '0999') as never)
      const { payload } = (await first(after)) as unknown as BatchMessage
      deepStrictEqual(
        payload.map(({ lines }) => (lines as { account: string }[])[0]?.account),
        ['400', '499'],
      )
      const { body } = await helper.request().get('/tieout/codes?mapping=codes')
      deepStrictEqual(
        (body as { from: string }[]).map(({ from }) => from),
        ['0999'],
        'what the table of the flow has is not listed',
      )
    })

    it('is refused for what no held record waits for, what the table has, a day that is none, and without a reason', async () => {
      withLedger()
      await load(types, flow([code]))
      match((await add({ held: 'h2' })).body.error, /No held record waits for account 0999/)
      match((await add({ code: '0998' })).body.error, /No held record waits for account 0998/)
      head.cause.codes.push({ table: 'account', code: '0601', day: '2026-03-01' })
      match((await add({ code: '0601' })).body.error, /has 0601 by now/)
      match((await add({ valid_from: '1.1.2026' })).body.error, /YYYY-MM-DD/)
      match((await add({ reason: '' })).body.error, /reason/)
      deepStrictEqual(rows, [])
    })
  })

  it('previews the rules of the dialog on the last batch, without deploying and without sensitive values', async () => {
    await load(types, flow([]))
    const ask = (rules: readonly object[]) => helper.request().post('/tieout/map-gl/m/preview').send({ rules })
    match((await ask([code])).body.error, /seen no batch/)
    const after = inbox('after')
    node('m').receive(journals('0601', '0999') as never)
    await first(after)
    const { body } = await ask([code])
    strictEqual(body.after[0].lines[0].account, '400')
    strictEqual(body.before[0].lines[0].account, '0601')
    match(body.unmapped.join(), /0999/)
    ok(!JSON.stringify(body).includes('DE02'))
    match((await ask([{ ...code, table: 'nowhere' }])).body.error, /no code table "nowhere"/)
  })

  it('reads a CSV for the dialog and names the line that is wrong', async () => {
    await load(types, flow([]))
    const post = (text: string) => helper.request().post('/tieout/gl-mapping/csv').send({ text })
    deepStrictEqual((await post('from;to\n0601;400\n')).body.rows, [
      { from: '0601', to: '400', valid_from: '', valid_to: '' },
    ])
    match((await post('from,to,valid_from\n1,2,1.1.26\n')).body.error, /Line 2.*valid_from/)
    match((await post('from,to\n1,2\n1,3\n')).body.error, /maps 1 twice/)
  })
})
