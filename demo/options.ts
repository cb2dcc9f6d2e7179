/** The demo's command line. */
import { parseArgs } from 'node:util'

export interface DemoOptions {
  /** Does one job, compares, and ends; otherwise stays up. */
  readonly once: boolean
  /** A template of `flows/`, without `.json`. */
  readonly flow: string
  readonly size: 'small' | 'medium' | 'large'
  readonly seed: number
  readonly faults: 'calm' | 'rough' | 'hostile'
  /** Further business days of changes, a run after each. */
  readonly days: number
  /** Last line of the output is one JSON object. */
  readonly json: boolean
  /** Port of the editor; 0 takes a free one. */
  readonly port: number
  /** By which of X3's doors it is read. */
  readonly door: Door
  /** Of a flow that posts: what becomes of an attempt that is still absent after the settling wait. */
  readonly absent: (typeof ABSENT)[number]
  /** Of a flow that posts: it posts drafts, which X3's accountant makes final after each day. */
  readonly drafts: boolean
}

/** A person is asked, or it is posted once more by itself. */
export const ABSENT = ['ask', 'again'] as const

export const DOORS = ['graphql', 'graphql-2022', 'graphql-2021', 'api1', 'cloud'] as const
export type Door = (typeof DOORS)[number]

export const USAGE = `npm start -- [--once] [--flow NAME] [--size small|medium|large] [--seed N] [--faults calm|rough|hostile] [--days N] [--json] [--port N] [--door ${DOORS.join('|')}] [--absent ${ABSENT.join('|')}] [--drafts]`

/** Reads the arguments, and `PORT` of the environment; throws an `Error` in words for a wrong one. */
export function readOptions(args: readonly string[], env: NodeJS.ProcessEnv = process.env): DemoOptions {
  const { values } = parseArgs({
    args: [...args],
    options: {
      once: { type: 'boolean', default: false },
      flow: { type: 'string', default: 'x3-to-databricks' },
      size: { type: 'string', default: 'small' },
      seed: { type: 'string', default: '1' },
      faults: { type: 'string', default: 'calm' },
      days: { type: 'string', default: '0' },
      json: { type: 'boolean', default: false },
      port: { type: 'string' },
      door: { type: 'string', default: 'graphql' },
      absent: { type: 'string', default: 'ask' },
      drafts: { type: 'boolean', default: false },
    },
  })
  const once = values.once
  if (!once && (values.days !== '0' || values.faults !== 'calm')) throw new Error('--days and --faults go with --once')
  if (!/^[\w-]+$/.test(values.flow)) throw new Error(`--flow takes the name of a template, not "${values.flow}"`)
  if (values.door !== 'graphql' && !once) throw new Error('--door goes with --once')
  const isPosting = ['basware-to-x3', 'x3-basware'].includes(values.flow)
  if (values.door !== 'graphql' && !values.flow.startsWith('x3-') && !isPosting)
    throw new Error('--door goes with a flow of X3')
  if (isPosting && !['graphql', 'api1', 'cloud'].includes(values.door))
    throw new Error('a flow that posts takes --door graphql, api1 or cloud')
  if ((values.absent !== 'ask' || values.drafts) && !(once && values.flow === 'basware-to-x3'))
    throw new Error('--absent and --drafts go with --once and a flow that posts')
  return {
    absent: oneOf('--absent', values.absent, ABSENT),
    drafts: values.drafts,
    door: oneOf('--door', values.door, DOORS),
    once,
    flow: values.flow,
    size: oneOf('--size', values.size, ['small', 'medium', 'large']),
    seed: whole('--seed', values.seed),
    faults: oneOf('--faults', values.faults, ['calm', 'rough', 'hostile']),
    days: whole('--days', values.days),
    json: values.json,
    port: values.port !== undefined ? whole('--port', values.port) : once ? 0 : whole('PORT', env.PORT || '1880'),
  }
}

function oneOf<T extends string>(name: string, value: string, choices: readonly T[]): T {
  const found = choices.find((choice) => choice === value)
  if (found === undefined) throw new Error(`${name} is one of ${choices.join(', ')}, not "${value}"`)
  return found
}

function whole(name: string, value: string): number {
  if (!/^\d{1,9}$/.test(value)) throw new Error(`${name} is a whole number, not "${value}"`)
  return Number(value)
}
