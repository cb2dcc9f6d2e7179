import { deepStrictEqual, ok } from 'node:assert'
import { z } from 'zod'
import type { Fields } from '../../../nodes/kit/config.ts'
import { leftVariables, variableOf } from '../../../nodes/kit/variables.ts'
import { type BothSides, bothSides, dialogTakes, type Setting } from '../../support/dialogs.ts'

/** Fields of Node-RED, or of the dialog alone. */
const OF_THE_EDITOR = ['name', 'version']
/** Fields that name a config node: the kit asks for it when the node starts, with words of its own. */
const CONFIG_NODES = ['ledger', 'connection', 'mapping']

type Field = z.ZodType
interface Shape {
  readonly type?: string
  readonly enum?: readonly unknown[]
  readonly minimum?: number
  readonly maximum?: number
}

const plain = (value: unknown): unknown => (value === undefined ? undefined : JSON.parse(JSON.stringify(value)))
const shapeOf = (field: Field): Shape => z.toJSONSchema(field, { io: 'output', unrepresentable: 'any' }) as Shape

/** Whether the node takes a value for a field that the dialog stored. */
function nodeTakes(name: string, field: Field, value: unknown, literal: readonly string[] = []): boolean {
  return leftVariables({ [name]: value }, literal).length === 0 && field.safeParse(value).success
}

/** Values on both sides of whatever bounds the field has. */
function probesOf({ type, minimum, maximum, enum: words }: Shape): unknown[] {
  if (words) return ['', ...words]
  if (type === 'boolean') return [true, false]
  if (minimum === undefined || maximum === undefined) return ['', 'text', `x-\${NAME}`]
  const step = Math.max(1, Math.abs(maximum)) * 1e-9
  return ['', minimum, maximum, String(minimum), minimum - step, maximum + step, 'text', `x-\${NAME}`]
}

/** What a new node begins with, and one keeps that was saved without the field. */
const KEPT: Readonly<Record<string, readonly [fresh: unknown, saved: unknown]>> = { receiptMinutes: [2, 10] }

function differencesOf(
  node: object,
  name: string,
  field: Field,
  setting: Setting,
  literal?: readonly string[],
): string[] {
  const value = plain(setting.value)
  const own = field.safeParse(value)
  const absent = field.safeParse(undefined)
  const different =
    absent.success && JSON.stringify(KEPT[name] ?? [absent.data, own.data]) !== JSON.stringify([own.data, absent.data])
      ? [`a new node has ${JSON.stringify(value)}, one without the field ${JSON.stringify(absent.data)}`]
      : []
  const rows = Array.isArray(value)
  const probes = rows ? [value, []] : probesOf(shapeOf(field))
  const asked = field.meta()?.asked === true
  return [
    ...different,
    ...probes
      .filter((probe) => !(asked && probe === ''))
      .filter((probe) => dialogTakes(node, setting, probe) !== nodeTakes(name, field, probe, literal))
      .map(
        (probe) => `the ${dialogTakes(node, setting, probe) ? 'dialog' : 'node'} alone takes ${JSON.stringify(probe)}`,
      ),
    ...(asked && dialogTakes(node, setting, '') ? ['is not asked for'] : []),
  ]
}

/** What a choice or a switch looks like. */
function controlDifferences(field: Field, control: { type: string; options: readonly string[] } | undefined): string[] {
  const { type, enum: words } = shapeOf(field)
  if (type === 'boolean') return control?.type === 'checkbox' ? [] : ['is a switch without a check box']
  if (!words) return control?.type === 'select' ? ['has a list of words, and takes any'] : []
  const [offered, known] = [[...(control?.options ?? [])].sort(), [...words].sort()]
  return JSON.stringify(offered) === JSON.stringify(known) ? [] : [`offers ${offered}, takes ${known}`]
}

function secretsOf({ spec }: BothSides['registered']): Fields {
  const { credentials = [] } = spec
  return credentials instanceof z.ZodObject ? credentials : z.object({})
}

describe('the dialog of each node and its schema', () => {
  let nodes: BothSides[] = []
  before(async () => {
    nodes = await bothSides()
  })

  const differences = (of: (node: BothSides) => string[]): string[] =>
    nodes.flatMap((node) => of(node).map((text) => `${node.type}: ${text}`))

  it('are found for all nodes', () => {
    ok(nodes.length >= 16)
    ok(nodes.some(({ dialog }) => dialog.controls.get('login')?.options.includes('oauth')))
  })

  it('have the same fields and the same version', () => {
    deepStrictEqual(
      differences(({ registered: { spec }, dialog: { defaults, credentials = {} } }) => {
        const known = [...OF_THE_EDITOR, ...Object.keys(credentials).map(variableOf)]
        const dialog = Object.keys(defaults).filter((name) => !known.includes(name))
        const node = Object.keys(spec.config.shape)
        return [
          ...dialog.filter((name) => !node.includes(name)).map((name) => `${name} is not in the schema`),
          ...node.filter((name) => !dialog.includes(name)).map((name) => `${name} is not in the dialog`),
          ...(defaults.version?.value === spec.version
            ? []
            : [`version ${defaults.version?.value}, not ${spec.version}`]),
        ]
      }),
      [],
    )
  })

  it('begin with the same values, have the same bounds, and ask for the same', () => {
    deepStrictEqual(
      differences(({ registered: { spec }, dialog: { defaults } }) =>
        Object.entries(spec.config.shape)
          .filter(([name]) => !CONFIG_NODES.includes(name) && name in defaults)
          .flatMap(([name, field]) => {
            const setting = defaults[name] ?? {}
            const found = differencesOf(
              { ...defaults, _: (key: string) => key },
              name,
              field as Field,
              setting,
              spec.literal,
            )
            return found.map((text) => `${name} ${text}`)
          }),
      ),
      [],
    )
  })

  /** Needed by one of the choices of its node alone, which says it when it is missing; or by nobody who wants his alerts at the output. */
  const BY_CHOICE = ['x3-connection ledger', 'sync-alert connection']

  it('ask for every config node that they use', () => {
    deepStrictEqual(
      differences(({ type: node, dialog: { defaults } }) =>
        Object.entries(defaults)
          .filter(
            ([name, { type, required }]) =>
              CONFIG_NODES.includes(name) !==
              (type !== undefined && required === !BY_CHOICE.includes(`${node} ${name}`)),
          )
          .map(([name]) => name),
      ),
      [],
    )
  })

  it('offer the words that the node knows, and a check box for each switch', () => {
    deepStrictEqual(
      differences(({ registered: { spec }, dialog: { controls } }) =>
        Object.entries(spec.config.shape)
          .filter(([name]) => !CONFIG_NODES.includes(name))
          .flatMap(([name, field]) =>
            controlDifferences(field as Field, controls.get(name)).map((text) => `${name} ${text}`),
          ),
      ),
      [],
    )
  })

  it('take for each secret the name of a variable, and no other text', () => {
    deepStrictEqual(
      differences(({ dialog: { credentials = {}, defaults } }) =>
        Object.keys(credentials).flatMap((name) => {
          const setting = defaults[variableOf(name)] ?? { validate: () => 'is missing' }
          const taken = ['', 'X3_SECRET', 'TIEOUT_SECRET', 'x3', 'X-3'].filter((text) => dialogTakes({}, setting, text))
          return taken.join() === ',X3_SECRET' ? [] : [`${name} takes ${taken.join()}`]
        }),
      ),
      [],
    )
  })

  it('have the same secrets, and ask for the same', () => {
    deepStrictEqual(
      differences(({ registered, dialog: { credentials = {} } }) => {
        const { shape } = secretsOf(registered)
        const names = new Set([...Object.keys(registered.credentials), ...Object.keys(credentials)])
        return [...names].flatMap((name) => {
          const [field, setting] = [shape[name] as Field | undefined, credentials[name]]
          if (!field || !setting) return [`${name} is not on both sides`]
          const needed = !field.safeParse('').success
          const asked = !dialogTakes({}, setting, '')
          return [
            ...(needed === asked ? [] : [`${name} is ${needed ? '' : 'not '}needed by the node`]),
            ...(dialogTakes({ [variableOf(name)]: 'X' }, setting, '')
              ? []
              : [`${name} is asked for beside its variable`]),
          ]
        })
      }),
      [],
    )
  })
})
