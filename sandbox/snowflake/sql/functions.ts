import { literal } from '../../sql/reader.ts'
import { SqlError } from '../errors.ts'
import { collated } from './collation.ts'
import { engineFormat, isTimeFormat } from './formats.ts'
import { castTo, fixed, simple } from './types.ts'

type Emit = (args: string[]) => string

const call =
  (name: string): Emit =>
  (args) =>
    `${name}(${args.join(', ')})`

const cast =
  (kind: Parameters<typeof simple>[0], tolerant = false): Emit =>
  ([value = 'NULL']) =>
    castTo(value, simple(kind), tolerant)

/** The format of a conversion, where one is given that is no AUTO. */
function formatOf(argument: string | undefined, way: 'in' | 'out'): string | undefined {
  const format = /^'((?:[^']|'')*)'$/.exec(argument ?? '')?.[1]?.replaceAll("''", "'")
  return format === undefined || format.toUpperCase() === 'AUTO' ? undefined : engineFormat(format, way)
}

/** Text to a date or time, by its own format or by the session's. */
const timeOf =
  (kind: Parameters<typeof simple>[0], tolerant = false): Emit =>
  ([value = 'NULL', format]) => {
    const given = formatOf(format, 'in')
    if (given === undefined) return castTo(value, simple(kind), tolerant)
    return castTo(castTo(value, simple('text')), simple(kind), tolerant, 'VARCHAR', given)
  }

const textOf: Emit = ([value = 'NULL', format]) => {
  if (!isTimeFormat(format ?? '')) return castTo(value, simple('text'))
  return `strftime(CAST(${value} AS TIMESTAMP), ${literal(formatOf(format, 'out') ?? '')})`
}

/** By a format of X: that many hexadecimal digits at most, in any case. */
function fromHex(value: string, most: number, tolerant: boolean): string {
  const number = `CAST(CAST('0x' || ${value} AS UBIGINT) AS DECIMAL(38, 0))`
  const fits = `regexp_full_match(${value}, '[0-9a-fA-F]{1,${most}}')`
  return `CASE WHEN ${value} IS NULL THEN NULL WHEN ${fits} THEN ${number} ELSE ${tolerant ? 'NULL' : `CAST(${value} AS DECIMAL(38, 0))`} END`
}

const toNumber =
  (tolerant: boolean): Emit =>
  ([value = 'NULL', ...rest]) => {
    const [precision = '38', scale = '0'] = rest.filter((arg) => /^\d+$/.test(arg))
    const format = rest.find((arg) => /^'X+'$/i.test(arg))
    if (format !== undefined) return fromHex(value, format.length - 2, tolerant)
    return castTo(value, fixed(Number(precision), Number(scale)), tolerant)
  }

/** In the engine NULLs are left out of GREATEST and LEAST; in Snowflake one makes the whole NULL. */
const strict =
  (name: string): Emit =>
  (args) =>
    `CASE WHEN ${args.map((arg) => `${arg} IS NULL`).join(' OR ')} THEN NULL ELSE ${name}(${args.join(', ')}) END`

const part = (value = '') => literal(value.replace(/^'|'$/g, '').toLowerCase())
const json: Emit = ([value]) => `json_extract_string(${value}, '$')`

/** Functions whose name and meaning are the same in the engine. */
const SAME =
  'count sum min max avg coalesce nullif upper lower trim ltrim rtrim length replace abs round floor ceil sign row_number rank dense_rank percent_rank ntile lag lead first_value last_value any_value max_by min_by md5 left right lpad rpad year month day hour minute second quarter dayofweek dayofyear last_day monthname reverse repeat split_part concat_ws contains ascii chr stddev variance median hash ln exp sqrt power mod translate initcap regexp_replace grouping bit_count'.split(
    ' ',
  )

const OTHER: Readonly<Record<string, Emit>> = {
  ifnull: call('coalesce'),
  nvl: call('coalesce'),
  nvl2: ([test, yes, no]) => `CASE WHEN ${test} IS NOT NULL THEN ${yes} ELSE ${no} END`,
  zeroifnull: ([value]) => `coalesce(${value}, 0)`,
  iff: ([condition, yes, no]) => `CASE WHEN ${condition} THEN ${yes} ELSE ${no} END`,
  equal_null: ([left, right]) => `(${left} IS NOT DISTINCT FROM ${right})`,
  div0: ([left, right]) => `CASE WHEN ${right} = 0 THEN 0 ELSE ${left} / ${right} END`,
  concat: (args) => `(${args.join(' || ')})`,
  substring: call('substr'),
  substr: call('substr'),
  len: call('length'),
  charindex: ([part, text]) => `instr(${text}, ${part})`,
  position: ([part, text]) => `instr(${text}, ${part})`,
  startswith: call('starts_with'),
  endswith: call('ends_with'),
  regexp_like: call('regexp_full_match'),
  rlike: call('regexp_full_match'),
  regexp_substr: ([text, pattern]) => `nullif(regexp_extract(${text}, ${pattern}), '')`,
  regexp_count: ([text, pattern]) => `len(regexp_extract_all(${text}, ${pattern}))`,
  trunc: call('trunc'),
  truncate: call('trunc'),
  greatest: strict('greatest'),
  least: strict('least'),
  count_if: call('count_if'),
  boolor_agg: call('bool_or'),
  booland_agg: call('bool_and'),
  approx_count_distinct: call('approx_count_distinct'),
  hash_agg: ([value]) => `bit_xor(hash(${value}))`,
  listagg: ([value, separator = "''"]) => `coalesce(string_agg(${value}, ${separator}), '')`,
  array_agg: ([value]) => `to_json(list(${value}) FILTER (WHERE ${value?.replace(/^DISTINCT /, '')} IS NOT NULL))`,
  object_agg: ([key, value]) => `json_group_object(${key}, ${value})`,
  sha2: ([value]) => `sha256(${value})`,
  sha2_hex: ([value]) => `sha256(${value})`,
  md5_hex: call('md5'),
  uuid_string: () => 'CAST(uuid() AS VARCHAR)',
  random: () => 'CAST(hash(random()) % 9223372036854775807 AS BIGINT)',
  seq4: () => '(row_number() OVER () - 1)',
  seq8: () => '(row_number() OVER () - 1)',
  dayofweekiso: ([value]) => `isodow(${value})`,
  weekiso: ([value]) => `week(${value})`,
  date_part: ([name, value]) => `date_part(${part(name)}, ${value})`,
  date_trunc: ([name, value]) => `date_trunc(${part(name)}, ${value})`,
  dateadd: ([name, count, value]) =>
    `(${value} + to_${(name ?? '').replaceAll("'", '').toLowerCase().replace(/s?$/, 's')}(CAST(${count} AS BIGINT)))`,
  datediff: ([name, from, to]) => `date_diff(${part(name)}, ${from}, ${to})`,
  to_varchar: textOf,
  to_char: textOf,
  collate: ([value = 'NULL', spec = "''"]) => collated(value, spec.slice(1, -1)),
  to_boolean: cast('boolean'),
  try_to_boolean: cast('boolean', true),
  to_double: cast('real'),
  try_to_double: cast('real', true),
  to_date: timeOf('date'),
  try_to_date: timeOf('date', true),
  try_to_time: timeOf('time', true),
  to_time: timeOf('time'),
  to_timestamp_ntz: timeOf('timestamp_ntz'),
  to_timestamp_tz: timeOf('timestamp_tz'),
  to_timestamp_ltz: timeOf('timestamp_ltz'),
  try_to_timestamp_ntz: timeOf('timestamp_ntz', true),
  try_to_timestamp_tz: timeOf('timestamp_tz', true),
  try_to_timestamp_ltz: timeOf('timestamp_ltz', true),
  to_number: toNumber(false),
  to_decimal: toNumber(false),
  to_numeric: toNumber(false),
  try_to_number: toNumber(true),
  try_to_decimal: toNumber(true),
  try_to_numeric: toNumber(true),
  to_binary: cast('binary'),
  hex_encode: ([value]) => `hex(${value})`,
  parse_json: ([value]) => `memory.main.sf_parse(${value})`,
  try_parse_json: ([value]) => `TRY_CAST(nullif(trim(CAST(${value} AS VARCHAR)), '') AS JSON)`,
  check_json: ([value]) => `CASE WHEN json_valid(${value}) THEN NULL ELSE 'invalid JSON' END`,
  to_json: ([value]) => `CAST(to_json(${value}) AS VARCHAR)`,
  to_variant: ([value]) => `to_json(${value})`,
  to_object: cast('object'),
  to_array: ([value]) =>
    `CASE json_type(to_json(${value})) WHEN 'ARRAY' THEN to_json(${value}) ELSE json_array(${value}) END`,
  object_construct: objectOf(false),
  object_construct_keep_null: objectOf(true),
  array_construct: call('json_array'),
  array_size: ([value]) => `json_array_length(${value})`,
  object_keys: ([value]) => `to_json(json_keys(${value}))`,
  get: ([value, key]) =>
    `json_extract(${value}, ${/^'/.test(key ?? '') ? literal(`$."${(key ?? '').slice(1, -1)}"`) : `'$[' || (${key}) || ']'`})`,
  get_path: ([value, path]) => `json_extract(${value}, '$.' || ${path})`,
  json_extract_path_text: ([value, path]) => `json_extract_string(${value}, '$.' || ${path})`,
  typeof: ([value]) =>
    `CASE json_type(${value}) WHEN 'UBIGINT' THEN 'INTEGER' WHEN 'BIGINT' THEN 'INTEGER' WHEN 'NULL' THEN 'NULL_VALUE' ELSE json_type(${value}) END`,
  is_null_value: ([value]) => `(json_type(${value}) = 'NULL')`,
  is_array: ([value]) => `(json_type(${value}) = 'ARRAY')`,
  is_object: ([value]) => `(json_type(${value}) = 'OBJECT')`,
  as_varchar: json,
  as_char: json,
  as_integer: ([value = '']) => castTo(value, fixed(), true, 'JSON'),
  system$typeof: ([value]) => `typeof(${value})`,
}

/** NULL members are left out by OBJECT_CONSTRUCT, as JSON null by the other. */
function objectOf(keepNull: boolean): Emit {
  return (args) => {
    const object = `json_object(${args.join(', ')})`
    return keepNull ? object : `CAST(json_merge_patch('{}', ${object}) AS JSON)`
  }
}

const FUNCTIONS = new Map<string, Emit>([...SAME.map((name) => [name, call(name)] as const), ...Object.entries(OTHER)])

/** A call in the engine's SQL; one that the sandbox does not know is refused as Snowflake refuses an unknown one. */
export function emitCall(name: string, args: string[]): string {
  const emit = FUNCTIONS.get(name.toLowerCase())
  if (!emit) throw new SqlError('002141', '42601', `SQL compilation error:\nUnknown function ${name.toUpperCase()}`)
  return emit(args)
}
