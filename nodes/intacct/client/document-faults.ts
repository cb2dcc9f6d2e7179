/** Why a document is not moved as it is. */
import type { UnreadableRow } from './pages.ts'

export interface Fault {
  readonly code: string
  readonly message: string
  readonly hint?: string
  /** Reading it again will not help. */
  readonly final?: true
}

/** Lines of the longest document that is moved. */
export const LONGEST = 100_000

export const TOO_LONG: Fault = {
  code: 'intacct.too-long',
  message: `has more than ${LONGEST} lines`,
  hint: 'Such a document is not moved. Split it in Intacct, or load it by hand.',
  final: true,
}

/** One that Intacct cannot give within the limits of an answer. */
export const unreadable = ({ message }: UnreadableRow): Fault => ({
  code: 'intacct.unreadable',
  message: `cannot be read (${message})`,
  hint: 'Take added fields with huge texts out of the node; it is read again when it changes.',
  final: true,
})

export const CHANGED: Fault = {
  code: 'intacct.changed',
  message: 'changed each time while it was read',
  hint: 'It is read again with the next run.',
}

export const EMPTY: Fault = { code: 'intacct.empty', message: 'has no lines' }

export const unbalanced = (message: string): Fault => ({
  code: 'intacct.unbalanced',
  message,
  hint: 'Correct the entry in Intacct; it is read again when it changes.',
})
