/** snowflake-merge: each message is one batch for the tables of its entity. */
import type { NodeAPI } from 'node-red'
import { z } from 'zod'
import { defineSink, field } from '../kit/kit.ts'
import { createSnowflakeTarget } from './client/target.ts'
import { snowflakeConnection } from './snowflake-connection.ts'

const tableRow = z.object({
  entity: field.text('a table of its own needs its entity'),
  pattern: field.text('a table of its own needs its name'),
})

const config = z.object({
  mode: field.choice(['merge', 'append']),
  /** Empty: `{database}.{schema}.{entity}`, to append `{database}.{schema}.{entity}_versions`. */
  pattern: field.optional(),
  /** Entities that go elsewhere, lists included. */
  tables: z.array(tableRow, { error: 'must be a list' }).default([]),
  maxBindKb: field.number(50, 0, 10_000),
  /** Deletions are taken from messages of no run too. */
  mayDelete: field.flag(false),
})

export default function (RED: NodeAPI): void {
  defineSink(RED, {
    type: 'snowflake-merge',
    version: 1,
    config,
    mayDelete: (own) => own.mayDelete,
    connection: snowflakeConnection,
    target: (own, { connection, database, schema, stage, patienceMs }, entity) =>
      createSnowflakeTarget(connection, {
        mode: own.mode,
        database,
        schema,
        stage,
        pattern: own.pattern || `{database}.{schema}.{entity}${own.mode === 'append' ? '_versions' : ''}`,
        patterns: Object.fromEntries(own.tables.map((row) => [row.entity, row.pattern])),
        maxBindBytes: own.maxBindKb * 1000,
        retryMs: patienceMs,
      })(entity),
  })
}
