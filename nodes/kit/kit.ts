/** The node kit: what node files import. Everything that touches Node-RED's event API is behind it. */

export { addDecimals, isDecimal, negate, signOf } from '../../sync/values/money.ts'
export { isZone } from '../../vendor/quiet.ts'
export type { Preview, ReportLine } from '../../vendor/report.ts'
export { addedFieldRow, byEntity, columnsByEntity } from './added-fields.ts'
export {
  boundedInAll,
  type ConfigSpec,
  type Fields,
  field,
  migrate,
  named,
  readConfig,
} from './config.ts'
export {
  type ActionContext,
  type ConnectionSpec,
  defineConnection,
  type ListItem,
} from './connection.ts'
export { csvOf } from './csv.ts'
export { type Ending, endingsOf } from './endings.ts'
export { forDone } from './errors.ts'
export { wrongField } from './faults.ts'
export { heldMessage } from './held.ts'
export { defineLedger, type LedgerSpec, ledgersOf } from './ledger.ts'
export type { Log } from './log.ts'
export { masked } from './masked.ts'
export {
  connectionsOf,
  foreignBefore,
  type LedgerHandle,
  ledgerHandle,
  type Member,
  mappingsBefore,
  placeOf,
  reachable,
  sinksFor,
} from './members.ts'
export { type Batch, checkLedger, parseBatch } from './message.ts'
export { defineNode, type Message, type NodeContext, type NodeSpec } from './node.ts'
export type { OpenContext } from './open-context.ts'
export type { Order } from './order.ts'
export { keepHosts } from './reached-hosts.ts'
export {
  needed,
  onlyItsCa,
  pemBlocks,
  quietFields,
  quietHours,
  routeFields,
  routeLine,
  routeOf,
  routeSecrets,
  textOrFile,
} from './route.ts'
export { fileAnswer, handle, type Page, publicPage, scrub } from './routes.ts'
export { defineSink, type SinkContext, type SinkSpec } from './sink.ts'
export { defineSource, type SourceContext, type SourceSpec } from './source.ts'
export { count, counted, type Status } from './status.ts'
export { finish } from './summary.ts'
export { defineTransform, type Refused, type Transformed, type TransformSpec } from './transform.ts'
export { useConnection } from './use.ts'
export type { Values } from './variables.ts'
export { reason, whoFields, whoOf } from './who.ts'
