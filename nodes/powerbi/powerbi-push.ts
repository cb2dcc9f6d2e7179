/** powerbi-push: each message is one batch for the push dataset of its entity; or, after a load elsewhere, a refresh. */
import type { NodeAPI } from 'node-red'
import { z } from 'zod'
import { syncError } from '../../sync/contract/errors.ts'
import { defineSink, field } from '../kit/kit.ts'
import { refreshDataset } from './client/refresh.ts'
import { createPowerbiTarget } from './client/target.ts'
import { powerbiConnection } from './powerbi-connection.ts'

const config = z.object({
  mode: field.choice(['push', 'refresh']),
  workspace: field.text('Workspace is missing'),
  dataset: field.choice(['create', 'adopt']),
  /** Name of the datasets that are made. */
  datasetName: field.optional(),
  datasetId: field.optional(),
  tables: field.optional(),
  amounts: field.list(),
  retention: field.choice(['None', 'basicFIFO']),
  relationships: field.flag(true),
  changes: field.choice(['versions', 'rebuild']),
  ask: field.flag(true),
  doubt: field.choice(['miss', 'repeat']),
  settleSeconds: field.number(120, 0.1, 3600),
  longTexts: field.choice(['hold', 'cut']),
  postRows: field.number(10_000, 1, 10_000),
  postMb: field.number(15, 0.01, 16),
  /** Refresh: how long it is followed. */
  refreshMinutes: field.number(300, 1, 1440),
  refreshPollSeconds: field.number(10, 0.1, 600),
})

export default function (RED: NodeAPI): void {
  defineSink(RED, {
    type: 'powerbi-push',
    version: 1,
    config,
    connection: powerbiConnection,
    // what a post takes; the room above the records' own size is for the columns that are added to each row
    limits: { batchRows: 10_000, batchBytes: 10_000_000 },
    target: (own, { connection, patienceMs }, entity) =>
      createPowerbiTarget(connection, {
        workspace: own.workspace,
        dataset:
          own.dataset === 'create'
            ? { kind: 'create', name: named(own.datasetName || 'Tieout {entity}') }
            : { kind: 'adopt', id: needed(own.datasetId, 'datasetId', 'Dataset') },
        tables: own.tables || '{entity}',
        amounts: own.amounts.length > 0 ? own.amounts : ['amount*'],
        retention: own.retention,
        relationships: own.relationships,
        changes: own.changes,
        ask: own.ask,
        doubt: own.doubt,
        settleMs: own.settleSeconds * 1000,
        cutTexts: own.longTexts === 'cut',
        limits: { rows: own.postRows, bytes: own.postMb * 1_000_000 },
        retry: { totalMs: patienceMs },
      })(entity),
    instead(own, client, { status, send, signal }) {
      if (own.mode !== 'refresh') return undefined
      const dataset = needed(own.datasetId, 'datasetId', 'Dataset')
      let going: Promise<void> | undefined
      return async (message) => {
        if (deliveredNothing(message.payload)) {
          status.idle('nothing was delivered: no refresh')
          return
        }
        // one after another: Power BI drops what comes third
        const before = going
        const work = (async () => {
          await before?.catch(() => undefined)
          status.working('refreshing')
          const { connection } = await client()
          const refresh = await refreshDataset(
            connection,
            {
              workspace: own.workspace,
              dataset,
              pollMs: own.refreshPollSeconds * 1000,
              longestMs: own.refreshMinutes * 60_000,
            },
            { signal, waiting: (what) => status.waiting(what) },
          )
          status.done('refreshed')
          send(0, { ...message, refresh })
        })()
        going = work
        await work
      }
    },
  })
}

/** A run's summary without a delivered record: there is nothing to refresh for, and shared capacity has 8 refreshes a day. */
function deliveredNothing(payload: unknown): boolean {
  const summary = z
    .object({ run: z.string(), entities: z.array(z.object({ delivered: z.number() })) })
    .safeParse(payload)
  return summary.success && summary.data.entities.every(({ delivered }) => delivered === 0)
}

/** No table can be added to a dataset, so that each entity has one of its own. */
function named(pattern: string): string {
  if (pattern.includes('{entity}')) return pattern
  throw wrong(
    'datasetName',
    'it must contain {entity}: no table can be added to a dataset later, so that each entity has one of its own',
  )
}

function needed(text: string, name: string, label: string): string {
  if (text === '') throw wrong(name, `${label} is missing`)
  return text
}

const wrong = (name: string, what: string) =>
  syncError('config', 'powerbi.config', `Field ${name}: ${what}`, {
    field: name,
    hint: 'Open the node and correct the field.',
  })
