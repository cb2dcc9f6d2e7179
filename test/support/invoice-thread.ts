/** Basware and X3 as sandboxes, a real Node-RED between them, and the shipped template deployed with the demo company's tables. */
import { type FlowNode, readTemplate } from '../../demo/job.ts'
import { type BaswareSandbox, startBasware } from '../../sandbox/basware/server.ts'
import { createBooks } from '../../sandbox/books/books.ts'
import type { Books } from '../../sandbox/books/types.ts'
import { startX3, type X3Sandbox } from '../../sandbox/x3/server.ts'
import type { RunSummary } from '../../sync/contract/summary.ts'
import { type Red, startRed } from './node-red.ts'
import { waitFor } from './wait.ts'

export interface InvoiceThread {
  readonly red: Red
  readonly basware: BaswareSandbox
  readonly x3: X3Sandbox
  readonly books: Books
  /** As it was deployed. */
  readonly flow: readonly FlowNode[]
  /** Presses the inject node, and waits for the end of the run that it starts. */
  run(): Promise<RunSummary>
  /** Asks an admin route; throws unless it answers 200. */
  ask(method: 'GET' | 'POST', path: string, body?: object): Promise<unknown>
  end(): Promise<void>
}

export const LEDGER = (flow: readonly FlowNode[]): string => String(flow.find(({ type }) => type === 'sync-ledger')?.id)

/** Tables of x3-post whose accounts are those of the books. */
function tables(books: Books): Partial<FlowNode> {
  const accounts = (chart: string) =>
    [...books.tables.account.walk()].filter((one) => one.chart === chart && one.active).map(({ code }) => code)
  const countries = [
    { country: 'FR', own: accounts('FRA') },
    { country: 'GB', own: accounts('ENG') },
  ]
  const plain = { owedAccount: '', rate: '', deductible: '', accountOnly: false }
  const taxes = countries.flatMap(({ country, own: [, tax = '', owed = ''] }) => [
    { ...plain, code: `${country}-S20`, x3Code: 'NOR', treatment: 'tax', account: tax },
    { ...plain, code: `${country}-R05`, x3Code: 'RED', treatment: 'tax', account: tax },
    { ...plain, code: `${country}-E00`, x3Code: 'EXO', treatment: 'none', account: '' },
    {
      ...plain,
      code: `${country}-RC20`,
      x3Code: 'NOR',
      treatment: 'reverse',
      account: tax,
      owedAccount: owed,
      rate: '20',
    },
    { ...plain, code: `${country}-PD20`, x3Code: 'NOR', treatment: 'tax', account: tax, deductible: '50' },
  ])
  return {
    taxes,
    suppliers: countries.map(({ country, own }) => ({ company: `${country}10`, supplier: '*', account: own[3] ?? '' })),
    companies: countries.map(({ country, own }) => ({
      ...{ company: `${country}10`, site: `${country}011`, accrual: '', rounding: own[4] ?? '' },
    })),
    ...{ testDebit: countries[0]?.own[3] ?? '', testCredit: countries[0]?.own[4] ?? '', testSite: 'FR011' },
  }
}

/** `post`: what the node that posts has besides the demo company's tables. */
export async function startInvoiceThread(
  post: Partial<FlowNode> = {},
  template = readTemplate('basware-to-x3'),
): Promise<InvoiceThread> {
  const today = new Date().toISOString().slice(0, 10)
  const clock = { now: Date.now }
  const books = createBooks({ seed: 1, size: 'small', today, now: Date.now })
  const x3 = await startX3({ books, clock, soap: { shape: 'wide' } })
  const basware = await startBasware({ seed: 1, size: 'small', today, clock })
  const red = await startRed({
    env: {
      ...{ X3_URL: x3.url, X3_ENDPOINT: x3.folder, X3_CLIENT_ID: x3.clientId, X3_SECRET: x3.secret, X3_USER: x3.user },
      ...{ X3_POOL: 'TIEOUT', BASWARE_URL: basware.url, BASWARE_CLIENT_ID: basware.clientId },
      ...{ BASWARE_CLIENT_SECRET: basware.clientSecret, BASWARE_COMPANIES: 'FR10, GB10' },
    },
  })
  const flow = template.map((node): FlowNode => {
    if (node.type === 'x3-post') return { ...node, ...tables(books), ...post }
    if (node.type === 'basware-connection') return { ...node, redirectHosts: '127.0.0.1' }
    return node
  })
  const ledger = LEDGER(flow)
  const poll = flow.find(({ type }) => type === 'basware-poll')
  const inject = flow.find(({ type, wires }) => type === 'inject' && (wires as string[][])[0]?.includes(poll?.id ?? ''))
  const ask: InvoiceThread['ask'] = async (method, path, body) => {
    const { status, body: answer } = await red.call(method, path, body)
    if (status !== 200) throw new Error(`${path}: ${status} ${JSON.stringify(answer)}`)
    return answer
  }
  const newest = async (): Promise<RunSummary | undefined> =>
    ((await ask('GET', `/tieout/runs?ledger=${ledger}&sync=basware-to-x3&limit=1`)) as RunSummary[])[0]
  await red.deploy(flow)
  return {
    ...{ red, basware, x3, books, ask, flow },
    async run() {
      const before = await newest()
      await red.inject(String(inject?.id))
      let found: RunSummary | undefined
      await waitFor(
        async () => {
          found = await newest()
          return found?.ended !== undefined && found.ended !== null && found.run !== before?.run
        },
        { timeout: 90_000, what: 'the end of the run' },
      )
      return found as RunSummary
    },
    async end() {
      await red.end()
      await basware.close()
      await x3.close()
    },
  }
}
