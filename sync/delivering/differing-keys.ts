/** Which records a target holds otherwise than they were delivered, and which of the source they are. */
import type { Deliveries, KnownKeys, Stored, TargetSums } from '../../ledger/ledger.ts'
import type { Target, WriteContext } from '../contract/target.ts'
import type { Differing, Reached } from '../run/state.ts'
import { hashOf } from '../values/key-hash.ts'
import { NOBODY } from './folded-keys.ts'

type FindingLedger = Deliveries & KnownKeys & TargetSums

const AT_ONCE = 10_000

/** `lists`: tables of the target that differ. It is asked for its keys there, page by page. */
export async function findDiffering(
  ledger: FindingLedger,
  { target, schema, sync }: Pick<Reached, 'target' | 'schema' | 'sync'>,
  source: string,
  lists: readonly string[],
  context: WriteContext,
): Promise<Differing> {
  const order = await ledger.tableLists(target.address, [])
  const differing = new Set<string>()
  for (const list of lists) {
    const held =
      list === ''
        ? rowsHeld(target.keys?.(schema, source, context))
        : linesHeld(target.lines?.(schema, list, source, context), order.indexOf(list))
    await compare(ledger, target.address, source, held, order.indexOf(list), differing)
  }
  return { keys: [...differing], ...(await trace(ledger, target.address, sync, [...differing])) }
}

/** A key as a table has it: whether that is what was delivered. */
interface Held {
  readonly key: string
  readonly is: (stored: Stored) => boolean
}

async function* rowsHeld(pages: ReturnType<NonNullable<Target['keys']>> | undefined): AsyncGenerator<readonly Held[]> {
  for await (const page of pages ?? [])
    yield page.map(({ key, hash, read }) => ({ key, is: (stored) => stored.hash === hash && stored.read === read }))
}

async function* linesHeld(
  pages: ReturnType<NonNullable<Target['lines']>> | undefined,
  place: number,
): AsyncGenerator<readonly Held[]> {
  for await (const page of pages ?? [])
    yield page.map(({ key, rows, sum }) => ({
      key,
      is: (stored) => linesAt(stored, place) === rows && BigInt(stored.read) * BigInt(rows) === sum,
    }))
}

const linesAt = ({ lines }: Stored, place: number): number => Number(lines.split(',')[place] || 0)

/** Adds to `differing` what is there and otherwise or twice, and what is not there. `place` of the list; -1: the header. */
async function compare(
  ledger: FindingLedger,
  address: string,
  source: string,
  held: AsyncIterable<readonly Held[]>,
  place: number,
  differing: Set<string>,
): Promise<void> {
  const seen: number[] = []
  let before: string | undefined
  for await (const page of held) {
    const known = await ledger.deliveries(
      address,
      page.map(({ key }) => key),
    )
    for (const { key, is } of page) {
      const stored = known.get(key)?.stored
      if (!stored || !is(stored) || key === before) differing.add(key)
      before = key
      seen.push(hashOf(key))
    }
  }
  const hashes = Float64Array.from(seen).sort()
  for (let after = ''; ; ) {
    const expected = await ledger.deliveredKeys(address, source, after, AT_ONCE)
    for (const { key, stored } of expected)
      if (stored && (place < 0 || linesAt(stored, place) > 0) && !isIn(hashes, hashOf(key))) differing.add(key)
    if (expected.length < AT_ONCE) return
    after = expected.at(-1)?.key ?? ''
  }
}

/** By halves: a million of them take 8 MB. */
function isIn(sorted: Float64Array, hash: number): boolean {
  let [low, high] = [0, sorted.length]
  while (low < high) {
    const middle = (low + high) >> 1
    if ((sorted[middle] as number) < hash) low = middle + 1
    else high = middle
  }
  return sorted[low] === hash
}

/** The source's keys: the same, or by the hash that the ledger keeps of them. */
async function trace(
  ledger: FindingLedger,
  address: string,
  { name, entity }: Pick<Reached['sync'], 'name' | 'entity'>,
  keys: readonly string[],
): Promise<Omit<Differing, 'keys'>> {
  const isMapped = await ledger.areMapped(address)
  const sourceKeys: string[] = []
  const hashes = new Set<number>()
  let [foreign, untraced] = [0, 0]
  for (let at = 0; at < keys.length; at += AT_ONCE) {
    const some = keys.slice(at, at + AT_ONCE)
    const known = await ledger.deliveries(address, some)
    for (const key of some) {
      const last = known.get(key)
      if (!last?.stored) foreign++
      const hash = last?.source ?? NOBODY
      if (hash !== NOBODY) hashes.add(hash)
      // Where a mapping makes keys, a key that nobody knows says nothing of the source.
      else if (isMapped && last?.source !== null) untraced++
      else sourceKeys.push(key)
    }
  }
  const found = hashes.size > 0 ? await keysBehind(ledger, name, entity, hashes) : []
  return { sourceKeys: [...sourceKeys, ...found], untraced: untraced + hashes.size - found.length, foreign }
}

/** Keys of the source with one of these hashes, as far as they are known. */
export async function keysBehind(
  ledger: KnownKeys,
  sync: string,
  entity: string,
  hashes: ReadonlySet<number>,
): Promise<readonly string[]> {
  const found: string[] = []
  for (let after: string | null = null; ; ) {
    const keys = await ledger.knownKeys(sync, entity, after, AT_ONCE)
    for (const key of keys) if (hashes.has(hashOf(key))) found.push(key)
    if (keys.length < AT_ONCE) return found
    after = keys.at(-1) ?? null
  }
}
