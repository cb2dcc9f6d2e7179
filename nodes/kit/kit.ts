/** The node kit: what node files import. Everything that touches Node-RED's event API is behind it. */
export { type ConfigSpec, type Fields, field, migrate, readConfig, type Values } from './config.ts'
export {
  type ConnectionSpec,
  defineConnection,
  type ListItem,
  type OpenContext,
  type ReportLine,
} from './connection.ts'
export { type Batch, batchOf } from './message.ts'
export { defineNode, type Log, type Message, type NodeContext, type NodeSpec } from './node.ts'
export { handle } from './routes.ts'
export { defineSink, type SinkContext, type SinkSpec } from './sink.ts'
export { defineSource, type Preview, type SourceContext, type SourceSpec } from './source.ts'
export { count, counted, type Status } from './status.ts'
export { defineTransform, type Refused, type Transformed, type TransformSpec } from './transform.ts'
