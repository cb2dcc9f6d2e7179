/**
 * Taking invoices over: written down, acknowledged, read again, and only that version is handed on. At most one of all that
 * may be interrupted, and the inbox says where to go on.
 */
import { setTimeout as delay } from 'node:timers/promises'
import type { Inbox, InboxItem, InboxState } from '../../../sync/contract/inbox.ts'
import { type Held, heldAt, isAhead, movedTo } from './gate.ts'
import { acknowledge, isTooLarge, listInvoices, type Reading, readInvoice } from './invoices.ts'
import { idOf } from './keys.ts'
import { type Invoice, storedInvoice } from './replies.ts'

/** An invoice that is ours, as it was read after it was. */
export interface Taken {
  readonly invoice: Invoice
  readonly revision: number
  /** Number of the request that read it. */
  readonly read: number
}

/** One that may not go on. */
export interface Kept extends Held {
  readonly invoice: Invoice | undefined
  readonly key: string
  readonly revision: number
}

/** A few invoices on their way. */
export interface Haul {
  readonly taken: readonly Taken[]
  readonly kept: readonly Kept[]
}

export interface TakeOptions {
  readonly inbox: Inbox
  readonly companies: readonly string[]
  readonly pageSize: number
  /** Longest wait, ms, until Basware shows what it has acknowledged. */
  readonly visibleMs: number
  /** At a time. */
  readonly lanes: number
  readonly keyOf: (invoiceId: string) => string
  readonly note: (text: string) => void
}

/** How one run takes invoices over. `reading` and `nextRead` are those of the page that is asked for now. */
interface Run extends TakeOptions {
  reading: Reading
  nextRead: () => number
  /** Keys that this run is done with. */
  readonly seen: Set<string>
}

/** Passes over a company's list before the rest is left to the next run. */
const PASSES = 10
const OURS: readonly InboxState[] = ['acknowledged', 'handed on']
/** It was ours, and went back: what Basware hands over now begins anew. */
const OVER: readonly InboxState[] = ['settled', 'answered', 'confirmed', 'dropped']

export type Haulage = (reading: Reading, nextRead: () => number) => Promise<Haul | undefined>

/** Gives haul after haul, until there is none. After a failure it begins anew, with what the inbox says then. */
export function createHaulage(options: TakeOptions): Haulage {
  let run: Run | undefined
  let hauls: AsyncGenerator<Haul> | undefined
  return async (reading, nextRead) => {
    run ??= { ...options, reading, nextRead, seen: new Set() }
    Object.assign(run, { reading, nextRead })
    hauls ??= haulsOf(run)
    try {
      const next = await hauls.next()
      return next.done ? undefined : next.value
    } catch (error) {
      run = undefined
      hauls = undefined
      throw error
    }
  }
}

async function* haulsOf(run: Run): AsyncGenerator<Haul> {
  const { inbox, companies } = run
  // What an earlier run acknowledged is ours, whatever the list shows.
  for (const some of chunks((await inbox.open()).filter(isOurs), run.lanes)) yield await handOn(run, some)
  // What the list shows of them all the same was transferred anew.
  run.seen.clear()
  for (const company of companies) yield* takeCompany(run, company)
  yield* leftBehind(run)
  for (const company of companies) await othersOf(run, company)
}

const isOurs = ({ state }: InboxItem): boolean => OURS.includes(state)

/** Lists until a pass brings nothing that is not known: what is acknowledged leaves the list, and moves what is behind it. */
async function* takeCompany(run: Run, company: string): AsyncGenerator<Haul> {
  for (let pass = 0; pass < PASSES; pass++) {
    // A record may stand on two pages.
    const fresh = new Set<string>()
    for await (const page of listInvoices(run.reading, company, 'WaitingForTransfer', run.pageSize)) {
      const { wanted, kept } = await writeDown(run, page)
      for (const key of wanted) fresh.add(key)
      if (kept.length > 0) yield { taken: [], kept }
    }
    if (fresh.size === 0) return
    for (const some of chunks([...fresh], run.lanes)) yield await takeOver(run, some)
  }
  run.note(`${company}: invoices kept coming while they were listed; the rest is taken by the next run.`)
}

/** Records what may be taken. Nothing of it was acknowledged yet. */
async function writeDown(run: Run, page: readonly Invoice[]): Promise<{ wanted: string[]; kept: Kept[] }> {
  const { inbox, keyOf, seen } = run
  const fresh = page
    .map((invoice) => ({ invoice, key: keyOf(invoice.invoiceId) }))
    .filter(({ key }, at, all) => !seen.has(key) && all.findIndex((one) => one.key === key) === at)
  const known = await inbox.find(fresh.map(({ key }) => key))
  const kept: Kept[] = []
  const wanted: typeof fresh = []
  for (const one of fresh) {
    const item = known.get(one.key)
    // A person has not said yet whether it is ours.
    const held = item?.state === 'asked' ? undefined : heldAt(one.invoice, item)
    if (held) kept.push({ ...held, ...one, revision: item?.revision ?? 0 })
    else if (item?.state !== 'asked') wanted.push(one)
    if (held || item?.state === 'asked') seen.add(one.key)
  }
  const document = ({ key, invoice }: (typeof fresh)[number]) => ({ key, document: invoice })
  const isOver = ({ key }: { readonly key: string }): boolean => OVER.includes(known.get(key)?.state ?? 'recorded')
  await inbox.reopen(wanted.filter(isOver).map(document))
  await inbox.record(wanted.filter((one) => !isOver(one)).map(document))
  return { wanted: wanted.map(({ key }) => key), kept }
}

/** Acknowledges what was recorded, and hands on what became ours. */
async function takeOver(run: Run, keys: readonly string[]): Promise<Haul> {
  const { inbox, seen } = run
  const before = await inbox.find(keys)
  for (const key of keys) seen.add(key)
  await inbox.acknowledging(keys)
  const outcomes = await Promise.allSettled(keys.map((key) => acknowledge(run.reading, idOf(key))))
  const those = (wanted: string): string[] =>
    keys.filter((_, at) => outcomes[at]?.status === 'fulfilled' && outcomes[at].value === wanted)
  const refused = those('refused')
  // Not waiting any more: ours from before, or nobody knows whose.
  const known = refused.filter((key) => OURS.includes(before.get(key)?.state ?? 'recorded'))
  const ours = [...those('taken'), ...known]
  await inbox.acknowledged(ours)
  await inbox.dropped(those('gone').map((key) => ({ key, why: 'It went away before it was acknowledged' })))
  for (const key of refused) if (!known.includes(key)) await sortOut(run, before.get(key) as InboxItem)
  // Nobody knows: asked once more by the next pass, or looked up when everything else is done.
  for (const key of those('unknown')) seen.delete(key)
  const failed = outcomes.find((one) => one.status === 'rejected')
  if (failed) throw failed.reason
  const items = await inbox.find(ours)
  return handOn(
    run,
    ours.flatMap((key) => items.get(key) ?? []),
    run.visibleMs,
  )
}

const LOST_REPLY =
  'Acknowledging it was begun here, and the reply never came: by now it is in transfer, by this request or by somebody else.'
const BY_OTHERS = 'It is in transfer at Basware, not by us: nothing here says that it was acknowledged by this ledger.'

/** Reads again what is ours, and hands on only that version. */
async function handOn(run: Run, items: readonly InboxItem[], waitMs = 0): Promise<Haul> {
  const taken: Taken[] = []
  const kept: Kept[] = []
  for (const { key } of items) run.seen.add(key)
  const read = await Promise.all(items.map((item) => readAgain(run, item, waitMs)))
  for (const [at, item] of items.entries()) {
    const found = read[at] as Again
    const { key, revision } = item
    const invoice = 'held' in found ? undefined : found.invoice
    // Transferred anew meanwhile, or not acknowledged as far as Basware shows yet: it is in the list, now or in the next run.
    if (invoice?.processingStatus === 'WaitingForTransfer') continue
    if (invoice && isAhead(invoice, item))
      await run.inbox.behind(`Basware has an answer of ours for invoice ${idOf(key)} that this ledger never gave`)
    const held = 'held' in found ? found.held : (movedTo(invoice, key) ?? heldAt(invoice as Invoice, item))
    if (held) kept.push({ ...held, key, revision, invoice: invoice ?? storedInvoice(item.document) })
    else if (invoice && 'read' in found) taken.push({ invoice, revision, read: found.read })
  }
  return { taken, kept }
}

type Again = { readonly invoice: Invoice | undefined; readonly read: number } | { readonly held: Held }

/** What Basware shows of an invoice; where it was acknowledged just now, once it shows that. */
async function readAgain(run: Run, item: InboxItem, waitMs: number): Promise<Again> {
  const until = performance.now() + waitMs
  const { signal } = run.reading
  for (let wait = 100; ; wait *= 2) {
    let read = 0
    let invoice: Invoice | undefined
    try {
      invoice = await readInvoice(run.reading, idOf(item.key), () => {
        read = run.nextRead()
      })
    } catch (error) {
      if (!isTooLarge(error)) throw error
      const { message } = error as Error
      return {
        held: {
          code: 'basware.too-large',
          message,
          hint: 'It is ours, and cannot be read. Split it in Basware, or post it by hand.',
        },
      }
    }
    if (invoice?.processingStatus !== 'WaitingForTransfer' || performance.now() + wait > until) return { invoice, read }
    run.reading.waiting?.('an acknowledgement to take effect')
    await delay(wait, undefined, { signal })
  }
}

/** Recorded by us, and not in any list: looked up by its id. */
async function* leftBehind(run: Run): AsyncGenerator<Haul> {
  const left = (await run.inbox.open()).filter(({ state, key }) => state === 'recorded' && !run.seen.has(key))
  for (const item of left) {
    const waiting = await sortOut(run, item)
    const isWanted = waiting && run.companies.includes(waiting.companyCode) && !heldAt(waiting, item)
    if (isWanted) yield await takeOver(run, [item.key])
  }
}

/**
 * One that was recorded and is not acknowledged as far as the inbox knows. In transfer: a person says whose it is. Elsewhere: it
 * is dropped. Gives it back where it waits.
 */
async function sortOut(
  { inbox, reading }: Run,
  { key, document, acknowledging }: InboxItem,
): Promise<Invoice | undefined> {
  const invoice = await readInvoice(reading, idOf(key))
  const state = invoice?.processingStatus
  if (state === 'WaitingForTransfer') return invoice
  if (state === 'TransferInProgress')
    await inbox.ask([{ key, document: invoice ?? document, why: acknowledging ? LOST_REPLY : BY_OTHERS }])
  else {
    const why = state ? `It is ${state} at Basware, and was not acknowledged` : 'It is not at Basware any more'
    await inbox.dropped([{ key, why }])
  }
  return undefined
}

async function othersOf(run: Run, company: string): Promise<void> {
  try {
    await askForOthers(run, company)
  } catch (error) {
    if (!isTooLarge(error)) throw error
    run.note(`What is in transfer by others cannot be listed. ${(error as Error).message}`)
  }
}

/** What is in transfer and not in the inbox is touched by nobody here; a person may take it over. */
async function askForOthers({ inbox, keyOf, reading, pageSize }: Run, company: string): Promise<void> {
  for await (const page of listInvoices(reading, company, 'TransferInProgress', pageSize)) {
    const all = page.map((invoice) => ({ key: keyOf(invoice.invoiceId), document: invoice }))
    const known = await inbox.find(all.map(({ key }) => key))
    const others = all.filter(({ key }) => !known.has(key))
    await inbox.ask(others.map((one) => ({ ...one, why: BY_OTHERS })))
    const ahead = all.find(({ key }) => known.get(key)?.state === 'confirmed')
    if (ahead)
      await inbox.behind(`Invoice ${idOf(ahead.key)} is in transfer at Basware, and this ledger has it as answered`)
  }
}

function* chunks<T>(all: readonly T[], size: number): Generator<readonly T[]> {
  for (let at = 0; at < all.length; at += size) yield all.slice(at, at + size)
}
