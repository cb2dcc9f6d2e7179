import type { ServerResponse } from 'node:http'
import { setTimeout as delay } from 'node:timers/promises'
import { createGzip } from 'node:zlib'
import { errors, type FunctionError, type RequestError } from './errors.ts'
import type { Injection } from './options.ts'

/** Errors of the whole request. */
export const requestErrors: Partial<Record<Injection, (sender: string, company: string) => RequestError>> = {
  'wrong-sender': errors.wrongSender,
  'wrong-policy': () => errors.wrongPolicy('ASYNC1'),
  'wrong-user': errors.wrongUser,
  'sender-not-authorized': errors.notAuthorized,
  'invalid-session': () => errors.invalidSession('q'),
  'sign-in-401': errors.signIn401,
  'company-expired': errors.expired,
  schema: () =>
    errors.schema(
      'XML Parse schema error: Fatal Error 76: Opening and ending tag mismatch: PROJECTID line 18 and PROJECT. Line: 18, column: 62.',
    ),
  'gateway-400': errors.gateway,
  'throttled-429': errors.throttled,
}

/** Errors of a function. */
export const functionErrors: Partial<Record<Injection, (object: string) => FunctionError>> = {
  offline: errors.offline,
  generic: () => errors.generic(),
  'no-permission': (object) => errors.noPermission('READ_BY_QUERY', object),
  'object-not-found': errors.noObject,
  'invalid-fields': () => errors.noFields('x'),
  'rolled-back': errors.rolledBack,
  'several-errors': errors.duplicates,
}

const cloudflare = (code: number): string =>
  `<!DOCTYPE html><html><head><title>api.intacct.com | ${code}: Web server is returning an unknown error</title></head><body><div id="cf-wrapper"><div id="cf-error-details" class="p-0"><h1>Error ${code}</h1></div></div></body></html>`
const signIn = '<!DOCTYPE html><html><head><title>Sage Intacct</title></head><body><h1>Sign in</h1></body></html>'

/** Replies that have nothing to do with the request. */
const whole: Partial<Record<Injection, readonly [status: number, type: string, body: string]>> = {
  'schema-text': [200, 'text/html; charset=UTF-8', 'XML Parse error: syntax error at line 1, column 0, byte 0'],
  'throttled-text': [200, 'text/html; charset=UTF-8', 'API rate limit exceeded'],
  'cloudflare-500': [500, 'text/html; charset=UTF-8', cloudflare(500)],
  'cloudflare-520': [520, 'text/html; charset=UTF-8', cloudflare(520)],
  'upstream-503': [503, 'text/plain', 'upstream connect error or disconnect/reset before headers'],
  'gateway-504': [504, 'text/html', '<html><body><h1>504 Gateway Time-out</h1></body></html>'],
  'html-200': [200, 'text/html; charset=UTF-8', signIn],
  'empty-200': [200, 'text/xml; encoding="UTF-8"', ''],
}

export function wholeReply(what: Injection): readonly [status: number, type: string, body: string] | undefined {
  return whole[what]
}

/** The first place of a record's or any element's text. */
const intoText = (xml: string, inserted: string): string => {
  const at = /<(NAME|DESCRIPTION|TITLE|ENTRYDESCRIPTION|RECORDNO|controlid)>/.exec(xml)
  return at ? xml.slice(0, at.index + at[0].length) + inserted + xml.slice(at.index + at[0].length) : xml + inserted
}

const bomb = `<!DOCTYPE lolz [<!ENTITY lol "lol">${Array.from(
  { length: 9 },
  (_, k) => `<!ENTITY lol${k + 1} "${`&lol${k || ''};`.repeat(10)}">`,
).join('')}]>`

/** A reply that is no longer what it should be. */
export function spoiltBody(what: Injection, xml: string): Buffer | undefined {
  switch (what) {
    case 'bom':
      return Buffer.from(`\uFEFF${xml}`)
    case 'control-characters':
      return Buffer.from(intoText(xml, 'a\u0001b\u001Fc'))
    case 'invalid-utf8': {
      const marked = intoText(xml, '\uE000')
      const [before = '', after = ''] = marked.split('\uE000')
      return Buffer.concat([Buffer.from(before), Buffer.from([0xc3, 0x28, 0xff]), Buffer.from(after)])
    }
    case 'two-roots':
      return Buffer.from(`${xml}${xml.replace(/^<\?xml[^>]*>\s*/, '')}`)
    case 'doctype-bomb':
      return Buffer.from(intoText(xml.replace(/^(<\?xml[^>]*>\s*)?/, `$&${bomb}`), '&lol9;'))
    case 'huge-text':
      return Buffer.from(intoText(xml, 'x'.repeat(20_000_000)))
    case 'row-missing':
      return Buffer.from(rows(xml, (list) => list.slice(0, -1)))
    case 'row-doubled':
      return Buffer.from(rows(xml, (list) => [...list, ...list.slice(-1)]))
    case 'no-totalcount':
      return Buffer.from(xml.replace(/ totalcount="\d+"/, ''))
    default:
      return undefined
  }
}

/** Rows of the first `<data>` after a change; its attributes stay as they are. */
export function rows(xml: string, change: (list: readonly string[]) => readonly string[]): string {
  const data = /<data listtype="([^"]+)"[^>]*>/.exec(xml)
  if (!data) return xml
  const from = data.index + data[0].length
  const to = xml.indexOf('</data>', from)
  if (to < 0) return xml
  const list = xml.slice(from, to).match(new RegExp(`<${data[1]}>[^]*?</${data[1]}>`, 'gi')) ?? []
  return xml.slice(0, from) + change(list).join('') + xml.slice(to)
}

const hugeBytes = 210_000_000

/** Replies without an end worth waiting for; true when the answer was given here. */
export async function endless(what: Injection, xml: string, response: ServerResponse): Promise<boolean> {
  const type = { 'content-type': 'text/xml; encoding="UTF-8"' }
  switch (what) {
    case 'huge-reply': {
      response.writeHead(200, type)
      const at = xml.indexOf('</data>')
      response.write(at < 0 ? xml : xml.slice(0, at))
      const one = `<VENDOR><RECORDNO>1</RECORDNO><COMMENTS>${'x'.repeat(60_000)}</COMMENTS></VENDOR>`
      for (let sent = 0; sent < hugeBytes && !response.destroyed; sent += one.length) await writeAll(response, one)
      if (!response.destroyed) response.end(at < 0 ? '' : xml.slice(at))
      return true
    }
    case 'compressed-bomb': {
      response.writeHead(200, { ...type, 'content-encoding': 'gzip' })
      const gzip = createGzip({ level: 9 })
      gzip.pipe(response)
      response.on('close', () => gzip.destroy())
      const zeros = Buffer.alloc(1_000_000, 0x20)
      gzip.write(xml.slice(0, xml.lastIndexOf('</response>')))
      for (let sent = 0; sent < hugeBytes && !gzip.destroyed; sent += zeros.length) await writeAll(gzip, zeros)
      if (!gzip.destroyed) gzip.end('</response>')
      return true
    }
    case 'slow-drip': {
      response.writeHead(200, type)
      for (const char of xml) {
        if (response.destroyed) return true
        response.write(char)
        await delay(50)
      }
      response.end()
      return true
    }
    case 'cut-body': {
      const bytes = Buffer.from(xml)
      response.writeHead(200, { ...type, 'content-length': bytes.length })
      response.write(bytes.subarray(0, bytes.length >> 1), () => response.destroy())
      return true
    }
    default:
      return false
  }
}

async function writeAll(to: NodeJS.WritableStream & { destroyed?: boolean }, part: string | Buffer): Promise<void> {
  if (to.write(part as string) || to.destroyed) return
  await new Promise<void>((resolve) => {
    const on = (): void => {
      to.off('drain', on)
      to.off('close', on)
      resolve()
    }
    to.on('drain', on)
    to.on('close', on)
  })
}
