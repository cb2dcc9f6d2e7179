/** Node types made with the kit, a flow of them, and their batches: for the tests of the kit. */
import { z } from 'zod'
import {
  type ConnectionSpec,
  defineConnection,
  type defineNode,
  defineSink,
  defineSource,
  defineTransform,
  field,
} from '../../nodes/kit/kit.ts'
import type { Engine } from '../../sync/contract/engine.ts'
import type { BatchMessage, Schema } from '../../sync/contract/message.ts'
import type { Source } from '../../sync/contract/source.ts'
import type { Target } from '../../sync/contract/target.ts'
import { ledgerNode } from './fake-engine.ts'
import type { FlowEntry } from './helper.ts'

type RED = Parameters<typeof defineNode>[0]

export const schema: Schema = {
  entity: 'supplier',
  key: ['source', 'code'],
  columns: [
    { name: 'source', type: 'string' },
    { name: 'code', type: 'string' },
    { name: 'iban', type: 'string', sensitive: true },
  ],
}
export const batch = (codes: readonly string[], more: Partial<BatchMessage> = {}): BatchMessage => ({
  topic: 'supplier',
  payload: codes.map((code, _row) => ({ source: 's', code, iban: 'DE1', _row })),
  schema,
  parts: { id: 'p', index: 0, type: 'array' },
  sync: { name: 'x', run: 'r1', entity: 'supplier', batch: 0, readNumber: 1, ledger: 'ledger-1', mode: 'poll' },
  ...more,
})

/** What a test looks at and replaces: the engine that the ledger node opens, and what was opened and closed. */
export interface Stage {
  engine: Engine
  readonly log: string[]
}

type Connection = ConnectionSpec<
  z.ZodObject<{ host: ReturnType<typeof field.text> }>,
  z.ZodObject<{ token: ReturnType<typeof field.text> }>,
  { host: string; token: string }
>

const connectionSpec = (stage: Stage): Connection => ({
  type: 'test-connection',
  version: 1,
  config: z.object({ host: field.text() }),
  credentials: z.object({ token: field.text('the token is missing') }),
  open: ({ host }, { token }) => {
    stage.log.push(`open ${host}`)
    return { host, token }
  },
  close: ({ host }) => {
    stage.log.push(`close ${host}`)
  },
  test: async ({ host }, { token }) => [{ ok: true, text: `reached ${host} with ${token}` }],
  lists: { codes: async ({ host, token }, query) => [{ value: `${host}-${query.like ?? ''}`, label: token }] },
})

/** A ledger, a connection, a source, a sink and a mapping. */
export function kitTypes(stage: Stage): ((RED: RED) => void)[] {
  const connection = connectionSpec(stage)
  const ledger = ledgerNode(() => stage.engine)
  const source = (RED: RED): void =>
    defineSource(RED, {
      type: 'test-source',
      version: 1,
      config: z.object({ entities: field.list() }),
      connection,
      entities: (config) => config.entities,
      source: (_config, client) => ({ address: `test://${client.host}`, requests: () => 0 }) as Source,
      preview: async () => ({ schema, records: batch(['a', 'b']).payload }),
    })
  const sink = (RED: RED): void =>
    defineSink(RED, {
      type: 'test-sink',
      version: 1,
      config: z.object({ only: field.optional() }),
      connection,
      target: (_config, client, entity) => ({ address: `test://${client.host}/${entity}` }) as Target,
      accepts: ({ only }, entity) => !only || only === entity,
    })
  const made = { rules: '', codes: [] }
  const transform = (RED: RED): void =>
    defineTransform(RED, {
      type: 'test-map',
      version: 1,
      config: z.object({}),
      uses: { field: 'mapping', spec: connection },
      made: async () => made,
      transform: (_config, _mapping, { payload, schema: shape }) => ({
        payload: payload.filter((r) => r.code !== 'bad'),
        schema: shape,
        held: payload
          .filter((r) => r.code === 'bad')
          .map((record) => ({ record, cause: { class: 'data' as const, code: 'map.code', message: 'no such code' } })),
      }),
    })
  return [ledger, (RED: RED) => defineConnection(RED, connection), source, sink, transform]
}

const config: FlowEntry[] = [
  { id: 'L', type: 'sync-ledger' },
  { id: 'C', type: 'test-connection', host: 'h' },
]
export const flow: FlowEntry[] = [
  ...config,
  {
    id: 's',
    type: 'test-source',
    syncName: 'x',
    ledger: 'L',
    connection: 'C',
    entities: ['supplier', 'product'],
    wires: [['m'], ['sum']],
  },
  { id: 'm', type: 'test-map', ledger: 'L', mapping: 'C', wires: [['w', 'v'], ['mheld']] },
  { id: 'w', type: 'test-sink', name: 'warehouse', ledger: 'L', connection: 'C', wires: [['after'], ['held']] },
  { id: 'v', type: 'test-sink', ledger: 'L', connection: 'C', only: 'product', wires: [[], []] },
  ...['sum', 'after', 'held', 'mheld'].map((id) => ({ id, type: 'helper' })),
  { id: 'catch', type: 'catch', scope: null, wires: [['caught']] },
  { id: 'caught', type: 'helper' },
]
export const secrets = { C: { token: 'tok-1234' } }
