/** What Node-RED's own nodes do with messages, variables and expressions. */
import runtime from '@node-red/util'

export const { util } = runtime

/** A message as it arrives over a wire that copies it. */
export const overTheWire = <M extends object>(message: M): M => util.cloneMessage(message as never) as unknown as M
