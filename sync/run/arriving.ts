/** Compares what sinks get with what was read, and takes what our own nodes say they made of it. */
import type { Schema } from '../contract/message.ts'
import { type Contributor, compileContribution } from '../values/contribution.ts'
import { createGroups, totalsPlan } from '../values/totals-plan.ts'
import { arrivalOf, countChange, declaredOf } from './arrivals.ts'
import type { Register } from './register.ts'
import type { Settlement } from './settlement.ts'
import { tallyOf } from './state.ts'

export function arriving({
  find,
  entityOf,
}: Pick<Register, 'find' | 'entityOf'>): Pick<Settlement, 'groups' | 'contributorOf' | 'arrive' | 'declare'> {
  const groups = createGroups()
  const compiled = new WeakMap<Schema, Contributor>()
  const contributorOf: Settlement['contributorOf'] = (schema, setting) => {
    const known = compiled.get(schema)
    if (known !== undefined) return known
    const made = compileContribution(schema, totalsPlan(schema, setting), groups)
    compiled.set(schema, made)
    return made
  }
  return {
    groups,
    contributorOf,
    arrive(sync, sinks, schema, records, repeats) {
      const here = contributorOf(schema, entityOf(sync)?.totals)
      const found = find(sync)
      const read = found?.batch.read
      if (found === undefined || read === undefined) return records.map(({ record }) => here.of(record).text)
      return records.map(({ record, key }) => {
        const { contribution, change } = arrivalOf(read, record, here)
        if (change !== undefined && !repeats.has(record._row))
          for (const ref of sinks)
            if (!found.batch.sinks.get(ref.id)?.reports[record._row])
              countChange(tallyOf(found.entity, ref), groups, key, change)
        return contribution
      })
    },
    declare(sync, before, after, how) {
      const found = find(sync)
      const read = found?.batch.read
      if (found === undefined || read === undefined) return
      const { totals } = found.entity
      const from = { records: before.payload, by: contributorOf(before.schema, totals) }
      const to = { records: after.payload, by: contributorOf(after.schema, totals) }
      const declared = declaredOf(read, from, to, how)
      if (declared !== undefined) read.declared.push(declared)
    },
  }
}
