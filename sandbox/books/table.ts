import type { BookTable, BookTables, Stamped, TableEvent } from './types.ts'

/** How a table is computed: thing `i` of `count`, keys rising with `i`. Stamps in seconds since 1970, computed without building the thing. */
export interface Base<T extends Stamped> {
  count: number
  key(index: number): string
  keyOf(thing: T): string
  build(index: number): T
  own(index: number): number | null
  /** Every stamp that occurs on its lines. */
  lines?(index: number): readonly number[]
  joined?(index: number): number
  linesOf?(thing: T): readonly Stamped[]
  joinedOf?(thing: T): string
}

/** A table whose things can be replaced and added to. Things are never changed in place: whoever holds one holds a snapshot. */
export interface ChangingTable<T extends Stamped> extends BookTable<T> {
  readonly base: Base<T>
  put(thing: T): void
  /** Takes a thing away at a moment (ISO). What is put later under the same key is another thing with another number. */
  remove(key: string, at: string): void
  /** The greatest stamp that the overlay has seen, moments of late visibility included. */
  lastChange(): string | undefined
}

/** Every table of the books, with the means to change them. */
export type ChangingTables = { readonly [N in keyof BookTables]: ChangingTable<BookTables[N]> }

/** First position in [0, count) for which `behind` holds; it holds for all later ones. */
function firstWhere(count: number, behind: (position: number) => boolean): number {
  let low = 0
  let high = count
  while (low < high) {
    const middle = (low + high) >>> 1
    if (behind(middle)) high = middle
    else low = middle + 1
  }
  return low
}

function withKey(keys: readonly string[], key: string): readonly string[] {
  const at = firstWhere(keys.length, (k) => (keys[k] as string) >= key)
  return keys[at] === key ? keys : [...keys.slice(0, at), key, ...keys.slice(at)]
}

const seconds = (stamp: string): number => Date.parse(stamp) / 1000

type Range = { readonly from?: string; readonly to?: string }
type Part = 'own' | 'lines' | 'joined' | 'empty'

/** Whether a thing has a stamp of this part in the range; `isNew`: nothing of the base can. */
function createTests<T extends Stamped>(base: Base<T>, end: number, range: Range, part: Part) {
  const from = range.from === undefined ? -Infinity : seconds(range.from)
  const to = range.to === undefined ? Infinity : seconds(range.to)
  const inside = (stamp: number): boolean => stamp >= from && stamp <= to
  const insideText = (stamp: string | null): boolean => stamp !== null && inside(seconds(stamp))

  const ofThing = (thing: T): boolean => {
    if (part === 'empty') return thing.updated === null
    if (part === 'own') return insideText(thing.updated)
    if (part === 'lines') return base.linesOf?.(thing).some((line) => insideText(line.updated)) ?? false
    return base.joinedOf !== undefined && insideText(base.joinedOf(thing))
  }
  const ofBase = (index: number): boolean => {
    if (part === 'lines') return base.lines?.(index).some(inside) ?? false
    if (part === 'joined') return base.joined !== undefined && inside(base.joined(index))
    const own = base.own(index)
    return part === 'empty' ? own === null : own !== null && inside(own)
  }
  return { ofThing, ofBase, isNew: part !== 'empty' && from > end }
}

/** `end` is the latest stamp that any thing of the base can have. */
export function createTable<T extends Stamped>(base: Base<T>, end: number): ChangingTable<T> {
  const overlay = new Map<string, T>()
  // Replaced, never changed, so that a walk under way keeps its list.
  let touched: readonly string[] = []
  let added: readonly string[] = []
  let last: string | undefined
  const gone = new Set<string>()
  /** Numbers of what came later than the base. */
  const numbers = new Map<string, number>()
  const events: TableEvent<T>[] = []
  let greatest = base.count

  function note(stamp: string | null | undefined): void {
    if (stamp && (last === undefined || stamp > last)) last = stamp
  }

  function indexOf(key: string): number {
    const at = firstWhere(base.count, (k) => base.key(k) >= key)
    return at < base.count && base.key(at) === key ? at : -1
  }

  /** Keys in order with their index in the base, -1 for added ones. */
  function* places(after: string | undefined): Generator<readonly [string, number]> {
    const inserted = added
    let index = after === undefined ? 0 : firstWhere(base.count, (k) => base.key(k) > after)
    let next = after === undefined ? 0 : firstWhere(inserted.length, (k) => (inserted[k] as string) > after)
    for (;;) {
      while (gone.size > 0 && index < base.count && gone.has(base.key(index))) index++
      const own = index < base.count ? base.key(index) : undefined
      const other = inserted[next]
      if (own !== undefined && (other === undefined || own < other)) yield [own, index++]
      else if (other !== undefined) {
        next++
        yield [other, -1]
      } else return
    }
  }

  function* changed(range: Range, part: Part, after?: string): Generator<string> {
    const { ofThing, ofBase, isNew } = createTests(base, end, range, part)
    if (isNew) {
      // The usual poll: nothing of the base is that new.
      const keys = touched
      const start = after === undefined ? 0 : firstWhere(keys.length, (k) => (keys[k] as string) > after)
      for (let k = start; k < keys.length; k++) {
        const key = keys[k] as string
        const thing = overlay.get(key)
        if (thing !== undefined && ofThing(thing)) yield key
      }
      return
    }
    for (const [key, index] of places(after)) {
      const thing = overlay.get(key)
      if (thing === undefined ? ofBase(index) : ofThing(thing)) yield key
    }
  }

  return {
    base,
    changed,
    keyOf: (thing) => base.keyOf(thing),
    count: () => base.count - gone.size + added.length,
    numberOf(key) {
      const number = numbers.get(key)
      if (number !== undefined) return number
      const index = gone.has(key) ? -1 : indexOf(key)
      return index < 0 ? undefined : index + 1
    },
    events: (since = 0) => events.slice(since),
    get(key) {
      const thing = overlay.get(key)
      if (thing !== undefined) return thing
      const index = gone.has(key) ? -1 : indexOf(key)
      return index < 0 ? undefined : base.build(index)
    },
    *walk(after) {
      for (const [key, index] of places(after)) yield overlay.get(key) ?? base.build(index)
    },
    put(thing) {
      const key = base.keyOf(thing)
      if (!overlay.has(key)) {
        touched = withKey(touched, key)
        const beyond = indexOf(key) < 0
        if (beyond) added = withKey(added, key)
        if (beyond || gone.delete(key)) numbers.set(key, ++greatest)
      }
      overlay.set(key, thing)
      events.push({ key, number: this.numberOf(key) as number, thing })
      note(thing.updated)
      note(thing.visibleFrom)
      note(base.joinedOf?.(thing))
      for (const line of base.linesOf?.(thing) ?? []) note(line.updated)
    },
    remove(key, at) {
      const number = this.numberOf(key)
      const thing = this.get(key)
      if (number === undefined || thing === undefined) return
      overlay.delete(key)
      numbers.delete(key)
      touched = touched.filter((other) => other !== key)
      if (indexOf(key) >= 0) gone.add(key)
      else added = added.filter((other) => other !== key)
      events.push({ key, number, thing, removed: at })
      note(at)
    },
    lastChange: () => last,
  }
}
