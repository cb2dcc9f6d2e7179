/** Journals of approved invoices in the general ledger of X3, by its web services. */
import { randomUUID } from 'node:crypto'
import Big from 'big.js'
import { z } from 'zod'
import { isSyncError, type SyncError, syncError } from '../../../../sync/contract/errors.ts'
import { keyParts } from '../../../../sync/contract/message.ts'
import type {
  Found,
  PostContext,
  PostFacts,
  PostOutcome,
  PostRules,
  PostTarget,
  Proof,
  SendContext,
} from '../../../../sync/contract/posting.ts'
import type { RetryOptions } from '../../../../sync/contract/retry.ts'
import type { WriteRecord } from '../../../../sync/contract/target.ts'
import { normalise } from '../../../../sync/values/money.ts'
import type { X3Connection } from '../connection.ts'
import type { SoapCall, WebServices } from '../soap/client.ts'
import { readInvoice } from './invoice.ts'
import { buildJournal, type Journal } from './journal.ts'
import { findReference } from './look-up.ts'
import {
  checkPublished,
  isPublished,
  objectOf,
  type Publication,
  publicationOf,
  REFERENCE_FIELDS,
  resultOf,
  voucherOf,
} from './publication.ts'
import { referenceOf, testReference } from './reference.ts'
import type { PostingRules } from './rules.ts'
import { type TestDraft, tryPosting } from './test-posting.ts'

export interface X3PostOptions {
  readonly rules: PostingRules
  /** Published name of journals. */
  readonly publication: string
  /** Field that carries the reference; empty: the first that is published and found by. */
  readonly referenceField: string
  readonly test: TestDraft
  readonly waits?: Partial<PostRules>
  readonly retry?: Partial<RetryOptions>
}

/** What is kept of the look-up under the target's address: the field in use, and every one that references were ever written to. */
const note = z.object({ field: z.string(), fields: z.array(z.string()) })
type Note = z.output<typeof note>

export function createX3PostTarget(
  connection: X3Connection,
  services: WebServices,
  options: X3PostOptions,
): PostTarget {
  let described: Promise<Publication> | undefined
  const call = (what: string, { signal }: PostContext): SoapCall => ({ what, signal })

  /** As X3 describes it: once for a run, which begins with the proof. */
  const publication = (context: PostContext, anew = false): Promise<Publication> => {
    if (anew) described = undefined
    described ??= services
      .describe(options.publication, call('Journals', context))
      .then((groups) => publicationOf(options.publication, groups))
    described.catch(() => {
      described = undefined
    })
    return described
  }
  const today = (): string => new Date(connection.clock.now()).toISOString().slice(0, 10)
  const journalOf = ({ record }: WriteRecord): Journal => buildJournal(readInvoice(record), options.rules, today())

  /** Everything that a record needs: the journal, where its reference goes, the object to save. */
  const prepare = async (record: WriteRecord, as: 'draft' | 'final', context: PostContext) => {
    const published = await publication(context)
    checkPublished(published, options.rules)
    const { field } = await noted(published, context)
    const journal = journalOf(record)
    return { journal, published, object: objectOf(journal, published, { reference: field, as, rules: options.rules }) }
  }

  const noted = async (published: Publication, context: PostContext): Promise<Note> => {
    const known = await readNote(context)
    const field = options.referenceField || known?.field || candidatesOf(published, options)[0] || ''
    if (!isPublished(published, field)) throw noField(published, field)
    const before = (known?.fields ?? []).filter((one) => one !== field && isPublished(published, one))
    return { field, fields: [field, ...before] }
  }

  const find: PostTarget['find'] = async (keys, context) => {
    const published = await publication(context)
    const { fields } = await noted(published, context)
    const found = new Map<string, Found>()
    for (const { key } of keys) {
      const reference = referenceOfKey(key)
      found.set(
        key,
        reference === undefined
          ? { kind: 'unknown', why: `${key} is no key of an invoice and its revision` }
          : await findReference(
              { services, publication: published, fields },
              reference,
              call(`Look-up of ${reference}`, context),
            ),
      )
    }
    return found
  }

  return {
    address: `${connection.address}/journals`,
    mode: 'post',
    ...(options.waits ? { rules: options.waits } : {}),
    ...(options.retry ? { retry: options.retry } : {}),
    statements: connection.requests,
    renew: async () => connection.login.forget(await connection.login.header()),
    find,
    async prove(context): Promise<Proof> {
      return provedBy(async () => {
        const published = await publication(context, true)
        checkPublished(published, options.rules)
        const own = await noted(published, context)
        const none = testReference(randomUUID())
        const lookUp = { services, publication: published, fields: own.fields }
        const found = await findReference(lookUp, none, call('Proof of the look-up', context))
        if (found.kind !== 'absent')
          return { proved: false, why: whyNot(found), hint: LIST_HINT(own.fields.join(', ')) }
        await saveNote(own, context)
        return { proved: true }
      })
    },
    async test(context: SendContext) {
      const published = await publication(context, true)
      const candidates = candidatesOf(published, options)
      const tried = await tryPosting({ services, publication: published, candidates }, options.test, {
        reference: testReference(randomUUID()),
        today: today(),
        call: call('Test posting', context),
        sending: context.sending,
      })
      if (tried.field === undefined) return tried.proof
      const known = await readNote(context)
      await saveNote({ field: tried.field, fields: [tried.field, ...(known?.fields ?? [])] }, context)
      return tried.proof
    },
    async check(record, context): Promise<PostFacts> {
      const { journal } = await prepare(record, 'draft', context)
      return factsOf(journal)
    },
    async post(record, { as }, context): Promise<PostOutcome> {
      const { journal, published, object } = await prepare(record, as, context)
      const outcome = await services.save(options.publication, object, published.groups, {
        ...call(`Journal of invoice ${journal.number || journal.reference}`, context),
        before: context.sending,
      })
      if (outcome.kind === 'refused') return outcome
      if (outcome.kind === 'unknown') return { kind: 'unknown', why: outcome.error.message }
      const saved = resultOf(voucherOf(outcome.object, published))
      const notices = outcome.messages.map(({ text }) => text)
      return {
        kind: 'posted',
        result: {
          ...factsOf(journal),
          ...saved,
          number: outcome.number,
          ...(saved.type ? {} : { type: journal.entryType }),
          paymentBlock: journal.paymentBlock,
          ...(notices.length > 0 ? { notices } : {}),
        },
      }
    },
  }
}

/** What a voucher of this journal must be like: what it owes to whom. */
function factsOf({ lines, currency, supplier }: Journal): PostFacts {
  const owed = lines.filter(({ partner }) => partner !== '').reduce((sum, { amount }) => sum.minus(amount), new Big(0))
  return { amount: normalise(owed.toFixed()), currency, party: supplier }
}

/** A key is source, id of the invoice, revision. */
function referenceOfKey(key: string): string | undefined {
  const [, id, revision, ...more] = keyParts(key)
  if (!id || !/^\d{1,4}$/.test(revision ?? '') || more.length > 0) return undefined
  return referenceOf(id, Number(revision))
}

const candidatesOf = (published: Publication, { referenceField }: X3PostOptions): readonly string[] =>
  referenceField ? [referenceField] : REFERENCE_FIELDS.filter((field) => isPublished(published, field))

const noField = ({ name }: Publication, field: string): SyncError =>
  syncError(
    'config',
    'x3.reference-field',
    `${name} does not publish ${field || REFERENCE_FIELDS.join(', ')}, so that no journal could be found again`,
    {
      hint: 'Publish the field with the object GAS and in its list, or choose another field for the reference.',
    },
  )

const LIST_HINT = (fields: string): string =>
  `Put ${fields}, type and number into the list of the object GAS, and see that the user of the web services may look.`

const whyNot = (found: Found): string =>
  found.kind === 'unknown' ? found.why : 'the look-up finds a journal under a reference that none has'

async function readNote({ note: kept }: PostContext): Promise<Note | undefined> {
  const text = await kept.read()
  const read = text === undefined ? undefined : note.safeParse(JSON.parse(text))
  return read?.success ? read.data : undefined
}

async function saveNote(own: Note, context: PostContext): Promise<void> {
  const text = JSON.stringify({ field: own.field, fields: [...new Set(own.fields)] })
  if (text !== (await context.note.read())) await context.note.save(text)
}

/** What is set up wrong is no proof; what may pass goes up and is asked again. */
async function provedBy(work: () => Promise<Proof>): Promise<Proof> {
  try {
    return await work()
  } catch (error) {
    if (!isSyncError(error) || error.cause.class !== 'config') throw error
    return { proved: false, why: error.message, hint: error.cause.hint ?? LIST_HINT('the field of the reference') }
  }
}
