import {
  type DocumentNode,
  execute,
  GraphQLError,
  type GraphQLFormattedError,
  type GraphQLSchema,
  getNamedType,
  isCompositeType,
  parse,
  TypeInfo,
  validate,
  visit,
  visitWithTypeInfo,
} from 'graphql'
import { z } from 'zod'
import type { Folder } from './folder.ts'

/** A query that was parsed and checked once. */
export interface Prepared {
  document: DocumentNode
  /** Why it does not fit the schema. */
  errors: readonly GraphQLError[]
  /** Queried nodes as `x3Finance.journalEntry`. */
  roots: readonly string[]
  /** Every node type that it touches, without the suffix. */
  types: ReadonlySet<string>
  introspection: boolean
}

export interface GraphqlReply {
  status: number
  body: string
}

const requestBody = z.object({
  query: z.string(),
  variables: z.record(z.string(), z.unknown()).nullish(),
  operationName: z.string().nullish(),
})
export type GraphqlRequest = z.infer<typeof requestBody>

/** Documents kept per schema. */
const documentLimit = 300

/** Undefined where the body is no GraphQL request. */
export function readRequest(text: string): GraphqlRequest | undefined {
  try {
    return requestBody.parse(JSON.parse(text))
  } catch {
    return undefined
  }
}

/** Parses and checks a query; the same text is looked at only once. */
export function createPreparer(schema: GraphQLSchema): (query: string) => Prepared {
  const known = new Map<string, Prepared>()
  return (query) => {
    const found = known.get(query)
    if (found) return found
    if (known.size >= documentLimit) known.clear()
    const prepared = prepare(schema, query)
    known.set(query, prepared)
    return prepared
  }
}

function prepare(schema: GraphQLSchema, query: string): Prepared {
  const nothing = { roots: [], types: new Set<string>(), introspection: false }
  let document: DocumentNode
  try {
    document = parse(query, { maxTokens: 20_000 })
  } catch (error) {
    const errors = [error instanceof GraphQLError ? error : new GraphQLError(String(error))]
    return { document: { kind: 'Document', definitions: [] } as unknown as DocumentNode, errors, ...nothing }
  }
  const errors = validate(schema, document)
  if (errors.length > 0) return { document, errors, ...nothing }
  const roots = new Set<string>()
  const types = new Set<string>()
  let introspection = false
  const info = new TypeInfo(schema)
  visit(
    document,
    visitWithTypeInfo(info, {
      Field(node) {
        if (node.name.value.startsWith('__')) introspection ||= node.name.value !== '__typename'
        const parent = info.getParentType()?.name
        if (parent?.endsWith('_Package')) roots.add(`${parent.slice(0, -'_Package'.length)}.${node.name.value}`)
        const type = getNamedType(info.getType())
        if (type && isCompositeType(type) && type.name.endsWith('_node')) types.add(type.name.slice(0, -'_node'.length))
      },
    }),
  )
  return { document, errors, roots: [...roots], types, introspection: introspection && roots.size === 0 }
}

export interface ExecuteOptions {
  schema: GraphQLSchema
  prepared: Prepared
  request: GraphqlRequest
  folder: Folder
  now: number
  /** Leave out a part of the data, with an error. */
  partial: boolean
  /** Add a success notice to the envelope. */
  notice: boolean
}

/** Answers one request. A query that does not fit the schema is HTTP 400, everything else 200, with `errors` beside the data that came. */
export function executeRequest(options: ExecuteOptions): GraphqlReply & { tookPartial: boolean } {
  const { prepared, request, folder } = options
  if (prepared.errors.length > 0) return { ...badRequest(prepared.errors), tookPartial: false }
  const { context, tookPartial } = folder.open(prepared.types, options.now, options.partial)
  const result = execute({
    schema: options.schema,
    document: prepared.document,
    variableValues: request.variables ?? {},
    operationName: request.operationName ?? null,
    contextValue: context,
  })
  if (result instanceof Promise) throw new Error('A resolver of the X3 sandbox answered asynchronously')
  // Without data nothing was executed: a variable is missing or of the wrong type.
  if (!('data' in result)) return { ...badRequest(result.errors ?? []), tookPartial: false }
  const diagnoses = options.notice ? [{ severity: 1, message: 'Operation completed successfully.' }] : []
  const body: Record<string, unknown> = { data: result.data }
  if (result.errors) body.errors = result.errors.map(withDiagnoses)
  body.extensions = { diagnoses }
  return { status: 200, body: JSON.stringify(body), tookPartial: tookPartial() }
}

function badRequest(errors: readonly GraphQLError[]): GraphqlReply {
  return { status: 400, body: JSON.stringify({ errors: errors.map((error) => error.toJSON()), extensions: {} }) }
}

function withDiagnoses(error: GraphQLError): GraphQLFormattedError {
  const { extensions, ...rest } = error.toJSON()
  return {
    ...rest,
    extensions: extensions?.diagnoses
      ? extensions
      : { ...extensions, diagnoses: [{ severity: 3, message: error.message }] },
  }
}
