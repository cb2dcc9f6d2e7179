/**
 * The look-up: what stands in X3 under a reference. A door of its own, since nothing is sent that it could not find again; what it
 * cannot tell for certain is *unknown*, never *absent*.
 */
import type { Found } from '../../../../sync/contract/posting.ts'
import type { SoapCall, WebServices } from '../soap/client.ts'
import type { Fields } from '../soap/object.ts'
import { type Block, isReversal, type Publication, resultOf, type Voucher, voucherOf } from './publication.ts'

export interface LookUp {
  readonly services: WebServices
  readonly publication: Publication
  /** Fields that carry references, the present one first, then those of before. */
  readonly fields: readonly string[]
  readonly block: Block
}

/** Vouchers of one reference that are looked at: more than two are never right. */
const MOST = 10

/** What stands under a reference. Throws the `SyncError` of a question that was not answered. */
export async function findReference(
  { services, publication, fields, block }: LookUp,
  reference: string,
  call: SoapCall,
): Promise<Found> {
  const found = new Map<string, Voucher>()
  for (const field of fields) {
    const listed = await services.query(publication.name, { [field]: reference }, MOST, call)
    for (const line of listed) {
      const { TYP = '', NUM = '' } = line
      if (TYP === '' || NUM === '')
        return { kind: 'unknown', why: 'the list of the object GAS has no type and number of the journals' }
      if (found.has(`${TYP}|${NUM}`)) continue
      const voucher = voucherOf(await services.read(publication.name, { TYP, NUM }, call), publication)
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
