/** What a run asks before it reads an entity, asked for all entities at once while the first is read: each takes many short trips. */
import type { Positions } from '../../ledger/ledger.ts'
import type { PollOptions } from '../contract/engine.ts'
import type { EntityPlan, Source } from '../contract/source.ts'
import type { Target } from '../contract/target.ts'
import { createQueue, type Queue } from '../values/queue.ts'

/**
 * The source with a `plan` that begins the plans of all entities with the first. One that failed ahead is made anew when
 * its turn comes, so that nothing fails sooner or otherwise than without it. A run that finds no place among those that ask
 * ahead waits for none: it asks for each entity in its turn, and for what is left once there is a place.
 */
export function planAhead(
  source: Source,
  entities: readonly string[],
  /** `waits`: how long a place is waited for. */
  { signal, waits }: { readonly signal: AbortSignal; readonly waits: AbortSignal },
  places: Queue,
  /** Called once, with all that are asked for together; what it gives has a part in the place. */
  begun: (together: readonly string[]) => Promise<unknown> = async () => undefined,
): Source {
  const made = new Map<string, Promise<EntityPlan | undefined>>()
  const ask = (name: string): void => {
    if (made.has(name)) return
    const plan = source.plan(name, signal)
    made.set(
      name,
      plan.catch(() => undefined),
    )
  }
  const askAll = (): Promise<unknown> => {
    const left = entities.filter((name) => !made.has(name))
    const more = left.length > 0 ? begun(left) : undefined
    left.forEach(ask)
    return Promise.allSettled([more, ...made.values()])
  }
  return {
    ...source,
    async plan(entity, own) {
      if (made.size === 0) {
        // At once where there is a place: what plans need alike is asked for together.
        const now = places.isBusy() ? undefined : askAll()
        places.run(() => now ?? askAll(), waits).catch(() => undefined)
      }
      ask(entity)
      const plan = await made.get(entity)
      own.throwIfAborted()
      return plan ?? source.plan(entity, own)
    },
  }
}

/** Does a run with options whose source and targets are asked ahead. Once it is over it waits for no place, and asks nothing more. */
export async function askingAhead<T>(
  ledger: Pick<Positions, 'position'>,
  options: PollOptions,
  places: Queue,
  run: (ahead: PollOptions) => Promise<T>,
): Promise<T> {
  const over = new AbortController()
  const waits = AbortSignal.any([options.signal, over.signal])
  const { source, entities, signal } = options
  const marks = options.targets && marksAhead(ledger, options, options.targets)
  try {
    return await run({
      ...options,
      source: planAhead(source, entities, { signal, waits }, places, marks?.begin),
      ...(marks && { targets: marks.targets }),
    })
  } finally {
    over.abort()
  }
}

/** How many targets are asked for their marks at the same time. */
const AT_ONCE = 4

/**
 * `targets` of a run whose marks are read ahead from `begin` on, where the ledger knows nothing of an entity. A mark that
 * could not be read ahead is read anew in its turn.
 */
export function marksAhead(
  ledger: Pick<Positions, 'position'>,
  { name, signal, progress }: Pick<PollOptions, 'name' | 'signal' | 'progress'>,
  targets: NonNullable<PollOptions['targets']>,
): {
  readonly begin: (entities: readonly string[]) => Promise<unknown>
  readonly targets: NonNullable<PollOptions['targets']>
} {
  const waiting = (what: string) => progress({ records: 0, rows: 0, waiting: what })
  const places = createQueue(AT_ONCE)
  const reads: Promise<unknown>[] = []
  const reading = (target: Target): Target => {
    const read = target.readMark?.bind(target)
    if (read === undefined) return target
    const ahead = places.run(() => read({ signal, waiting })).catch(() => undefined)
    reads.push(ahead)
    let asked = false
    return {
      ...target,
      async readMark(context) {
        const marks = asked ? undefined : await ahead
        asked = true
        return marks ?? read(context)
      },
    }
  }
  const ask = async (entity: string) => {
    const found = await targets(entity)
    if (await ledger.position(name, entity)) return found
    return found.map(({ ref, target }) => ({ ref, target: reading(target) }))
  }
  const asked = new Map<string, ReturnType<typeof ask>>()
  return {
    async begin(entities) {
      for (const entity of entities) {
        const found = ask(entity)
        found.catch(() => undefined)
        asked.set(entity, found)
      }
      await Promise.allSettled(asked.values())
      await Promise.all(reads)
    },
    targets: (entity) => asked.get(entity)?.catch(() => targets(entity)) ?? targets(entity),
  }
}
