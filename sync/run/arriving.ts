/** Compares what sinks get with what was read, and takes what our own nodes say they made of it. */
import type { Counts } from '../../ledger/ledger.ts'
import type { SinkRef } from '../contract/engine.ts'
import type { Schema } from '../contract/message.ts'
import { type Contributor, compileContribution } from '../values/contribution.ts'
import { createGroups, type GroupNumbers, totalsPlan } from '../values/totals-plan.ts'
import { arrivalOf, countChange, declaredAs, declaredOf } from './arrivals.ts'
import { countDeclared } from './as-read.ts'
import type { Register } from './register.ts'
import type { Settlement } from './settlement.ts'
import { type RunState, tallyOf } from './state.ts'

export function arriving(
  numbers: GroupNumbers,
  { find, entityOf }: Pick<Register, 'find' | 'entityOf'>,
): Pick<Settlement, 'groups' | 'contributorOf' | 'arrive' | 'declare'> {
  const groups = createGroups(numbers)
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
      if (found === undefined || read === undefined)
        return {
          contributions: records.map(({ record }) => here.of(record).text),
          otherwise: new Map(),
          changed: new Set(),
          total: undefined,
        }
      let isAsRead = records.length === found.batch.count && read.texts !== undefined
      const otherwise = new Map<number, Pick<Counts, 'read' | 'declared'>>()
      const changed = new Set<number>()
      const contributions = records.map(({ record, key }, place) => {
        const row = record._row
        const arrival = arrivalOf(read, record, here)
        if (arrival.change !== undefined) changed.add(place)
        for (const ref of repeats.has(row) ? [] : sinks) {
          if (found.batch.sinks.get(ref.id)?.reports[row]) continue
          const tally = tallyOf(found.entity, ref)
          countDeclared(tally.sums, read, row, arrival)
          if (arrival.change !== undefined) countChange(tally, groups, key, arrival.change)
        }
        const was = read.texts?.[row]
        if (arrival.contribution !== was || arrival.change !== undefined) {
          isAsRead = false
          if (was !== undefined)
            otherwise.set(place, {
              read: was,
              declared: found.run.mayChange ? arrival.contribution : declaredAs(groups, arrival),
            })
        }
        return arrival.contribution
      })
      return { contributions, otherwise, changed, total: isAsRead ? read.total : undefined }
    },
    declare(sync, ref, before, after, how, touched) {
      const found = find(sync)
      const read = found?.batch.read
      if (found === undefined || read === undefined) return
      const { totals } = found.entity
      const isDirect = isUntouched(found.run, ref)
      const from = { records: before.payload, by: contributorOf(before.schema, totals) }
      const to = { records: after.payload, by: contributorOf(after.schema, totals) }
      const declared = declaredOf(read, from, to, { how, touched, isDirect })
      if (declared !== undefined) read.declared.push(declared)
    },
  }
}

/** Whether there is no node of others before it that could have changed anything; asked once for each run and node. */
function isUntouched(run: RunState, ref: SinkRef | undefined): boolean {
  if (ref === undefined) return true
  if (run.foreign === undefined) return false
  const known = run.untouched.get(ref.id)
  if (known !== undefined) return known
  const isSo = run.foreign(ref)?.length === 0
  run.untouched.set(ref.id, isSo)
  return isSo
}
