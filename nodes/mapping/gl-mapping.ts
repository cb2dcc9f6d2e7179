/** gl-mapping: the code tables that several map-gl nodes share. */
import type { NodeAPI } from 'node-red'
import { z } from 'zod'
import { type ConnectionSpec, defineConnection, handle } from '../kit/kit.ts'
import { defineCodeRoutes } from './code-routes.ts'
import { type CodeRow, type CodeTable, codeTable, compileCodes, type Lookup, parseCodes } from './codes.ts'

/** The code tables of the flow, and by name ready for look-ups. */
export interface CodeTables {
  readonly tables: readonly CodeTable[]
  /** What people added to them. */
  readonly added: readonly (CodeRow & { readonly table: string })[]
  readonly lookups: ReadonlyMap<string, Lookup>
}

const config = z.object({ tables: z.array(codeTable).default([{ name: 'account', rows: [] }]) })
const noCredentials = z.object({})

export const glMapping: ConnectionSpec<typeof config, typeof noCredentials, CodeTables> = {
  type: 'gl-mapping',
  version: 1,
  config,
  open: ({ tables }) => compileTables(tables),
}

/** `added`: what people added to them, by table. */
export function compileTables(tables: readonly CodeTable[], added: CodeTables['added'] = []): CodeTables {
  const of = (name: string) => added.filter(({ table }) => table === name)
  return { tables, added, lookups: new Map(tables.map((table) => [table.name, compileCodes(table, of(table.name))])) }
}

export default function (RED: NodeAPI): void {
  defineConnection(RED, glMapping)
  defineCodeRoutes(RED)

  RED.httpAdmin.post(
    '/tieout/gl-mapping/csv',
    RED.auth.needsPermission('flows.write'),
    handle(z.object({ text: z.string().max(900_000) }), async ({ text }) => {
      const rows = parseCodes(text)
      compileCodes({ name: 'CSV', rows })
      return { rows }
    }),
  )
}
