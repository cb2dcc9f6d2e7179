/** *Test posting*: a draft of the smallest amount, under a reference that no invoice can have, is written, found and deleted. */
import { isSyncError } from '../../../../sync/contract/errors.ts'
import type { Proof } from '../../../../sync/contract/posting.ts'
import type { SoapCall, WebServices } from '../soap/client.ts'
import type { Fields } from '../soap/object.ts'
import { scaleOf, shown, unitsOf } from './amounts.ts'
import { findReference, type Lister } from './look-up.ts'
import { compact, type Publication, written } from './publication.ts'

/** Accounts and site that a person picks for it. */
export interface TestDraft {
  readonly site: string
  readonly entryType: string
  readonly journal: string
  readonly currency: string
  readonly debit: string
  readonly credit: string
  /** Fields of both lines, such as a cost centre: `CCE1`. */
  readonly dimensions: Fields
  /** Of a supplier invoice, which takes the place of the account that is credited. */
  readonly supplier?: string
}

interface Trying {
  readonly services: WebServices
  readonly by: Lister
  readonly publication: Publication
  /** Fields that may carry the reference, the best first. */
  readonly candidates: readonly string[]
}

export interface Tried {
  readonly proof: Proof & { readonly left?: string }
  /** The field by which the draft was found. */
  readonly field?: string
}

const failed = (why: string, hint: string, left?: string): Tried => ({
  proof: { proved: false, why, hint, ...(left ? { left } : {}) },
})

export async function tryPosting(
  trying: Trying,
  draft: TestDraft,
  given: { readonly reference: string; readonly today: string; readonly call: SoapCall; readonly sending: () => void },
): Promise<Tried> {
  const { services, publication, candidates } = trying
  const { reference, call } = given
  const needed = [
    'site',
    'entryType',
    'currency',
    'debit',
    draft.supplier === undefined ? 'credit' : 'supplier',
  ] as const
  const missing = needed.filter((name) => draft[name] === '')
  if (missing.length > 0)
    return failed(
      `nothing was posted: ${missing.join(', ')} of the test draft is missing`,
      'Fill in the test draft in the node.',
    )
  if (candidates.length === 0)
    return failed(
      `${publication.name} publishes no field for the reference`,
      'Publish REFINT, REF or BPRVCR with the object GAS.',
    )
  const object = written(publication, ...fieldsOf(draft, candidates, given))
  const outcome = await services.save(publication.name, object, publication.groups, { ...call, before: given.sending })
  if (outcome.kind === 'refused')
    return failed(outcome.error.message, outcome.error.cause.hint ?? 'Correct the test draft, then test again.')
  const found = await fieldFoundBy(trying, reference, call)
  const keys = found?.keys ?? (outcome.kind === 'saved' ? { TYP: draft.entryType, NUM: outcome.number } : undefined)
  const left = keys ? await remove(trying, keys, reference, call) : `It may stand in X3 as a draft with ${reference}.`
  if (!found && outcome.kind === 'unknown')
    return failed(
      `X3 gave no clear answer to the draft under ${reference} (${outcome.error.message}), and the look-up does not find it by ${candidates.join(', ')}`,
      'Look whether it stands in X3, then test again.',
      left,
    )
  if (!found)
    return failed(
      `a draft was posted under ${reference}, and the look-up does not find it by ${candidates.join(', ')}`,
      'Put the field of the reference, type and number into the list of the object GAS; the user of the web services needs the right to look. Then test again.',
      left,
    )
  return { proof: { proved: true, ...(left ? { left } : {}) }, field: found.field }
}

function fieldsOf(
  draft: TestDraft,
  candidates: readonly string[],
  { reference, today }: { readonly reference: string; readonly today: string },
): [Fields, Fields[]] {
  const scale = scaleOf(draft.currency)
  const amount = shown(unitsOf(1, scale), scale)
  const line = { FCYLIN: draft.site, DES: 'Tieout: test, to be deleted', ...draft.dimensions }
  const { supplier } = draft
  const ofInvoice = supplier && {
    BPR: supplier,
    AMTNOT: amount,
    AMTTAX: shown(unitsOf(0, scale), scale),
    AMTATI: amount,
  }
  return [
    {
      ...{
        FCY: draft.site,
        TYP: draft.entryType,
        NUM: '',
        ACCDAT: compact(today),
        JOU: draft.journal,
        CAT: '1',
        STA: '1',
      },
      ...{ DESVCR: 'Tieout: test, to be deleted', RATDAT: compact(today), CUR: draft.currency },
      ...ofInvoice,
      ...Object.fromEntries(candidates.map((field) => [field, reference])),
    },
    ofInvoice
      ? [{ ...line, ACC1: draft.debit, AMT: amount }]
      : [
          { ...line, ACC1: draft.debit, DEB: amount },
          { ...line, ACC1: draft.credit, CDT: amount },
        ],
  ]
}

const NO_BLOCK = { blockField: '', blockValue: '' }

/** The first field by which the look-up finds the draft. A field that it is not allowed to ask for is none. */
async function fieldFoundBy(
  { by, publication, candidates }: Trying,
  reference: string,
  call: SoapCall,
): Promise<{ readonly field: string; readonly keys: Fields } | undefined> {
  for (const field of candidates) {
    try {
      const found = await findReference({ by, publication, fields: [field], block: NO_BLOCK }, reference, call)
      if (found.kind === 'posted') return { field, keys: { TYP: found.result.type ?? '', NUM: found.result.number } }
    } catch (error) {
      if (!isSyncError(error) || error.cause.class !== 'config') throw error
    }
  }
  return undefined
}

/** Deletes the draft; a text: it could not be, and how to find it. */
async function remove(
  { services, publication }: Trying,
  keys: Fields,
  reference: string,
  call: SoapCall,
): Promise<string | undefined> {
  try {
    await services.delete(publication.name, keys, call)
    return undefined
  } catch (error) {
    if (!isSyncError(error)) throw error
    return `Delete the draft ${keys.TYP} ${keys.NUM} (${reference}) in X3: ${error.message}`
  }
}
