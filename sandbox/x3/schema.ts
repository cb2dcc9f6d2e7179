import {
  GraphQLBoolean,
  GraphQLEnumType,
  type GraphQLFieldConfig,
  GraphQLInt,
  GraphQLList,
  GraphQLNonNull,
  GraphQLObjectType,
  type GraphQLOutputType,
  GraphQLScalarType,
  GraphQLSchema,
  GraphQLString,
} from 'graphql'
import { enums } from './enums.ts'
import { compileFilter, compileOrder, type Filter, type Order, type Specs } from './filter.ts'
import { nodeSpecs } from './graph/nodes.ts'
import type { OpenItems } from './graph/open-items.ts'
import { type Context, type Field, type Generation, type NodeSpec, pathOf } from './model.ts'
import { documentKey, type Page, type PageArguments, pageOf, pageOfNode } from './page.ts'

type QueryArguments = PageArguments & { filter?: string | null; orderBy?: string | null }
type FieldConfig = GraphQLFieldConfig<unknown, Context>

/** Compiled filters kept per server. */
const filterLimit = 500

/** The name of a package at the root of a query. */
export function packageName(name: string, generation: Generation): string {
  // Partners were a package of their own then.
  if (generation === 'sage') return name === 'x3MasterData' ? 'x3BusinessPartners' : name
  return generation === '2021' ? `xtrem${name.charAt(0).toUpperCase()}${name.slice(1)}` : name
}

const queryArgs = {
  first: { type: GraphQLInt },
  after: { type: GraphQLString },
  last: { type: GraphQLInt },
  before: { type: GraphQLString },
  filter: { type: GraphQLString },
  orderBy: { type: GraphQLString },
}

/** Filters and orders, compiled once for each text. */
function createCompilers(specs: Specs, generation: Generation) {
  const filters = new Map<string, Filter>()
  function filterOf(spec: NodeSpec, text: string | null | undefined): Filter {
    const key = `${spec.type} ${text ?? ''}`
    const known = filters.get(key)
    if (known) return known
    if (filters.size >= filterLimit) filters.clear()
    const filter = compileFilter(text, spec, specs, generation === 'sage')
    filters.set(key, filter)
    return filter
  }
  const orderOf = (spec: NodeSpec, text: string | null | undefined): readonly Order[] | undefined =>
    compileOrder(text, spec, specs)
  return { filterOf, orderOf }
}

function once<T>(map: Map<string, T>, name: string, make: () => T): T {
  const known = map.get(name)
  if (known !== undefined) return known
  const made = make()
  map.set(name, made)
  return made
}

type Compilers = ReturnType<typeof createCompilers>

/** Types of fields that are no node: scalars and enumerations. */
function createPlainTypes(): (type: string) => GraphQLOutputType {
  const scalars = new Map<string, GraphQLOutputType>([
    ['String', GraphQLString],
    ['Int', GraphQLInt],
    ['Boolean', GraphQLBoolean],
    ['[_OutputAccessBinding]', new GraphQLList(accessBinding)],
    ...['Date', 'Datetime', 'Decimal'].map((name) => [name, new GraphQLScalarType({ name })] as const),
    ['Id', idScalar],
  ])
  const enumTypes = new Map<string, GraphQLEnumType>()
  return (type) =>
    scalars.get(type) ??
    once(enumTypes, type, () => {
      const members: readonly string[] | undefined = (enums as Record<string, readonly string[]>)[type]
      if (!members) throw new Error(`No members of the enum ${type}`)
      return new GraphQLEnumType({ name: type, values: Object.fromEntries(members.map((member) => [member, {}])) })
    })
}

interface NodeTypes {
  nodeType(spec: NodeSpec): GraphQLObjectType
  connectionType(spec: NodeSpec): GraphQLObjectType
}

/** Types of nodes, of their pages and of their collections: each leads to others, and is made once. */
function createNodeTypes(specs: Specs, { filterOf, orderOf }: Compilers, isFlat: boolean): NodeTypes {
  const plainType = createPlainTypes()
  const nodes = new Map<string, GraphQLObjectType>()
  const connections = new Map<string, GraphQLObjectType>()
  const collections = new Map<string, GraphQLObjectType>()
  const specOf = (type: string): NodeSpec => {
    const spec = specs.get(type)
    if (!spec) throw new Error(`No node ${type}`)
    return spec
  }
  function outputType(type: string): GraphQLOutputType {
    if (type.endsWith('_node')) return nodeType(specOf(type.slice(0, -'_node'.length)))
    if (type.endsWith('_Collection')) return collectionType(specOf(type.slice(0, -'_Collection'.length)))
    return plainType(type)
  }

  function nodeType(spec: NodeSpec): GraphQLObjectType {
    return once(
      nodes,
      spec.type,
      () =>
        new GraphQLObjectType<unknown, Context>({
          name: `${spec.type}_node`,
          fields: () => Object.fromEntries(Object.entries(spec.fields).map(([name, field]) => [name, fieldOf(field)])),
        }),
    )
  }

  function fieldOf(field: Field): FieldConfig {
    const target = /^(\w+)_(?:node|Collection)$/.exec(field.type)?.[1]
    const get = field.get
    if (isFlat && target && field.type.endsWith('_Collection')) return flatCollection(specOf(target), get)
    return {
      type: outputType(field.type),
      resolve: target
        ? (source, _args, context) => {
            if (context.guarded) context.guard(target)
            return get(source, context)
          }
        : (source, _args, context) => get(source, context),
    }
  }

  /** A collection as the form of 2021 has it: the field itself is the page. */
  function flatCollection(spec: NodeSpec, get: Field['get']): FieldConfig {
    return {
      type: connectionType(spec),
      args: queryArgs,
      resolve(source, args: QueryArguments, context) {
        if (context.guarded) context.guard(spec.type)
        const rows = get(source, context) as readonly unknown[] | null
        if (!rows) return null
        const page = pageOf(rows, args, filterOf(spec, args.filter), orderOf(spec, args.orderBy), spec, context)
        notePause(page, spec, context)
        return page
      },
    }
  }

  function connectionType(spec: NodeSpec): GraphQLObjectType {
    return once(connections, spec.type, () => {
      const edge = new GraphQLObjectType<Edge>({
        name: `${spec.type}_Edge`,
        fields: () => ({
          cursor: { type: GraphQLString, resolve: ({ page, item }) => page.cursor(item) },
          node: { type: nodeType(spec), resolve: ({ item }) => item },
        }),
      })
      return new GraphQLObjectType<Page>({
        name: `${spec.type}_Connection`,
        fields: () => ({
          totalCount: { type: GraphQLInt, resolve: (page) => page.total() },
          edges: {
            type: new GraphQLList(edge),
            resolve: (page) => page.items.map((item): Edge => ({ page, item })),
          },
          pageInfo: { type: new GraphQLNonNull(pageInfo), resolve: (page) => page },
        }),
      })
    })
  }

  function collectionType(spec: NodeSpec): GraphQLObjectType {
    return once(
      collections,
      spec.type,
      () =>
        new GraphQLObjectType<readonly unknown[], Context>({
          name: `${spec.type}_Collection`,
          fields: () => ({
            query: {
              type: new GraphQLNonNull(connectionType(spec)),
              args: queryArgs,
              resolve(rows, args: QueryArguments, context) {
                const order = orderOf(spec, args.orderBy)
                const page = pageOf(rows, args, filterOf(spec, args.filter), order, spec, context)
                notePause(page, spec, context)
                return page
              },
            },
          }),
        }),
    )
  }
  return { nodeType, connectionType }
}

/** A page of a node at the root of a query. */
const pagesOf = (spec: NodeSpec, { connectionType }: NodeTypes, { filterOf, orderOf }: Compilers): FieldConfig => ({
  type: new GraphQLNonNull(connectionType(spec)),
  args: queryArgs,
  resolve(_source, args: QueryArguments, context) {
    context.guard(spec.type)
    const most = Math.max(args.first ?? 0, args.last ?? 0)
    if (most > context.maxFirst) {
      throw new Error(`The page size ${most} exceeds the maximum of ${context.maxFirst} for ${spec.type}`)
    }
    const order = orderOf(spec, args.orderBy)
    const page = pageOfNode(args, filterOf(spec, args.filter), order, spec, context)
    notePause(page, spec, context)
    return page
  },
})

/** What may be asked of a node at the root of a query. */
function entryType(spec: NodeSpec, types: NodeTypes, compilers: Compilers): GraphQLObjectType {
  const { nodeType } = types
  return new GraphQLObjectType<unknown, Context>({
    name: `${spec.type}_Queries`,
    fields: () => ({
      query: pagesOf(spec, types, compilers),
      read: {
        type: nodeType(spec),
        args: { _id: { type: new GraphQLNonNull(idScalar) } },
        resolve(_source, { _id }: { _id: string }, context) {
          context.guard(spec.type)
          return readOne(spec, _id, context)
        },
      },
    }),
  })
}

/** The schema that a folder's clients see, with Sage's type names: `JournalEntry_node`, `JournalEntryLine_Collection`. */
export function createSchema(generation: Generation, openItems: OpenItems = 'dated'): GraphQLSchema {
  const specs = nodeSpecs(generation, openItems)
  const compilers = createCompilers(specs, generation)
  const isFlat = generation === 'sage'
  const types = createNodeTypes(specs, compilers, isFlat)
  const packages = new Map<string, Record<string, FieldConfig>>()
  for (const spec of specs.values()) {
    if (!spec.package) continue
    const fields = once<Record<string, FieldConfig>>(packages, packageName(spec.package, generation), () => ({}))
    fields[pathOf(spec.type)] = isFlat
      ? pagesOf(spec, types, compilers)
      : { type: new GraphQLNonNull(entryType(spec, types, compilers)), resolve: () => spec }
  }
  const roots: Record<string, FieldConfig> = Object.fromEntries(
    [...packages].map(([name, fields]) => [
      name,
      {
        type: new GraphQLNonNull(new GraphQLObjectType({ name: `${name}_Package`, fields })),
        resolve: () => fields,
      },
    ]),
  )
  const sage = {
    sage: { type: new GraphQLNonNull(new GraphQLObjectType({ name: 'Sage', fields: roots })), resolve: () => roots },
  }
  const query = new GraphQLObjectType({ name: 'Query', fields: isFlat ? sage : roots })
  return new GraphQLSchema({ query })
}

interface Edge {
  page: Page
  item: unknown
}

const accessBinding = new GraphQLObjectType({
  name: '_OutputAccessBinding',
  fields: { name: { type: GraphQLString }, status: { type: GraphQLString } },
})

const idScalar = new GraphQLScalarType<string>({
  name: 'Id',
  coerceInputValue(value) {
    if (typeof value !== 'string' && typeof value !== 'number') throw new Error('Id must be a text or a number')
    return `${value}`
  },
})

const pageInfo = new GraphQLObjectType<Page>({
  name: 'PageInfo',
  fields: {
    startCursor: { type: GraphQLString, resolve: (page) => cursorAt(page, 0) },
    endCursor: { type: GraphQLString, resolve: (page) => cursorAt(page, page.items.length - 1) },
    hasNextPage: { type: GraphQLBoolean, resolve: (page) => page.hasNext },
    hasPreviousPage: { type: GraphQLBoolean, resolve: (page) => page.hasPrevious },
  },
})

function cursorAt(page: Page, at: number): string | null {
  return at >= 0 && at < page.items.length ? page.cursor(page.items[at]) : null
}

/** A page that ends within a document: what waits for a reader in its middle may happen now. */
function notePause(page: Page, spec: NodeSpec, context: Context): void {
  const last = page.items.at(-1)
  if (!spec.table || page.next === undefined || last === undefined) return
  const key = spec.position(last)[0]
  if (spec.position(page.next)[0] === key) context.paused(spec.table, String(key))
}

function readOne(spec: NodeSpec, id: string, context: Context): unknown {
  if (spec.all) return spec.all(context).find((row) => spec.position(row)[0] === id) ?? null
  if (!spec.table) return null
  const key = spec.rows ? documentKey(spec, id) : id
  const thing = context.load(spec.table, key)
  if (thing === undefined) return null
  if (spec.rows) return spec.rows(thing, context).find((row) => spec.position(row).join('|') === id) ?? null
  return spec.master ? { table: spec.table, key, thing } : thing
}
