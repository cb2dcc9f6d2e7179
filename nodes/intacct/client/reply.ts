/** Reads a reply of the gateway as it arrives (intacct.md facts, 2): strict XML, nothing guessed, everything bounded. */
import { REPLY_BYTES } from '../../../vendor/limits.ts'
import { createXmlStream } from '../../../vendor/xml.ts'
import { WORDS } from './reply-faults.ts'
import { replyOf } from './reply-result.ts'
import { addText, closeTag, createTree, openTag } from './reply-tree.ts'
import type { GatewayReply } from './reply-types.ts'

export type { DataRow, Element, FunctionResult, GatewayError, GatewayReply } from './reply-types.ts'

export interface ReplyParser {
  /** Takes the next part of the body; throws a `SyncError` as soon as something is wrong. */
  write(chunk: Uint8Array): void
  /** The whole reply; throws for a cut or an empty one. */
  end(): GatewayReply
}

export interface ReplyLimits {
  /** Bytes of the whole reply, unpacked. Default 64 MB. */
  readonly maxBytes: number
  /** Rows of one reply. Default: none but the bytes. */
  readonly maxRows?: number
}

export const replyLimits: ReplyLimits = { maxBytes: REPLY_BYTES }

/** `what` names the request for messages. */
export function createReplyParser(what: string, limits: ReplyLimits = replyLimits): ReplyParser {
  const tree = createTree(what, limits.maxRows)
  const stream = createXmlStream(what, WORDS, limits.maxBytes, {
    open: (tag) => openTag(tree, tag),
    text: (part) => addText(tree, part),
    close: () => closeTag(tree),
    depth: () => tree.depth,
  })
  return {
    write: (chunk) => stream.write(chunk),
    end() {
      const counts = stream.end()
      return replyOf(tree.root, tree.results, counts)
    },
  }
}
