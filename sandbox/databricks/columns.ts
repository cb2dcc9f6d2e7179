import { thrift } from '@databricks/sql'
import Int64 from 'node-int64'
import type { Rows } from './execute.ts'

const types = thrift.TCLIService_types
const T = types.TTypeId

const IDS: Readonly<Record<string, number>> = {
  BIGINT: T.BIGINT_TYPE,
  UBIGINT: T.BIGINT_TYPE,
  HUGEINT: T.BIGINT_TYPE,
  INTEGER: T.INT_TYPE,
  SMALLINT: T.SMALLINT_TYPE,
  TINYINT: T.TINYINT_TYPE,
  BOOLEAN: T.BOOLEAN_TYPE,
  DOUBLE: T.DOUBLE_TYPE,
  FLOAT: T.DOUBLE_TYPE,
  DATE: T.DATE_TYPE,
  TIMESTAMP: T.TIMESTAMP_TYPE,
  'TIMESTAMP WITH TIME ZONE': T.TIMESTAMP_TYPE,
  BLOB: T.BINARY_TYPE,
}

/** The Thrift type of an engine type; decimals travel as text, everything without a type of its own as STRING. */
function typeId(type: string): number {
  return type.startsWith('DECIMAL') ? T.DECIMAL_TYPE : (IDS[type] ?? T.STRING_TYPE)
}

export function schemaOf(rows: Rows) {
  return new types.TTableSchema({
    columns: rows.names.map((columnName, index) => {
      const type = typeId(rows.types[index] ?? '')
      const digits = /\((\d+),(\d+)\)/.exec(rows.types[index] ?? '')
      const qualifiers = {
        precision: new types.TTypeQualifierValue({ i32Value: Number(digits?.[1]) }),
        scale: new types.TTypeQualifierValue({ i32Value: Number(digits?.[2]) }),
      }
      const primitiveEntry = new types.TPrimitiveTypeEntry({
        type,
        ...(digits ? { typeQualifiers: new types.TTypeQualifiers({ qualifiers }) } : {}),
      })
      const typeDesc = new types.TTypeDesc({ types: [new types.TTypeEntry({ primitiveEntry })] })
      return new types.TColumnDesc({ columnName, typeDesc, position: index + 1, comment: '' })
    }),
  })
}

/** The rows from `from` to `to` as Thrift columns. */
export function columnsOf(rows: Rows, from: number, to: number) {
  return rows.columns.map((column, index) => encode(rows.types[index] ?? '', column.slice(from, to)))
}

function encode(type: string, values: readonly unknown[]) {
  const nulls = Buffer.alloc(Math.ceil(values.length / 8))
  values.forEach((value, index) => {
    if (isNull(value)) nulls[index >> 3] = (nulls[index >> 3] ?? 0) | (1 << (index & 7))
  })
  const filled = <V>(convert: (value: unknown) => V, empty: V): V[] =>
    values.map((value) => (isNull(value) ? empty : convert(value)))
  switch (typeId(type)) {
    case T.BIGINT_TYPE:
      return new types.TColumn({ i64Val: new types.TI64Column({ values: filled(int64, new Int64(0)), nulls }) })
    case T.INT_TYPE:
      return new types.TColumn({ i32Val: new types.TI32Column({ values: filled(Number, 0), nulls }) })
    case T.SMALLINT_TYPE:
      return new types.TColumn({ i16Val: new types.TI16Column({ values: filled(Number, 0), nulls }) })
    case T.TINYINT_TYPE:
      return new types.TColumn({ byteVal: new types.TByteColumn({ values: filled(Number, 0), nulls }) })
    case T.BOOLEAN_TYPE:
      return new types.TColumn({ boolVal: new types.TBoolColumn({ values: filled(Boolean, false), nulls }) })
    case T.DOUBLE_TYPE:
      return new types.TColumn({ doubleVal: new types.TDoubleColumn({ values: filled(Number, 0), nulls }) })
    default:
      return new types.TColumn({
        stringVal: new types.TStringColumn({ values: filled((value) => plain(value, type), ''), nulls }),
      })
  }
}

function isNull(value: unknown): boolean {
  return value === null || value === undefined
}

function int64(value: unknown): Int64 {
  return new Int64(
    `0x${BigInt.asUintN(64, BigInt(String(value)))
      .toString(16)
      .padStart(16, '0')}`,
  )
}

/** A value as text: times without zone (the session's is UTC), lists and structs as JSON. */
export function plain(value: unknown, type: string): string {
  if (type === 'TIMESTAMP WITH TIME ZONE') return String(value).replace(/\+00$/, '')
  return typeof value === 'object' ? JSON.stringify(value) : String(value)
}
