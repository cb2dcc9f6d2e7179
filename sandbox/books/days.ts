import {
  balancedAgain,
  newEntries,
  newOrder,
  newSalesInvoice,
  newSupplier,
  newSupplierInvoice,
  unbalanced,
  visibleLate,
} from './additions.ts'
import {
  joinedHeaderAlone,
  lineAdded,
  lineAlone,
  lineClosed,
  madeFinal,
  matched,
  newestLineDeleted,
  orderClosed,
  receiptAlone,
  temporaryChanged,
  textEmptied,
} from './change-documents.ts'
import {
  backFromYesterday,
  bulkLoad,
  firstStamp,
  partnerRenamed,
  stampedInTheFuture,
  thereAndBackInOneDay,
  thereToday,
  twoInOneSecond,
} from './change-masters.ts'
import { type Change, type Day, type Desk, type Memory, shiftAmounts } from './changes.ts'
import {
  invoiceDeleted,
  madeAnew,
  madeAnewAtOnce,
  orderDeleted,
  supplierDeleted,
  temporaryDeleted,
  unbalancedDeleted,
} from './deletions.ts'
import { entryLines, longestEntry } from './journals.ts'
import { dimensionCode } from './masters.ts'
import { longest, orderLines } from './orders.ts'
import { draws, hash } from './random.ts'
import type { ChangingTables } from './table.ts'
import type { Ambush, Books, BookTables, TableName } from './types.ts'
import { stampText, type World } from './world.ts'

/** Kinds of change in the order in which a day makes them; what comes back from yesterday is first. */
const kinds: readonly (readonly [string, Change])[] = [
  ['changed back since yesterday', backFromYesterday],
  ['newest line deleted', newestLineDeleted],
  ['temporary journal made final', madeFinal],
  ['unbalanced journal put right', balancedAgain],
  ['changed, and back tomorrow', thereToday],
  ['changed and changed back in one day', thereAndBackInOneDay],
  ['two changes in one second', twoInOneSecond],
  ['line changed alone', lineAlone],
  ['line added', lineAdded],
  ['supplier renamed on its partner only', partnerRenamed],
  ['joined header of an invoice changed alone', joinedHeaderAlone],
  ['text emptied', textEmptied],
  ['first stamp on an upgraded row', firstStamp],
  ['temporary journal changed', temporaryChanged],
  ['journal line matched', matched],
  ['bulk load under one stamp', bulkLoad],
  ['stamped in the future', stampedInTheFuture],
  ['new supplier', newSupplier],
  ['new order', newOrder],
  ['new supplier invoice', newSupplierInvoice],
  ['new sales invoice', newSalesInvoice],
  ['new journals', newEntries],
  ['visible later than its stamp', visibleLate],
  ['unbalanced journal, to be held', unbalanced],
  ['made anew under a deleted number', madeAnew],
  ['order deleted', orderDeleted],
  ['invoice deleted, and made anew tomorrow', invoiceDeleted],
  ['deleted and made anew in one day', madeAnewAtOnce],
  ['temporary journal deleted', temporaryDeleted],
  ['unbalanced journal deleted', unbalancedDeleted],
  ['supplier without movements deleted', supplierDeleted],
  ['order line closed', lineClosed],
  ['order closed, or opened again', orderClosed],
  ['receipt corrected alone', receiptAlone],
]

const rights: readonly TableName[] = ['purchaseOrder', 'salesInvoice', 'journalEntry', 'supplier']
/** Documents longer than this need a second page of lines at the usual page size. */
const page = 200
/** Seconds before the clock at which a day's stamps begin: within 24 hours, with room for runs that took a while. */
const longestAgo = 84_600

/** An ambush that can also be sprung under another stamp than the clock's. */
interface Waiting extends Ambush {
  spring(stamp: string): void
}

interface Ambushes {
  waiting(): readonly Waiting[]
  /** Keys of the documents that ambushes wait in, as `table key`. */
  readonly places: readonly string[]
  /** Touches the longest documents, so that the next run reads them, and waits for it there. */
  lay(day: Day): boolean
}

function createAmbushes(world: World, tables: ChangingTables, now: () => number): Ambushes {
  let waiting: readonly Waiting[] = []
  const entryAt = longestEntry(world)
  const orderAt = longest(world.plan.longOrders)
  const longEntry =
    entryAt !== undefined && entryLines(world, entryAt) > page ? tables.journalEntry.base.key(entryAt) : undefined
  const longOrder =
    orderAt !== undefined && orderLines(world, orderAt) > page ? tables.purchaseOrder.base.key(orderAt) : undefined
  function ambush(table: TableName, key: string, spring: (stamp: string) => void): void {
    const one: Waiting = {
      table,
      key,
      spring(stamp) {
        if (!waiting.includes(one)) return
        waiting = waiting.filter((other) => other !== one)
        spring(stamp)
      },
      apply: () => one.spring(stampText(Math.floor(now() / 1000))),
    }
    waiting = [...waiting, one]
  }
  return {
    waiting: () => waiting,
    places: [
      ...(longEntry === undefined ? [] : [`journalEntry ${longEntry}`]),
      ...(longOrder === undefined ? [] : [`purchaseOrder ${longOrder}`]),
    ],
    lay(day) {
      // No draw here: what is left over must not change what the day does.
      for (const left of waiting) left.spring(stampText(day.now - longestAgo))
      if (longEntry !== undefined) {
        const entry = tables.journalEntry.get(longEntry)
        if (entry) tables.journalEntry.put({ ...entry, updated: day.at() })
        const centre = dimensionCode('CCT', day.draw(world.plan.codesPerType))
        ambush('journalEntry', longEntry, (stamp) => {
          const found = tables.journalEntry.get(longEntry)
          if (found) tables.journalEntry.put(shiftAmounts(found, day.number * 100, centre, stamp))
        })
      }
      if (longOrder !== undefined) {
        const order = tables.purchaseOrder.get(longOrder)
        if (order) tables.purchaseOrder.put({ ...order, updated: day.at() })
        ambush('purchaseOrder', longOrder, (updated) => {
          const found = tables.purchaseOrder.get(longOrder)
          if (!found) return
          const ends = [found.lines[0], found.lines.at(-1)]
          const quantity = `${day.number}.125`
          const lines = found.lines.map((line) => (ends.includes(line) ? { ...line, quantity, updated } : line))
          tables.purchaseOrder.put({ ...found, updated, lines })
        })
      }
      return longEntry !== undefined || longOrder !== undefined
    },
  }
}

/** The part of the books that moves. `now` is the ERP's clock in milliseconds. */
export function createDays(
  world: World,
  tables: ChangingTables,
  now: () => number,
): Pick<Books, 'day' | 'ambushes' | 'lostRight' | 'finish' | 'lastStamp'> {
  const memory: Memory = {
    back: [],
    turnedAccount: undefined,
    addedLine: undefined,
    temporary: [],
    unbalanced: [],
    anew: [],
    newSuppliers: [],
    serial: new Map(),
  }
  let number = 0
  let lost: TableName | undefined
  let reserved = new Set<string>()

  const ambushes = createAmbushes(world, tables, now)

  function begin(): Desk {
    number++
    const at = Math.floor(now() / 1000)
    const draw = draws(world.seed, 1_000, number)
    const moment = (): number => at - longestAgo + draw(longestAgo - 181)
    const day: Day = {
      number,
      now: at,
      date: world.today + (number - 1) * 86_400,
      draw,
      at: () => stampText(moment()),
      rising: (count) => {
        const start = moment() - count
        return Array.from({ length: count }, (_, k) => stampText(start + k))
      },
    }
    const busy = reserved
    reserved = new Set()
    for (const place of ambushes.places) busy.add(place)
    return {
      world,
      tables,
      day,
      memory,
      reserve: (name, key) => reserved.add(`${name} ${key}`),
      choose(name, fits = () => true) {
        const table = tables[name]
        const take = (thing: BookTables[typeof name] | undefined): boolean => {
          if (thing === undefined || thing.visibleFrom !== undefined) return false
          const place = `${name} ${table.keyOf(thing)}`
          if (busy.has(place) || !fits(thing)) return false
          busy.add(place)
          return true
        }
        const start = hash(world.seed, number, draw(1e9))
        for (let k = 0; k < table.base.count; k++) {
          const thing = table.get(table.base.key((start + k) % table.base.count))
          if (take(thing)) return thing
        }
        // What the days have added comes last.
        for (const thing of table.walk()) if (take(thing)) return thing
        return undefined
      },
    }
  }

  return {
    day() {
      const desk = begin()
      const done = kinds.filter(([, change]) => change(desk)).map(([name]) => name)
      if (ambushes.lay(desk.day)) done.push('changed between two of its line pages')
      lost = number % 2 === 1 ? rights[((number - 1) / 2) % rights.length] : undefined
      if (lost !== undefined) done.push('right lost in mid-run')
      return done
    },
    ambushes: ambushes.waiting,
    lostRight: () => lost,
    finish() {
      for (const left of ambushes.waiting()) left.apply()
      lost = undefined
    },
    lastStamp() {
      let last = stampText(world.end)
      for (const table of Object.values(tables)) last = later(last, table.lastChange())
      return last
    },
  }
}

function later(one: string, other: string | undefined): string {
  return other !== undefined && other > one ? other : one
}
