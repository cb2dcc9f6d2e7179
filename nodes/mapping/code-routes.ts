/** Admin routes over codes that people add to code tables, where records are held without them. */
import type { NodeAPI } from 'node-red'
import { z } from 'zod'
import type { Engine } from '../../sync/contract/engine.ts'
import { syncError } from '../../sync/contract/errors.ts'
import { handle, type LedgerHandle, ledgersOf, reason } from '../kit/kit.ts'
import { type CodeTable, codeRow, compileCodes } from './codes.ts'

const name = z.string().min(1).max(300)

type Ledger = Engine['ledger']

export function defineCodeRoutes(RED: NodeAPI): void {
  RED.httpAdmin.get(
    '/tieout/codes',
    RED.auth.needsPermission('tieout.read'),
    handle(z.object({ mapping: name }), async ({ mapping }) => {
      const found = await Promise.all(
        [...ledgersOf(RED, 'sync-ledger')].map(async ([ledger, handle]) => {
          const codes = await (await ledgerOf(handle)).addedCodes(mapping)
          return codes.map((code) => ({ ...code, ledger }))
        }),
      )
      const has = ownTables(RED, mapping)
      return found.flat().filter(({ table, from, valid_from }) => has(table, from, valid_from) === undefined)
    }),
  )

  RED.httpAdmin.post(
    '/tieout/codes',
    RED.auth.needsPermission('tieout.codes'),
    handle(
      z.strictObject({
        ledger: name,
        held: name,
        table: name,
        code: name,
        to: z.string().trim().min(1, 'the code in the target is missing').max(300),
        valid_from: codeRow.shape.valid_from,
        valid_to: codeRow.shape.valid_to,
        reason,
      }),
      async ({ ledger: id, held, table, code, to, valid_from, valid_to, reason: why }, { user }) => {
        const ledger = await ledgerNamed(RED, id)
        const [head] = await ledger.heldHeads({ ids: [held], states: ['open'] })
        const missing = head?.cause.codes?.find((one) => one.table === table && one.code === code)
        if (!head || !missing)
          throw syncError('config', 'mapping.code', `No held record waits for ${table} ${code}`, {
            hint: 'It was replayed, replaced or discarded meanwhile: look at the list again.',
          })
        const mapping = mappingOf(RED, head.heldBy.replace(/^map:/, ''))
        if (ownTables(RED, mapping)(table, code, missing.day) !== undefined)
          throw syncError('config', 'mapping.code', `The code table has ${code} by now`, {
            hint: 'Replay the records.',
          })
        const { sync, entity, heldBy: sink } = head
        const about = `${table} ${code} -> ${to}${valid_from && ` from ${valid_from}`}${valid_to && ` to ${valid_to}`}`
        await ledger.addCode(
          { mapping, table, from: code, to, valid_from, valid_to },
          { kind: 'code', by: user, reason: why, sync, entity, sink, about },
        )
        return { message: `${about} counts from now on. Replay what is held for it.` }
      },
    ),
  )

  RED.httpAdmin.post(
    '/tieout/codes/remove',
    RED.auth.needsPermission('tieout.codes'),
    handle(z.strictObject({ ledger: name, id: name, reason }), async ({ ledger, id, reason: why }, { user }) => {
      const removed = await (await ledgerNamed(RED, ledger)).removeCode(id, ({ mapping, table, from, to }) => ({
        ...{ kind: 'code', by: user, reason: why, sync: '', entity: '', sink: mapping },
        about: `${table} ${from} -> ${to} taken away`,
      }))
      if (!removed) throw syncError('config', 'mapping.code', `There is no added code ${id}`)
      return { removed: 1 }
    }),
  )
}

const ledgerOf = async (handle: LedgerHandle): Promise<Ledger> => (await handle.engine.get()).ledger

async function ledgerNamed(RED: NodeAPI, id: string): Promise<Ledger> {
  const handle = ledgersOf(RED, 'sync-ledger').get(id)
  if (!handle) throw syncError('config', 'tieout.ledger', `There is no sync-ledger ${id}`)
  return ledgerOf(handle)
}

/** The code tables of a map-gl node. */
function mappingOf(RED: NodeAPI, id: string): string {
  const found = configOf(RED, id)?.mapping
  if (typeof found === 'string' && found !== '') return found
  throw syncError('config', 'mapping.code', 'The node that holds the record is not deployed any more', {
    hint: 'Have the source read the record again.',
  })
}

/** Looks a code up in the tables of the flow as they are deployed; without a day: today. */
function ownTables(RED: NodeAPI, id: string): (table: string, code: string, day: string) => string | undefined {
  const tables = (configOf(RED, id)?.tables ?? []) as CodeTable[]
  return (name, code, day) => {
    const table = tables.find((one) => one.name === name)
    const rows = (table?.rows ?? []).filter(({ from }) => from === code).map((row) => codeRow.parse(row))
    return compileCodes({ name, rows })(code, day || new Date().toISOString().slice(0, 10))
  }
}

function configOf(RED: NodeAPI, id: string): Readonly<Record<string, unknown>> | undefined {
  let found: Readonly<Record<string, unknown>> | undefined
  RED.nodes.eachNode((node) => {
    if (node.id === id) found = node as unknown as Readonly<Record<string, unknown>>
  })
  return found
}
