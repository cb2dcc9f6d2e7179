/** Every node as both sides know it: its schema, as the runtime registers it, and its dialog, as the editor would hold it. */
import { globSync, readFileSync } from 'node:fs'
import { resolve } from 'node:path'
import { createContext, runInContext } from 'node:vm'
import { XMLParser } from 'fast-xml-parser'
import type { NodeAPI } from 'node-red'
import type { ConfigSpec, Fields } from '../../nodes/kit/config.ts'
import { withRows } from '../../scripts/include.ts'
import { util } from './util.ts'

/** What a node's module tells Node-RED. */
export interface Registered {
  readonly spec: ConfigSpec<Fields> & { readonly credentials?: Fields | readonly string[] }
  readonly credentials: Readonly<Record<string, unknown>>
  readonly settings?: Readonly<Record<string, { readonly value: unknown }>>
}

/** One entry of `defaults` or `credentials` in a dialog. */
export interface Setting {
  readonly value?: unknown
  readonly type?: string
  readonly required?: boolean
  readonly validate?: (value: unknown, options: object) => unknown
}

export interface Dialog {
  readonly defaults: Readonly<Record<string, Setting>>
  readonly credentials?: Readonly<Record<string, Setting>>
  /** Controls of the form by field: a select with the values of its options, or the type of an input. */
  readonly controls: ReadonlyMap<string, { readonly type: string; readonly options: readonly string[] }>
}

export interface BothSides {
  readonly type: string
  readonly registered: Registered
  readonly dialog: Dialog
}

/** All nodes of the package. */
export async function bothSides(): Promise<BothSides[]> {
  const files = globSync('nodes/*/*.html').map((file) => file.replaceAll('\\', '/'))
  const registered = await registrations(files.map((file) => file.replace('.html', '.ts')))
  const settings = Object.fromEntries(
    [...registered.values()].flatMap((one) =>
      Object.entries(one.settings ?? {}).map(([name, { value }]) => [name, value]),
    ),
  )
  const definitions = definitionsOf(files, settings)
  return [...registered].map(([type, one]) => {
    const found = definitions.get(type)
    if (!found) throw new Error(`${type} has no dialog`)
    return { type, registered: one, dialog: found }
  })
}

async function registrations(files: readonly string[]): Promise<Map<string, Registered>> {
  const found = new Map<string, Registered>()
  const ignore = (): undefined => undefined
  const RED = {
    nodes: { registerType: (type: string, _constructor: unknown, options: Registered) => found.set(type, options) },
    events: { on: ignore },
    httpAdmin: { get: ignore, post: ignore },
    auth: { needsPermission: ignore },
    util,
  } as unknown as NodeAPI
  for (const file of files) {
    const node = (await import(resolve(file))) as { default: (RED: NodeAPI) => void }
    node.default(RED)
  }
  return found
}

/** Runs the scripts of the dialogs as the editor does: the shared helpers first. */
function definitionsOf(files: readonly string[], settings: object): Map<string, Dialog> {
  const types = new Map<string, Dialog & { set?: object; _?: (key: string) => string }>()
  let added: (type: string) => void = () => undefined
  let html = ''
  const RED = {
    _: (key: string) => key,
    settings,
    editor: { getEditStack: () => [] },
    plugins: { registerPlugin: () => undefined },
    events: {
      on: (name: string, listener: (type: string) => void) => {
        if (name === 'registry:node-type-added') added = listener
      },
    },
    nodes: {
      eachNode: () => undefined,
      eachConfig: () => undefined,
      getType: (type: string) => types.get(type),
      registerType(type: string, definition: Dialog) {
        const translate = (key: string): string => key
        const set = { module: '@tieout/node-red-tieout' }
        types.set(type, Object.assign(definition, { set, _: translate, controls: controlsOf(html) }))
        added(type)
      },
    },
  }
  const page = createContext({ RED, console, structuredClone })
  runInContext('globalThis.window = globalThis', page)
  for (const file of ['nodes/kit/editor/tieout-editor.html', ...files]) {
    html = withRows(readFileSync(file, 'utf8'))
    for (const [, script] of html.matchAll(/<script type="text\/javascript">([\s\S]*?)<\/script>/g))
      runInContext(script ?? '', page, { filename: file })
  }
  return types
}

const forms = new XMLParser({
  ignoreAttributes: false,
  attributeNamePrefix: '@',
  unpairedTags: ['input', 'br', 'hr', 'img'],
  allowBooleanAttributes: true,
  isArray: (_name, _path, _leaf, isAttribute) => !isAttribute,
})

interface Element {
  readonly '@id'?: string
  readonly '@type'?: string
  readonly '@value'?: string
  readonly option?: readonly Element[]
}

function controlsOf(html: string): Dialog['controls'] {
  const form = /<script type="text\/html" data-template-name="[^"]+">([\s\S]*?)<\/script>/.exec(html)?.[1] ?? ''
  const controls = new Map<string, { type: string; options: string[] }>()
  const walk = (part: unknown, tag: string): void => {
    if (Array.isArray(part)) for (const one of part) walk(one, tag)
    if (part === null || typeof part !== 'object' || Array.isArray(part)) return
    const { '@id': id = '', '@type': type = tag, option = [] } = part as Element
    const field = /^node-(?:config-)?input-(\w+)$/.exec(id)?.[1]
    if (field) controls.set(field, { type, options: option.map((one) => one['@value'] ?? '') })
    for (const [name, inner] of Object.entries(part)) walk(inner, name)
  }
  walk(forms.parse(form), '')
  return controls
}

/** Whether the editor takes a value for a field, by the rules of Node-RED's own editor. */
export function dialogTakes(node: object, { required, validate }: Setting, value: unknown): boolean {
  if (/^\$\{[a-zA-Z_]\w*\}$/.test(String(value))) return true
  if (required && value === '') return false
  return validate ? validate.call(node, value, {}) === true : true
}
