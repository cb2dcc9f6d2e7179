/** Who decides what a message asks for, and why: kept for years. */
import { z } from 'zod'
import type { Who } from '../../ledger/ledger.ts'
import { syncError } from '../../sync/contract/errors.ts'
import type { NodeContext } from './node.ts'

/** Why a person decides so. */
export const reason = z.string().trim().min(3, 'a reason is needed').max(1000)
/** Members of `msg.tieout` of whatever is a decision. */
export const whoFields = { by: z.string().trim().min(1).max(300).optional(), reason: reason.optional() }

/**
 * Who sent this order, and why. Without `by` the flow and the node stand for who; without `reason` it is refused with the message
 * to send.
 */
export function whoOf(
  order: { readonly by?: string | undefined; readonly reason?: string | undefined },
  what: string,
  context: Pick<NodeContext<unknown>, 'RED' | 'id' | 'name'>,
): Who {
  if (order.reason) return { by: order.by ?? flowOf(context), reason: order.reason }
  const example = { ...order, by: order.by ?? 'your name', reason: 'why' }
  throw syncError(
    'config',
    'tieout.reason',
    `${what} is a decision that is kept with its reason, and the message has none.`,
    {
      field: 'msg.tieout.reason',
      hint: `Send msg.tieout = ${JSON.stringify(example)}. Without "by" the flow and this node stand for who.`,
    },
  )
}

function flowOf({ RED, id, name }: Pick<NodeContext<unknown>, 'RED' | 'id' | 'name'>): string {
  let flow = ''
  let tab: string | undefined
  RED.nodes.eachNode((node) => {
    if (node.id === id) tab = (node as { z?: string }).z
  })
  RED.nodes.eachNode((node) => {
    if (node.id === tab) flow = (node as { label?: string }).label ?? ''
  })
  return flow === '' ? `node ${name}` : `flow ${flow}, node ${name}`
}
