import { deepStrictEqual, equal, ok } from 'node:assert'
import { globSync, readFileSync } from 'node:fs'
import { DRAWN, roomOf } from '../../scripts/house.ts'
import type { Import } from '../../scripts/sources.ts'
import { sources } from '../support/sources.ts'

/** Whose folder of `nodes/` it is, if it is a vendor's. */
const vendorOf = (path: string): string | undefined =>
  /^nodes\/(?!kit\/|operations\/|mapping\/)([^/]+)\//.exec(path)?.[1]
const inClient = (path: string): boolean => /^nodes\/[^/]+\/client\//.test(path)

/** Values and contracts: what the rooms above stand on. */
const BELOW = ['sync/contract', 'sync/values']

/**
 * What each room may import besides itself: rooms, single files and packages, `type ` before what it may only take types of.
 * Whatever is not named is forbidden.
 */
const MAY: Readonly<Record<string, readonly string[]>> = {
  'sync/contract': ['type ledger/ledger.ts'],
  'sync/values': ['sync/contract', 'zod'],
  'sync/run': [...BELOW, 'type ledger/ledger.ts'],
  'sync/reading': [...BELOW, 'sync/run', 'type ledger/ledger.ts'],
  'sync/delivering': [...BELOW, 'sync/run', 'type ledger/ledger.ts'],
  'sync/posting': [...BELOW, 'sync/run', 'sync/delivering', 'type ledger/ledger.ts'],
  'sync/results': [...BELOW, 'sync/run', 'type ledger/ledger.ts'],
  sync: [
    'sync/contract',
    'sync/run',
    'sync/reading',
    'sync/delivering',
    'sync/posting',
    'sync/results',
    'type ledger/ledger.ts',
  ],
  ledger: [
    'sync/contract/errors.ts',
    'sync/contract/message.ts',
    'type sync/contract/summary.ts',
    'type sync/contract/log.ts',
    'type sync/contract/posting.ts',
    'type sync/contract/results.ts',
    'type sync/contract/inbox.ts',
    'kysely',
  ],
  vendor: [...BELOW, 'undici', 'saxes'],
  'vendor/warehouse': [...BELOW, 'vendor'],
  'nodes/‹vendor›/client': [
    ...BELOW,
    'vendor',
    'vendor/warehouse',
    'zod',
    'undici',
    'jose',
    'fast-xml-parser',
    'big.js',
    '@azure/msal-node',
    '@databricks/sql',
    'snowflake-sdk',
  ],
  'nodes/‹vendor›': [
    'nodes/kit/kit.ts',
    'nodes/‹vendor›/client',
    'sync/contract',
    'vendor/limiter.ts',
    'type node-red',
    'zod',
  ],
  'nodes/mapping': ['nodes/kit/kit.ts', 'sync/contract', 'type node-red', 'zod', 'big.js', 'csv-parse'],
  'nodes/operations': [
    'nodes/kit/kit.ts',
    'sync',
    'sync/contract',
    'sync/run',
    'sync/delivering/answer-doubt.ts',
    'ledger',
    'alerts',
    'backup',
    'watchdog',
    'cronosjs',
    'prom-client',
    'type express',
    'type node-red',
    'zod',
  ],
  'nodes/kit': [
    ...BELOW,
    'sync/run/verdict.ts',
    'sync/run/sentence.ts',
    'sync/run/alert-cause.ts',
    'type ledger/ledger.ts',
    'vendor',
    'type node-red',
    'type express',
    'zod',
  ],
  alerts: ['sync/contract/errors.ts', 'vendor', 'type ledger/ledger.ts', 'type nodemailer', 'nodemailer'],
  backup: ['ledger', 'sync/contract', 'tar', 'zod'],
  check: [],
  login: ['type express', 'zod'],
  watchdog: [],
  monitor: ['type node-red'],
  sandbox: ['*'],
  demo: ['sandbox', 'type sync/contract', '@node-rs/bcrypt', 'big.js'],
}

/** What an import breaks, in words; undefined: nothing. */
function broken({ from, to, typeOnly }: Import): string | undefined {
  const [room, there] = [roomOf(from), roomOf(to)]
  const isOurs = to.endsWith('.ts')
  if (to.startsWith('node:')) return undefined
  const other = `${from} -> ${typeOnly ? 'type ' : ''}${to}`
  if (vendorOf(from) !== undefined && vendorOf(to) !== undefined && vendorOf(from) !== vendorOf(to))
    return `${other}: another vendor`
  if (isOurs && there === room) return undefined
  const may = MAY[room]
  if (may === undefined) return `${from} is in no room`
  const named = isOurs ? [there, to] : [packageOf(to), '*']
  return named.some((name) => may.includes(name) || (typeOnly && may.includes(`type ${name}`))) ? undefined : other
}

/** Name of the package that a file of it is taken from. */
const packageOf = (path: string): string => /^(@[^/]+\/)?[^/]+/.exec(path)?.[0] ?? path

/** No function is longer; most should be half of it. */
const LONGEST = 120

/** Sets of files of which each reaches each other over imports (Tarjan). */
function circlesOf(imports: readonly Import[]): string[] {
  const next = new Map<string, string[]>()
  for (const { from, to } of imports) next.set(from, [...(next.get(from) ?? []), to])
  const order = new Map<string, number>()
  const stack: string[] = []
  const circles: string[] = []
  const visit = (file: string): number => {
    const own = order.size
    let lowest = own
    order.set(file, own)
    stack.push(file)
    for (const to of next.get(file) ?? [])
      if (!order.has(to)) lowest = Math.min(lowest, visit(to))
      else if (stack.includes(to)) lowest = Math.min(lowest, order.get(to) ?? own)
    if (lowest === own) {
      const circle = stack.splice(stack.indexOf(file)).sort()
      if (circle.length > 1) circles.push(circle.join(' '))
    }
    return lowest
  }
  for (const file of next.keys()) if (!order.has(file)) visit(file)
  return circles.sort()
}

describe('walls', () => {
  const files = globSync('{nodes,sync,ledger,vendor,sandbox,monitor,demo,login,watchdog}/**/*.ts').map((file) =>
    file.replaceAll('\\', '/'),
  )
  const texts = new Map(files.map((file) => [file, readFileSync(file, 'utf8')]))

  before(function () {
    this.timeout(120_000)
    sources()
  })

  it('stand', () => {
    const imports = sources().imports.filter(({ from }) => DRAWN.includes(from.split('/', 1)[0] ?? ''))
    ok(imports.length > 1000)
    deepStrictEqual(imports.map(broken).filter(Boolean), [])
    const wrong: readonly Import[] = [
      { from: 'sync/reading/poll.ts', to: 'sync/delivering/write.ts', typeOnly: true },
      { from: 'ledger/held.ts', to: 'sync/contract/engine.ts', typeOnly: true },
      { from: 'sync/delivering/deliver.ts', to: 'sync/posting/work.ts', typeOnly: true },
      { from: 'sync/run/state.ts', to: 'ledger/ledger.ts', typeOnly: false },
      { from: 'nodes/x3/client/poll.ts', to: 'nodes/intacct/client/poll.ts', typeOnly: true },
      { from: 'nodes/x3/x3-poll.ts', to: 'snowflake-sdk', typeOnly: false },
      { from: 'sandbox/http.ts', to: 'test/support/x3.ts', typeOnly: false },
      { from: 'vendor/http.ts', to: 'node-red', typeOnly: false },
    ]
    deepStrictEqual(
      wrong.filter((one) => broken(one) === undefined),
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

  it('every admin route asks for a permission on the same call, but for what machines ask', () => {
    const routes = [...texts]
      .flatMap(([file, text]) =>
        [...text.matchAll(/httpAdmin\s*\.?\s*(\w*)\s*\(/g)].map((found) => ({
          file,
          call: text.slice(found.index, found.index + 300),
        })),
      )
      .filter(({ call }) => !/^httpAdmin\.get\('\/tieout\/(live|health|metrics)',/.test(call))
    ok(routes.length >= 8)
    // The approver of a pairing is a user of X3, not of the editor: he proves himself by what he was sent with.
    const isPublic = (call: string) => /^httpAdmin\.get\(\s*'\/tieout\/x3\/callback',\s*publicPage\(/.test(call)
    equal(routes.filter(({ call }) => isPublic(call)).length, 1)
    const open = routes.filter(
      ({ call }) =>
        !isPublic(call) &&
        !/^httpAdmin\.(get|post|put|delete|patch)\(\s*(['"`])[^'"`]+\2,\s*RED\.auth\.needsPermission\('(tieout\.(read|write|decide|codes)|flows\.(read|write))'\),/.test(
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
    const long = globSync('{nodes,sync,ledger,vendor,sandbox,monitor,login,watchdog,demo,bench,scripts}/**/*.ts')
      .map((file) => [file, readFileSync(file, 'utf8').split('\n').length] as const)
      .filter(([, lines]) => lines > 401)
    deepStrictEqual(long, [])
  })

  it('no circle of imports, types included', () => {
    deepStrictEqual(
      circlesOf([
        { from: 'a', to: 'b' },
        { from: 'b', to: 'c' },
        { from: 'c', to: 'a' },
        { from: 'd', to: 'a' },
      ] as Import[]),
      ['a b c'],
    )
    deepStrictEqual(circlesOf(sources().imports), [])
  })

  it(`no function over ${LONGEST} lines`, () => {
    const { functions } = sources()
    ok(functions.length > 1000)
    deepStrictEqual(
      functions
        .filter(({ lines }) => lines > LONGEST)
        .map(({ file, name, lines }) => `${file} ${name}: ${lines} lines`),
      [],
    )
  })
})
