/** What a run asks before it reads an entity, asked for all entities at once while the first is read: each takes many short trips. */
import type { Positions } from '../../ledger/ledger.ts'
import type { PollOptions } from '../contract/engine.ts'
import type { EntityPlan, Source } from '../contract/source.ts'
import type { Target } from '../contract/target.ts'
import { createQueue } from '../values/queue.ts'

/**
 * The source with a `plan` that begins the plans of all entities with the first. One that failed ahead is made anew when
 * its turn comes, so that nothing fails sooner or otherwise than without it.
 */
export function planAhead(
  source: Source,
  entities: readonly string[],
  signal: AbortSignal,
  /** Called once, with the first. */
  begun: () => void = () => undefined,
): Source {
  const made = new Map<string, Promise<EntityPlan | undefined>>()
  return {
    ...source,
    async plan(entity, own) {
      if (made.size === 0) {
        begun()
        for (const name of entities) {
          const plan = source.plan(name, signal)
          made.set(
            name,
            plan.catch(() => undefined),
          )
        }
      }
      const plan = await made.get(entity)
      own.throwIfAborted()
      return plan ?? source.plan(entity, own)
    },
  }
}

/** The options of a run whose source and targets are asked ahead. */
export function askingAhead(ledger: Pick<Positions, 'position'>, options: PollOptions): PollOptions {
  const marks = options.targets && marksAhead(ledger, options, options.targets)
  return {
    ...options,
    source: planAhead(options.source, options.entities, options.signal, marks?.begin),
    ...(marks && { targets: marks.targets }),
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
  { name, entities, signal, progress }: Pick<PollOptions, 'name' | 'entities' | 'signal' | 'progress'>,
  targets: NonNullable<PollOptions['targets']>,
): { readonly begin: () => void; readonly targets: NonNullable<PollOptions['targets']> } {
  const waiting = (what: string) => progress({ records: 0, rows: 0, waiting: what })
  const places = createQueue(AT_ONCE)
  const reading = (target: Target): Target => {
    const read = target.readMark?.bind(target)
    if (read === undefined) return target
    const ahead = places.run(() => read({ signal, waiting })).catch(() => undefined)
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
    begin() {
      for (const entity of entities) {
        const found = ask(entity)
        found.catch(() => undefined)
        asked.set(entity, found)
      }
    },
    targets: (entity) => asked.get(entity)?.catch(() => targets(entity)) ?? targets(entity),
  }
}
