/** The web service: a call in, a result or a fault out. What it publishes stands under a name that each site chooses. */
import { XmlError } from '../../xml.ts'
import { type Call, type Message, type Result, readCall, SoapFault, writeFault, writeResult } from './envelope.ts'
import { type Accountant, createJournals, type JournalOptions, type Journals } from './journals.ts'
import { describe, NoObject, readObject, writeList, writeObject } from './object.ts'
import { Refused } from './vouchers.ts'

export interface SoapOptions {
  /** Pool of the web services. */
  readonly pool?: string
  /** Name of the publication of GAS, `WSGAS`. */
  readonly publication?: string
  readonly shape?: JournalOptions['shape']
  /** Columns of the list; both references are in it unless told. */
  readonly listed?: readonly string[]
  /** `query` gives the first lines of the list, whatever the condition. */
  readonly looseQuery?: boolean
  readonly dueDates?: JournalOptions['dueDates']
  /** `query` is not allowed to the user. */
  readonly noQuery?: boolean
}

export interface SoapReply {
  readonly status: 200 | 500
  readonly body: string
}

export interface SoapService {
  readonly pool: string
  readonly publication: string
  readonly accountant: Accountant
  readonly journals: Journals
  /** The operation of a request, to tell the faults of one from those of another; `''` where it is none. */
  operationOf(xml: string): string
  handle(xml: string): SoapReply
}

const LISTED = ['TYP', 'NUM', 'FCY', 'ACCDAT', 'JOU', 'STA', 'CUR', 'DESVCR', 'BPRVCR', 'REF', 'REFINT']

export function createSoapService(options: SoapOptions, given: Pick<JournalOptions, 'books' | 'now'>): SoapService {
  const {
    pool = 'TIEOUT',
    publication = 'WSGAS',
    shape = 'known',
    listed = LISTED,
    noQuery = false,
    looseQuery = false,
  } = options
  const { dueDates = 'entered' } = options
  const journals = createJournals({ ...given, shape, listed, dueDates })

  const done = (resultXml: string | null, ...messages: readonly Message[]): Result => ({
    status: 1,
    messages,
    resultXml,
  })
  const refused = (message: string): Result => ({ status: 0, messages: [{ type: 3, message }], resultXml: null })

  const perform = ({ operation, context, keys, parts, publicName }: Call): Result => {
    const form = /adxwss\.optreturn=JSON/i.test(context.requestConfig) ? 'JSON' : 'XML'
    switch (operation) {
      case 'save':
        return done(writeObject(journals.groups, journals.save(readObject(parts.objectXml ?? '')), form))
      case 'read': {
        const found = journals.read(keys)
        return found ? done(writeObject(journals.groups, found, form)) : refused('Record does not exist')
      }
      case 'query': {
        if (noQuery) return refused('Function GESGAS: you are not authorized')
        const most = Math.max(0, Number(parts.listSize) || 0)
        return done(writeList(journals.listed, journals.query(looseQuery ? new Map() : keys, most), form))
      }
      case 'delete':
        journals.remove(keys)
        return done(null)
      case 'getDescription':
        return done(describe(journals.groups, 'GAS', publicName))
      default:
        return refused(`Operation ${operation} not authorized on ${publicName}`)
    }
  }

  const resultOf = (call: Call): Result => {
    if (call.context.poolAlias.trim() !== pool)
      throw new SoapFault('Server', `Pool "${call.context.poolAlias.trim()}" does not exist or is not started`)
    if (call.publicName.trim() !== publication) return refused(`Web service "${call.publicName.trim()}" unknown`)
    try {
      return perform(call)
    } catch (error) {
      if (error instanceof Refused) return refused(error.message)
      if (error instanceof NoObject || error instanceof XmlError) return refused(`Incorrect XML: ${error.message}`)
      throw error
    }
  }

  return {
    pool,
    publication,
    accountant: journals.accountant,
    journals,
    operationOf: (xml) => /<(?:[\w-]+:)?Body[^>]*>\s*<(?:[\w-]+:)?(\w+)/.exec(xml)?.[1] ?? '',
    handle(xml) {
      try {
        const call = readCall(xml)
        return { status: 200, body: writeResult(call.operation, resultOf(call)) }
      } catch (error) {
        if (error instanceof SoapFault) return { status: 500, body: writeFault(error) }
        throw error
      }
    },
  }
}
