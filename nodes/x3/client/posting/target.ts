/** Journals of approved invoices in the general ledger of X3, by its web services. */
import { randomUUID } from 'node:crypto'
import Big from 'big.js'
import { isSyncError } from '../../../../sync/contract/errors.ts'
import { keyParts } from '../../../../sync/contract/message.ts'
import type { Found, PostFacts, PostOutcome, PostRules, PostTarget, Proof } from '../../../../sync/contract/posting.ts'
import type { RetryOptions } from '../../../../sync/contract/retry.ts'
import { normalise } from '../../../../sync/values/money.ts'
import type { X3Connection } from '../connection.ts'
import type { WebServices } from '../soap/client.ts'
import type { SaveOutcome } from '../soap/outcome.ts'
import { callOf, createDoor, type DoorOptions, type JournalDoor, type Prepared } from './door.ts'
import type { Journal } from './journal.ts'
import { type Asking, findReference, ownLister } from './look-up.ts'
import type { DueReader } from './open-item.ts'
import { checkPublished, resultOf, voucherOf } from './publication.ts'
import { referenceOf, testReference } from './reference.ts'
import { standingVoucher, type VoucherReader } from './standing.ts'
import { type TestDraft, tryPosting } from './test-posting.ts'

export interface X3PostOptions extends DoorOptions {
  readonly test: TestDraft
  readonly waits?: Partial<PostRules>
  /** How journals are found; absent: by the door that writes. */
  readonly lookUp?: Asking
  /** Reads when a voucher is due, where a due date is sent. */
  readonly due?: DueReader
  /** Reads what was posted by its number, for a person; absent: only what the look-up says is shown. */
  readonly read?: VoucherReader
  readonly retry?: Partial<RetryOptions>
}

export function createX3PostTarget(
  connection: X3Connection,
  services: WebServices,
  options: X3PostOptions,
): PostTarget {
  const door = createDoor(connection, services, options)
  const { document = 'journal', read } = options
  const asking: Asking = options.lookUp ?? ((work) => work(ownLister(services)))
  const find = finderOf(door, asking, options)
  return {
    address: `${connection.address}/journals`,
    mode: 'post',
    ...(options.waits ? { rules: options.waits } : {}),
    ...(options.retry ? { retry: options.retry } : {}),
    statements: connection.requests,
    renew: async () => connection.login.forget(await connection.login.header()),
    find,
    standing: async (key, most, context) =>
      standingVoucher((await find([{ key, at: null }], context)).get(key), { document, read, most }, context.signal),
    prove: proverOf(door, asking, options),
    test: testerOf(door, services, asking, options.test),
    check: async (record, context) => factsOf((await door.prepare(record, 'draft', context)).journal, options),
    async post(record, { as }, context) {
      const prepared = await door.prepare(record, as, context)
      const { journal, published, object } = prepared
      const outcome = await services.save(published.name, object, published.groups, {
        ...callOf(`Journal of invoice ${journal.number || journal.reference}`, context),
        before: context.sending,
      })
      return postOutcome(outcome, prepared, options)
    },
  }
}

function postOutcome(outcome: SaveOutcome, { journal, published }: Prepared, options: DoorOptions): PostOutcome {
  const { rules } = options
  if (outcome.kind === 'refused') return outcome
  if (outcome.kind === 'unknown') return { kind: 'unknown', why: outcome.error.message }
  const saved = resultOf(voucherOf(outcome.object, published), rules)
  const notices = outcome.messages.map(({ text }) => text)
  // When it is due there is looked up.
  const { due: _, ...facts } = factsOf(journal, options)
  return {
    kind: 'posted',
    result: {
      ...facts,
      ...saved,
      number: outcome.number,
      ...(saved.type ? {} : { type: journal.entryType }),
      paymentBlock: journal.paymentBlock,
      ...(notices.length > 0 ? { notices } : {}),
    },
  }
}

/** What a voucher of this journal must be like: what it owes to whom. */
function factsOf({ lines, currency, supplier, dueDate }: Journal, { rules }: DoorOptions): PostFacts {
  const owed = lines.filter(({ partner }) => partner !== '').reduce((sum, { amount }) => sum.minus(amount), new Big(0))
  const due = rules.dueDateField !== '' && dueDate !== '' ? { due: dueDate } : {}
  return { amount: normalise(owed.toFixed()), currency, party: supplier, ...due }
}

/** A voucher that stands there, with the day on which it is due. What cannot be told keeps nothing back. */
async function withDue(found: Found, { due, rules }: X3PostOptions, signal: AbortSignal): Promise<Found> {
  if (found.kind !== 'posted' || !due || rules.dueDateField === '') return found
  const { type = '', number } = found.result
  const day = await due(type, number, signal).catch((error: unknown) => {
    if (signal.aborted || !isSyncError(error)) throw error
    return undefined
  })
  return day === undefined ? found : { ...found, result: { ...found.result, due: day } }
}

const finderOf =
  (door: JournalDoor, asking: Asking, options: X3PostOptions): PostTarget['find'] =>
  async (keys, context) => {
    const publication = await door.publication(context)
    const fields = await door.fields(publication, context)
    return await asking(async (by) => {
      const found = new Map<string, Found>()
      for (const { key } of keys) {
        const reference = referenceOfKey(key)
        const call = callOf(`Look-up of ${reference}`, context)
        found.set(
          key,
          reference === undefined
            ? { kind: 'unknown', why: `${key} is no key of an invoice and its revision` }
            : await withDue(
                await findReference({ by, publication, fields, block: options.rules }, reference, call),
                options,
                context.signal,
              ),
        )
      }
      return found
    })
  }

/** A key is source, id of the invoice, revision. */
function referenceOfKey(key: string): string | undefined {
  const [, id, revision, ...more] = keyParts(key)
  if (!id || !/^\d{1,3}$/.test(revision ?? '') || more.length > 0) return undefined
  return referenceOf(id, Number(revision))
}

const LIST_HINT = (fields: string): string =>
  `Put ${fields}, type and number into the list of the object GAS, and see that the user of the web services may look.`

/** A reference that no journal has is asked for: the question must be allowed, and nothing may be found. */
const proverOf =
  (door: JournalDoor, asking: Asking, { rules }: DoorOptions): PostTarget['prove'] =>
  async (context): Promise<Proof> => {
    try {
      const publication = await door.publication(context, true)
      checkPublished(publication, rules)
      const fields = await door.fields(publication, context)
      const call = callOf('Proof of the look-up', context)
      const reference = testReference(randomUUID())
      const found = await asking((by) => findReference({ by, publication, fields, block: rules }, reference, call))
      if (found.kind !== 'absent') return { proved: false, why: whyNot(found), hint: LIST_HINT(fields.join(', ')) }
      await door.keepFields(fields, context)
      return { proved: true }
    } catch (error) {
      // What is set up wrong is no proof; what may pass goes up and is asked again.
      if (!isSyncError(error) || error.cause.class !== 'config') throw error
      return { proved: false, why: error.message, hint: error.cause.hint ?? LIST_HINT('the field of the reference') }
    }
  }

const whyNot = (found: Found): string =>
  found.kind === 'unknown' ? found.why : 'the look-up finds a journal under a reference that none has'

const testerOf =
  (door: JournalDoor, services: WebServices, asking: Asking, draft: TestDraft): NonNullable<PostTarget['test']> =>
  async (context) => {
    const publication = await door.publication(context, true)
    const given = {
      reference: testReference(randomUUID()),
      today: door.today(),
      call: callOf('Test posting', context),
      sending: context.sending,
    }
    const candidates = door.candidates(publication)
    const tried = await asking((by) => tryPosting({ services, by, publication, candidates }, draft, given))
    if (tried.field !== undefined) await door.keepFields([tried.field], context)
    return tried.proof
  }
