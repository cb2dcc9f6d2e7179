/** basware-poll: takes approved invoices of Basware over, sends them in batches, and answers when they are posted. */
import type { NodeAPI } from 'node-red'
import { z } from 'zod'
import { defineSource, field, isZone } from '../kit/kit.ts'
import { type BaswareClient, baswareConnection } from './basware-connection.ts'
import { ENTITY } from './client/entities.ts'
import {
  type BaswareSourceOptions,
  createBaswareSource,
  previewInvoices,
  storedRecord,
  unreadableText,
} from './client/poll.ts'

const config = z.object({
  /** Company codes of Basware; others are not touched. */
  companies: field.list().refine((codes) => codes.length > 0, 'name at least one company'),
  /** Account and cost centre of a row that was matched with an order. */
  matched: field.choice(['order', 'row', 'hold']),
  /** The same where the order's coding cannot be read. */
  unreadable: field.choice(['row', 'hold']),
  pageSize: field.number(100, 1, 100),
  /** Seconds until Basware shows what it has acknowledged. */
  visibleSeconds: field.number(30, 0, 600),
  /** Whose day a date with a time of day means; empty: as it stands there. */
  dateZone: field.optional().refine((zone) => zone === '' || isZone(zone), 'must be a time zone such as Europe/Paris'),
  /** Names of the sensitive columns that were chosen. */
  sensitive: field.list(),
})
type Config = z.output<typeof config>

const optionsOf = (values: Config, { source }: BaswareClient): BaswareSourceOptions => ({
  source,
  companies: values.companies,
  pageSize: values.pageSize,
  coding: { matched: values.matched, unreadable: values.unreadable },
  dateZone: values.dateZone,
  sensitive: values.sensitive,
  visibleMs: values.visibleSeconds * 1000,
})

export default function (RED: NodeAPI): void {
  defineSource(RED, {
    type: 'basware-poll',
    version: 1,
    config,
    connection: baswareConnection,
    answers: true,
    entities: () => [ENTITY],
    recordOf: ({ dateZone }, document) => storedRecord(document, dateZone),
    warning: ({ memory }) => unreadableText(memory),
    source: (values, client, { waiting }) =>
      createBaswareSource(client.connection, client.memory, {
        ...optionsOf(values, client),
        waiting: (what) => waiting(`Basware: ${what}`),
      }),
    preview: (values, client, _entity, signal) => previewInvoices(client.connection, optionsOf(values, client), signal),
  })
}
