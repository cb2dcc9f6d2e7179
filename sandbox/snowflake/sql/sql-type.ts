export type Kind =
  | 'fixed'
  | 'real'
  | 'text'
  | 'boolean'
  | 'date'
  | 'time'
  | 'timestamp_ntz'
  | 'timestamp_ltz'
  | 'timestamp_tz'
  | 'variant'
  | 'object'
  | 'array'
  | 'binary'

/** A type as Snowflake's catalogue has it, and the engine's type that holds its values. */
export interface SqlType {
  kind: Kind
  engine: string
  /** Of `fixed`. */
  precision: number
  /** Of `fixed`; digits after the second of times. */
  scale: number
  /** Of `text` and `binary`, in characters or bytes. */
  length: number
}
