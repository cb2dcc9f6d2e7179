/** What Basware is told of invoices: posted with its voucher, or sent back; and whether it came to be. */
import { isSyncError } from '../../../sync/contract/errors.ts'
import type { Answer, Answered } from '../../../sync/contract/posting.ts'
import type { StillOurs } from '../../../sync/contract/source.ts'
import { oneLine } from '../../../vendor/answers.ts'
import { decimal } from './convert.ts'
import { SOURCE_SYSTEM } from './gate.ts'
import { type Reading, readInvoice, respond } from './invoices.ts'
import { idOf, revisionOf } from './keys.ts'
import { type Invoice, type RequestStatus, recordsIn } from './replies.ts'

/** Lengths of the contract. */
const MESSAGE = 250
const VOUCHER = 25
/** What P2P refuses it refuses within minutes: so long after its last change an invoice without a status stays as it is. */
const SETTLED_MS = 3_600_000

/** Under which request each answer was taken, as far as this process knows. */
export type Requests = Map<string, string>

/** Answers as many at a time as the connection takes; those that nobody knows the outcome of are left out, to be asked again. */
export async function answerAll(
  answers: readonly Answer[],
  reading: Reading,
  requests: Requests,
): Promise<ReadonlyMap<string, Answered>> {
  const found = new Map<string, Answered>()
  const left = [...answers]
  const lane = async (): Promise<void> => {
    for (let answer = left.shift(); answer; answer = left.shift()) {
      try {
        const became = await (answer.answered ? followed : given)(answer, reading, requests)
        found.set(answer.key, became)
      } catch (error) {
        reading.signal.throwIfAborted()
        if (!isSyncError(error)) throw error
        reading.waiting?.(error.message)
      }
    }
  }
  await Promise.all(Array.from({ length: reading.connection.concurrency }, lane))
  return found
}

/** Gives an answer, unless it stands there already. */
async function given(answer: Answer, reading: Reading, requests: Requests): Promise<Answered> {
  const id = idOf(answer.key)
  const before = await readInvoice(reading, id)
  const known = standing(answer, before, id)
  if (known) return known
  const made = bodyOf(answer, before as Invoice)
  if ('alert' in made) return made
  const { status, requestId, refusal } = await respond(reading, id, made.body)
  if (!refusal) {
    requests.set(answer.answerId, requestId)
    return 'answered'
  }
  // Whatever it says of a second answer, what stands there counts.
  const after = standing(answer, await readInvoice(reading, id), id)
  return after ?? { alert: `Invoice ${id}: Basware does not take the answer (HTTP ${status}). ${refusal.message}` }
}

/** What is to be said of it as it stands; undefined: it waits for an answer. */
function standing({ answerId, say }: Answer, invoice: Invoice | undefined, id: string): Answered | undefined {
  if (!invoice) return { alert: `Invoice ${id} is not at Basware any more, and cannot be answered` }
  const { processingStatus: state, voucherNumber1 } = invoice
  const own = (invoice.transferResponses ?? []).find(({ externalCode }) => externalCode === answerId)
  if (own) return 'answered'
  if (state === 'TransferInProgress') return undefined
  if ('sentBack' in say)
    return state === 'TransferFailed' || state === 'Returned'
      ? 'confirmed'
      : { alert: `Invoice ${id} is ${state} at Basware, and cannot be sent back` }
  const { number } = say.posted
  if (state === 'Transferred' || state === 'Paid') {
    if (voucherNumber1 === number) return 'answered'
    return {
      alert: `Invoice ${id} has the voucher ${voucherNumber1 || '(none)'} at Basware, and was posted as ${number}: it may stand in the ERP twice`,
    }
  }
  return { alert: `Invoice ${id} was posted as ${number}, and is ${state} at Basware: it cannot be answered there` }
}

function bodyOf({ answerId, say }: Answer, invoice: Invoice): { readonly body: object } | { readonly alert: string } {
  const common = { externalCode: answerId, sourceSystem: SOURCE_SYSTEM }
  const block = invoice.paymentBlock === true
  if ('sentBack' in say)
    return { body: { ...common, success: false, responseMessage: messageOf(say.sentBack), paymentBlock: block } }
  const { number, type, paymentBlock = block } = say.posted
  const long = [number, type ?? ''].find((voucher) => voucher.length > VOUCHER)
  if (long) return { alert: `The voucher ${long} is longer than the ${VOUCHER} characters that Basware keeps` }
  const message = messageOf(`Posted as ${[type, number].filter(Boolean).join(' ')}`)
  const voucher = { voucherNumber1: number, ...(type ? { voucherNumber2: type } : {}) }
  return { body: { ...common, ...voucher, success: true, responseMessage: message, paymentBlock } }
}

const messageOf = (text: string): string => oneLine(text).slice(0, MESSAGE) || '-'

/** Whether P2P took it: by its request, or by the newest requests where this process does not know which it was. */
async function followed(answer: Answer, reading: Reading, requests: Requests): Promise<Answered> {
  const { answerId, key } = answer
  const status = await statusOf(answerId, reading, requests)
  const id = idOf(key)
  if (!status) {
    const invoice = await readInvoice(reading, id)
    const known = standing(answer, invoice, id)
    const changed = Date.parse(invoice?.lastUpdated ?? '')
    const isOld = reading.connection.clock.now() - changed > SETTLED_MS
    return known === undefined
      ? 'answered'
      : known === 'answered' && isOld && isDone(answer, invoice)
        ? 'confirmed'
        : known
  }
  const item = itemOf(status, answerId)
  if (/^(Success|AcknowledgedSuccess)$/.test(status.requestStatus)) return 'confirmed'
  if (/^(Success|Warning|NotProcessed)$/.test(item?.status ?? '')) return 'confirmed'
  if (!/Error/.test(status.requestStatus) && !/^(Error|RecordExpired|Unpublished)$/.test(item?.status ?? ''))
    return 'answered'
  const why = (item?.errors ?? [])
    .map(({ message }) => message)
    .filter(Boolean)
    .join('; ')
  return {
    alert: `Invoice ${id}: P2P did not take the answer (${item?.status ?? status.requestStatus})${why ? `: ${oneLine(why)}` : ''}`,
  }
}

const isDone = ({ say }: Answer, invoice: Invoice | undefined): boolean =>
  'sentBack' in say
    ? invoice?.processingStatus !== 'TransferInProgress'
    : invoice?.voucherNumber1 === say.posted.number && /^(Transferred|Paid)$/.test(invoice.processingStatus)

const itemOf = ({ systems }: RequestStatus, answerId: string) =>
  (systems ?? []).flatMap(({ items }) => items ?? []).find(({ externalCode }) => externalCode === answerId)

async function statusOf(answerId: string, reading: Reading, requests: Requests): Promise<RequestStatus | undefined> {
  const { connection, signal, waiting } = reading
  const ask = { what: 'What became of an answer', signal, scope: 'requestStatus.read', waiting }
  const requestId = requests.get(answerId)
  if (requestId) {
    const found = await connection.get(`/v1/requestStatus/${encodeURIComponent(requestId)}`, ask)
    return found && recordsIn('requestStatus', found.data, ask.what)[0]
  }
  let continuation: string | null = null
  do {
    const query = { entityType: 'TransferResponse', pageSize: '500' }
    const found = await connection.get('/v1/requestStatus', { ...ask, query, continuation })
    if (!found) return undefined
    const one = recordsIn('requestStatus', found.data, ask.what).find((status) => itemOf(status, answerId))
    if (one) return one
    continuation = found.continuation
  } while (continuation !== null)
  return undefined
}

/** The first witness: whether each invoice waits for us, without a successful answer, and its gross amount. */
export async function stillOurs(keys: readonly string[], reading: Reading): Promise<ReadonlyMap<string, StillOurs>> {
  const found = new Map<string, StillOurs>()
  for (const key of keys) {
    const invoice = await readInvoice(reading, idOf(key))
    const answered = (invoice?.transferResponses ?? []).find(({ success }) => success === true)
    const isNew = revisionOf(key) === 0
    if (!invoice) found.set(key, 'It is not at Basware any more')
    else if (invoice.processingStatus !== 'TransferInProgress')
      found.set(key, `It is ${invoice.processingStatus} at Basware`)
    else if (answered && (isNew || answered.sourceSystem !== SOURCE_SYSTEM))
      found.set(key, `Basware has a successful answer, with the voucher ${answered.voucherNumber1 ?? '(none)'}`)
    else {
      const amount = decimal(invoice.grossSum)
      found.set(key, typeof amount === 'string' ? { amount } : true)
    }
  }
  return found
}
