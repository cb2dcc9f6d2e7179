import { json, type Reply, ReplyNow } from '../http.ts'
import { faultsOf } from './check.ts'
import type { Collection } from './collections.ts'
import type { Json } from './company/invoice.ts'
import { type Fault, fault, invalid } from './errors.ts'
import type { Entity } from './fields/kinds.ts'
import type { Call, Service } from './service.ts'
import { bodyOf } from './writing.ts'

const codeOf = (record: unknown): string | undefined => {
  const code = (record as Json | null)?.externalCode
  return typeof code === 'string' ? code : undefined
}

/** What is wrong with a record, by its code. */
const recordFaults = (entity: Entity, record: unknown): Fault[] =>
  faultsOf(entity, record).map((text) => invalid(text, codeOf(record)))

const conflict = (code: string): Fault => ({
  externalCode: code,
  ...fault('BUSINESS', 'CONFLICT_IN_POST', `Record ${code} is in the request twice.`, 'Conflict.'),
})

/** The records of a body and what is wrong with each. Throws the refusal of a body that is no list of them. */
function readRecords({ entity, most }: Collection, call: Call, service: Service) {
  const { words } = call
  const body = bodyOf(call)
  if (!Array.isArray(body)) throw words.refuse(400, invalid('The body is not a list of records'))
  if (body.length === 0) throw words.refuse(400, invalid('The body has no record'))
  if (body.length > most) throw words.refuse(400, invalid(`${body.length} records, which is over ${most}`))
  const records = body.map((record: unknown) => ({ record: record as Json, faults: recordFaults(entity, record) }))
  const codes = body.map(codeOf)
  const again = codes.filter((code, k) => code !== undefined && codes.indexOf(code) !== k)
  if (again.length > 0 && service.settings.sameCode === 'refused')
    throw words.refuse(409, ...[...new Set(again)].map((code) => conflict(String(code))))
  return records
}

/** `POST /v1/<collection>` */
export const postRecords =
  (collection: Collection) =>
  (service: Service, call: Call): Reply => {
    const { records, settings } = service
    const { requestId, words, injected } = call
    const read = readRecords(collection, call, service)
    const faults = read.flatMap((one) => one.faults)
    const good = read.filter((one) => one.faults.length === 0).map(({ record }) => record)
    if (faults.length === 0 || (settings.rejects === 'record' && good.length > 0))
      records.post(collection.path, good, requestId, injected !== 'not-published')
    if (faults.length > 0) throw words.refuse(400, ...faults)
    if (injected === 'not-published') throw new ReplyNow(words.serverError())
    return json(200, good)
  }

/** `PATCH /v1/<collection>/{externalCode}` */
export const patchRecord =
  (collection: Collection) =>
  (service: Service, call: Call): Reply => {
    const { words, requestId } = call
    const [externalCode = ''] = call.parts
    const body = bodyOf(call)
    const entity = service.settings.patchRequired === 'all' ? collection.entity : optional(collection.entity)
    const faults = recordFaults(entity, body)
    if (faults.length > 0) throw words.refuse(400, ...faults)
    const fields = body as Json
    if (fields.externalCode !== undefined && fields.externalCode !== externalCode)
      throw words.refuse(400, {
        externalCode: String(fields.externalCode),
        ...fault('VALIDATION', 'EXTERNAL_CODE_MISMATCH', `The address names ${externalCode}.`, 'The codes differ.'),
      })
    const status = service.records.patch(collection.path, externalCode, fields, requestId)
    return status === 200 ? json(200, service.records.get(collection.path, externalCode)) : words.bare(status)
  }

/** The same entity where nothing of it must be there. */
const optional = (entity: Entity): Entity =>
  Object.fromEntries(Object.entries(entity).map(([name, { required: _, ...field }]) => [name, field]))
