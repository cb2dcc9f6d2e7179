/**
 * The floor of a flow that posts: a bare script that lists, acknowledges, reads, looks up, posts, looks up and answers, with undici
 * and as many requests at a time as the flow sends. No ledger, no intents, no second witness, no proof of the look-up.
 */
import { createHash, randomUUID } from 'node:crypto'
import { Agent, type Dispatcher } from 'undici'
import { chartAccounts } from '../demo/ends/x3-ledger.ts'
import { expectedJournal, type Invoice } from '../demo/expected-postings.ts'
import { createGround, type Ground } from '../sandbox/basware/company/ground.ts'
import { createBooks } from '../sandbox/books/books.ts'
import { scaleOf } from '../sandbox/books/money.ts'
import { serve } from './child.ts'
import { type Cost, measure, peakRssMb } from './measure.ts'
import type { FloorAddress } from './posting-sandbox.ts'

export interface FloorPostingResult extends Cost {
  readonly peakRssMb: number
}

/** As on the flow's connection. */
const LANES = 2
const SITES: Readonly<Record<string, string>> = { FR10: 'FR011', GB10: 'GB011' }

interface Line {
  readonly address: FloorAddress
  readonly agent: Agent
  readonly ground: Ground
  token: string
}

async function send(
  { agent }: Line,
  url: string,
  {
    method = 'GET',
    headers = {},
    body,
  }: { method?: Dispatcher.HttpMethod; headers?: Record<string, string>; body?: string },
) {
  const { origin, pathname, search } = new URL(url)
  const reply = await agent.request({ origin, path: pathname + search, method, headers, body: body ?? null })
  return { status: reply.statusCode, headers: reply.headers, text: await reply.body.text() }
}

async function logIn(line: Line): Promise<void> {
  const { basware, clientId, clientSecret } = line.address
  const { text } = await send(line, `${basware}/v1/tokens`, {
    method: 'POST',
    headers: {
      authorization: `Basic ${Buffer.from(`${clientId}:${clientSecret}`).toString('base64')}`,
      'content-type': 'application/x-www-form-urlencoded',
    },
    body: 'grant_type=client_credentials&scope=accountingDocuments.read+accountingDocuments.write',
  })
  line.token = (JSON.parse(text) as { access_token: string }).access_token
}

/** A question to Basware, its redirect followed. */
async function ask(line: Line, path: string, continuation = '') {
  const headers: Record<string, string> = { authorization: `Bearer ${line.token}`, 'x-bw-request-id': randomUUID() }
  if (continuation) headers['x-amz-meta-continuationtoken'] = continuation
  const first = await send(line, line.address.basware + path, { headers })
  const reply = first.status === 302 ? await send(line, String(first.headers.location), {}) : first
  const next = reply.headers['x-amz-meta-continuationtoken'] ?? first.headers['x-amz-meta-continuationtoken']
  const data = reply.status === 404 ? undefined : (JSON.parse(reply.text) as Record<string, unknown>)
  return { found: (data?.accountingDocuments ?? data?.invoices ?? []) as Invoice[], next: String(next ?? '') }
}

async function tell(line: Line, path: string, body?: object): Promise<void> {
  const { status, text } = await send(line, line.address.basware + path, {
    method: 'POST',
    headers: {
      authorization: `Bearer ${line.token}`,
      'x-bw-request-id': randomUUID(),
      'content-type': 'application/json',
    },
    ...(body && { body: JSON.stringify(body) }),
  })
  if (status >= 300) throw new Error(`${path}: HTTP ${status} ${text}`)
}

/** Basware names an invoice by its id; X3 by a hash of it. */
const referenceOf = (id: string): string => createHash('sha256').update(id).digest('hex').slice(0, 18).toUpperCase()

const escaped = (text: string): string =>
  text.replace(/[&<>"]/g, (c) => ({ '&': '&amp;', '<': '&lt;', '>': '&gt;', '"': '&quot;' })[c] ?? c)

/** Text of a string part. */
const part = (name: string, text: string): string => `<${name} xsi:type="xsd:string">${escaped(text)}</${name}>`

async function call(line: Line, operation: string, parts: string): Promise<string> {
  const { soapUrl, pool, publication, user, password } = line.address
  const context = part('codeLang', 'ENG') + part('poolAlias', pool) + part('requestConfig', 'adxwss.optreturn=XML')
  const { status, text } = await send(line, soapUrl, {
    method: 'POST',
    headers: {
      authorization: `Basic ${Buffer.from(`${user}:${password}`).toString('base64')}`,
      'content-type': 'text/xml; charset=utf-8',
      soapaction: '""',
    },
    body: `<?xml version="1.0" encoding="UTF-8"?><soapenv:Envelope xmlns:soapenv="http://schemas.xmlsoap.org/soap/envelope/" xmlns:soapenc="http://schemas.xmlsoap.org/soap/encoding/" xmlns:xsd="http://www.w3.org/2001/XMLSchema" xmlns:xsi="http://www.w3.org/2001/XMLSchema-instance" xmlns:wss="http://www.adonix.com/WSS"><soapenv:Body><wss:${operation} soapenv:encodingStyle="http://schemas.xmlsoap.org/soap/encoding/"><callContext xsi:type="wss:CAdxCallContext">${part('codeUser', '')}${part('password', '')}${part('poolId', '')}${context}</callContext>${part('publicName', publication)}${parts}</wss:${operation}></soapenv:Body></soapenv:Envelope>`,
  })
  if (status !== 200 || !/<status[^>]*>1</.test(text))
    throw new Error(`${operation}: HTTP ${status} ${text.slice(0, 500)}`)
  return text.replaceAll('&lt;', '<').replaceAll('&quot;', '"').replaceAll('&gt;', '>')
}

const keysOf = (keys: Readonly<Record<string, string>>): string => {
  const items = Object.entries(keys).map(
    ([key, value]) => `<item xsi:type="wss:CAdxParamKeyValue">${part('key', key)}${part('value', value)}</item>`,
  )
  return `<objectKeys xsi:type="soapenc:Array" soapenc:arrayType="wss:CAdxParamKeyValue[${items.length}]">${items.join('')}</objectKeys>`
}

const fieldIn = (xml: string, name: string): string => new RegExp(`NAME="${name}"[^>]*>([^<]*)<`).exec(xml)?.[1] ?? ''

/** Number of the journal under a reference; empty: there is none. */
async function find(line: Line, reference: string): Promise<string> {
  const listed = await call(line, 'query', `${keysOf({ REFINT: reference })}<listSize xsi:type="xsd:int">10</listSize>`)
  const [number, type] = [fieldIn(listed, 'NUM'), fieldIn(listed, 'TYP')]
  if (number === '') return ''
  const voucher = await call(line, 'read', keysOf({ TYP: type, NUM: number }))
  return fieldIn(voucher, 'REFINT') === reference ? number : ''
}

const field = (name: string, value: string): string => `<FLD NAME="${name}" TYPE="Char">${escaped(value)}</FLD>`
const group = (id: string, fields: Readonly<Record<string, string>>): string =>
  `<GRP ID="${id}">${Object.entries(fields)
    .map(([name, value]) => field(name, value))
    .join('')}</GRP>`

function objectOf({ ground }: Line, invoice: Invoice, reference: string): string {
  const { companyCode, currencyCode, voucherDate, invoiceNumber } = invoice as Invoice & Record<string, string>
  const scale = scaleOf(currencyCode)
  const site = SITES[companyCode] ?? ''
  const amount = (minor: bigint): string => {
    const digits = String(minor).padStart(scale + 1, '0')
    return scale === 0 ? digits : `${digits.slice(0, -scale)}.${digits.slice(-scale)}`
  }
  const lines = [...expectedJournal(ground, invoice)].map(([place, sum], k) => {
    const [account = '', centre = '', partner = ''] = place.split('|')
    const size = sum > 0n ? field('DEB', amount(sum)) : field('CDT', amount(-sum))
    const rest = partner ? field('BPR', partner) : ''
    return `<LIN NUM="${k + 1}">${field('FCYLIN', site)}${field('ACC1', account)}${rest}${size}${centre ? field('CCE1', centre) : ''}</LIN>`
  })
  const date = String(voucherDate).slice(0, 10).replaceAll('-', '')
  return `<?xml version="1.0" encoding="UTF-8"?><PARAM>${group('HAE0_1', { FCY: site, TYP: 'BPSIN', NUM: '', ACCDAT: date })}${group('HAE0_2', { JOU: '', CAT: '1', STA: '2' })}${group('HAE1_3', { BPRVCR: String(invoiceNumber).slice(0, 20) })}${group('HAE1_5', { RATDAT: date, CUR: currencyCode })}${group('HAE1_2', { REFINT: reference })}<TAB ID="HAE2_1" DIM="1000" SIZE="${lines.length}">${lines.join('')}</TAB></PARAM>`
}

async function post(line: Line, invoice: Invoice): Promise<void> {
  const reference = referenceOf(invoice.invoiceId)
  if ((await find(line, reference)) !== '') return
  const saved = await call(line, 'save', part('objectXml', objectOf(line, invoice, reference)))
  const number = fieldIn(saved, 'NUM')
  if ((await find(line, reference)) !== number) throw new Error(`${number} is not found`)
  await tell(line, `/v1/accountingDocuments/${invoice.invoiceId}/transferResponses`, {
    ...{ externalCode: randomUUID(), sourceSystem: 'Floor', success: true, paymentBlock: false },
    ...{ voucherNumber1: number, voucherNumber2: 'BPSIN', responseMessage: `Posted as ${number}` },
  })
}

async function work(line: Line): Promise<void> {
  await logIn(line)
  for (const company of Object.keys(SITES)) {
    const waiting: string[] = []
    for (let next: string | undefined; next !== ''; ) {
      const query = new URLSearchParams({
        ProcessingStatus: 'WaitingForTransfer',
        companyCode: company,
        pageSize: '100',
      })
      const page = await ask(line, `/v1/accountingDocuments?${query}`, next)
      waiting.push(...page.found.map(({ invoiceId }) => invoiceId))
      next = page.next
    }
    for (let at = 0; at < waiting.length; at += LANES) {
      const some = waiting.slice(at, at + LANES)
      await Promise.all(some.map((id) => tell(line, `/v1/accountingDocuments/${id}/acknowledge`)))
      const read = await Promise.all(some.map((id) => ask(line, `/v1/accountingDocuments/${id}`)))
      for (const { found } of read) for (const invoice of found) await post(line, invoice)
    }
  }
}

const commands = {
  async run(address: FloorAddress): Promise<FloorPostingResult> {
    const books = createBooks({ ...address.books, now: () => 0 })
    const ground = createGround(books, address.books.seed)
    for (const company of Object.keys(SITES)) chartAccounts(books)(company)
    const line: Line = { address, agent: new Agent({ connections: LANES }), ground, token: '' }
    const end = measure()
    await work(line)
    const cost = end()
    await line.agent.close()
    return { ...cost, peakRssMb: peakRssMb() }
  },
}

export type FloorPosting = typeof commands

serve(commands)
