/** What P2P made of what was sent: by the list of requests, by the id of one only where the list does not have it. */

import { isSyncError } from '../../../../sync/contract/errors.ts'
import type { PendingResult, RecordResult } from '../../../../sync/contract/results.ts'
import { oneLine } from '../../../../vendor/answers.ts'
import type { Reading } from '../invoices.ts'
import { pages } from '../pages.ts'
import { type RequestStatus, recordsIn } from '../replies.ts'

const SCOPE = { scope: 'requestStatus.read', group: 'results' } as const
/** Requests that are asked for by their id in one look. */
const BY_ID = 50
const PAGE = 500
/** Overlap of the question what changed: Basware's clock is not ours. */
const OVERLAP_MS = 3_600_000

/** Requests as Basware tells of them: undefined where it does not know one; missing where it was not asked. */
type Requests = Map<string, RequestStatus | undefined>

/** What became of accepted records of an entity whose bodies went to these types. */
export async function followResults(
  pending: readonly PendingResult[],
  entityTypes: readonly string[],
  reading: Reading,
): Promise<ReadonlyMap<string, RecordResult>> {
  const wanted = new Set(pending.flatMap(({ requests }) => requests.map(({ request }) => request)))
  const since = pending.map((one) => one.since).sort()[0] ?? ''
  const known: Requests = new Map()
  for (const entityType of entityTypes) await listed(known, wanted, entityType, since, reading)
  const missing = [...wanted].filter((request) => !known.has(request)).slice(0, BY_ID)
  for (const request of missing) known.set(request, await byId(request, reading))
  const found = new Map<string, RecordResult>()
  for (const one of pending) found.set(one.key, resultOf(one, known))
  return found
}

/** The list from the oldest on, until all that are wanted were seen. Smaller pages where a reply is too large. */
async function listed(
  known: Requests,
  wanted: ReadonlySet<string>,
  entityType: string,
  since: string,
  reading: Reading,
): Promise<void> {
  const what = `Results of ${entityType}`
  const lastUpdated = new Date(Date.parse(since) - OVERLAP_MS).toISOString()
  for (let size = PAGE; size >= 1; size = Math.floor(size / 5)) {
    try {
      const query = { entityType, pageSize: String(size), lastUpdated }
      for await (const data of pages(reading, '/v1/requestStatus', { what, ...SCOPE, query })) {
        for (const status of recordsIn('requestStatus', data, what))
          if (wanted.has(status.requestId)) known.set(status.requestId, status)
        if (known.size === wanted.size) return
      }
      return
    } catch (error) {
      if (!isSyncError(error) || error.code !== 'basware.too-large' || size === 1) throw error
    }
  }
}

async function byId(request: string, { connection, signal, waiting }: Reading): Promise<RequestStatus | undefined> {
  const what = 'What became of a request'
  const found = await connection.get(`/v1/requestStatus/${encodeURIComponent(request)}`, {
    what,
    ...SCOPE,
    signal,
    waiting,
  })
  return found && recordsIn('requestStatus', found.data, what)[0]
}

interface ItemResult {
  readonly status: string
  readonly text: string
  readonly technical: boolean
}

const IN_PROGRESS: ItemResult = { status: 'InProgress', text: '', technical: false }

/** One item in one request: of several systems the worst. */
function itemIn(status: RequestStatus, code: string): ItemResult {
  const own = (status.systems ?? []).flatMap(({ items }) => (items ?? []).filter((one) => one.externalCode === code))
  const errors = own.flatMap((one) => one.errors ?? [])
  const text = oneLine(
    errors
      .map(({ message }) => message ?? '')
      .filter(Boolean)
      .join('; '),
  )
  const technical = errors.some(({ category }) => category !== 'DataValidation')
  const worst = WORST.find((name) => own.some((one) => one.status === name))
  if (worst !== undefined) return { status: worst, text, technical }
  if (/^(Success|AcknowledgedSuccess)$/.test(status.requestStatus)) return { status: 'Success', text, technical }
  if (/Error/.test(status.requestStatus))
    return {
      status: 'Error',
      text: text || 'The request failed, and Basware names no reason for this record',
      technical: true,
    }
  return IN_PROGRESS
}

const WORST = ['Error', 'Unpublished', 'RecordExpired', 'InProgress', 'Warning', 'NotProcessed', 'Success'] as const

/** What became of an item over the requests that took it: the last one counts, unless it was skipped as equal to the one before. */
function itemOver(code: string, requests: readonly (RequestStatus | undefined)[]): ItemResult {
  const all = requests.map((status) => (status ? itemIn(status, code) : IN_PROGRESS))
  const last = all.at(-1) ?? IN_PROGRESS
  if (last.status !== 'NotProcessed') return last
  return all.findLast(({ status }) => !/^(NotProcessed|RecordExpired|InProgress)$/.test(status)) ?? last
}

function resultOf({ requests }: PendingResult, known: Requests): RecordResult {
  const codes = new Set(requests.flatMap(({ items }) => items))
  const items = [...codes].map((code) => {
    const own = requests.filter((one) => one.items.includes(code))
    return itemOver(
      code,
      own.map(({ request }) => known.get(request)),
    )
  })
  const failed = items.find(({ status }) => status === 'Error' || status === 'Unpublished')
  if (failed) {
    const text = failed.text || 'Basware names no reason'
    return { kind: 'failed', code: 'basware.not-processed', text, cause: failed.technical ? 'technical' : 'data' }
  }
  const isUnknown = requests.some(({ request }) => known.has(request) && known.get(request) === undefined)
  if (isUnknown) return { kind: 'unknown' }
  const has = (name: string): boolean => items.some(({ status }) => status === name)
  if (has('InProgress')) return { kind: 'pending' }
  if (has('RecordExpired')) return { kind: 'superseded' }
  const skipped = has('NotProcessed') ? { skipped: true } : {}
  if (has('Warning')) {
    const text = items.filter(({ status }) => status === 'Warning').map((one) => one.text)
    return { kind: 'warning', text: [...new Set(text)].join('; ') || 'Saved with a warning', ...skipped }
  }
  if (items.every(({ status }) => status === 'NotProcessed')) return { kind: 'unchanged' }
  return { kind: 'processed', ...skipped }
}
