import { z } from 'zod'
import type { Dataset, Retention, Table, Tuning } from './api.ts'
import { badRequest, failure, refuse } from './errors.ts'
import { beyond } from './limits.ts'
import { dataType } from './values.ts'

/** What the contract's patterns mean: no emoji, no control characters but tab and line ends, and in a table's name no marks of syntax. */
const TABLE_NAME = /^[\t\n\r #\-0-9@A-Z^_a-z~\u00a0-\ud7ff\ue000-\ufffd]{1,100}$/
const COLUMN_NAME = /^[\t\n\r\u0020-\ud7ff\ue000-\ufffd]+$/
const named = (pattern: RegExp) =>
  z.string().regex(pattern, 'The name has characters, or a length, that are not allowed.')

const column = z.strictObject({
  name: named(COLUMN_NAME),
  dataType: z.string(),
  formatString: z.string().exactOptional(),
  sortByColumn: z.string().exactOptional(),
  dataCategory: z.string().exactOptional(),
  isHidden: z.boolean().exactOptional(),
  summarizeBy: z.string().exactOptional(),
})
const measure = z.strictObject({
  name: named(COLUMN_NAME),
  expression: z.string(),
  formatString: z.string().exactOptional(),
  description: z.string().exactOptional(),
  isHidden: z.boolean().exactOptional(),
})
const table = z.strictObject({
  name: named(TABLE_NAME),
  columns: z.array(column),
  rows: z.array(z.unknown()).exactOptional(),
  measures: z.array(measure).exactOptional(),
  isHidden: z.boolean().exactOptional(),
  description: z.string().exactOptional(),
  source: z.array(z.unknown()).exactOptional(),
})
const relationship = z.strictObject({
  name: z.string(),
  crossFilteringBehavior: z.enum(['OneDirection', 'BothDirections', 'Automatic']).exactOptional(),
  fromTable: z.string(),
  fromColumn: z.string(),
  toTable: z.string(),
  toColumn: z.string(),
})
const creation = z.strictObject({
  name: z.string().min(1),
  tables: z.array(table),
  relationships: z.array(relationship).exactOptional(),
  datasources: z.array(z.unknown()).exactOptional(),
  defaultMode: z.enum(['AsAzure', 'AsOnPrem', 'Push', 'Streaming', 'PushStreaming']).exactOptional(),
})

export type Creation = Pick<Dataset, 'name' | 'mode' | 'retention' | 'tables' | 'relationships'>

function parsed<T>(schema: z.ZodType<T>, body: unknown, target: string, type: string): T {
  const result = schema.safeParse(body)
  if (result.success) return result.data
  const issue = result.error.issues[0]
  if (issue?.code === 'unrecognized_keys') {
    throw refuse(
      badRequest(
        `The property '${issue.keys[0]}' does not exist on type 'Microsoft.PowerBI.ServiceContracts.Api.${type}'. Make sure to only use property names that are defined by the type.`,
        target,
      ),
    )
  }
  throw refuse(badRequest(`${issue?.path.join('.')}: ${issue?.message}`, target))
}

function checkTable({ name, columns, measures = [] }: Table, tuning: Tuning, target: string): void {
  if (beyond(columns.length, tuning.limits.columnsPerTable)) {
    throw refuse(
      badRequest(
        `Table '${name}' has ${columns.length} columns; the limit is ${tuning.limits.columnsPerTable}.`,
        target,
      ),
    )
  }
  const seen = new Set<string>()
  for (const { name: member } of [...columns, ...measures]) {
    if (seen.has(member.toLowerCase())) throw refuse(badRequest(`Table '${name}' has '${member}' twice.`, target))
    seen.add(member.toLowerCase())
  }
  for (const { name: member, dataType: spelling } of columns) {
    if (dataType(spelling)) continue
    throw refuse(badRequest(`The data type '${spelling}' of column '${member}' is not supported.`, target))
  }
}

/** The dataset that a creation asks for; refused in the service's words where it cannot be. */
export function readCreation(body: unknown, retention: string | null, tuning: Tuning): Creation {
  const asked = parsed(creation, body, 'dataset', 'Dataset')
  const mode = asked.defaultMode ?? 'Push'
  if (mode !== 'Push' && mode !== 'Streaming' && mode !== 'PushStreaming') {
    throw refuse(badRequest(`The mode '${mode}' cannot be created by this call.`, 'dataset'))
  }
  if (retention !== null && retention !== 'None' && retention !== 'basicFIFO') {
    throw refuse(
      badRequest(`The value '${retention}' is not valid for defaultRetentionPolicy.`, 'defaultRetentionPolicy'),
    )
  }
  const bare = (made: object) => Object.keys(made).every((key) => key === 'name' || key === 'dataType')
  if (mode !== 'Push' && !asked.tables.flatMap(({ columns }) => columns).every(bare)) {
    throw refuse(
      failure(
        400,
        'InvalidRequest',
        'This dataset or endpoint does not support column properties other than name and dataType.',
      ),
    )
  }
  const { limits } = tuning
  const relationships = asked.relationships ?? []
  if (beyond(asked.tables.length, limits.tables)) {
    throw refuse(badRequest(`The dataset has ${asked.tables.length} tables; the limit is ${limits.tables}.`, 'dataset'))
  }
  if (beyond(relationships.length, limits.relationships)) {
    throw refuse(
      badRequest(
        `The dataset has ${relationships.length} relationships; the limit is ${limits.relationships}.`,
        'dataset',
      ),
    )
  }
  const tables = asked.tables.map(kept)
  const names = tables.map(({ name }) => name.toLowerCase())
  if (new Set(names).size < names.length) throw refuse(badRequest('Two tables have the same name.', 'dataset'))
  for (const made of tables) checkTable(made, tuning, 'dataset')
  for (const made of relationships) checkRelationship(made, tables)
  return {
    ...{ name: asked.name, mode, retention: (retention ?? 'None') as Retention, tables, relationships },
  }
}

function checkRelationship(made: z.infer<typeof relationship>, tables: readonly Table[]): void {
  for (const [of, member] of [
    [made.fromTable, made.fromColumn],
    [made.toTable, made.toColumn],
  ]) {
    const found = tables.find(({ name }) => name === of)?.columns.some(({ name }) => name === member)
    if (!found)
      throw refuse(
        badRequest(`Relationship '${made.name}': there is no column '${member}' in table '${of}'.`, 'dataset'),
      )
  }
}

/** What PUT makes of a table: the whole of it is replaced. */
export function readTable(body: unknown, name: string, tuning: Tuning): Table {
  const asked = kept(parsed(table, body, 'table', 'Table'))
  if (asked.name !== name)
    throw refuse(badRequest(`The name '${asked.name}' is not that of the table '${name}'.`, 'table'))
  checkTable(asked, tuning, 'table')
  return asked
}

/** `rows` and `source` are declared and do nothing. */
function kept({ rows: _, source: __, ...rest }: z.infer<typeof table>): Table {
  return rest
}
