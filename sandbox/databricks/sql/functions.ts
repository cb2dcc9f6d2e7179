import { SqlError } from '../errors.ts'

type Emit = (args: string[]) => string

const call =
  (name: string): Emit =>
  (args) =>
    `${name}(${args.join(', ')})`

const unsupportedBases = (from = '', to = '') =>
  new SqlError('UNSUPPORTED_FEATURE', '0A000', `conv from base ${from} to base ${to} is not in the sandbox.`)

/** Functions whose name and meaning are the same in the engine. */
const SAME =
  'count sum min max avg coalesce nullif upper lower trim ltrim rtrim length replace abs round floor greatest least row_number rank dense_rank lag lead first_value last_value any_value bool_or bool_and max_by min_by md5 left right lpad rpad year month day date_trunc concat_ws'.split(
    ' ',
  )

const OTHER: Readonly<Record<string, Emit>> = {
  ifnull: call('coalesce'),
  nvl: call('coalesce'),
  if: ([condition, yes, no]) => `CASE WHEN ${condition} THEN ${yes} ELSE ${no} END`,
  // Unlike DuckDB's, Spark's concat is NULL when any argument is.
  concat: (args) => `(${args.join(' || ')})`,
  substring: call('substr'),
  substr: call('substr'),
  char_length: call('length'),
  first: call('any_value'),
  every: call('bool_and'),
  some: call('bool_or'),
  count_if: call('count_if'),
  size: call('len'),
  cardinality: call('len'),
  array: (args) => `[${args.join(', ')}]`,
  array_contains: call('list_contains'),
  collect_list: call('list'),
  conv: ([value, from, to]) => {
    if (from !== '16' || to !== '10') throw unsupportedBases(from, to)
    // Digits are read up to the first that is none.
    const digits = `regexp_extract(${value}, '^[0-9a-fA-F]*')`
    return `CASE WHEN ${value} = '' THEN NULL ELSE CAST(CAST('0x' || CASE ${digits} WHEN '' THEN '0' ELSE ${digits} END AS UBIGINT) AS VARCHAR) END`
  },
  sha2: ([value]) => `sha256(${value})`,
  isnull: ([value]) => `(${value} IS NULL)`,
  isnotnull: ([value]) => `(${value} IS NOT NULL)`,
  to_json: ([value]) => `CAST(to_json(${value}) AS VARCHAR)`,
  get_json_object: ([value, path]) => `json_extract_string(${value}, ${path})`,
  to_date: ([value]) => `CAST(${value} AS DATE)`,
  to_timestamp: ([value]) => `CAST(${value} AS TIMESTAMP WITH TIME ZONE)`,
  date: ([value]) => `CAST(${value} AS DATE)`,
  now: () => 'now()',
  current_timestamp: () => 'now()',
  current_date: () => 'current_date',
  uuid: () => 'CAST(uuid() AS VARCHAR)',
}

const FUNCTIONS = new Map<string, Emit>([...SAME.map((name) => [name, call(name)] as const), ...Object.entries(OTHER)])

/** A call in the engine's SQL; a function that the sandbox does not know is refused as Databricks refuses an unknown one. */
export function emitCall(name: string, args: string[]): string {
  const emit = FUNCTIONS.get(name.toLowerCase())
  if (!emit) {
    throw new SqlError(
      'UNRESOLVED_ROUTINE',
      '42883',
      `Cannot resolve routine \`${name}\` on search path [\`system\`.\`builtin\`, \`system\`.\`session\`].`,
    )
  }
  return emit(args)
}
