import type { Books, BookTables, Stamped, TableName } from '../books/types.ts'
import type { Entry } from './model.ts'

/** Records of several objects that are made from one table of the books, each by RECORDNO. */
export interface Records<K extends string> {
  of(object: K): readonly Entry[]
  ofThings(object: K, numbers: readonly number[]): readonly Entry[]
}

export const seconds = (stamp: string): number => Date.parse(stamp) / 1000
export const secondsOrNull = (stamp: string | null): number | null => (stamp === null ? null : seconds(stamp))
export const visibleOf = (thing: Stamped): number => (thing.visibleFrom === undefined ? 0 : seconds(thing.visibleFrom))

/**
 * Looks through a table once, when it is first asked, and keeps of each record what an index would: some 100 bytes. Later only what has
 * changed is looked at again. `also` names tables whose changes change the thing with the same key.
 */
export function createRecords<N extends TableName, K extends string>(
  books: Books,
  name: N,
  objects: readonly K[],
  expand: (thing: BookTables[N], number: number, key: string) => Readonly<Record<K, readonly Entry[]>> | undefined,
  also: readonly TableName[] = [],
): Records<K> {
  const table = books.tables[name]
  /** Entries of each object by the thing's number. */
  const byNumber = new Map<K, (readonly Entry[] | undefined)[]>(objects.map((object) => [object, []]))
  const flat = new Map<K, readonly Entry[]>()
  const seen = new Map<TableName, number>()
  let begun = false

  function set(key: string): void {
    const number = table.numberOf(key)
    const thing = number === undefined ? undefined : (table.get(key) as BookTables[N] | undefined)
    if (number === undefined || thing === undefined) return
    const made = expand(thing, number, key)
    for (const object of objects) (byNumber.get(object) as (readonly Entry[] | undefined)[])[number] = made?.[object]
  }

  function refresh(): void {
    const before = new Map(seen)
    for (const one of [name, ...also]) seen.set(one, (seen.get(one) ?? 0) + newEvents(one).length)
    if (!begun) {
      begun = true
      for (const thing of table.walk()) {
        const key = table.keyOf(thing as never)
        const number = table.numberOf(key) as number
        const made = expand(thing as BookTables[N], number, key)
        for (const object of objects)
          (byNumber.get(object) as (readonly Entry[] | undefined)[])[number] = made?.[object]
      }
      flat.clear()
      return
    }
    for (const one of [name, ...also]) {
      const events = books.tables[one].events(before.get(one) ?? 0)
      if (events.length > 0) flat.clear()
      for (const { key, number, removed } of events) {
        if (removed === undefined) set(key)
        else if (one === name) for (const list of byNumber.values()) list[number] = undefined
      }
    }
  }

  function newEvents(one: TableName): readonly unknown[] {
    return books.tables[one].events(seen.get(one) ?? 0)
  }

  return {
    of(object) {
      refresh()
      let list = flat.get(object)
      if (!list) {
        list = (byNumber.get(object) as (readonly Entry[] | undefined)[]).flatMap((entries) => entries ?? [])
        flat.set(object, list)
      }
      return list
    },
    ofThings(object, numbers) {
      refresh()
      const lists = byNumber.get(object) as (readonly Entry[] | undefined)[]
      return [...new Set(numbers)].sort((a, b) => a - b).flatMap((number) => lists[number] ?? [])
    },
  }
}
