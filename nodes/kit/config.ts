/** Values of a dialog, as Node-RED stores them, to one typed object: migrations, `${ENV}`, schema. */
import { z } from 'zod'
import { type SyncError, syncError } from '../../sync/contract/errors.ts'
import { together, wrongField } from './faults.ts'
import { type Lookup, leftVariables, type Secrets, type Values, withDefaults } from './variables.ts'

/** A zod object schema; its keys are the fields of the dialog. */
export type Fields = z.ZodObject

/** How a node's stored values become its typed config. */
export interface ConfigSpec<S extends Fields> {
  readonly config: S
  /** Version of the stored values; the dialog's `version` default. Values without one are of version 1. */
  readonly version: number
  /** Pure steps: `migrations[n]` makes version n + 1 of version n. */
  readonly migrations?: Readonly<Record<number, (values: Values) => Values>>
  /** Fields whose text may contain `${...}` with a meaning of its own (an expression, a template). */
  readonly literal?: readonly string[]
}

/**
 * What Node-RED is told of a type besides its constructor. It does not look at `spec`: by that a test compares the dialog with
 * the schema.
 *
 * @param secrets names of the password fields
 * @param settings what the type's dialog finds in `RED.settings`, each under a name that begins with the type's
 */
export const registration = <S extends Fields>(
  spec: ConfigSpec<S>,
  secrets: readonly string[] = [],
  settings: Readonly<Record<string, unknown>> = {},
) => ({
  credentials: Object.fromEntries(secrets.map((name) => [name, { type: 'password' as const }])),
  settings: Object.fromEntries(Object.entries(settings).map(([name, value]) => [name, { value, exportable: true }])),
  spec,
})

/** Steps stored values up to the version of the code. Pure. */
export function migrate<S extends Fields>(spec: ConfigSpec<S>, stored: Values): Values {
  let values = { ...stored }
  let version = Number(values.version ?? 1)
  if (!(version <= spec.version))
    throw syncError(
      'config',
      'tieout.version',
      `The node was saved by a newer version (${String(values.version)}) than this one knows (${spec.version})`,
      {
        field: 'version',
        hint: 'Update the package, or set the node up again.',
      },
    )
  while (version < spec.version) {
    values = { ...(spec.migrations?.[version]?.(values) ?? values) }
    version++
  }
  return { ...values, version: spec.version }
}

/**
 * Version 1 of a connection knew one time-out. Since version 2 a request is bounded in all too: by ten minutes, or by what
 * the time-out was where that was longer.
 */
export const boundedInAll = (values: Values): Values => ({
  ...values,
  totalSeconds: values.totalSeconds || Math.max(600, Number(values.timeoutSeconds) || 0),
})

/**
 * Sources of version 3 that had no name were given one made of what they are. They keep it, since it stands in their rows; of new
 * ones the name is asked for.
 *
 * @param made that name, from stored values
 */
export const named =
  (made: (values: Values) => string) =>
  (values: Values): Values => ({ ...values, source: String(values.source ?? '').trim() || made(values) })

/** Fields as far as they can be read, and what is wrong with the others. */
interface Read<S extends Fields> {
  readonly values: Partial<z.output<S>>
  readonly faults: readonly SyncError[]
}

function readFields<S extends Fields>(schema: S, values: Values, literal?: readonly string[]): Read<S> {
  const own = Object.fromEntries(Object.keys(schema.shape).map((key) => [key, values[key]]))
  const parsed = schema.safeParse(own)
  const left = leftVariables(own, literal)
  if (parsed.success) return { values: parsed.data as Partial<z.output<S>>, faults: left }
  const wrong = parsed.error.issues.map(({ path, message }) => wrongField(path.map(String).join('.'), message))
  const single = Object.entries(schema.shape).map(([key, one]) => [key, z.safeParse(one, own[key]).data])
  return { values: Object.fromEntries(single) as Partial<z.output<S>>, faults: [...left, ...wrong.filter(isNew(left))] }
}

/** Of faults those of fields of which nothing is told yet, within a field too. */
const isNew =
  (told: readonly SyncError[]) =>
  ({ cause: { field: name } }: SyncError): boolean =>
    !told.some(({ cause: { field: other } }) => other !== undefined && other === name?.split('.')[0])

function valuesOf<S extends Fields>({ values, faults }: Read<S>): z.output<S> {
  const fault = together(faults)
  if (fault) throw fault
  return values as z.output<S>
}

const readStored = <S extends Fields>(spec: ConfigSpec<S>, stored: Values, lookup?: Lookup): Read<S> => {
  const values = migrate(spec, stored)
  return readFields(spec.config, lookup ? withDefaults(values, lookup, spec.literal) : values, spec.literal)
}

/**
 * Stored values to typed config: migrated, variables checked, parsed. Node-RED has put variables in; `lookup` finds those of
 * `${NAME:-default}`, which it does not know. Throws a `config` error that names every field that is wrong.
 */
export const readConfig = <S extends Fields>(spec: ConfigSpec<S>, stored: Values, lookup?: Lookup): z.output<S> =>
  valuesOf(readStored(spec, stored, lookup))

/** What of a connection's fields and secrets must be there by how others are set: name of the field, and what it is called. */
export type Needs<S extends Fields, K extends Fields> = (
  config: Partial<z.output<S>>,
  credentials: Partial<z.output<K>>,
) => Readonly<Record<string, string>>

/** Config and secrets together: one `config` error names every field that is wrong or missing. */
export function readWhole<S extends Fields, K extends Fields>(
  spec: ConfigSpec<S> & { readonly needs?: Needs<S, K> },
  credentials: K,
  stored: Values,
  secrets: Secrets,
  lookup?: Lookup,
): { readonly config: z.output<S>; readonly credentials: z.output<K> } {
  const config = readStored(spec, stored, lookup)
  const own = readFields(credentials, secrets.found, Object.keys(credentials.shape))
  const faults = [...secrets.faults, ...config.faults, ...own.faults.filter(isNew(secrets.faults))]
  const missing = spec.needs ? missingOf(spec.needs, config.values, own.values) : []
  const fault = together([...faults, ...missing.filter(isNew(faults))])
  if (fault) throw fault
  return { config: config.values as z.output<S>, credentials: own.values as z.output<K> }
}

/** An error for each field that must be there and is not. */
export function missingOf<S extends Fields, K extends Fields>(
  needs: Needs<S, K>,
  config: Partial<z.output<S>>,
  credentials: Partial<z.output<K>>,
): SyncError[] {
  const all: Values = { ...config, ...credentials }
  const needed = Object.entries(needs(config, credentials))
  return needed.flatMap(([name, label]) => (all[name] ? [] : wrongField(name, `${label} is missing`)))
}

/** Fields as dialogs store them: numbers and switches may arrive as text (from `${ENV}` always), empty means absent. */
export const field = {
  /** Text that must be there. */
  text: (what = 'must be filled in') => z.preprocess(asText, z.string({ error: what }).min(1, what)),
  /** Text that may be empty; where it was never asked for, the default. */
  optional: (fallback = '') => z.preprocess((v) => asText(v) ?? fallback, z.string({ error: 'must be text' })),
  /** A secret as it is, blanks included. `missing`: what is said where it must be there. */
  secret: (missing = '') =>
    z.preprocess((v) => absent(v) ?? '', z.string({ error: 'must be text' }).min(missing ? 1 : 0, missing)),
  /** Text that the dialog asks for and a run may do without: what it is picked from is read before it is there. */
  asked: () => field.optional().meta({ asked: true }),
  /** A number within bounds; empty gives the default. */
  number: (fallback: number, min: number, max: number) =>
    z.preprocess(
      (v) => Number(absent(v) ?? fallback),
      z.number({ error: 'must be a number' }).min(min, `must be at least ${min}`).max(max, `must be at most ${max}`),
    ),
  /** A number within bounds, or none. */
  maybe: (min: number, max: number) =>
    z.preprocess(
      (v) => (absent(v) === undefined ? undefined : Number(v)),
      z
        .number({ error: 'must be a number' })
        .min(min, `must be at least ${min}`)
        .max(max, `must be at most ${max}`)
        .optional(),
    ),
  /** A switch. */
  flag: (fallback = false) =>
    z.preprocess(
      (v) => {
        const value = absent(v) ?? fallback
        return typeof value === 'string'
          ? /^(true|yes|on|1)$/i.test(value)
            ? true
            : /^(false|no|off|0)$/i.test(value)
              ? false
              : value
          : value
      },
      z.boolean({ error: 'must be true or false' }),
    ),
  /** A time of day, `HH:MM`; empty gives the default. */
  time: (fallback: string) =>
    z.preprocess(
      (v) => asText(v) || fallback,
      z.string({ error: 'must be text' }).regex(/^([01]\d|2[0-3]):[0-5]\d$/, 'must be a time of day such as 02:00'),
    ),
  /** One of some words; empty gives the first. */
  choice: <const T extends readonly [string, ...string[]]>(words: T) =>
    z.preprocess((v) => absent(v) ?? words[0], z.enum(words, { error: `must be one of ${words.join(', ')}` })),
  /** A list of texts; a text is split at commas and line ends. */
  list: () =>
    z.preprocess(
      (v) =>
        typeof v === 'string'
          ? v
              .split(/[,\n]/)
              .map((s) => s.trim())
              .filter(Boolean)
          : (absent(v) ?? []),
      z.array(z.coerce.string(), { error: 'must be a list' }),
    ),
}

const asText = (value: unknown): unknown =>
  typeof value === 'string'
    ? value.trim()
    : typeof value === 'number' || typeof value === 'boolean'
      ? String(value)
      : absent(value)

function absent(value: unknown): unknown {
  return value === '' || value === null ? undefined : value
}
