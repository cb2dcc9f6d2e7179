/** Guarded admin routes that list what is posted, what is to be, and what of it waits for a person. */
import type { NodeAPI } from 'node-red'
import { z } from 'zod'
import type { HeldRecord, InboxEntry, Ledger, Posting } from '../../ledger/ledger.ts'
import type { DataRecord, Schema } from '../../sync/contract/message.ts'
import { fileAnswer, handle, type LedgerHandle, type Member } from '../kit/kit.ts'
import { handleAsked, limit, text } from './asked.ts'
import { proofCsv } from './posting-proof.ts'
import { unpostedCsv } from './unposted.ts'

export function definePostingLists(RED: NodeAPI): void {
  defineProof(RED)
  RED.httpAdmin.get(
    '/tieout/postings',
    RED.auth.needsPermission('tieout.read'),
    handle(z.object({ ledger: text, sync: text, limit, open: z.stringbool().optional() }), async (query) => {
      const found = handleAsked(RED, query.ledger)
      const engine = await found?.engine.get()
      if (!found || !engine) return { places: [], attempts: [], postings: [], inbox: [], held: [], decisions: [] }
      const { ledger, posting } = engine
      const asking = answering(found, query.sync)
      const places = await Promise.all(
        asking.flatMap(({ syncName: sync = '', entities }) =>
          (entities?.() ?? []).map(async (entity) =>
            (await posting.places(entity)).map((one) => ({ sync, entity, ...one })),
          ),
        ),
      )
      return { places: places.flat(), ...(await listed(ledger, found, query)) }
    }),
  )

  RED.httpAdmin.get(
    '/tieout/postings/unposted',
    RED.auth.needsPermission('tieout.read'),
    handle(
      z.object({
        ledger: text,
        sync: text,
        period: z
          .string()
          .regex(/^\d{4}-\d\d$/, 'must be a month such as 2026-03')
          .optional(),
      }),
      async (query) => {
        const found = handleAsked(RED, query.ledger)
        const ledger = (await found?.engine.get())?.ledger
        const syncs = found ? syncsOf(found, query.sync) : []
        const csv = found && ledger ? await unpostedCsv({ ledger, syncs, recordOf: recordsOf(found) }, query) : ''
        return fileAnswer(`approved-not-posted${query.period ? `-${query.period}` : ''}.csv`, 'text/csv', csv)
      },
    ),
  )
}

function defineProof(RED: NodeAPI): void {
  RED.httpAdmin.get(
    '/tieout/postings/proof',
    RED.auth.needsPermission('tieout.read'),
    handle(z.object({ ledger: text, sync: text }), async ({ ledger: of, sync }) => {
      const found = handleAsked(RED, of)
      const ledger = (await found?.engine.get())?.ledger
      const syncs = found ? syncsOf(found, sync) : []
      const csv = found && ledger ? await proofCsv({ ledger, syncs, recordOf: recordsOf(found) }, sync) : ''
      return fileAnswer('handed-over-and-posted.csv', 'text/csv', csv)
    }),
  )
}

const answering = ({ members }: LedgerHandle, sync: string | undefined): Member[] =>
  [...members.values()].filter(({ answers, syncName }) => answers && (sync === undefined || syncName === sync))

const syncsOf = (found: LedgerHandle, sync: string | undefined): string[] =>
  answering(found, sync).flatMap(({ syncName }) => syncName ?? [])

/** Documents of the inbox as records, by their syncs. */
const recordsOf =
  (found: LedgerHandle) =>
  ({ sync, document }: InboxEntry): DataRecord | undefined =>
    answering(found, sync)[0]?.recordOf?.(document)

/** What is said of a document in a list. None of it is of a sensitive column. */
const SAID = ['number', 'company', 'supplier', 'supplier_name', 'currency', 'gross_amount', 'amount'] as const

function said(record: DataRecord | undefined, schema?: Schema): Record<string, string> {
  const sensitive = new Set(schema?.columns.filter((column) => column.sensitive).map(({ name }) => name))
  const known = SAID.filter((name) => !sensitive.has(name) && record?.[name] !== undefined && record[name] !== null)
  return Object.fromEntries(known.map((name) => [name, String(record?.[name])]))
}

async function listed(
  ledger: Ledger,
  found: LedgerHandle,
  {
    sync,
    limit: most,
    open = false,
  }: { readonly sync?: string | undefined; readonly limit: number; readonly open?: boolean | undefined },
) {
  const of = sync !== undefined && { sync }
  const recordOf = recordsOf(found)
  const states = ['asked', 'recorded', 'acknowledged', 'handed on', 'settled', 'answered'] as const
  const inbox = await ledger.inboxEntries({ ...of, states, limit: most })
  const attempts = (await ledger.attempts()).filter((one) => sync === undefined || one.sync === sync).slice(0, most)
  const postings = await ledger.listPostings({ ...of, open, limit: most })
  return {
    attempts: await Promise.all(
      attempts.map(async (one) => {
        const kept = await ledger.attempted(one.id)
        return { ...one, says: said(kept?.record, kept?.schema) }
      }),
    ),
    postings: await Promise.all(postings.map(async (one) => ({ ...one, says: await saidOf(ledger, one) }))),
    inbox: inbox.map(({ document, ...entry }) => ({ ...entry, says: said(recordOf({ ...entry, document })) })),
    held: (await heldToPost(ledger, found, sync, most)).map(({ record, schema, edited, ...held }) => ({
      ...held,
      says: said(edited?.record ?? record, schema),
    })),
    decisions: (await ledger.decisions({ ...of, limit: most })).filter(({ kind }) => DECIDED.has(kind)),
  }
}

const DECIDED = new Set(['posting', 'in-doubt', 'inbox'])

/** A record is kept until it is final and was found; after that amount, currency and partner are. */
async function saidOf(ledger: Ledger, { address, key, facts }: Posting): Promise<Record<string, string>> {
  const kept = await ledger.posted(address, key)
  const { amount, currency, party } = facts
  const posted = { ...(amount && { amount }), ...(currency && { currency }), ...(party && { supplier: party }) }
  return { ...posted, ...said(kept?.record, kept?.schema) }
}

/** Held records of syncs whose source answers, and those that were left out while it still waits for one. */
async function heldToPost(
  ledger: Ledger,
  found: LedgerHandle,
  sync: string | undefined,
  most: number,
): Promise<readonly HeldRecord[]> {
  const heldAs = async (state: 'open' | 'discarded') =>
    (
      await Promise.all(syncsOf(found, sync).map((name) => ledger.held({ sync: name, states: [state], limit: most })))
    ).flat()
  const [open, out] = await Promise.all([heldAs('open'), heldAs('discarded')])
  const waits = new Set(out.length > 0 ? (await ledger.unposted(sync)).map(documentOf) : [])
  return [...open, ...out.filter((one) => waits.has(leftOutOf(one)))]
}

const documentOf = ({ source, key, revision }: InboxEntry): string => JSON.stringify([source, `${key}|${revision}`])
const leftOutOf = ({ sourceAddress, sourceKey, key }: HeldRecord): string =>
  JSON.stringify([sourceAddress, sourceKey ?? key])
