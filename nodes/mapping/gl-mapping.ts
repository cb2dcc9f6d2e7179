/** gl-mapping: the code tables that several map-gl nodes share. */
import type { NodeAPI } from 'node-red'
import { z } from 'zod'
import { type ConnectionSpec, defineConnection, handle } from '../kit/kit.ts'
import { type CodeTable, codeTable, compileCodes, type Lookup, parseCodes } from './codes.ts'

/** Code tables by name, ready for look-ups. */
export type CodeTables = ReadonlyMap<string, Lookup>

const config = z.object({ tables: z.array(codeTable).default([{ name: 'account', rows: [] }]) })
const noCredentials = z.object({})

export const glMapping: ConnectionSpec<typeof config, typeof noCredentials, CodeTables> = {
  type: 'gl-mapping',
  version: 1,
  config,
  open: ({ tables }) => compileTables(tables),
}

function compileTables(tables: readonly CodeTable[]): CodeTables {
  return new Map(tables.map((table) => [table.name, compileCodes(table)]))
}

export default function (RED: NodeAPI): void {
  defineConnection(RED, glMapping)

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
