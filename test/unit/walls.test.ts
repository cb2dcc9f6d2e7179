import { deepStrictEqual, ok } from 'node:assert'
import { globSync, readFileSync } from 'node:fs'
import type { Import } from '../../scripts/sources.ts'
import { sources } from '../support/sources.ts'

const vendorOf = (path: string): string | undefined =>
  /^nodes\/(?!kit\/|operations\/|mapping\/)([^/]+)\//.exec(path)?.[1]
const inClient = (path: string): boolean => /^nodes\/[^/]+\/client\//.test(path)
const NODE_RED = /^(node-red|@node-red)(\/|$)/
const DRIVERS = /^(@databricks\/|snowflake-sdk|@azure\/)/

/** [what is forbidden, why] */
const walls: readonly (readonly [(i: Import) => boolean, string])[] = [
  [
    ({ from, to }) =>
      /^(sync|ledger)\//.test(from) &&
      (/^(nodes|vendor|sandbox|monitor|demo)\//.test(to) || NODE_RED.test(to) || DRIVERS.test(to)),
    'the engine and the ledger are pure',
  ],
  [
    ({ from, to }) =>
      from.startsWith('vendor/') &&
      (/^(nodes|ledger|sandbox|monitor|demo|test|bench)\//.test(to) || NODE_RED.test(to) || DRIVERS.test(to)),
    'what clients share knows none of them',
  ],
  [
    ({ from, to }) => to.startsWith('vendor/') && !from.startsWith('vendor/') && !inClient(from),
    'what clients share is for clients',
  ],
  [({ from, to }) => inClient(from) && NODE_RED.test(to), 'a client knows no Node-RED'],
  [
    ({ from, to }) => inClient(from) && to.startsWith('nodes/') && !to.startsWith(`nodes/${vendorOf(from)}/client/`),
    'a client stands alone',
  ],
  [
    ({ from, to }) => vendorOf(from) !== undefined && vendorOf(to) !== undefined && vendorOf(from) !== vendorOf(to),
    'no vendor imports another',
  ],
  [
    ({ from, to }) => DRIVERS.test(to) && from.startsWith('nodes/') && !inClient(from),
    "a vendor's driver is the client's alone",
  ],
  [({ from, to }) => from.startsWith('nodes/kit/') && vendorOf(to) !== undefined, 'the kit serves every vendor'],
  [
    ({ from, to, typeOnly }) =>
      from.startsWith('monitor/') && !(typeOnly && NODE_RED.test(to)) && !to.startsWith('monitor/'),
    'the monitor speaks to the admin API',
  ],
  [
    ({ from, to }) => from.startsWith('login/') && /^(nodes|sync|ledger|monitor|sandbox|demo)\//.test(to),
    'the login stands before everything else',
  ],
  [
    ({ from, to }) => from.startsWith('sandbox/') && /^(nodes|sync|ledger|vendor|monitor)\//.test(to),
    'the sandbox is written from the contracts',
  ],
  [
    ({ from, to }) => from.startsWith('nodes/') && /^(monitor|sandbox|demo|test|bench)\//.test(to),
    'the product knows neither the sandbox nor its own screen',
  ],
  [
    ({ from, to }) => from.startsWith('demo/') && /^(nodes|ledger|monitor)\//.test(to),
    'the demo speaks to the admin API',
  ],
  [
    ({ from, to, typeOnly }) => from.startsWith('demo/') && to.startsWith('sync/') && !typeOnly,
    'the comparer shares no code with the engine',
  ],
]

describe('walls', () => {
  const files = globSync('{nodes,sync,ledger,vendor,sandbox,monitor,demo,login}/**/*.ts').map((file) =>
    file.replaceAll('\\', '/'),
  )
  const texts = new Map(files.map((file) => [file, readFileSync(file, 'utf8')]))

  it('stand', () => {
    ok(files.length > 50)
    deepStrictEqual(
      sources().imports.flatMap((i) =>
        walls.filter(([broken]) => broken(i)).map(([, why]) => `${i.from} -> ${i.to}: ${why}`),
      ),
      [],
    )
  })

  it("only the kit listens to a node's input and close", () => {
    const listening = [...texts]
      .filter(
        ([file, text]) =>
          file.startsWith('nodes/') &&
          !inClient(file) &&
          /\.(on|once|addListener)\(\s*['"`](input|close)['"`]/.test(text),
      )
      .map(([file]) => file)
    ok(listening.length > 0)
    deepStrictEqual(
      listening.filter((file) => !file.startsWith('nodes/kit/')),
      [],
    )
  })

  it('every admin route asks for a permission on the same call', () => {
    const routes = [...texts].flatMap(([file, text]) =>
      [...text.matchAll(/httpAdmin\s*\.?\s*(\w*)\s*\(/g)].map((found) => ({
        file,
        call: text.slice(found.index, found.index + 300),
      })),
    )
    ok(routes.length >= 8)
    const open = routes.filter(
      ({ call }) =>
        !/^httpAdmin\.(get|post|put|delete|patch)\(\s*(['"`])[^'"`]+\2,\s*RED\.auth\.needsPermission\('(tieout\.(read|write|decide)|flows\.(read|write))'\),/.test(
          call,
        ),
    )
    deepStrictEqual(
      open.map(({ file, call }) => `${file}: ${call.slice(0, 80)}`),
      [],
    )
    const elsewhere = [...texts]
      .filter(([, text]) => /httpAdmin\b(?!\.(get|post|put|delete|patch)\()/.test(text))
      .map(([file]) => file)
    deepStrictEqual(elsewhere, [])
  })

  it('no file outgrows its room', () => {
    const long = globSync('{nodes,sync,ledger,vendor,sandbox,monitor,login,demo,bench,scripts}/**/*.ts')
      .map((file) => [file, readFileSync(file, 'utf8').split('\n').length] as const)
      .filter(([, lines]) => lines > 401)
    deepStrictEqual(long, [])
  })
})
