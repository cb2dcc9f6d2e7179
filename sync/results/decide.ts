/** What the engine makes of what a target says of an accepted record. Pure. */
import type { AcceptedRecord, ResultEnd } from '../../ledger/ledger.ts'
import type { ErrorCause } from '../contract/errors.ts'
import type { RecordResult, ResultRules } from '../contract/results.ts'

/** Hours until a record that was refused is read again, where nothing that it may wait for was processed before. */
const RETRY_HOURS = { data: 24, technical: 1 } as const
const HOUR_MS = 3_600_000

type About = Pick<AcceptedRecord, 'entity' | 'key' | 'address' | 'requests'>

/** Undefined: its result is open. `now`: milliseconds since 1970. */
export function decide(
  one: AcceptedRecord,
  said: RecordResult | undefined,
  {
    now,
    rules,
    needs = [],
  }: { readonly now: number; readonly rules: ResultRules; readonly needs?: readonly string[] | undefined },
): ResultEnd | undefined {
  const { key, read, hash, before, again } = one
  const version = { key, read }
  const seconds = (now - Date.parse(one.since)) / 1000
  const retryAt = (hours: number): string => new Date(now + hours * HOUR_MS).toISOString()
  const sendAgain = (code: string, why: string): ResultEnd => ({
    ...version,
    as: 'again',
    cause: causeOf(one, code, why, 'Replay it.'),
    retryAt: retryAt(RETRY_HOURS.data),
  })
  switch (said?.kind) {
    case 'failed':
      return {
        ...version,
        as: 'held',
        cause: refusal(one, said),
        retryAt: retryAt(RETRY_HOURS[said.cause]),
        needs,
      }
    case 'superseded':
      // A later version of ours would have taken its place here.
      return sendAgain('sync.overtaken', 'was overtaken by a version that is not known here')
    case 'unchanged':
      if (before === hash) return { ...version, as: 'processed' }
      if (!again)
        return sendAgain('sync.skipped', 'was skipped as identical with something of which no success is known')
      return {
        ...version,
        as: 'held',
        cause: causeOf(one, 'sync.skipped', 'was skipped as identical although it was sent as changed', LOOK_THERE),
        retryAt: retryAt(RETRY_HOURS.data),
      }
    case 'processed':
    case 'warning': {
      const unproven = said.skipped === true && before === null
      if (unproven && !again)
        return sendAgain('sync.skipped', 'was skipped in part as identical with something of which no success is known')
      if (said.kind === 'warning') return { ...version, as: 'warned', text: said.text, needs }
      return unproven ? { ...version, as: 'warned', text: UNPROVEN } : { ...version, as: 'processed' }
    }
    case 'unknown':
      if (seconds < rules.unknownSeconds) return undefined
      return sendAgain('sync.request-unknown', 'was accepted under a request that is not known there any more')
    default:
      if (seconds < rules.lostSeconds) return undefined
      return sendAgain('sync.no-result', `has no result after ${Math.round(seconds / 3600)} hours`)
  }
}

const UNPROVEN = 'some of it was skipped as identical with something of which no success is known'
const LOOK_THERE = 'Look in the target whether it is there as it should be; change it in the source, or replay it.'

type Cause = ErrorCause & { readonly message: string }

function causeOf({ entity, key, address, requests }: About, code: string, why: string, hint: string): Cause {
  const numbers = [...new Set(requests.map(({ request }) => request))].join(', ')
  const message = `${entity} ${key} ${why} (${address}, request ${numbers}).`
  return { class: 'data', code, entity, key, message, hint }
}

function refusal(one: About, { code, text, cause }: Extract<RecordResult, { kind: 'failed' }>): Cause {
  const hint =
    cause === 'data'
      ? 'Correct it in the source, or what it names in the target. It is sent again when it changed, once what it names is processed, and once a day; or replay it.'
      : 'The target failed, not the record: it is sent again by itself after an hour. If it goes on, ask the vendor and name the request.'
  const known = causeOf(one, code, `was accepted and then refused: ${text}`, hint)
  return { ...known, class: cause === 'data' ? 'data' : 'transient', vendorCode: code, vendorText: text }
}
