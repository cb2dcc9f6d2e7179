/** An ERP in memory that is posted to, and a source that hands documents over: they commit late, lose replies, and say what people do. */
import { syncError } from '../../sync/contract/errors.ts'
import type { InboxItem } from '../../sync/contract/inbox.ts'
import { type DataRecord, keyText, type Schema } from '../../sync/contract/message.ts'
import type { Answer, Answered, Found, PostOutcome, PostResult } from '../../sync/contract/posting.ts'
import type { Source, StillOurs } from '../../sync/contract/source.ts'
import type { PostingBench } from './posting-rig.ts'

export const invoiceSchema: Schema = {
  entity: 'invoice',
  key: ['source', 'id', 'revision'],
  columns: [
    { name: 'source', type: 'string' },
    { name: 'id', type: 'string' },
    { name: 'revision', type: 'integer' },
    { name: 'supplier', type: 'string' },
    { name: 'currency', type: 'string' },
    { name: 'amount', type: 'decimal(28,8)' },
  ],
}

/** A voucher as it stands in the ERP. */
export interface Voucher extends PostResult {
  readonly key: string
}

type Fate = Parameters<PostingBench['next']>[0] | 'broken' | { readonly refused: string }

export interface Erp extends PostingBench {
  readonly vouchers: Voucher[]
  /** Posts that reached it, refused ones among them. */
  readonly received: string[]
  readonly looked: string[][]
  /** Fates of the next posts, in order; then `posted`. */
  readonly fates: Fate[]
  /** Nothing is found any more. */
  isBlind: boolean
  proof: { why: string } | undefined
  change(number: string, change: Partial<Voucher> | 'deleted'): void
}

export function createErp(): Erp {
  let numbers = 0
  const late: Voucher[] = []
  const tests = new Set<string>()
  const commit = (voucher: Voucher) => erp.vouchers.push(voucher)
  const erp: Erp = {
    schema: invoiceSchema,
    row: (id, revision, amount) => ({ source: 'hub', id, revision, supplier: 'S1', currency: 'EUR', amount }),
    next: (fate) => void erp.fates.push(fate),
    standing: async (key) => erp.vouchers.filter((one) => one.key === key).map(({ number }) => number),
    posts: () => erp.received.length,
    async another(key, { amount }) {
      const number = `O${++numbers}`
      commit({ key, number, status: 'draft', amount: String(amount), currency: 'EUR', party: 'S1' })
      return number
    },
    vouchers: [],
    received: [],
    looked: [],
    fates: [],
    isBlind: false,
    async blind(on) {
      erp.isBlind = on
    },
    finalise: async (number) => erp.change(number, { status: 'final' }),
    remove: async (number) => erp.change(number, 'deleted'),
    proof: undefined,
    commitLate: async () => late.splice(0).forEach(commit),
    change(number, change) {
      const at = erp.vouchers.findIndex((one) => one.number === number)
      const before = erp.vouchers[at]
      if (!before) throw new Error(`no voucher ${number}`)
      if (change === 'deleted') erp.vouchers.splice(at, 1)
      else erp.vouchers[at] = { ...before, ...change }
    },
    target: (rules) => ({
      address: 'erp://host/GL',
      mode: 'post',
      rules: { lookAgainSeconds: [60, 300, 900], settleSeconds: 1200, everySeconds: 300, ...rules },
      retry: { attempts: 2, firstDelayMs: 1, maxDelayMs: 2 },
      statements: () => erp.received.length + erp.looked.length,
      prove: async () => (erp.proof ? { proved: false, ...erp.proof, hint: 'give it rights' } : { proved: true }),
      async test({ sending }) {
        sending()
        tests.add('test')
        return erp.isBlind ? { proved: false, why: 'not found', hint: 'see to it' } : { proved: true }
      },
      async check({ record }) {
        if (record.amount === '0') throw syncError('data', 'erp.zero', 'nothing to post')
        return { amount: String(record.amount), currency: String(record.currency), party: String(record.supplier) }
      },
      async find(keys) {
        erp.looked.push(keys.map(({ key }) => key))
        return new Map(keys.map(({ key }): [string, Found] => [key, found(erp, key)]))
      },
      async post({ key, record }, intent, { sending }): Promise<PostOutcome> {
        const fate = erp.fates.shift() ?? 'posted'
        if (fate === 'broken') throw syncError('transient', 'erp.refused', 'connection refused')
        sending()
        erp.received.push(key)
        if (typeof fate === 'object' && 'refused' in fate)
          return { kind: 'refused', error: syncError('data', 'erp.no', fate.refused, { vendorText: fate.refused }) }
        const voucher: Voucher = {
          key,
          number: `V${++numbers}`,
          type: 'GEN',
          status: intent.as,
          amount: String(record.amount),
          currency: String(record.currency),
          party: String(record.supplier),
        }
        if (fate === 'never') return { kind: 'unknown', why: 'time-out' }
        if (fate === 'late') {
          late.push(voucher)
          return { kind: 'unknown', why: 'time-out' }
        }
        commit(voucher)
        if (fate === 'lost') throw new Error('socket hang up')
        const { key: _, ...result } = voucher
        return { kind: 'posted', result }
      },
    }),
  }
  return erp
}

function found({ isBlind, vouchers }: Erp, key: string): Found {
  const here = isBlind ? [] : vouchers.filter((one) => one.key === key).map(({ key: _, ...result }) => result)
  const [only] = here
  if (only === undefined) return { kind: 'absent' }
  return here.length > 1 ? { kind: 'twice', results: here } : { kind: 'posted', result: only }
}

export interface Hub {
  /** Approves an invoice, or changes it. */
  put(id: string, amount: string): void
  state(id: string): 'waiting' | 'ours' | 'answered' | 'gone'
  setState(id: string, state: 'waiting' | 'ours' | 'answered' | 'gone'): void
  readonly answers: Answer[]
  readonly asked: string[]
  /** What it says of the next answers; then `confirmed`. */
  readonly says: (Answered | 'silence' | 'lost')[]
  /** It says nothing when it is asked whose a record is. */
  dumb: boolean
  source(): Source
}

const address = 'hub://tenant'
const keyOf = (id: string): string => `hub|${id}`

/** Recorded, acknowledged, handed on as what it is now. */
export function createHub({ schema, row }: Pick<PostingBench, 'schema' | 'row'>): Hub {
  const invoices = new Map<string, { amount: string; state: ReturnType<Hub['state']> }>()
  const idOf = (recordKey: string): string => recordKey.split('|')[1] ?? ''
  const recordOf = (id: string, revision: number, read: number): DataRecord => ({
    ...row(id, revision, invoices.get(id)?.amount ?? '0'),
    _row: 0,
    _read: read,
  })
  const hub: Hub = {
    put(id, amount) {
      invoices.set(id, { amount, state: 'waiting' })
    },
    state: (id) => invoices.get(id)?.state ?? 'gone',
    setState(id, state) {
      invoices.set(id, { amount: invoices.get(id)?.amount ?? '0', state })
    },
    answers: [],
    asked: [],
    says: [],
    dumb: false,
    source: () => ({
      address,
      clock: async () => '2026-03-01T08:00:00Z',
      requests: () => 0,
      plan: async (entity, _signal, inbox) => ({
        entity,
        schema,
        source: 'hub',
        walks: ['inbox'],
        granularity: 'none',
        lagSeconds: 0,
        overlapSeconds: 0,
        async readPage({ nextRead }) {
          if (!inbox) throw new Error('no inbox')
          const waiting = [...invoices]
            .filter(([, { state }]) => state === 'waiting')
            .map(([id]) => ({ key: keyOf(id), document: { id } }))
          const known = await inbox.find(waiting.map(({ key }) => key))
          const isOver = ({ state }: InboxItem): boolean =>
            ['settled', 'answered', 'confirmed', 'dropped'].includes(state)
          await inbox.reopen(waiting.filter(({ key }) => known.has(key) && isOver(known.get(key) as InboxItem)))
          await inbox.record(waiting)
          const fresh = (await inbox.open()).filter(({ state }) => state === 'recorded').map(({ key }) => key)
          await inbox.acknowledging(fresh)
          for (const key of fresh) hub.setState(idOf(key), 'ours')
          await inbox.acknowledged(fresh)
          const read = nextRead()
          const open = await inbox.open()
          return { records: open.map(({ key, revision }) => recordOf(idOf(key), revision, read)), cursor: null }
        },
        async readKeys(keys, nextRead) {
          const read = nextRead()
          const here = keys.filter((key) => invoices.has(idOf(key)))
          return { records: here.map((key) => recordOf(idOf(key), Number(key.split('|')[2]), read)), cursor: null }
        },
      }),
      async stillOurs(keys) {
        hub.asked.push(...keys)
        if (hub.dumb) return new Map()
        const word = (key: string): StillOurs =>
          hub.state(idOf(key)) === 'ours'
            ? { amount: invoices.get(idOf(key))?.amount ?? '0' }
            : `it is ${hub.state(idOf(key))}`
        return new Map(keys.map((key) => [key, word(key)]))
      },
      async answer(answers) {
        const told = new Map<string, Answered>()
        for (const one of answers) {
          hub.answers.push(one)
          const says = hub.says.shift() ?? 'confirmed'
          if (says === 'lost') throw new Error('socket hang up')
          if (says === 'silence') continue
          if (typeof says === 'string') hub.setState(idOf(one.key), 'answered')
          told.set(one.key, says)
        }
        return told
      },
    }),
  }
  return hub
}

export const recordKey = (id: string, revision = 0): string => keyText(invoiceSchema, { source: 'hub', id, revision })
