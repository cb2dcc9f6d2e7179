/**
 * Journals by GraphQL operations that the customer has made (function GESAPIOPE): their names, their parameters and the members of
 * what they give are his. They stand in the place of the web services: described, saved, found and deleted in the same words.
 */
import { syncError } from '../../../../sync/contract/errors.ts'
import { withRetry } from '../../../../sync/contract/retry.ts'
import { retryContext, type X3Connection } from '../connection.ts'
import { answerError, complaintsOf } from '../errors.ts'
import { answerOf, type Received } from '../http.ts'
import type { SoapCall, WebServices } from '../soap/client.ts'
import type { Fields, PublishedGroup, X3Object } from '../soap/object.ts'
import { type SaveOutcome, saveFailure, unknownOutcome } from '../soap/outcome.ts'

export interface Operation {
  /** `zTieout.journal.postJournal`: packages, node and operation. */
  readonly path: string
  /** Type of its parameters: `ZJournal_Input`. */
  readonly input: string
}

/** The names that a customer has given. */
export interface OperationNames {
  readonly post: Operation
  readonly find: Operation
  /** Absent: the draft of *Test posting* is named for deletion. */
  readonly remove?: Operation | undefined
  /** Names of parameters by the field of X3's screens: `FCY` is `site`. */
  readonly header: Fields
  /** The same for a line, and the name under which lines go. */
  readonly line: Fields
  readonly lines: string
  /** Of a supplier invoice: a list of its taxes, if there is one. */
  readonly tax?: Fields
  readonly taxes?: string
  /** Members of what posting gives; `success` may be empty. */
  readonly reply: { readonly number: string; readonly type: string; readonly success: string; readonly message: string }
  /** The list in what finding gives, and members of its elements; those that may be empty are not compared then. */
  readonly found: {
    readonly list: string
    readonly number: string
    readonly type: string
    readonly reference: string
    readonly status: string
    /** The status that means *final*. */
    readonly final: string
    readonly currency: string
    /** What is owed to the supplier, and the supplier. */
    readonly owed: string
    readonly partner: string
  }
}

const LINES = 'lines'
const TAXES = 'taxes'
const HEADER = 'header'
const DATES = /DAT/
const NAME = /^[A-Za-z_]\w{0,99}$/

export function createOperations(connection: X3Connection, names: OperationNames): WebServices {
  for (const { path, input } of [names.post, names.find, names.remove].filter((one) => one !== undefined))
    if (![...path.split('.'), input].every((part) => NAME.test(part))) throw noName(`${path} (${input})`)
  const known = new Map<string, X3Object>()

  const { login } = connection
  /** Once. A login that was refused is renewed for whoever asks next. */
  const send = async (
    text: string,
    parameters: object,
    { what, signal, before }: SoapCall & { before?: (() => void) | undefined },
  ): Promise<Received> => {
    const authorization = await login.header(undefined, signal)
    const received = await connection.post({
      url: login.url?.() ?? new URL(connection.apiUrl),
      headers: {
        ...{ 'content-type': 'application/json', accept: 'application/json', authorization },
        ...(connection.folder === '' ? {} : { 'x-xtrem-endpoint': connection.folder }),
      },
      body: JSON.stringify({ query: text, variables: { p: parameters } }),
      ...{ what, signal, before },
    })
    if (isRefused(received)) await login.header(authorization, signal)
    else if (received.status !== 401) login.worked?.(authorization)
    return received
  }
  const isRefused = (received: Received): boolean => received.status === 401 && login.cures(answerOf(received).text)
  /** Asked again like any reading. */
  const ask = (operation: Operation, members: string, parameters: object, call: SoapCall): Promise<Reply> => {
    const once = async (): Promise<Reply> =>
      replyIn(await send(textOf(operation, members), parameters, call), operation, call)
    return withRetry(once, retryContext(call.signal), connection.retry)
  }

  return {
    url: connection.apiUrl,
    pool: names.post.path,
    user: connection.user,
    describe: async () => groupsOf(names),
    async save(_publication, object, _published, call) {
      const parameters = parametersOf(object, names)
      let isSent = false
      try {
        const before = (): void => {
          call.before?.()
          isSent = true
        }
        const members = membersOf(names.reply.number, names.reply.type, names.reply.success, names.reply.message)
        const text = textOf(names.post, members)
        const first = await send(text, parameters, { ...call, before })
        // Nothing was done: it is sent once more with the login made anew.
        const received = isRefused(first) ? await send(text, parameters, { ...call, before }) : first
        return outcomeOf(received, names, object, call.what)
      } catch (error) {
        if (!isSent) throw error
        return saveFailure(error, call.what)
      }
    },
    async query(_publication, conditions, _most, call) {
      const { found } = names
      const [[field = '', reference = ''] = []] = Object.entries(conditions)
      const members = membersOf(
        found.number,
        found.type,
        found.reference,
        found.status,
        found.currency,
        found.owed,
        found.partner,
      )
      const parameters = { [names.header[field] ?? field]: reference }
      const { object } = await ask(names.find, `${found.list} { ${members} }`, parameters, call)
      const list = object?.[found.list]
      if (!Array.isArray(list)) throw noList(names, call.what)
      return list.map((one: unknown) => {
        const journal = journalOf(one, field, names)
        const { TYP = '', NUM = '' } = journal.groups[HEADER] ?? {}
        known.set(`${TYP}|${NUM}`, journal)
        return { TYP, NUM, [field]: journal.groups[HEADER]?.[field] ?? '' }
      })
    },
    async read(_publication, { TYP = '', NUM = '' }, { what }) {
      const journal = known.get(`${TYP}|${NUM}`)
      if (journal) return journal
      throw syncError('config', 'x3.operation', `${what}: ${TYP} ${NUM} was not found before it was read`)
    },
    async delete(_publication, { TYP = '', NUM = '' }, call) {
      if (!names.remove) throw syncError('config', 'x3.operation', 'no operation to delete it is set up')
      const { success, message } = names.reply
      const parameters = { [names.header.TYP ?? 'TYP']: TYP, [names.header.NUM ?? 'number']: NUM }
      const { object } = await ask(names.remove, membersOf(success, message), parameters, call)
      if (success && isNo(object?.[success]))
        throw syncError('config', 'x3.operation', `${call.what}: ${textIn(object?.[message])}`)
    },
  }
}

const membersOf = (...all: readonly string[]): string => {
  const given = [...new Set(all.filter(Boolean))]
  for (const name of given) if (!NAME.test(name)) throw noName(name)
  return given.join(' ')
}

/** `mutation ($p: T!) { a { b { c(parameters: $p) { members } } } }` */
function textOf({ path, input }: Operation, members: string): string {
  const parts = path.split('.')
  const inner = `${parts.at(-1)}(parameters: $p) { ${members} }`
  const nested = parts.slice(0, -1).reduceRight((text, part) => `${part} { ${text} }`, inner)
  return `mutation ($p: ${input}!) { ${nested} }`
}

/** What is published is what has a name. */
function groupsOf({ header, line, tax, taxes }: OperationNames): PublishedGroup[] {
  const fields = (names: Fields) => Object.keys(names).map((name) => ({ name, type: 'Char', length: undefined }))
  return [
    { id: HEADER, kind: 'GRP', fields: [...fields(header), { name: 'NUM', type: 'Char', length: undefined }] },
    { id: LINES, kind: 'TAB', fields: fields(line) },
    ...(taxes && tax ? [{ id: TAXES, kind: 'TAB' as const, fields: fields(tax) }] : []),
  ]
}

function parametersOf({ groups, tables }: X3Object, names: OperationNames): object {
  // Screens take dates without hyphens, GraphQL has them with.
  const shown = (name: string, value: string): string =>
    DATES.test(name) ? value.replace(/^(\d{4})(\d\d)(\d\d)$/, '$1-$2-$3') : value
  const renamed = (values: Fields, by: Fields): Fields =>
    Object.fromEntries(
      Object.entries(values).flatMap(([name, value]) =>
        by[name] && value !== '' ? [[by[name], shown(name, value)]] : [],
      ),
    )
  return {
    ...renamed(groups[HEADER] ?? {}, names.header),
    [names.lines]: (tables[LINES] ?? []).map((line) => renamed(line, names.line)),
    ...(names.taxes && { [names.taxes]: (tables[TAXES] ?? []).map((tax) => renamed(tax, names.tax ?? {})) }),
  }
}

interface Reply {
  /** What the operation gave; undefined: nothing. */
  readonly object: Readonly<Record<string, unknown>> | undefined
  /** Complaints whose diagnoses are severe. */
  readonly complaints: readonly string[]
}

/** A GraphQL answer; undefined: the body is none. */
function graphqlIn({ body, status }: Received, { path }: Operation): Reply | undefined {
  if (status !== 200 && status !== 400) return undefined
  let json: unknown
  try {
    json = JSON.parse(body.toString('utf8'))
  } catch {
    return undefined
  }
  const complaints = complaintsOf(json).map(({ text }) => text)
  const isAnswer = typeof json === 'object' && json !== null && ('data' in json || complaints.length > 0)
  if (!isAnswer) return undefined
  const object = path
    .split('.')
    .reduce<unknown>(
      (at, part) => (at as Record<string, unknown> | null | undefined)?.[part],
      (json as { data?: unknown }).data,
    )
  return { object: typeof object === 'object' && object !== null ? (object as Reply['object']) : undefined, complaints }
}

function replyIn(received: Received, operation: Operation, { what }: SoapCall): Reply {
  const reply = graphqlIn(received, operation)
  if (!reply) throw answerError(answerOf(received), what)
  const [complaint] = reply.complaints
  if (complaint !== undefined)
    throw syncError('config', 'x3.operation', `${what}: ${operation.path} refuses: ${complaint.slice(0, 300)}`, {
      vendorText: complaint.slice(0, 300),
      hint: 'Check names and parameters of the operation in the node, and the rights of the user.',
    })
  return reply
}

/**
 * A clear refusal is only: no number, and the member for success says no; or no data, and a diagnosis whose severity is above 2;
 * or a refused login. A number without a contradiction is in X3; everything else is unknown.
 */
function outcomeOf(received: Received, names: OperationNames, sent: X3Object, what: string): SaveOutcome {
  if (received.status === 401) return { kind: 'refused', error: answerError(answerOf(received), what) }
  const reply = graphqlIn(received, names.post)
  if (!reply)
    return unknownOutcome(
      String(received.status),
      `${what}: X3 gave no answer of ${names.post.path} (HTTP ${received.status})`,
    )
  const { object, complaints } = reply
  const number = textIn(object?.[names.reply.number])
  const message = textIn(object?.[names.reply.message])
  const saysNo = names.reply.success !== '' && object !== undefined && isNo(object[names.reply.success])
  if (number !== '' && !saysNo && complaints.length === 0) {
    const given = { NUM: number, ...(names.reply.type ? { TYP: textIn(object?.[names.reply.type]) } : {}) }
    const header = { ...sent.groups[HEADER], ...given }
    const messages = message ? [{ type: 1, text: message }] : []
    return { kind: 'saved', number, object: { ...sent, groups: { [HEADER]: header } }, messages }
  }
  const said = [...complaints, message].filter(Boolean).join('; ').slice(0, 300) || 'it gave no reason'
  const isRefused = number === '' && (saysNo || (object === undefined && complaints.length > 0))
  if (!isRefused)
    return unknownOutcome(
      'no-number',
      `${what}: ${names.post.path} gave ${number ? `the number ${number}, and says no` : 'no number'}: ${said}`,
    )
  return {
    kind: 'refused',
    error: syncError('data', 'x3.refused', `${what}: X3 refused the journal: ${said}`, {
      vendorText: said,
      hint: 'Correct what X3 names, in Basware, in the tables of the node or in X3; then replay the invoice.',
    }),
  }
}

const textIn = (value: unknown): string =>
  typeof value === 'string' || typeof value === 'number' ? String(value).trim() : ''
/** Nothing, or null, says neither yes nor no. */
const isNo = (value: unknown): boolean => value === false || /^(0|no|false)$/i.test(textIn(value))

/** A found journal as screens would show it: one line with what is owed to whom. */
function journalOf(one: unknown, field: string, { found }: OperationNames): X3Object {
  const values = (typeof one === 'object' && one !== null ? one : {}) as Readonly<Record<string, unknown>>
  const at = (name: string): string => (name === '' ? '' : textIn(values[name]))
  const owed = at(found.owed)
  const isDebit = owed.startsWith('-')
  const line = { ACC1: '*', BPR: at(found.partner), ...(isDebit ? { DEB: owed.slice(1) } : { CDT: owed }) }
  return {
    groups: {
      [HEADER]: {
        ...{ TYP: at(found.type), NUM: at(found.number), CUR: at(found.currency) },
        ...{ STA: at(found.status) === found.final ? '2' : '1', [field]: at(found.reference) },
      },
    },
    tables: { [LINES]: owed === '' ? [] : [line] },
  }
}

const noName = (name: string) =>
  syncError('config', 'x3.operation-name', `"${name.slice(0, 80)}" is no name of an operation, its type or a member`, {
    hint: 'Write it as in the explorer of X3: package.node.operation, and the type of its parameters.',
  })

const noList = ({ find, found }: OperationNames, what: string) =>
  syncError('config', 'x3.operation', `${what}: ${find.path} gives no list "${found.list}"`, {
    hint: 'Check the name of the list in the node, and try the operation in the explorer of X3.',
  })
