/** intacct-query: reads objects of Sage Intacct and sends them in batches. */
import type { NodeAPI } from 'node-red'
import { z } from 'zod'
import { addedFieldRow, byEntity, columnsByEntity, defineSource, field } from '../kit/kit.ts'
import { previewIntacct } from './client/check.ts'
import { ENTITIES, entityDef } from './client/entities.ts'
import { createIntacctSource, type IntacctSourceOptions } from './client/poll.ts'
import type { ExtraField } from './client/resolve.ts'
import { type IntacctClient, intacctConnection } from './intacct-connection.ts'

const entityRow = z.object({ entity: field.text('an entity is missing') })
const extraRow = addedFieldRow('an added field needs its name in Intacct')

const config = z.object({
  entities: z.array(entityRow, { error: 'must be a list' }).min(1, 'choose at least one entity'),
  extraFields: z.array(extraRow, { error: 'must be a list' }).default([]),
  pageSize: field.number(2000, 1, 2000),
  overlapSeconds: field.number(7200, 0, 30 * 86_400),
  lagSeconds: field.number(60, 0, 86_400),
  deletions: field.choice(['audit', 'off']),
  statisticalJournals: field.list(),
  /** `entity.column` of the sensitive columns that were chosen. */
  sensitive: field.list(),
})
type Config = z.output<typeof config>

/** An object of Intacct that is no entity of ours becomes one under its name in lower case. */
const nameOf = (entity: string): string => (entityDef(entity) ? entity : entity.toLowerCase())
const namesOf = ({ entities }: Config): string[] => entities.map(({ entity }) => nameOf(entity))

export function sourceOptions(values: Config, client: IntacctClient): IntacctSourceOptions {
  const further = values.entities.filter(({ entity }) => !entityDef(entity))
  return {
    source: client.source,
    entities: namesOf(values),
    objects: Object.fromEntries(further.map(({ entity }) => [nameOf(entity), entity])),
    pageSize: values.pageSize,
    overlapSeconds: values.overlapSeconds,
    lagSeconds: values.lagSeconds,
    deletions: values.deletions,
    statisticalJournals: values.statisticalJournals,
    budget: client.budget,
    sensitive: columnsByEntity(values.sensitive),
    extraFields: byEntity(values.extraFields.map((row) => ({ entity: nameOf(row.entity), value: extraField(row) }))),
  }
}

const extraField = ({ path, name, type, list }: z.output<typeof extraRow>): ExtraField => ({
  field: path,
  ...(name ? { name } : {}),
  ...(type ? { type } : {}),
  ...(list ? { list } : {}),
})

export default function (RED: NodeAPI): void {
  defineSource(RED, {
    type: 'intacct-query',
    version: 1,
    config,
    connection: intacctConnection,
    offers: ENTITIES.map(({ entity }) => entity),
    entities: namesOf,
    source: (values, client, { waiting }) =>
      createIntacctSource(client.connection, client.schema, {
        ...sourceOptions(values, client),
        waiting: (what) => waiting(`Intacct: ${what}`),
      }),
    preview: (values, client, entity, signal) =>
      previewIntacct(client.connection, sourceOptions(values, client), nameOf(entity), signal),
  })
}
