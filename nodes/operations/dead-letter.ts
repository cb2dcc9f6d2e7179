/** dead-letter: behind a catch node, holds the records of a message that failed for its data, and nothing else. */
import type { NodeAPI } from 'node-red'
import { z } from 'zod'
import { type ErrorCause, type ErrorClass, syncError } from '../../sync/contract/errors.ts'
import type { DataRecord } from '../../sync/contract/message.ts'
import {
  checkLedger,
  counted,
  defineNode,
  field,
  type Message,
  type NodeContext,
  parseBatch,
  placeOf,
  reachable,
  sinksFor,
} from '../kit/kit.ts'

const CLASSES = ['transient', 'throttled', 'auth', 'data', 'config', 'unknown-outcome'] as const satisfies ErrorClass[]

/** What a catch node adds to a message. */
const caught = z.looseObject({
  message: z.string(),
  code: z.coerce.string().optional(),
  cause: z
    .looseObject({ class: z.enum(CLASSES), code: z.string().optional(), row: z.number().optional() })
    .optional()
    .catch(undefined),
  source: z.looseObject({ id: z.string(), type: z.string(), name: z.string().optional() }),
})
type Caught = z.output<typeof caught>

export default function (RED: NodeAPI): void {
  defineNode(RED, {
    type: 'dead-letter',
    version: 1,
    config: z.object({ ledger: field.optional() }),
    member: (context) => ({ kind: 'other', ref: { id: context.id, name: context.name } }),
    async input(message, context) {
      const error = caught.safeParse(message.error)
      if (!error.success)
        throw syncError('config', 'dead-letter.input', 'The message carries no error of a catch node', {
          field: 'msg.error',
          hint: 'Wire a catch node to dead-letter.',
        })
      const { cause, source } = error.data
      const held = cause && cause.class !== 'data' ? 0 : await hold(message, error.data, context)
      if (held > 0) context.status.open(`${counted(held, 'record')} held`)
      else context.status.idle(`not held: ${cause && cause.class !== 'data' ? cause.class : 'no records'}`)
      const reason = held > 0 ? error.data.message : `${cause?.class ?? 'no records'}: nothing is held`
      context.send(0, { ...message, deadLetter: { held, reason, node: source.name || source.type } })
    },
  })
}

/** Holds the record at fault, or all of the message where it is not named, in the name of every sink that the failed node could reach. */
async function hold(message: Message, error: Caught, context: NodeContext<unknown>): Promise<number> {
  if (message.sync === undefined || message.schema === undefined) return 0
  const batch = parseBatch(message)
  if (batch.payload.length === 0) return 0
  const ledger = context.ledger()
  const engine = await ledger.engine.get()
  checkLedger(batch, engine.ledger.id)

  const name = error.source.name || error.source.type
  const failed = context.RED.nodes.getNode(error.source.id)
  const members = failed ? reachable(context.RED, ledger, { place: placeOf(failed), ports: 'all' }) : []
  const itself = [...ledger.members.values()].filter((m) => m.kind === 'sink' && m.ref.id === error.source.id)
  const records = batch.payload.filter(
    (record: DataRecord) => error.cause?.row === undefined || record._row === error.cause.row,
  )
  const cause: ErrorCause & { message: string } = {
    ...(error.cause as Partial<ErrorCause> | undefined),
    class: 'data',
    code: error.cause?.code ?? error.code ?? 'flow.error',
    message: error.cause ? error.message : `${name}: ${error.message}`,
  }
  await engine.hold({
    ref: { id: error.source.id, name },
    sinks: sinksFor([...itself, ...members], batch.schema.entity),
    message: batch,
    stage: 'flow',
    records: records.map((record) => ({ record, cause })),
  })
  return records.length
}
