/** x3-poll: reads entities of Sage X3 and sends them in batches. */
import type { NodeAPI } from 'node-red'
import { z } from 'zod'
import { addedFieldRow, byEntity, columnsByEntity, defineSource, field } from '../kit/kit.ts'
import { previewX3 } from './client/check.ts'
import { ENTITIES } from './client/entities/index.ts'
import { sourceThrough, type X3SourceOptions } from './client/poll.ts'
import type { ExtraField } from './client/resolve.ts'
import { type X3Client, x3Connection } from './x3-connection.ts'

const entityRow = z.object({ entity: field.text('an entity is missing'), filter: field.optional() })
const extraRow = addedFieldRow('an added field needs its path')

const config = z.object({
  entities: z.array(entityRow, { error: 'must be a list' }).min(1, 'choose at least one entity'),
  extraFields: z.array(extraRow, { error: 'must be a list' }).default([]),
  pageSize: field.number(200, 1, 10_000),
  stampField: field.optional(),
  granularity: field.choice(['auto', 'second', 'day']),
  overlapSeconds: field.number(600, 0, 30 * 86_400),
  lagSeconds: field.number(60, 0, 86_400),
  dateWindowDays: field.number(0, 0, 3660),
  ledgers: field.list(),
  statisticalLedgers: field.list(),
  dimensionTypes: field.list(),
  costCentreType: field.optional('CCT'),
  /** `entity.column` of the sensitive columns that were chosen. */
  sensitive: field.list(),
  /** `entity.option` of the further columns and lists that were chosen. */
  further: field.list(),
})
type Config = z.output<typeof config>

export function sourceOptions(values: Config, client: X3Client): X3SourceOptions {
  return {
    source: client.source,
    pageSize: values.pageSize,
    overlapSeconds: values.overlapSeconds,
    lagSeconds: values.lagSeconds,
    dateWindowDays: values.dateWindowDays,
    ledgers: values.ledgers,
    statisticalLedgers: values.statisticalLedgers,
    dimensionTypes: values.dimensionTypes,
    filters: filtersOf(values),
    sensitive: columnsByEntity(values.sensitive),
    further: columnsByEntity(values.further),
    extraFields: byEntity(values.extraFields.map((row) => ({ entity: row.entity, value: extraField(row) }))),
    ...(values.stampField ? { stampField: values.stampField } : {}),
    ...(values.costCentreType ? { costCentreType: values.costCentreType } : {}),
    ...(values.granularity === 'auto' ? {} : { granularity: values.granularity }),
  }
}

/** What belongs to the identity of what is read: another filter reads other records. */
const filtersOf = (values: Config): Record<string, string> =>
  Object.fromEntries(
    values.entities.filter(({ filter }) => filter !== '').map(({ entity, filter }) => [entity, filter]),
  )

const extraField = ({ path, name, type, list }: z.output<typeof extraRow>): ExtraField => ({
  path,
  ...(name ? { name } : {}),
  ...(type ? { type } : {}),
  ...(list ? { list } : {}),
})

export default function (RED: NodeAPI): void {
  defineSource(RED, {
    type: 'x3-poll',
    version: 1,
    config,
    connection: x3Connection,
    offers: ENTITIES.map(({ entity }) => entity),
    entities: (values) => values.entities.map(({ entity }) => entity),
    filters: filtersOf,
    source: (values, client, { waiting, run }) =>
      sourceThrough(client.door(client.connection, run), client.connection, {
        ...sourceOptions(values, client),
        waiting: (what) => waiting(`X3: ${what}`),
      }),
    warning: (client) => client.cloud?.warning?.(),
    preview: (values, client, entity, signal) =>
      previewX3(client.connection, client.door, sourceOptions(values, client), entity, signal),
  })
}
