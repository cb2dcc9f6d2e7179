import { z } from 'zod'
import type { Agenda } from './agenda.ts'
import { faultsOf } from './check.ts'
import { CASES } from './company/cases.ts'
import type { Company } from './company/company.ts'
import type { Json } from './company/invoice.ts'
import type { Documents } from './documents.ts'
import { accountingDocument } from './fields/document.ts'
import { type BaswareSettings, USUAL } from './options.ts'
import type { Records } from './records.ts'
import { BY_HAND } from './states.ts'

const fields = z.record(z.string(), z.unknown())
const habits = z.strictObject({
  creditNotes: z.enum(['negative', 'positive', 'negativeUntyped']).exactOptional(),
  reverseCharge: z.enum(['second', 'code']).exactOptional(),
  partialDeduction: z.enum(['code', 'second']).exactOptional(),
  dates: z.enum(['zone', 'bare']).exactOptional(),
})
const nextBody = z.strictObject({
  count: z.int().min(1).default(1),
  /** Only invoices of this case. */
  like: z.enum(CASES.map(({ name }) => name)).optional(),
  habits: habits.optional(),
})
const approveBody = z.union([z.strictObject({ document: fields }), nextBody])
const changeBody = z.strictObject({ invoiceId: z.string(), fields })
const moveBody = z.strictObject({ invoiceId: z.string(), fields: fields.optional() })
const editBody = z.strictObject({ collection: z.string(), record: z.looseObject({ externalCode: z.string() }) })
const planBody = z.strictObject({
  collection: z.string(),
  externalCode: z.string().optional(),
  status: z.enum(['Error', 'Warning', 'InProgress']),
  category: z.enum(['DataValidation', 'Technical', 'Unknown']).default('Technical'),
  message: z.string().default('Something went wrong in P2P.'),
  times: z.int().min(1).default(1),
})
const typedBody = z.strictObject({
  invoiceId: z.string(),
  voucherNumber1: z.string(),
  voucherNumber2: z.string().optional(),
})

/** What people do in P2P, and what whoever runs the sandbox sets and looks at. */
export interface Acts {
  act(name: string, body: unknown): unknown
  /** A day's approvals: a twentieth of those of the beginning. */
  newDay(): void
}

function checked(document: Json): Json {
  const faults = faultsOf(accountingDocument, document)
  if (faults.length > 0) throw new Error(`The invoice is not as the API shows one: ${faults.join('; ')}`)
  return document
}

interface Around {
  readonly documents: Documents
  readonly records: Records
  readonly agenda: Agenda
  readonly settings: BaswareSettings
  readonly company: Company
}

type Wanted = z.output<typeof nextBody>
type Act = (body: unknown) => unknown

/** What people do with invoices in P2P. */
function worksOf(documents: Documents, approve: (wanted: Wanted) => readonly string[]): Record<string, Act> {
  const moves = Object.keys(BY_HAND).map((name): [string, Act] => [
    name,
    (body) => {
      const { invoiceId, fields: changed = {} } = moveBody.parse(body)
      documents.move(invoiceId, name, changed)
      return { invoiceId }
    },
  ])
  return {
    ...Object.fromEntries(moves),
    /** Out of approval come the next invoices of the company, or one that is given whole. */
    approve(body) {
      const wanted = approveBody.parse(body)
      if (!('document' in wanted)) return { invoiceIds: approve(wanted) }
      const document = checked(wanted.document)
      documents.add(document)
      return { invoiceIds: [document.invoiceId] }
    },
    /** Somebody edits an invoice. */
    change(body) {
      const { invoiceId, fields: changed } = changeBody.parse(body)
      const known = documents.truth().find((document) => document.invoiceId === invoiceId)
      if (known) checked({ ...known, ...changed })
      documents.change(invoiceId, changed)
      return { invoiceId }
    },
    /** Somebody typed the invoice into the ERP by hand and its number into P2P. */
    typed(body) {
      const { invoiceId, ...vouchers } = typedBody.parse(body)
      documents.change(invoiceId, vouchers)
      return { invoiceId }
    },
  }
}

/** What people do with records in P2P, and what a test wants of them. */
const recordActsOf = (records: Records): Record<string, Act> => ({
  /** What P2P has, and what the API shows, whole. */
  records: () => records.truth(),
  /** Somebody edits a record in P2P's own screens, or types a new one. */
  edit(body) {
    const { collection, record } = editBody.parse(body)
    records.edit(collection, record)
    return { externalCode: record.externalCode }
  },
  /** What P2P makes of the next records of a collection. */
  plan(body) {
    const { times, ...what } = planBody.parse(body)
    records.plan(what, times)
    return {}
  },
  /** Results wait until they are released. */
  hold() {
    records.hold()
    return {}
  },
  release() {
    records.release()
    return {}
  },
})

/** What whoever runs the sandbox does with it. */
function toolsOf({ documents, agenda, settings }: Around): Record<string, Act> {
  return {
    /** What P2P has, and what the API shows. */
    documents: () => ({ p2p: documents.truth(), api: documents.shown() }),
    /** What is on its way between the layers arrives. */
    finish() {
      agenda.finish()
      return {}
    },
    tune(body) {
      const known = fields.parse(body)
      const unknown = Object.keys(known).filter((name) => !Object.hasOwn(USUAL, name))
      if (unknown.length > 0) throw new Error(`No setting ${unknown.join(', ')}`)
      return { ...Object.assign(settings, known) }
    },
  }
}

export function createActs(around: Around): Acts {
  const { documents, records, company } = around
  let approved: number | undefined

  /** The next invoices that the company approves; gives their ids. */
  function approve({ count, like, habits: own }: Wanted): string[] {
    return Array.from({ length: count }, () => {
      let index = approved ?? company.count()
      while (like !== undefined && company.caseOf(index) !== like) index++
      approved = index + 1
      const document = company.invoice(index, own)
      documents.add(document)
      return String(document.invoiceId)
    })
  }

  const acts = { ...worksOf(documents, approve), ...recordActsOf(records), ...toolsOf(around) }
  return {
    newDay: () => void approve({ count: Math.max(1, Math.round(company.count() / 20)) }),
    act(name, body) {
      const act = Object.hasOwn(acts, name) ? acts[name] : undefined
      if (!act) throw new Error(`Nothing called ${name} here, only ${Object.keys(acts).join(', ')}`)
      return act(body)
    },
  }
}
