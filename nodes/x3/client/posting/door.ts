/** What posting and looking up share: the publication as X3 describes it, the field that carries the reference, the journal of a record. */
import { z } from 'zod'
import { type SyncError, syncError } from '../../../../sync/contract/errors.ts'
import type { PostContext } from '../../../../sync/contract/posting.ts'
import type { WriteRecord } from '../../../../sync/contract/target.ts'
import type { X3Connection } from '../connection.ts'
import type { SoapCall, WebServices } from '../soap/client.ts'
import type { X3Object } from '../soap/object.ts'
import { readInvoice } from './invoice.ts'
import { buildJournal, type Journal } from './journal.ts'
import type { Recode } from './order-coding.ts'
import {
  checkPublished,
  type Document,
  invoiceObjectOf,
  isPublished,
  objectOf,
  type Publication,
  publicationOf,
  REFERENCE_FIELDS,
} from './publication.ts'
import type { PostingRules } from './rules.ts'
import { buildSupplierInvoice } from './supplier-invoice.ts'

export interface DoorOptions {
  readonly rules: PostingRules
  /** Published name of journals. */
  readonly publication: string
  /** Field that carries the reference; empty: the first that is published and found by. */
  readonly referenceField: string
  /** Absent: a journal. */
  readonly document?: Document
  /** Rows whose order Basware does not have; absent: as approved. */
  readonly recode?: Recode
}

/** Fields that carry references, kept under the target's address: the one in use first, then those of before. */
export type ReferenceFields = readonly [string, ...string[]]

export interface Prepared {
  readonly journal: Journal
  readonly published: Publication
  readonly object: X3Object
}

export interface JournalDoor {
  /** As X3 describes it, asked once; `anew`: now. Throws `config` for one that no journal can be written to. */
  publication(context: PostContext, anew?: boolean): Promise<Publication>
  /** Fields that may carry the reference, the best one first. */
  candidates(published: Publication): readonly string[]
  fields(published: Publication, context: PostContext): Promise<ReferenceFields>
  /** References go into the first of them from now on. */
  keepFields(fields: ReferenceFields, context: PostContext): Promise<void>
  /** Throws `data` where a rule is missing for the record, `config` where a field is for every one. */
  prepare(record: WriteRecord, as: 'draft' | 'final', context: PostContext): Promise<Prepared>
  /** By the clock of X3, `YYYY-MM-DD`. */
  today(): string
}

export const callOf = (what: string, { signal }: PostContext): SoapCall => ({ what, signal })

const note = z.object({ fields: z.tuple([z.string()], z.string()) })

export function createDoor(
  connection: X3Connection,
  services: WebServices,
  { rules, publication: name, referenceField, document = 'journal', recode = async (invoice) => invoice }: DoorOptions,
): JournalDoor {
  let described: Promise<Publication> | undefined
  const door: JournalDoor = {
    publication(context, anew = false) {
      if (anew) described = undefined
      described ??= services
        .describe(name, callOf('Journals', context))
        .then((groups) => publicationOf(name, groups, document))
      described.catch(() => {
        described = undefined
      })
      return described
    },
    candidates: (published) =>
      referenceField ? [referenceField] : REFERENCE_FIELDS.filter((field) => isPublished(published, field)),
    async fields(published, context) {
      const known = await readNote(context)
      const field = referenceField || known[0] || door.candidates(published)[0] || ''
      if (!isPublished(published, field)) throw noField(published, field)
      return [field, ...known.filter((one) => one !== field && isPublished(published, one))]
    },
    async keepFields(fields, context) {
      const all = [...new Set([...fields, ...(await readNote(context))])]
      const text = JSON.stringify({ fields: all })
      if (text !== (await context.note.read())) await context.note.save(text)
    },
    async prepare({ record }, as, context) {
      const published = await door.publication(context)
      checkPublished(published, rules)
      const [reference] = await door.fields(published, context)
      const invoice = await recode(readInvoice(record), context.signal)
      const writing = { reference, as, rules }
      if (document === 'journal') {
        const journal = buildJournal(invoice, rules, door.today())
        return { journal, published, object: objectOf(journal, published, writing) }
      }
      const journal = buildSupplierInvoice(invoice, rules, door.today())
      return { journal, published, object: invoiceObjectOf(journal, published, writing) }
    },
    today: () => new Date(connection.clock.now()).toISOString().slice(0, 10),
  }
  return door
}

async function readNote({ note: kept }: PostContext): Promise<readonly string[]> {
  const text = await kept.read()
  const read = text === undefined ? undefined : note.safeParse(JSON.parse(text))
  return read?.success ? read.data.fields : []
}

const noField = ({ name }: Publication, field: string): SyncError =>
  syncError(
    'config',
    'x3.reference-field',
    `${name} does not publish ${field || REFERENCE_FIELDS.join(', ')}, so that no journal could be found again`,
    { hint: 'Publish the field with the object GAS and in its list, or choose another field for the reference.' },
  )
