/** Pages that two entities of a run need alike: departments are a dimension and cost centres, and are asked for once. */
import type { StampWindow } from '../../../sync/contract/source.ts'
import { DIMENSIONS, entityDef } from './entities.ts'
import type { QueryPage } from './pages.ts'

/** What an entity asks of an object, from its first record on and in the order of its record numbers. */
export interface Question {
  readonly entity: string
  readonly object: string
  readonly select: readonly string[]
  /** Absent: everything, for the listing of a sweep. */
  readonly window?: StampWindow
  /** Name of the zone in which the entity takes stamps to be. */
  readonly zone: string
}

export interface Shared {
  /**
   * The page that another entity got for the same question in this run, else what `ask` gives. A page keeps the number of
   * the request that read it: that is the version of its records, whoever sends them on.
   */
  page(question: Question, ask: () => Promise<QueryPage>): Promise<QueryPage>
  /** Where the window ended in which another entity read the object: one page can serve both only if theirs are the same. */
  bound(entity: string, object: string): string | undefined
}

interface Kept extends Question {
  /** Absent where one page did not hold everything: what is kept for a run shall be small. */
  readonly page: QueryPage | undefined
  /** Who has it. Nobody is served twice: who asks again wants to know it anew. */
  readonly served: Set<string>
}

/** For one run. `objects`: those behind entities that are none of ours. */
export function createShared(entities: readonly string[], objects: Readonly<Record<string, string>> = {}): Shared {
  const own = entities.map((entity) => entityDef(entity)?.of?.object ?? objects[entity])
  const isShared = (object: string): boolean => {
    const readers = own.filter((one) => one === object).length
    return readers + (entities.includes('dimension') && DIMENSIONS.has(object) ? 1 : 0) > 1
  }
  let kept: Kept[] = []

  const isSame = (one: Question, other: Question): boolean =>
    one.object === other.object &&
    one.zone === other.zone &&
    one.window?.from === other.window?.from &&
    one.window?.bound === other.window?.bound

  return {
    async page(question, ask) {
      if (!isShared(question.object)) return ask()
      const same = kept.find((one) => isSame(one, question))
      const holdsAll = question.select.every((field) => same?.select.includes(field))
      if (same?.page && holdsAll && !same.served.has(question.entity)) {
        same.served.add(question.entity)
        return same.page
      }
      const page = await ask()
      const isSmall = page.remaining === 0
      const anew: Kept = { ...question, page: isSmall ? page : undefined, served: new Set([question.entity]) }
      kept = [...kept.filter((one) => one !== same), anew]
      return page
    },
    bound: (entity, object) =>
      kept.findLast((one) => one.object === object && one.window && !one.served.has(entity))?.window?.bound ??
      undefined,
  }
}
