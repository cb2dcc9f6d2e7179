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

/** No function is longer; what is stands in `LONG`. */
const LONGEST = 120

/** Functions that are longer still, with their lines. The list may only shrink: cut one down, lower its figure, take it out. */
const LONG: Readonly<Record<string, number>> = {
  'bench/floor-x3-rows.ts flatteners': 203,
  'demo/expected-documents.ts documentTables': 180,
  'demo/expected-intacct-masters.ts masterTables': 138,
  'ledger/deliveries.ts createDeliveries': 138,
  'ledger/held.ts createHeld': 225,
  'ledger/known.ts createKnownKeys': 143,
  'ledger/migrations.ts up': 144,
  'ledger/runs.ts createRuns': 146,
  'ledger/sqlite.ts createSqliteLedger': 282,
  'nodes/databricks/client/connection.ts createConnection': 167,
  'nodes/databricks/client/silver.ts createSilverTarget': 124,
  'nodes/intacct/client/connection.ts createIntacctConnection': 192,
  'nodes/intacct/client/documents.ts createDocuments': 297,
  'nodes/intacct/client/reply.ts createReplyParser': 174,
  'nodes/kit/node.ts attach': 147,
  'nodes/operations/monitor-routes.ts defineMonitorRoutes': 193,
  'nodes/powerbi/client/posts.ts createPoster': 155,
  'nodes/powerbi/client/target.ts entityTarget': 264,
  'nodes/snowflake/client/connection.ts createConnection': 215,
  'nodes/snowflake/client/merge-target.ts createMergeTarget': 199,
  'nodes/x3/client/reader.ts createReader': 242,
  'sandbox/books/days.ts createDays': 137,
  'sandbox/books/table.ts createTable': 129,
  'sandbox/control.ts startControl': 150,
  'sandbox/databricks/server.ts startDatabricks': 145,
  'sandbox/databricks/thrift.ts createThriftServer': 125,
  'sandbox/intacct/company-server.ts createCompany': 203,
  'sandbox/intacct/objects/ledger.ts ledgers': 129,
  'sandbox/intacct/objects/masters.ts masters': 125,
  'sandbox/intacct/objects/payables.ts payables': 218,
  'sandbox/intacct/server.ts startIntacct': 249,
  'sandbox/powerbi/dax/model.ts createModel': 152,
  'sandbox/powerbi/dax/parser.ts createParser': 146,
  'sandbox/powerbi/identity.ts createIdentity': 197,
  'sandbox/powerbi/server.ts startPowerbi': 155,
  'sandbox/powerbi/store.ts openStore': 168,
  'sandbox/snowflake/server.ts startSnowflake': 138,
  'sandbox/x3/graph/masters.ts masterNodes': 143,
  'sandbox/x3/graph/orders.ts invoiceNodes': 197,
  'sandbox/x3/schema.ts createSchema': 184,
  'sandbox/x3/server.ts startX3': 212,
  'sync/batch.ts createBatchWork': 183,
  'sync/deliver.ts createDeliver': 132,
  'sync/meet.ts createMeetings': 121,
  'sync/reader.ts readEntity': 219,
  'sync/settlement.ts createSettlement': 227,
}

/** Files that import one another in a circle, types included. The list may only shrink. */
const CIRCLES: readonly string[] = [
  'bench/floor-databricks.ts bench/floor-intacct.ts bench/floor-parts.ts bench/floor-powerbi.ts bench/floor-snowflake.ts bench/floor-x3.ts',
  'ledger/ledger.ts sync/engine.ts',
  'nodes/databricks/client/collation.ts nodes/databricks/client/connection.ts nodes/databricks/client/mark.ts nodes/databricks/client/tables.ts',
  'nodes/powerbi/client/home.ts nodes/powerbi/client/target.ts',
  'nodes/snowflake/client/connection.ts nodes/snowflake/client/mark.ts nodes/snowflake/client/tables.ts',
  'sandbox/intacct/aggregate.ts sandbox/intacct/functions.ts',
  'sandbox/snowflake/account.ts sandbox/snowflake/parameters.ts sandbox/snowflake/session.ts sandbox/snowflake/transaction.ts sandbox/snowflake/turn.ts',
  'sandbox/snowflake/bind-stage.ts sandbox/snowflake/put.ts sandbox/snowflake/queries.ts sandbox/snowflake/service.ts',
  'sandbox/snowflake/catalog.ts sandbox/snowflake/sql/cursor.ts sandbox/snowflake/sql/types.ts',
  'sync/batch.ts sync/closing.ts sync/deletions.ts sync/deliver.ts sync/job.ts sync/marks.ts sync/match.ts sync/meet.ts sync/outside.ts sync/owners.ts sync/run-totals.ts sync/settlement.ts sync/write.ts',
  'sync/folded.ts sync/sift.ts',
]

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
  const files = globSync('{nodes,sync,ledger,vendor,sandbox,monitor,demo,login}/**/*.ts').map((file) =>
    file.replaceAll('\\', '/'),
  )
  const texts = new Map(files.map((file) => [file, readFileSync(file, 'utf8')]))

  before(function () {
    this.timeout(60_000)
    sources()
  })

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

  it('no circle of imports, types included, but for those that are named', () => {
    deepStrictEqual(
      circlesOf([
        { from: 'a', to: 'b' },
        { from: 'b', to: 'c' },
        { from: 'c', to: 'a' },
        { from: 'd', to: 'a' },
      ] as Import[]),
      ['a b c'],
    )
    const circles = circlesOf(sources().imports)
    deepStrictEqual(
      circles.filter((circle) => !CIRCLES.includes(circle)),
      [],
      'a new circle, or one that has changed',
    )
    deepStrictEqual(
      CIRCLES.filter((circle) => !circles.includes(circle)),
      [],
      'gone: take it out of the list',
    )
  })

  it(`no function over ${LONGEST} lines, but for those that are named, and these grow no longer`, () => {
    const long = new Map(
      sources()
        .functions.filter(({ lines }) => lines > LONGEST)
        .map(({ file, name, lines }) => [`${file} ${name}`, lines]),
    )
    const grown = [...long].filter(([name, lines]) => lines > (LONG[name] ?? LONGEST))
    deepStrictEqual(
      grown.map(([name, lines]) => `${name}: ${lines} lines, at most ${LONG[name] ?? LONGEST}`),
      [],
    )
    const shrunk = Object.entries(LONG).filter(([name, lines]) => lines > (long.get(name) ?? LONGEST))
    deepStrictEqual(
      shrunk.map(([name]) => `${name}: ${long.get(name) ?? `not over ${LONGEST}, take it out of the list`}`),
      [],
      'shorter: lower the figure',
    )
  })
})
