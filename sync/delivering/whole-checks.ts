/** At the end of a run that wrote: whether its tables hold what the ledger counted there, all of it. */
import type { Deliveries, Intents, KnownKeys, TargetMemory, TargetSums } from '../../ledger/ledger.ts'
import { keyBeginning, keyParts } from '../contract/message.ts'
import { type RetryOptions, withRetry } from '../contract/retry.ts'
import type { WholeTable, WriteContext } from '../contract/target.ts'
import type { Entry } from '../run/entry.ts'
import type { CheckedTable, Reached, WholeCheck } from '../run/state.ts'
import type { Fifo } from '../values/queue.ts'
import { currencyTotals } from '../values/totals.ts'
import type { TableTotals } from '../values/totals-plan.ts'
import { findDiffering } from './differing-keys.ts'

export interface WholeChecks {
  /** Has the tables compared for the sources of these records when the run ends. */
  watch(
    reached: Reached,
    entries: readonly Entry[],
    about: { readonly plan: readonly TableTotals[]; readonly retry: Partial<RetryOptions> },
  ): void
}

/** `now`: as ISO time. */
export function createWholeChecks(
  ledger: TargetSums & Intents & Deliveries & KnownKeys,
  fifo: Fifo,
  now: () => string,
): WholeChecks {
  const sources = new WeakMap<Reached, Set<string>>()
  return {
    watch(reached, entries, about) {
      const own = sources.get(reached) ?? new Set()
      sources.set(reached, own)
      addSources(own, entries)
      // In the address's queue, so that nothing is written there meanwhile.
      reached.whole = (context) =>
        fifo.run(
          reached.target.address,
          () => checkAll({ ledger, reached, now, ...about }, own, context),
          context.signal,
        )
      // Where nobody can tell which records differ, nothing is mended: it would be sent once more.
      if (!reached.target.keys) return
      reached.differing = (source, lists, context) =>
        fifo.run(reached.target.address, () => findDiffering(ledger, reached, source, lists, context), context.signal)
    },
  }
}

function addSources(sources: Set<string>, entries: readonly Entry[]): void {
  let before: string | undefined
  for (const { key } of entries) {
    if (before !== undefined && key.startsWith(before)) continue
    const beginning = keyBeginning(key)
    before = `${beginning}|`
    sources.add(keyParts(beginning)[0] ?? '')
  }
}

interface Asking {
  readonly ledger: TargetSums & Intents
  readonly reached: Reached
  readonly plan: readonly TableTotals[]
  readonly retry: Partial<RetryOptions>
  readonly now: () => string
}

async function checkAll(
  asking: Asking,
  sources: ReadonlySet<string>,
  context: WriteContext,
): Promise<readonly WholeCheck[]> {
  const checks: WholeCheck[] = []
  for (const source of sources) {
    const check = await checkSource(asking, source, context)
    if (check) checks.push(check)
  }
  return checks
}

async function checkSource(asking: Asking, source: string, context: WriteContext): Promise<WholeCheck | undefined> {
  const { ledger, reached, retry, now } = asking
  const { target, schema } = reached
  const memory = await ledger.targetMemory(target.address, source)
  const ask = target.whole?.bind(target)
  if (!memory || !ask) return undefined
  const again = { ...context, idempotent: true, renew: target.renew?.bind(target) }
  const begun = { statements: target.statements(), at: performance.now() }
  const look = () => withRetry(() => ask(schema, source, context), again, retry)
  let found = await look()
  // Once more before it counts.
  if (typeof found !== 'string' && memory.whole && differing(memory, found).length > 0) found = await look()
  const asked = {
    source,
    at: now(),
    statements: target.statements() - begun.statements,
    ms: Math.round(performance.now() - begun.at),
    share: memory.share,
    rows: memory.tables[0]?.rows ?? 0,
    highest: typeof found === 'string' ? 0 : Math.max(...found.map(({ highest }) => highest)),
    ...keptIn(found),
  }
  if (typeof found === 'string') return { ...asked, kind: 'not verified', problem: found, tables: [] }
  const differences = differing(memory, found)
  const tables: CheckedTable[] = []
  for (const table of found) {
    const difference = differences.find(({ list }) => list === table.list)
    const others = table.others > 0 ? { others: await othersIn(asking, table, source, context) } : {}
    tables.push({ list: table.list, ...difference, ...others })
  }
  // What agrees to the row and in every sum holds nothing that is not known; equal numbers of rows alone do not say so.
  if (differences.length === 0 && !memory.whole && target.countsOnly) return { ...asked, kind: 'unknown', tables }
  if (differences.length === 0 && !memory.whole) await ledger.saveWhole(target.address, source)
  if (differences.length === 0) return { ...asked, kind: 'agrees', tables }
  // Batches in doubt may be there: that proves nothing.
  const isKnown = memory.whole && (await ledger.intents(target.address)).length === 0
  return { ...asked, kind: isKnown ? 'differs' : 'unknown', tables }
}

/** Versions are told wherever a target tells them; how many there are makes nothing differ. */
function keptIn(found: readonly WholeTable[] | string): Pick<WholeCheck, 'kept'> {
  const header = typeof found === 'string' ? undefined : found.find(({ list }) => list === '')
  return header?.versions === undefined ? {} : { kept: { versions: header.versions, records: header.rows } }
}

/** Tables that do not hold what was counted, in words. */
function differing(
  { tables }: TargetMemory,
  found: readonly WholeTable[],
): { readonly list: string; readonly problem: string }[] {
  return found.flatMap(({ list, name, rows, sum }) => {
    const known = tables.find((one) => one.list === list) ?? { rows: 0, sum: 0n }
    const problem = problemOf(name, rows - known.rows, sum === undefined || sum === known.sum, rows)
    return problem === undefined ? [] : [{ list, problem }]
  })
}

function problemOf(name: string, more: number, isAlike: boolean, rows: number): string | undefined {
  if (more === 0 && isAlike) return undefined
  const what =
    more < 0
      ? `${-more} of the ${rows - more} rows that were delivered are not there`
      : more > 0
        ? `${more} row(s) more than the ${rows - more} that were delivered are there`
        : `as many rows as were delivered, ${rows}, but of other versions: the table was put back, or rows were changed`
  return `${name}: ${what}. If it has a row filter, or a row access policy, Tieout may see other rows than others do.`
}

/** Rows of others with their amount, as far as the target can sum it. */
async function othersIn(
  { reached, plan }: Asking,
  { list, name, others }: WholeTable,
  source: string,
  context: WriteContext,
): Promise<string> {
  const { target, schema, sync } = reached
  const own = plan.filter((table) => table.list === list)
  const [table] = own
  const sums = table && (await target.totals?.({ run: sync.run, others: source, schema, ...table }, context))
  const amounts = typeof sums === 'object' ? Object.entries(currencyTotals(own, sums)) : []
  const texts = amounts.map(([currency, { debit, credit }]) =>
    `, ${currency} ${debit === '0' ? credit : debit}`.trimEnd(),
  )
  return `${others} row(s) of others under our source name in ${name}${texts.join('')}`
}
