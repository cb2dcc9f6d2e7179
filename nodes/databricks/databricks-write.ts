/** databricks-write: each message is one batch for the tables of its entity. */
import type { NodeAPI } from 'node-red'
import { z } from 'zod'
import { defineSink, field } from '../kit/kit.ts'
import { createDatabricksTarget } from './client/target.ts'
import { databricksConnection } from './databricks-connection.ts'

const config = z.object({
  /** As flows have always said it: `silver` merges, `bronze` appends. */
  mode: field.choice(['silver', 'bronze']),
  /** Empty: `{catalog}.{schema}.{entity}`, to append `{catalog}.{schema}.{entity}_bronze`. */
  pattern: field.optional(),
  json: field.choice(['string', 'variant']),
  maxParameterKb: field.number(900, 1, 15_000),
  rowsPerFile: field.number(50_000, 1000, 1_000_000),
  /** Deletions are taken from messages of no run too. */
  mayDelete: field.flag(false),
})

export default function (RED: NodeAPI): void {
  defineSink(RED, {
    type: 'databricks-write',
    version: 1,
    config,
    mayDelete: (own) => own.mayDelete,
    connection: databricksConnection,
    target: (own, { connection, catalog, schema, volume, patienceMs }, entity) =>
      createDatabricksTarget(connection, {
        mode: own.mode === 'bronze' ? 'append' : 'merge',
        catalog,
        schema,
        volume,
        pattern: own.pattern || `{catalog}.{schema}.{entity}${own.mode === 'bronze' ? '_bronze' : ''}`,
        json: own.json,
        maxParameterBytes: own.maxParameterKb * 1000,
        rowsPerFile: own.rowsPerFile,
        retryMs: patienceMs,
      })(entity),
  })
}
