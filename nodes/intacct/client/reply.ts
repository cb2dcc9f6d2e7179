/** Reads a reply of the gateway as it arrives (intacct.md facts, 2): strict XML, nothing guessed, everything bounded. */
import { SaxesParser } from 'saxes'
import { overBytes, REPLY_BYTES } from '../../../vendor/limits.ts'
import { bodyError, cut, doctype, refuseForeign, tooMuch } from './reply-faults.ts'
import { replyOf } from './reply-result.ts'
import { createTextCleaner } from './reply-text.ts'
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
  const decoder = new TextDecoder('utf-8')
  const parser = new SaxesParser({ xmlns: false, position: false })
  const tree = createTree(what, limits.maxRows)
  const texts = createTextCleaner(what)
  let bytes = 0
  let unreadable = 0
  let started = false

  parser.on('error', ({ message }) => texts.fault(message))
  parser.on('doctype', () => {
    throw doctype(what)
  })
  parser.on('opentag', (tag) => openTag(tree, tag))
  const onText = (raw: string): void => addText(tree, texts.clean(raw))
  parser.on('text', onText)
  parser.on('cdata', onText)
  parser.on('closetag', () => closeTag(tree))

  return {
    write(chunk) {
      bytes += chunk.byteLength
      if (bytes > limits.maxBytes) throw tooMuch(overBytes(limits.maxBytes), what)
      let part = decoder.decode(chunk, { stream: true })
      if (!started) {
        part = part.trimStart()
        if (part === '') return
        started = true
        refuseForeign(what, part)
      }
      for (let at = part.indexOf('\uFFFD'); at >= 0; at = part.indexOf('\uFFFD', at + 1)) unreadable++
      parser.write(part)
    },
    end() {
      const rest = decoder.decode()
      if (rest !== '') parser.write(rest)
      if (!started)
        throw bodyError(
          'empty',
          what,
          'Intacct gave an empty answer',
          'If it stays: look at the status page of Sage Intacct.',
        )
      try {
        parser.close()
      } catch (error) {
        throw tree.depth > 0 ? cut(what, bytes) : error
      }
      return replyOf(tree.root, tree.results, { removed: texts.removed(), unreadable })
    },
  }
}
