/** Where alerts arrive in tests: a mail server and a server of web hooks, both real and on this machine. */
import { createServer, type IncomingHttpHeaders, type RequestListener } from 'node:http'
import { createServer as createTlsServer } from 'node:https'
import type { AddressInfo, Server } from 'node:net'
import { SMTPServer, type SMTPServerOptions } from 'smtp-server'
import type { Keyed } from './wire-certificates.ts'

export interface Mail {
  readonly from: string
  readonly to: readonly string[]
  /** As it came over the line. */
  readonly raw: string
  /** By name in small letters; folded lines joined. */
  readonly headers: Readonly<Record<string, string>>
  /** Its two parts, decoded. */
  readonly text: string
  readonly html: string
  readonly user: string | undefined
  readonly secure: boolean
}

export interface MailServer {
  readonly port: number
  readonly mails: Mail[]
  /** Answers each mail with this instead, until it is undefined. */
  refuse: { readonly code: number; readonly text: string } | undefined
  end(): Promise<void>
}

export async function mailServer({
  user,
  password,
  tls,
  ...options
}: SMTPServerOptions & {
  readonly user?: string
  readonly password?: string
  readonly tls?: Keyed
}): Promise<MailServer> {
  const mails: Mail[] = []
  const server = new SMTPServer({
    ...(tls ? { key: tls.key, cert: tls.cert } : {}),
    ...(user ? { authMethods: ['PLAIN', 'LOGIN'] } : { authOptional: true }),
    disabledCommands: [...(user ? [] : ['AUTH']), ...(tls ? [] : ['STARTTLS'])],
    allowInsecureAuth: true,
    logger: false,
    onAuth(auth, _session, done) {
      if (auth.username === user && auth.password === password) done(null, { user: auth.username ?? '' })
      else done(new Error(`no such login: ${auth.password}`))
    },
    onData(stream, session, done) {
      const chunks: Buffer[] = []
      stream.on('data', (chunk: Buffer) => chunks.push(chunk))
      stream.on('end', () => {
        if (made.refuse) return done(Object.assign(new Error(made.refuse.text), { responseCode: made.refuse.code }))
        const { mailFrom, rcptTo } = session.envelope
        mails.push({
          from: mailFrom === false ? '' : mailFrom.address,
          to: rcptTo.map(({ address }) => address),
          ...readMail(Buffer.concat(chunks).toString('latin1')),
          user: session.user,
          secure: session.secure,
        })
        done()
      })
    },
    ...options,
  })
  server.on('error', () => undefined)
  const made: MailServer = {
    port: await listening(server.listen(0, '127.0.0.1') as unknown as Server),
    mails,
    refuse: undefined,
    end: () => new Promise((resolve) => server.close(() => resolve())),
  }
  return made
}

function readMail(raw: string): Pick<Mail, 'raw' | 'headers' | 'text' | 'html'> {
  const [head, parts] = [headersOf(raw), raw.split(/^--[-\w.]+$/m)]
  const part = (type: string): string => {
    const found = parts.find((one) => one.trimStart().toLowerCase().startsWith(`content-type: text/${type}`)) ?? ''
    return decode(
      found.slice(found.search(/\r?\n\r?\n/)).trim(),
      headersOf(found.trimStart())['content-transfer-encoding'] ?? '',
    )
  }
  return { raw, headers: head, text: part('plain'), html: part('html') }
}

const headersOf = (text: string): Record<string, string> =>
  Object.fromEntries(
    (text.split(/\r?\n\r?\n/)[0] ?? '')
      .replace(/\r?\n[ \t]+/g, ' ')
      .split(/\r?\n/)
      .map((line) => [
        line.slice(0, line.indexOf(':')).toLowerCase(),
        decodeWords(line.slice(line.indexOf(':') + 1).trim()),
      ]),
  )

function decode(body: string, encoding: string): string {
  if (/base64/i.test(encoding)) return Buffer.from(body, 'base64').toString('utf8')
  if (!/quoted-printable/i.test(encoding)) return Buffer.from(body, 'latin1').toString('utf8').replaceAll('\r\n', '\n')
  const bytes = body
    .replace(/=\r?\n/g, '')
    .replace(/=([\dA-F]{2})/gi, (_, hex: string) => String.fromCharCode(Number.parseInt(hex, 16)))
  return Buffer.from(bytes, 'latin1').toString('utf8').replaceAll('\r\n', '\n')
}

/** `=?UTF-8?Q?...?=` in headers. */
const decodeWords = (text: string): string =>
  text
    .replace(/\?=\s+=\?/g, '?==?')
    .replace(/=\?utf-8\?([qb])\?(.*?)\?=/gi, (_, how: string, word: string) =>
      decode(
        how.toLowerCase() === 'q' ? word.replaceAll('_', ' ') : word,
        how.toLowerCase() === 'q' ? 'quoted-printable' : 'base64',
      ),
    )

export interface HookServer {
  readonly port: number
  readonly got: { readonly url: string; readonly headers: IncomingHttpHeaders; readonly body: string }[]
  /** Status and text of its answers. */
  answer: { readonly status: number; readonly text: string }
  end(): Promise<void>
}

export async function hookServer(tls?: Keyed): Promise<HookServer> {
  const listen: RequestListener = (request, response) => {
    const chunks: Buffer[] = []
    request.on('data', (chunk: Buffer) => chunks.push(chunk))
    request.on('end', () => {
      if (made.answer.status < 300)
        made.got.push({
          url: request.url ?? '',
          headers: request.headers,
          body: Buffer.concat(chunks).toString('utf8'),
        })
      response.writeHead(made.answer.status).end(made.answer.text)
    })
  }
  const server = tls ? createTlsServer({ key: tls.key, cert: tls.cert }, listen) : createServer(listen)
  const made: HookServer = {
    port: await listening(server.listen(0, '127.0.0.1')),
    got: [],
    answer: { status: 200, text: 'ok' },
    end: () =>
      new Promise((resolve) => {
        server.close(() => resolve())
        server.closeAllConnections()
      }),
  }
  return made
}

const listening = (server: Server): Promise<number> =>
  new Promise((resolve, reject) => {
    server.once('error', reject)
    server.once('listening', () => resolve((server.address() as AddressInfo).port))
  })
