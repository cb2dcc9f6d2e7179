/** map-gl: codes and columns of each batch, after rules compiled once per schema. */
import type { NodeAPI } from 'node-red'
import { z } from 'zod'
import type { Engine } from '../../sync/contract/engine.ts'
import { syncError } from '../../sync/contract/errors.ts'
import type { DataRecord, Schema } from '../../sync/contract/message.ts'
import { type Batch, defineTransform, field, handle, masked } from '../kit/kit.ts'
import { applyMapping } from './apply.ts'
import { compileMapping, type Mapping } from './compile.ts'
import { type CodeTables, compileTables, glMapping } from './gl-mapping.ts'
import { jsonata } from './jsonata.ts'
import { madeOf } from './made.ts'
import { type Rule, rule } from './rules.ts'

const config = z.object({ rules: z.array(rule).default([]), mapping: field.optional() })

/** Code tables with what was added to them, as long as both are the same. */
interface Extended {
  readonly added: string
  readonly codes: CodeTables
}

type Added = Awaited<ReturnType<Engine['ledger']['addedCodes']>>

/** The last batch that a node saw, for its preview: ten records, and what it needs to map them. */
interface Seen {
  readonly schema: Schema
  readonly records: readonly DataRecord[]
  readonly codes: CodeTables
}

export default function (RED: NodeAPI): void {
  /** Compiled mappings by rules and schema text: one for each entity, whatever objects the messages carry. */
  const compiled = new WeakMap<readonly Rule[], WeakMap<CodeTables, Map<string, Mapping>>>()
  const extended = new WeakMap<CodeTables, Extended>()
  const seen = new Map<string, Seen>()

  const mappingOf = (rules: readonly Rule[], schema: Schema, codes: CodeTables): Mapping => {
    const byCodes = compiled.get(rules) ?? new WeakMap<CodeTables, Map<string, Mapping>>()
    compiled.set(rules, byCodes)
    const bySchema = byCodes.get(codes) ?? new Map<string, Mapping>()
    byCodes.set(codes, bySchema)
    const text = JSON.stringify(schema)
    const mapping =
      bySchema.get(text) ??
      compileMapping(schema, rules, { codes: codes.lookups, expression: jsonata(RED.util), today })
    bySchema.set(text, mapping)
    return mapping
  }

  const withAdded = (own: CodeTables, rows: Added): CodeTables => {
    if (rows.length === 0) return own
    const added = JSON.stringify(rows)
    const known = extended.get(own)
    if (known?.added === added) return known.codes
    const codes = compileTables(own.tables, rows)
    extended.set(own, { added, codes })
    return codes
  }

  defineTransform(RED, {
    type: 'map-gl',
    version: 1,
    config,
    literal: ['rules'],
    uses: { field: 'mapping', spec: glMapping },
    async transform({ rules, mapping }, own, batch: Batch, { id, ledger }) {
      const codes = withAdded(own, await ledger.addedCodes(mapping))
      seen.set(id, { schema: batch.schema, records: batch.payload.slice(0, 10), codes })
      return applyMapping(mappingOf(rules, batch.schema, codes), batch.payload, batch.schema)
    },
    async made({ rules, mapping }, own, entity, ledger) {
      return madeOf(rules, withAdded(own, await ledger.addedCodes(mapping)), entity)
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
      const mapping = compileMapping(last.schema, rules, {
        codes: last.codes.lookups,
        expression: jsonata(RED.util),
        today,
      })
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
