import { existsSync, readFileSync } from 'node:fs'
import { join } from 'node:path'

const folder = join(import.meta.dirname, '..', '..', '..', 'shared', 'contracts', 'basware')
const file = join(folder, 'p2p-openapi-26.06.05.402.json')

export interface PublishedField {
  readonly type?: string
  readonly format?: string
  readonly minLength?: number
  readonly maxLength?: number
  readonly minimum?: number
  readonly maximum?: number
  readonly enum?: readonly string[]
  readonly pattern?: string
  readonly nullable?: boolean
  readonly items?: PublishedField
  readonly $ref?: string
}

export interface PublishedEntity {
  readonly required?: readonly string[]
  readonly properties: Readonly<Record<string, PublishedField>>
  readonly additionalProperties?: boolean
}

export interface PublishedOperation {
  readonly parameters?: readonly {
    readonly name: string
    readonly in: string
    readonly required?: boolean
    readonly description?: string
    readonly schema: PublishedField & { readonly default?: unknown }
  }[]
  readonly responses: Readonly<Record<string, unknown>>
}

export interface PublishedApi {
  readonly paths: Readonly<Record<string, Readonly<Record<string, PublishedOperation>>>>
  readonly components: { readonly schemas: Readonly<Record<string, PublishedEntity>> }
}

/** Basware's own OpenAPI file of the P2P API; undefined where the contracts are not beside the project. */
export function baswareContract(): PublishedApi | undefined {
  return existsSync(file) ? (JSON.parse(readFileSync(file, 'utf8')) as PublishedApi) : undefined
}
