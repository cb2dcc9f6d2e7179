/** The web services of X3: objects are described, saved, read, found and deleted over SOAP (x3.md facts, 4 and 5). */
import { syncError } from '../../../../sync/contract/errors.ts'
import { withRetry } from '../../../../sync/contract/retry.ts'
import { withScheme } from '../../../../vendor/address.ts'
import { MEGABYTE } from '../../../../vendor/limits.ts'
import { retryContext, type X3Connection } from '../connection.ts'
import { answerError, curable, tokenErrorNumber } from '../errors.ts'
import { answerOf, type Received } from '../http.ts'
import {
  type CallContext,
  type CallParts,
  readReply,
  type SoapOperation,
  type SoapReply,
  writeCall,
} from './envelope.ts'
import {
  type Fields,
  listOf,
  objectOf,
  type PublishedGroup,
  publishedGroups,
  readResultXml,
  writeObject,
  type X3Object,
} from './object.ts'
import { messageText, type SaveOutcome, saveFailure, saveOutcome } from './outcome.ts'

export interface SoapOptions extends CallContext {
  /** Address of the service; empty: the usual path on the server of the connection. */
  readonly url: string
  /** A login of its own (HTTP Basic); absent: the one of the connection. */
  readonly login?: { readonly user: string; readonly password: string } | undefined
}

export interface SoapCall {
  /** What it is about, for messages. */
  readonly what: string
  readonly signal: AbortSignal
}

export interface WebServices {
  readonly url: string
  readonly pool: string
  /** As whom calls are made. */
  readonly user: string
  /** Groups and fields of a publication. */
  describe(publication: string, call: SoapCall): Promise<readonly PublishedGroup[]>
  /**
   * Saves an object, once: what came of it, never a throw for what X3 or the line did. `before` is called just before it is
   * sent, and throws where it is not to be sent any more.
   */
  save(
    publication: string,
    object: X3Object,
    published: readonly PublishedGroup[],
    call: SoapCall & { readonly before?: () => void },
  ): Promise<SaveOutcome>
  /** The object with these keys. X3 refuses a key that it does not have like anything else. */
  read(publication: string, keys: Fields, call: SoapCall): Promise<X3Object>
  /** At most `most` lines of the object's list, whose fields fit. */
  query(publication: string, conditions: Fields, most: number, call: SoapCall): Promise<readonly Fields[]>
  delete(publication: string, keys: Fields, call: SoapCall): Promise<void>
}

/** An answer has one journal, or a list of some. */
const MOST_BYTES = 20 * MEGABYTE
const PATH = '/soap-generic/syracuse/collaboration/syracuse/CAdxWebServiceXmlCC'

/** `https://host:8124/soap-generic/...`: what is given, or the usual path on the server of GraphQL. */
export function soapUrlOf(given: string, apiUrl: string): URL {
  const url = given.trim() === '' ? new URL(PATH, apiUrl) : withScheme(given)
  if (!url || !/^https?:$/.test(url.protocol) || url.username !== '' || url.password !== '')
    throw syncError(
      'config',
      'x3.soap-url',
      `Web services URL "${given.slice(0, 200)}" of the X3 connection is no address`,
      {
        field: 'soapUrl',
        hint: 'Write it as https://HOST:8124, without user and password; the path is added.',
      },
    )
  if (url.pathname === '/') url.pathname = PATH
  url.search = ''
  return url
}

export function createWebServices(connection: X3Connection, options: SoapOptions): WebServices {
  const url = soapUrlOf(options.url, connection.apiUrl)
  const own = options.login
  const basic = own && `Basic ${Buffer.from(`${own.user}:${own.password}`).toString('base64')}`

  const post = async (body: string, { what, signal, before }: SoapCall & { before?: () => void }, refused?: string) => {
    const authorization = basic ?? (await connection.login.header(refused))
    const headers = { 'content-type': 'text/xml; charset=utf-8', accept: 'text/xml', soapaction: '""', authorization }
    return {
      authorization,
      received: await connection.post({ url, headers, body, maxBytes: MOST_BYTES, what, signal, before }),
    }
  }

  /** A call that changes nothing, or that may come twice: tried again like any reading. */
  const ask = (operation: Exclude<SoapOperation, 'save'>, parts: CallParts, call: SoapCall): Promise<string> => {
    const body = writeCall(operation, options, parts)
    const once = async (): Promise<string> => {
      const { received, authorization } = await post(body, call)
      // Signed anew once: a token that ended, or the clocks.
      const number = received.status === 401 && !basic ? tokenErrorNumber(answerOf(received).text) : 'none'
      const isCurable = number === undefined || curable(number)
      return resultIn(isCurable ? (await post(body, call, authorization)).received : received, call.what)
    }
    return withRetry(once, retryContext(call.signal), connection.retry)
  }

  return {
    url: url.href,
    pool: options.pool,
    user: own?.user ?? connection.user,
    async describe(publication, call) {
      const groups = publishedGroups(
        readResultXml(await ask('getDescription', { publicName: publication }, call), call.what),
      )
      if (!groups.some(({ kind }) => kind === 'TAB'))
        throw syncError(
          'config',
          'x3.soap-description',
          `${call.what}: the description of ${publication} names no table of lines`,
          {
            hint: 'Publish the object GAS (function GESGAS) with its lines, and compare the form of getDescription with the page on X3.',
          },
        )
      return groups
    },
    async save(publication, object, published, call) {
      const body = writeCall('save', options, { publicName: publication, objectXml: writeObject(object, published) })
      let isSent = false
      try {
        const before = (): void => {
          call.before?.()
          isSent = true
        }
        return saveOutcome((await post(body, { ...call, before })).received, call.what)
      } catch (error) {
        if (!isSent) throw error
        return saveFailure(error, call.what)
      }
    },
    async read(publication, keys, call) {
      return objectOf(readResultXml(await ask('read', { publicName: publication, objectKeys: keys }, call), call.what))
    },
    async query(publication, conditions, most, call) {
      const parts = { publicName: publication, objectKeys: conditions, listSize: most }
      return listOf(readResultXml(await ask('query', parts, call), call.what))
    },
    async delete(publication, keys, call) {
      await ask('delete', { publicName: publication, objectKeys: keys }, call)
    },
  }
}

/** `resultXml` of a call that was done. Throws the `SyncError` of any other answer. */
function resultIn(received: Received, what: string): string {
  if (received.status === 401 || received.status === 403 || received.status === 429)
    throw answerError(answerOf(received), what)
  if (received.status === 404)
    throw syncError('config', 'x3.404', `${what}: there are no web services at this address (HTTP 404)`, {
      httpStatus: 404,
      hint: `Check Web services URL on the connection: usually https://HOST:8124${PATH}.`,
    })
  const reply: SoapReply | undefined = readReply(received.body, what)
  if (reply?.kind === 'fault') throw faultError(reply.text, received.status, what)
  if (received.status !== 200 || !reply) throw answerError(answerOf(received), what)
  const text = messageText(reply.messages)
  if (reply.status !== '1')
    throw syncError(
      'config',
      'x3.soap-refused',
      `${what}: the web services of X3 refuse: ${text || 'without a reason'}`,
      {
        ...(text ? { vendorText: text } : {}),
        hint: 'Check the name of the publication, its object and the rights of the user, as the page on X3 says.',
      },
    )
  return reply.resultXml
}

function faultError(text: string, status: number, what: string) {
  return syncError(
    'transient',
    'x3.soap-fault',
    `${what}: the web services of X3 failed: ${text || 'without a reason'}`,
    {
      httpStatus: status,
      ...(text ? { vendorText: text } : {}),
      hint: 'Check that the pool exists, is started and has a free session (Administration > Web services > Classic SOAP pools configuration).',
    },
  )
}
