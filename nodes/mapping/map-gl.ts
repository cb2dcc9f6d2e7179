/** map-gl: codes and columns of each batch, after rules compiled once per schema. */
import type { NodeAPI } from 'node-red'
import { z } from 'zod'
import { syncError } from '../../sync/contract/errors.ts'
import type { DataRecord, Schema } from '../../sync/contract/message.ts'
import { type Batch, defineTransform, handle, masked } from '../kit/kit.ts'
import { applyMapping } from './apply.ts'
import { compileMapping, type Mapping } from './compile.ts'
import { type CodeTables, glMapping } from './gl-mapping.ts'
import { jsonata } from './jsonata.ts'
import { type Rule, rule } from './rules.ts'

const config = z.object({ rules: z.array(rule).default([]) })

/** The last batch that a node saw, for its preview: ten records, and what it needs to map them. */
interface Seen {
  readonly schema: Schema
  readonly records: readonly DataRecord[]
  readonly codes: CodeTables
}

export default function (RED: NodeAPI): void {
  /** Compiled mappings by rules and schema text: one for each entity, whatever objects the messages carry. */
  const compiled = new WeakMap<readonly Rule[], Map<string, Mapping>>()
  const seen = new Map<string, Seen>()

  const mappingOf = (rules: readonly Rule[], schema: Schema, codes: CodeTables): Mapping => {
    const bySchema = compiled.get(rules) ?? new Map<string, Mapping>()
    compiled.set(rules, bySchema)
    const text = JSON.stringify(schema)
    const mapping = bySchema.get(text) ?? compileMapping(schema, rules, { codes, expression: jsonata(RED.util), today })
    bySchema.set(text, mapping)
    return mapping
  }

  defineTransform(RED, {
    type: 'map-gl',
    version: 1,
    config,
    literal: ['rules'],
    uses: { field: 'mapping', spec: glMapping },
    async transform({ rules }, codes, batch: Batch, { id }) {
      seen.set(id, { schema: batch.schema, records: batch.payload.slice(0, 10), codes })
      return applyMapping(mappingOf(rules, batch.schema, codes), batch.payload, batch.schema)
    },
  })

  RED.httpAdmin.post(
    '/tieout/map-gl/:id/preview',
    RED.auth.needsPermission('flows.write'),
    handle(z.object({ rules: z.array(rule) }), async ({ rules }, { params }) => {
      const last = seen.get(params.id ?? '')
      if (!last) {
        throw syncError('config', 'mapping.preview', 'This node has seen no batch yet', {
          hint: 'Deploy, run the sync once, and open the preview again.',
        })
      }
      const mapping = compileMapping(last.schema, rules, { codes: last.codes, expression: jsonata(RED.util), today })
      const records: DataRecord[] = []
      const unmapped: string[] = []
      for (const record of last.records) {
        const result = await mapping.map(record)
        if ('error' in result && result.error instanceof Error) unmapped.push(result.error.message)
        else records.push(result as DataRecord)
      }
      const before = masked({ schema: last.schema, records: last.records })
      const after = masked({ schema: mapping.schema, records })
      return { before: before.records, after: after.records, columns: mapping.schema.columns, unmapped }
    }),
  )
}

const today = (): string => new Date().toISOString().slice(0, 10)
