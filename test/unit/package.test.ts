import { deepStrictEqual, match, ok } from 'node:assert'
import { execFileSync } from 'node:child_process'
import { existsSync, globSync, readFileSync } from 'node:fs'
import { createRequire } from 'node:module'
import { basename, dirname, join } from 'node:path'
import { withRows } from '../../scripts/include.ts'

/** What a palette checks of a package, without asking the network (the rules of node-red-dev, and what it cannot see). */

interface Manifest {
  name: string
  license: string
  keywords: string[]
  repository: { url: string }
  bugs: { url: string }
  engines: { node: string }
  files: string[]
  dependencies: Record<string, string>
  'node-red': { version: string; nodes: Record<string, string>; plugins: Record<string, string> }
}

interface FlowNode {
  id: string
  type: string
  name?: string
  [property: string]: unknown
}

const semver = createRequire(import.meta.url)('semver') as {
  satisfies(version: string, range: string): boolean
  minVersion(range: string): string | null
  gte(a: string, b: string): boolean
}
/** Names of a catalogue's texts: `view.runs`. */
const keysOf = (catalogue: object): string[] =>
  Object.entries(catalogue).flatMap(([key, value]) =>
    typeof value === 'string' ? [key] : keysOf(value as object).map((rest) => `${key}.${rest}`),
  )
const read = (file: string): string => readFileSync(file, 'utf8')
const manifest = JSON.parse(read('package.json')) as Manifest
const redVersion = (createRequire(import.meta.url)('node-red/package.json') as { version: string }).version
const nodes = Object.entries(manifest['node-red'].nodes).map(([type, file]) => {
  const source = file.replace('dist/', '').replace('.js', '')
  return { type, source, html: existsSync(`${source}.html`) ? withRows(read(`${source}.html`)) : '' }
})
const plugins = Object.entries(manifest['node-red'].plugins).map(([id, file]) => ({
  id,
  source: file.replace('dist/', '').replace('.js', ''),
}))
const flows = globSync('flows/*.json').map((file) => ({ file, nodes: JSON.parse(read(file)) as FlowNode[] }))

describe('package', () => {
  it('has what a palette asks of a manifest', () => {
    match(manifest.name, /^@[a-z0-9-]+\/[a-z0-9-]*node-red-[a-z0-9-]+$/)
    deepStrictEqual(manifest.license, 'Apache-2.0')
    match(read('LICENSE'), /Apache License\s+Version 2\.0[\s\S]+END OF TERMS AND CONDITIONS/)
    ok(manifest.keywords.includes('node-red'))
    match(manifest.repository.url, /^git\+https:/)
    match(manifest.bugs.url, /^https:/)
  })

  it('runs on the Node-RED it was tried with and on the Node that this asks for, and caps no version', () => {
    ok(semver.satisfies(redVersion, manifest['node-red'].version))
    ok(
      semver.satisfies('9.0.0', manifest['node-red'].version),
      'a capped version makes the nodes vanish on the next Node-RED',
    )
    const minimum = semver.minVersion(manifest.engines.node)
    ok(minimum && semver.gte(minimum, '22.9.0'))
    ok(semver.satisfies('24.21.0', manifest.engines.node))
  })

  it('has a README that names each of its nodes and flows, and no other flow', () => {
    const page = read('README.md')
    deepStrictEqual(
      Object.keys(manifest['node-red'].nodes).filter((type) => !new RegExp(`\\b${type}\\b`).test(page)),
      [],
    )
    const named = [...page.matchAll(/\]\((flows\/[\w-]+\.json)\)/g)].map(([, file]) => file)
    deepStrictEqual(named.toSorted(), flows.map(({ file }) => file.replaceAll('\\', '/')).toSorted())
  })

  it('brings no second Node-RED and no development tool', () => {
    const wrong = Object.keys(manifest.dependencies).filter((name) =>
      /^(node-red|mocha|typescript|graphql|thrift|nrlint|selfsigned|@duckdb\/)/.test(name),
    )
    deepStrictEqual(wrong, [])
  })

  it('packs what it needs to run and nothing of the sandbox or the tests', () => {
    const [packed] = JSON.parse(
      execFileSync('npm', ['pack', '--dry-run', '--json', '--ignore-scripts'], { encoding: 'utf8' }),
    ) as { files: { path: string }[] }[]
    const paths = packed?.files.map((file) => file.path) ?? []
    for (const needed of ['package.json', 'README.md', 'LICENSE', 'settings.js']) ok(paths.includes(needed), needed)
    deepStrictEqual(
      paths.filter(
        (path) => /(^|\/)(test|sandbox|demo|bench|node_modules)\//.test(path) || /\.(db|tgz|env)$/.test(path),
      ),
      [],
    )
  })

  describe('nodes', () => {
    it('are registered under unique types, one pair of files each', () => {
      ok(nodes.length > 0)
      deepStrictEqual(new Set(nodes.map(({ type }) => type)).size, nodes.length)
      deepStrictEqual(
        nodes
          .filter(({ source }) => !existsSync(`${source}.ts`) || !existsSync(`${source}.html`))
          .map(({ source }) => source),
        [],
      )
    })

    it('leave out no node that is there', () => {
      const known = new Set(nodes.map(({ source }) => `${source}.html`))
      deepStrictEqual(
        globSync('nodes/*/*.html').filter((file) => !known.has(file)),
        [],
      )
    })

    for (const { type, source, html } of nodes)
      describe(type, () => {
        it('has an editor part, a form and help under its own literal type', () => {
          match(html, new RegExp(`RED\\.nodes\\.registerType\\('${type}', \\{`))
          match(html, new RegExp(`data-template-name="${type}"`))
          const help =
            new RegExp(`<script type="text/markdown" data-help-name="${type}">([\\s\\S]+?)</script>`).exec(html)?.[1] ??
            ''
          ok(help.trim().split('\n')[0]?.length, 'the first paragraph is the palette tooltip')
          match(help, /^### /m)
        })

        it('has help that the editor draws as it is written: a colon before and behind brackets is a definition to it', () => {
          const help = /data-help-name="[^"]+">([\s\S]+?)<\/script>/.exec(html)?.[1] ?? ''
          const wrong = help
            .split('\n')
            .filter((line) =>
              line.startsWith(':')
                ? !/^: [^:]+ \([^:()]+\) : [^:]+$/.test(line)
                : /:[^:]+\([^:]+\).*?:/.test(line.replace(/https?:/g, '')),
            )
          deepStrictEqual(wrong, [])
        })

        it('has scripts that parse, and never builds html from what comes from outside', () => {
          const scripts = [...html.matchAll(/<script type="text\/javascript">([\s\S]*?)<\/script>/g)].map(
            ([, text]) => text ?? '',
          )
          ok(scripts.length > 0)
          for (const text of scripts) {
            new Function('RED', '$', 'tieout', 'window', 'document', text)
            ok(!/\.html\(|innerHTML|insertAdjacentHTML|document\.write/.test(text), 'use text()')
          }
        })

        it('stores a version, and secrets only as password credentials', () => {
          match(html, /version: \{ value: \d+ \}/)
          const secretDefaults = /defaults: \{([\s\S]*?)\n {2,6}\},/.exec(html)?.[1] ?? ''
          ok(
            !/\b(password|secret|token|clientSecret|privateKey)\w*: \{ value/i.test(secretDefaults),
            'a secret among the defaults is stored in clear',
          )
          ok(
            !/type: 'text'\s*\}/.test(/credentials: \{([\s\S]*?)\}\s*,?\n/.exec(html)?.[1] ?? ''),
            'a text credential is readable by anyone who may read',
          )
        })

        it('has every text in its catalogue, and a label for every field', () => {
          const file = join(dirname(source), 'locales', 'en-US', `${basename(source)}.json`)
          const catalogue = JSON.parse(read(file)) as Record<string, unknown>
          const has = (key: string): boolean =>
            typeof key
              .split('.')
              .reduce<unknown>((part, name) => (part as Record<string, unknown> | undefined)?.[name], catalogue) ===
            'string'
          const keys = [
            ...html.matchAll(/data-i18n="(?:\[\w+\])?([\w.-]+)"/g),
            ...html.matchAll(/(?:this|node)\._\('([\w.-]+)'/g),
          ].map(([, key]) => key ?? '')
          deepStrictEqual(
            keys.filter((key) => !has(key)),
            [],
          )
          const shared = JSON.parse(read('nodes/kit/editor/locales/en-US/tieout-editor.json')) as { rows: object }
          deepStrictEqual(
            [...html.matchAll(/tieout-editor:rows\.(\w+)/g)]
              .map(([, key]) => key ?? '')
              .filter((key) => !(key in shared.rows)),
            [],
          )
          const form = /data-template-name="[^"]+">([\s\S]*?)<\/script>/.exec(html)?.[1] ?? ''
          const fields = [...form.matchAll(/<(?:input|select|textarea)[^>]*\bid="([^"]+)"[^>]*>/g)]
          deepStrictEqual(
            fields
              .filter(([tag, id]) => !form.includes(`for="${id}"`) && !tag.includes('aria-label'))
              .map(([, id]) => id),
            [],
          )
        })
      })
  })

  describe('editor plugins', () => {
    const htmlOf = (source: string): string => read(`${source}.html`)

    it('are registered, one pair of files each, the shared helpers first', () => {
      deepStrictEqual(plugins[0]?.id, 'tieout-editor')
      deepStrictEqual(
        plugins.map(({ source }) => `${source}.html`).sort(),
        globSync('{monitor,nodes/kit/editor}/*.html')
          .map((file) => file.replaceAll('\\', '/'))
          .sort(),
      )
      for (const { id, source } of plugins) {
        const registered = `RED.plugins.registerPlugin('${id}', {`
        ok(read(`${source}.ts`).includes(registered) && htmlOf(source).includes(registered), id)
      }
    })

    it('have scripts that parse, and never build html from what comes from outside', () => {
      for (const { id, source } of plugins)
        for (const [, text] of htmlOf(source).matchAll(/<script type="text\/javascript">([\s\S]*?)<\/script>/g)) {
          new Function('RED', '$', 'tieout', 'window', 'document', text ?? '')
          ok(
            !/\.html\(|innerHTML|insertAdjacentHTML|document\.write|RED\.notify\((?!\$)/.test(text ?? ''),
            `${id}: use text()`,
          )
        }
    })

    it('have every text in their catalogue, and no text that nothing shows', () => {
      for (const place of new Set(plugins.map(({ source }) => dirname(source)))) {
        const [file] = globSync(join(place, 'locales', 'en-US', '*.json'))
        const texts = keysOf(JSON.parse(read(file ?? '')) as object)
        const scripts = plugins.filter(({ source }) => dirname(source) === place).map(({ source }) => htmlOf(source))
        const script = scripts.join('\n')
        const asked = [...script.matchAll(/\b(?:t|button)\((?:\w+ \? )?(['`])([\w.]+)(?=(\$\{)|\1)/g)]
        const there = (key: string, begins: boolean): boolean =>
          texts.some((text) => (begins ? text.startsWith(key) : text === key))
        deepStrictEqual(
          asked.filter(([, , key, begins]) => !there(key ?? '', begins !== undefined)).map(([, , key]) => key),
          [],
        )
        const beginnings = [...script.matchAll(/`([\w.]+)\$\{/g)].map(([, key]) => key ?? '')
        deepStrictEqual(
          texts.filter((text) => !script.includes(`'${text}'`) && !beginnings.some((key) => text.startsWith(key))),
          [],
        )
      }
    })
  })

  describe('templates', () => {
    it('use every node that is no config node', () => {
      if (flows.length === 0) throw new Error('there is no template in flows/')
      const used = new Set(flows.flatMap(({ nodes }) => nodes.map(({ type }) => type)))
      deepStrictEqual(
        nodes.filter(({ type, html }) => !/category: 'config'/.test(html) && !used.has(type)).map(({ type }) => type),
        [],
      )
    })

    it('share one ledger, one channel, one connection for each system, and the code tables of each ERP', () => {
      const shared = flows.flatMap(({ nodes }) => nodes.filter(({ type, z }) => type !== 'tab' && z === undefined))
      const byId = new Map(shared.map((node) => [node.id, node]))
      deepStrictEqual(
        shared.filter((node) => JSON.stringify(node) !== JSON.stringify(byId.get(node.id))),
        [],
        'one id is one node',
      )
      const types = [...byId.values()].map(({ type }) => type).filter((type) => type !== 'gl-mapping')
      deepStrictEqual(types.toSorted(), [...new Set(types)].toSorted())
      // By this the editor knows them when a second template is imported.
      deepStrictEqual(
        [...byId.keys()].filter((id) => !id.startsWith('tieout-')),
        [],
      )
    })

    it('keep to their own syncs in the ledger that they share', () => {
      const syncsOf = (nodes: readonly FlowNode[]): string[] =>
        nodes.filter(({ type, syncName }) => type !== 'replay' && syncName).map(({ syncName }) => String(syncName))
      const all = flows.flatMap(({ nodes }) => syncsOf(nodes))
      deepStrictEqual(all.toSorted(), [...new Set(all)].toSorted())
      for (const { file, nodes: flow } of flows) {
        const own = syncsOf(flow).toSorted()
        const replayed = flow.filter(({ type }) => type === 'replay').map(({ syncName }) => syncName)
        const watched = flow.filter(({ type }) => type === 'sync-alert').map(({ syncs }) => String(syncs).split(', '))
        deepStrictEqual([replayed.toSorted(), watched.flat().toSorted()], [own, own], file)
      }
    })

    for (const { file, nodes: flow } of flows)
      describe(basename(file), () => {
        it('wires only nodes that are there, of types that a plain Node-RED with this package knows', () => {
          const ids = new Set(flow.map(({ id }) => id))
          deepStrictEqual(ids.size, flow.length)
          deepStrictEqual(
            flow.flatMap(({ wires }) => ((wires ?? []) as string[][]).flat()).filter((id) => !ids.has(id)),
            [],
          )
          const own = new Set(nodes.map(({ type }) => type))
          const core = new Set([
            'tab',
            'comment',
            'inject',
            'debug',
            'catch',
            'complete',
            'status',
            'switch',
            'change',
            'function',
            'link in',
            'link out',
            'link call',
            'split',
            'join',
            'delay',
            'group',
            'csv',
            'json',
            'junction',
          ])
          deepStrictEqual(
            flow.filter(({ type }) => !own.has(type) && !core.has(type)).map(({ type }) => type),
            [],
          )
        })

        it('names config nodes that are in it, a catch node and an explanation', () => {
          const ids = new Set(flow.map(({ id }) => id))
          for (const { id, ledger, connection, mapping } of flow)
            for (const to of [ledger, connection, mapping])
              ok(to === undefined || to === '' || ids.has(to as string), `${id} names a config node that is not there`)
          ok(flow.some(({ type }) => type === 'catch'))
          ok(flow.some(({ type, info }) => type === 'comment' && String(info).length > 40))
        })

        it('holds no secret: credentials and addresses are variables', () => {
          const text = JSON.stringify(flow)
          ok(!/dapi[0-9a-f]{32}|eyJ[\w-]{10,}\.|-----BEGIN/.test(text))
          const secrets = flow.flatMap(({ credentials }) =>
            Object.values((credentials ?? {}) as Record<string, string>),
          )
          deepStrictEqual(
            secrets.filter((value) => !/^\$\{\w+\}$/.test(value)),
            [],
          )
        })

        it('is clean to nrlint', () => {
          const lint = join(dirname(createRequire(import.meta.url).resolve('nrlint/package.json')), 'bin', 'nrlint.js')
          const config = join('lint', 'nrlint.cjs')
          const out = execFileSync(process.execPath, [lint, '-c', config, '-f', 'json', file], { encoding: 'utf8' })
          deepStrictEqual(JSON.parse(out || '[]'), [])
        })
      })
  })
})
