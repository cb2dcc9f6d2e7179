/**
 * The look-up: what stands in X3 under a reference. A door of its own, since nothing is sent that it could not find again; what it
 * cannot tell for certain is *unknown*, never *absent*.
 */
import type { Found } from '../../../../sync/contract/posting.ts'
import type { SoapCall, WebServices } from '../soap/client.ts'
import type { Fields } from '../soap/object.ts'
import { type Block, isReversal, type Publication, resultOf, type Voucher, voucherOf } from './publication.ts'

/** Who lists and shows journals. Both throw the `SyncError` of a question that was not answered. */
export interface Lister {
  /** Types and numbers of those that it gives for a reference in a field, so many at most. */
  list(publication: Publication, field: string, reference: string, most: number, call: SoapCall): Promise<Fields[]>
  /** One of them, with that field. */
  voucher(publication: Publication, keys: Fields, field: string, call: SoapCall): Promise<Voucher>
}

/** Does what needs a lister; what that has opened is given back behind it. */
export type Asking = <T>(work: (by: Lister) => Promise<T>) => Promise<T>

/** By the door that writes. */
export function ownLister(services: WebServices): Lister {
  return {
    async list({ name }, field, reference, most, call) {
      return [...(await services.query(name, { [field]: reference }, most, call))]
    },
    voucher: async (publication, keys, _field, call) =>
      voucherOf(await services.read(publication.name, keys, call), publication),
  }
}

export interface LookUp {
  readonly by: Lister
  readonly publication: Publication
  /** Fields that carry references, the present one first, then those of before. */
  readonly fields: readonly string[]
  readonly block: Block
}

/** Vouchers of one reference that are looked at: more than two are never right. */
const MOST = 10

/** What stands under a reference. Throws the `SyncError` of a question that was not answered. */
export async function findReference(
  { by, publication, fields, block }: LookUp,
  reference: string,
  call: SoapCall,
): Promise<Found> {
  const found = new Map<string, Voucher>()
  for (const field of fields) {
    const listed = await by.list(publication, field, reference, MOST, call)
    for (const line of listed) {
      const { TYP = '', NUM = '' } = line
      if (TYP === '' || NUM === '') return { kind: 'unknown', why: 'the list has no type and number of the journals' }
      if (found.has(`${TYP}|${NUM}`)) continue
      const voucher = await by.voucher(publication, { TYP, NUM }, field, call)
      if (voucher.header[field] !== reference)
        return {
          kind: 'unknown',
          why: `${TYP} ${NUM}, which X3 gives for it, has another reference: ${field} is no condition of its list`,
        }
      found.set(`${TYP}|${NUM}`, voucher)
    }
  }
  return standing([...found.values()], block)
}

function standing(vouchers: readonly Voucher[], block: Block): Found {
  const [first, second] = [...vouchers].sort((a, b) => numberOf(a.header).localeCompare(numberOf(b.header)))
  if (!first) return { kind: 'absent' }
  if (!second)
    return { kind: 'posted', result: resultOf(first, block, isReversed(first.header) ? 'reversed' : undefined) }
  if (vouchers.length === 2 && isReversal(first, second))
    return { kind: 'posted', result: resultOf(first, block, 'reversed') }
  return { kind: 'twice', results: vouchers.map((voucher) => resultOf(voucher, block)) }
}

const numberOf = ({ NUM = '' }: Fields): string => NUM

/** Menu of the column RVS: 1 no, 2 yes, 3 reversed. */
const isReversed = ({ RVS }: Fields): boolean => RVS === '3'
