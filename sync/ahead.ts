/** Plans of entities made while the one before is still being read: asking a system for its fields takes many short trips. */
import type { EntityPlan, Source } from './source.ts'

/**
 * The source with a `plan` that begins the next entity's plan as soon as one is made. A plan that failed ahead is made
 * anew when its turn comes, so that nothing fails sooner or otherwise than without it.
 */
export function planAhead(source: Source, entities: readonly string[], signal: AbortSignal): Source {
  const made = new Map<string, Promise<EntityPlan | undefined>>()
  const begin = (entity: string | undefined): void => {
    if (entity === undefined || made.has(entity)) return
    made.set(
      entity,
      source.plan(entity, signal).catch(() => undefined),
    )
  }
  return {
    ...source,
    async plan(entity, own) {
      const plan = (await made.get(entity)) ?? (await source.plan(entity, own))
      own.throwIfAborted()
      begin(entities[entities.indexOf(entity) + 1])
      return plan
    },
  }
}
