/** Running sums by group: changed in the transaction that settles, in exact whole numbers. */
import { type Database, prepared } from './database.ts'
import type { Intern } from './intern.ts'
import type { Counts, GroupChange, GroupSum, GroupSums } from './ledger.ts'

export interface GroupSumBook {
  readonly topic: GroupSums
  /** Inside a transaction. `id`: of the address. */
  change(id: number, change: GroupChange): void
  /** Inside a transaction: what rows had added, as they keep it (`countsText`), is taken off. */
  take(id: number, rows: readonly string[]): void
  /** Nothing of the address is known any more. */
  clear(id: number): void
  /** The transaction is on disk, or undone. */
  settled(isDone: boolean): void
}

const KINDS = ['read', 'declared', 'delivered'] as const

export function createGroupSums(db: Database, intern: Intern): GroupSumBook {
  const { names, name, find, put, drop, dropAll, all } = prepared(db, {
    names: 'SELECT id, text FROM sum_group',
    name: 'INSERT INTO sum_group (id, text) VALUES (?, ?) ON CONFLICT DO NOTHING',
    find: 'SELECT read, declared, delivered FROM group_sum WHERE address = ? AND grp = ?',
    put: 'INSERT OR REPLACE INTO group_sum (address, grp, read, declared, delivered) VALUES (?, ?, ?, ?, ?)',
    drop: 'DELETE FROM group_sum WHERE address = ? AND grp = ?',
    dropAll: 'DELETE FROM group_sum WHERE address = ?',
    all: 'SELECT grp AS "group", read, declared, delivered FROM group_sum WHERE address = ? ORDER BY grp',
  })
  const texts = new Map<number, string>()
  const numbers = new Map<string, number>()
  let last = 0
  for (const row of names.all() as unknown as { id: number; text: string }[]) {
    texts.set(row.id, row.text)
    numbers.set(row.text, row.id)
    last = Math.max(last, row.id)
  }
  /** Numbers that are not on disk yet, and those of them that the transaction under way has written. */
  const unwritten = new Set<number>()
  let writing: number[] = []

  const change = (id: number, by: GroupChange): void => {
    writing = [...unwritten]
    for (const group of writing) name.run(group, texts.get(group) ?? '')
    const changed = new Map<number, Record<(typeof KINDS)[number], string>>()
    for (const kind of KINDS)
      for (const text of [by.all, by[kind]])
        for (const [group, sums] of partsOf(text)) {
          let own = changed.get(group)
          if (own === undefined) {
            const before = find.get(id, group) as unknown as Counts | undefined
            own = before ? { ...before } : { read: '0', declared: '0', delivered: '0' }
            changed.set(group, own)
          }
          own[kind] = added(own[kind], sums)
        }
    for (const [group, { read, declared, delivered }] of changed)
      if ([read, declared, delivered].every((text) => text === '0')) drop.run(id, group)
      else put.run(id, group, read, declared, delivered)
  }

  return {
    change,
    take(id, rows) {
      for (const row of rows) {
        const { read, declared, delivered } = countsOf(row)
        change(id, { read: negated(read), declared: negated(declared), delivered: negated(delivered) })
      }
    },
    clear(id) {
      dropAll.run(id)
    },
    settled(isDone) {
      if (isDone) for (const group of writing) unwritten.delete(group)
      writing = []
    },
    topic: {
      groupNumber(text) {
        const known = numbers.get(text)
        if (known !== undefined) return known
        last++
        numbers.set(text, last)
        texts.set(last, text)
        unwritten.add(last)
        return last
      },
      groupText: (group) => texts.get(group),
      groupSums: async (address) =>
        (db.guard(() => all.all(intern.address(address, false))) as unknown as GroupSum[]).map((row) => ({ ...row })),
    },
  }
}

/** What a row keeps of a record's counts: once where all three are one. */
export const countsText = ({ read, declared, delivered }: Counts): string =>
  read === delivered && declared === delivered ? delivered : `${delivered}\n${read}\n${declared}`

export function countsOf(text: string): Counts {
  const [delivered = '', read = delivered, declared = delivered] = text.split('\n')
  return { read, declared, delivered }
}

/** Parts of a contribution: the group, and its sums with nothing left out. */
function partsOf(text: string | undefined): [group: number, sums: string[]][] {
  if (!text) return []
  return text.split(';').map((part) => {
    const [group, ...sums] = part.split(' ')
    // Those of the amount before.
    for (let i = 3; i < sums.length; i++) if (sums[i] === '=') sums[i] = sums[i - 2] as string
    return [Number(group), sums]
  })
}

const negated = (text: string): string =>
  partsOf(text)
    .map(([group, [count, ...sums]]) => [group, -Number(count), ...sums.map(negative)].join(' '))
    .join(';')

const negative = (sum: string): string => (sum === '' ? '' : sum.startsWith('-') ? sum.slice(1) : `-${sum}`)

/** Sums as a group keeps them, with more added; `0`: nothing. */
function added(text: string, more: readonly string[]): string {
  const own = text.split(' ')
  const sums = Array.from({ length: Math.max(own.length, more.length) }, (_, i) =>
    i === 0 ? String(Number(own[0]) + Number(more[0])) : sumOf(own[i] ?? '', more[i] ?? ''),
  )
  return sums.every((sum) => sum === '' || sum === '0') ? '0' : sums.join(' ')
}

/** Of two sums as `units:scale`; empty: nothing. */
export function sumOf(one: string, other: string): string {
  if (one === '' || other === '') return one || other
  const [[a, scaleA], [b, scaleB]] = [read(one), read(other)]
  const scale = Math.max(scaleA, scaleB)
  const units = a * 10n ** BigInt(scale - scaleA) + b * 10n ** BigInt(scale - scaleB)
  return units === 0n ? '' : `${units}:${scale}`
}

const read = (sum: string): [units: bigint, scale: number] => {
  const at = sum.indexOf(':')
  return [BigInt(sum.slice(0, at)), Number(sum.slice(at + 1))]
}
