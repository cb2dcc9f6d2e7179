import { createRequire } from 'node:module'
import { plain } from './columns.ts'
import type { Rows } from './execute.ts'

/** The driver's own copy, whose types are declared for CommonJS only. */
type ArrowModule = typeof import('apache-arrow', { with: { 'resolution-mode': 'require' }})
type Data = InstanceType<ArrowModule['Data']>

const arrow: ArrowModule = createRequire(import.meta.url)('apache-arrow')

/** An Arrow stream in the two parts that Thrift carries it in. */
export interface ArrowParts {
  schema: Buffer
  batch: Buffer
}

const WHOLE: Readonly<Record<string, () => InstanceType<ArrowModule['DataType']>>> = {
  TINYINT: () => new arrow.Int8(),
  SMALLINT: () => new arrow.Int16(),
  INTEGER: () => new arrow.Int32(),
  DOUBLE: () => new arrow.Float64(),
  FLOAT: () => new arrow.Float64(),
  BOOLEAN: () => new arrow.Bool(),
}

/** The rows from `from` to `to` as Databricks sends them: native decimals, dates and microsecond timestamps. */
export function arrowOf(rows: Rows, from: number, to: number): ArrowParts {
  const children = rows.columns.map((column, index) => encode(rows.types[index] ?? '', column.slice(from, to)))
  const fields = rows.names.map((name, index) => {
    // Arrow's tables cannot hold two columns of one name.
    const unique = rows.names.indexOf(name) === index ? name : `${name}_${index}`
    return new arrow.Field(unique, children[index]?.type ?? new arrow.Utf8(), true)
  })
  const schema = new arrow.Schema(fields)
  const data = arrow.makeData({ type: new arrow.Struct(fields), length: to - from, nullCount: 0, children })
  const stream = Buffer.from(arrow.tableToIPC(new arrow.Table(schema, new arrow.RecordBatch(schema, data)), 'stream'))
  // The first message, the schema: four bytes of marker, four of length, then the message.
  const end = 8 + stream.readInt32LE(4)
  return { schema: stream.subarray(0, end), batch: stream.subarray(end) }
}

function encode(type: string, values: readonly unknown[]): Data {
  const decimal = /^DECIMAL\((\d+),(\d+)\)$/.exec(type)
  if (decimal) return decimals(values, Number(decimal[1]), Number(decimal[2]))
  if (type === 'BIGINT' || type === 'UBIGINT' || type === 'HUGEINT') {
    const data = longs(values, (value) => BigInt(String(value)))
    return arrow.makeData({ type: new arrow.Int64(), length: values.length, data, ...validity(values) })
  }
  if (type === 'TIMESTAMP WITH TIME ZONE') return timestamps(values, 'Etc/UTC')
  if (type === 'TIMESTAMP') return timestamps(values, null)
  if (type === 'DATE') {
    const days = Int32Array.from(values, (value) => (isNull(value) ? 0 : Date.parse(`${value}T00:00:00Z`) / 86_400_000))
    return arrow.makeData({ type: new arrow.DateDay(), length: values.length, data: days, ...validity(values) })
  }
  const whole = WHOLE[type]
  const vector = whole
    ? arrow.vectorFromArray(
        values.map((value) => (isNull(value) ? null : value)),
        whole(),
      )
    : arrow.vectorFromArray(
        values.map((value) => (isNull(value) ? null : plain(value, type))),
        new arrow.Utf8(),
      )
  return vector.data[0] ?? arrow.makeData({ type: new arrow.Utf8(), length: 0 })
}

function isNull(value: unknown): boolean {
  return value === null || value === undefined
}

/** Arrow's bitmap is 1 where there is a value. */
function validity(values: readonly unknown[]): { nullCount: number; nullBitmap: Uint8Array } {
  const nullBitmap = new Uint8Array(Math.ceil(values.length / 8))
  let nullCount = 0
  values.forEach((value, index) => {
    if (isNull(value)) nullCount += 1
    else nullBitmap[index >> 3] = (nullBitmap[index >> 3] ?? 0) | (1 << (index & 7))
  })
  return { nullCount, nullBitmap }
}

function longs(values: readonly unknown[], convert: (value: unknown) => bigint): BigInt64Array {
  return BigInt64Array.from(values, (value) => (isNull(value) ? 0n : BigInt.asIntN(64, convert(value))))
}

function timestamps(values: readonly unknown[], zone: string | null): Data {
  const data = new Int32Array(longs(values, micros).buffer)
  return arrow.makeData({
    type: new arrow.TimestampMicrosecond(zone),
    length: values.length,
    data,
    ...validity(values),
  })
}

/** 128-bit integers without the point, low half first. */
function decimals(values: readonly unknown[], precision: number, scale: number): Data {
  const halves = new BigUint64Array(values.length * 2)
  values.forEach((value, index) => {
    if (isNull(value)) return
    const unscaled = BigInt(String(value).replace('.', ''))
    halves[index * 2] = BigInt.asUintN(64, unscaled)
    halves[index * 2 + 1] = BigInt.asUintN(64, unscaled >> 64n)
  })
  const data = new Uint32Array(halves.buffer)
  return arrow.makeData({
    type: new arrow.Decimal(scale, precision, 128),
    length: values.length,
    data,
    ...validity(values),
  })
}

/** `2024-01-31 10:00:00.123456+00` as microseconds since 1970; the engine's zone is UTC. */
function micros(value: unknown): bigint {
  const [, seconds = '', fraction = ''] = /^([^.+]+)(?:\.(\d+))?/.exec(String(value)) ?? []
  return BigInt(Date.parse(`${seconds.replace(' ', 'T')}Z`)) * 1000n + BigInt(fraction.padEnd(6, '0').slice(0, 6))
}
