import { existsSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { Ajv, type ValidateFunction } from 'ajv'
import type { LoggedRequest } from '../../sandbox/powerbi/api.ts'

const folder = join(import.meta.dirname, '..', '..', '..', 'shared', 'contracts', 'powerbi')

interface Operation {
  readonly parameters?: readonly {
    readonly name: string
    readonly in: string
    readonly required?: boolean
    readonly schema?: { readonly $ref: string }
    readonly enum?: readonly string[]
  }[]
  readonly responses: Readonly<Record<string, { readonly schema?: { readonly $ref: string } }>>
}

interface Swagger {
  readonly paths: Readonly<Record<string, Readonly<Record<string, Operation>>>>
  readonly definitions: Readonly<Record<string, object>>
}

/** What the published contract says against one request or answer, empty where nothing. */
export interface PowerbiContract {
  request(made: Pick<LoggedRequest, 'method' | 'path' | 'body'>): string[]
  response(method: string, path: string, status: number, body: unknown): string[]
}

/** Microsoft's own Swagger of the calls; undefined where the contracts are not beside the project. */
export function powerbiContract(): PowerbiContract | undefined {
  const file = join(folder, 'push-datasets.swagger.json')
  if (!existsSync(file)) return undefined
  const swagger = JSON.parse(readFileSync(file, 'utf8')) as Swagger
  // The patterns' `\u10000` are meant as code points and are not written so; without the flag they are read as they stand.
  const ajv = new Ajv({ strict: false, unicodeRegExp: false, formats: { 'date-time': true, uuid: true, int32: true } })
  ajv.addSchema({ $id: 'powerbi', definitions: swagger.definitions })
  const compiled = new Map<string, ValidateFunction>()
  const templates = Object.keys(swagger.paths).map((template) => ({
    template,
    pattern: new RegExp(`^${template.replaceAll('.', '\\.').replaceAll(/\{\w+\}/g, '[^/]+')}$`),
  }))

  function operation(method: string, pathname: string): Operation | undefined {
    const found = templates.find(({ pattern }) => pattern.test(pathname))
    return found && swagger.paths[found.template]?.[method.toLowerCase()]
  }

  function against(ref: string, value: unknown, what: string): string[] {
    const validate = compiled.get(ref) ?? ajv.compile({ $ref: `powerbi${ref}` })
    compiled.set(ref, validate)
    if (validate(value)) return []
    return (validate.errors ?? []).map(({ instancePath, message }) => `${what}${instancePath} ${message ?? ''}`)
  }

  return {
    request({ method, path, body }) {
      const url = new URL(path, 'https://api.powerbi.com')
      const found = operation(method, url.pathname)
      if (!found) return [`${method} ${url.pathname} is not in the contract`]
      const parameters = found.parameters ?? []
      const query = new Map(parameters.filter((each) => each.in === 'query').map((each) => [each.name, each]))
      const faults: string[] = []
      for (const [name, value] of url.searchParams) {
        const known = query.get(name)
        if (!known) faults.push(`${method} ${url.pathname} has no parameter ${name}`)
        else if (known.enum && !known.enum.includes(value)) faults.push(`${name} cannot be ${value}`)
      }
      const wanted = parameters.find((each) => each.in === 'body')
      if (!wanted && body !== undefined) faults.push(`${method} ${url.pathname} takes no body`)
      if (wanted?.required && body === undefined) faults.push(`${method} ${url.pathname} needs a body`)
      // The contract asks for notifyOption always; the documentation forbids it beside the options of an enhanced refresh.
      const enhanced = wanted?.schema?.$ref.endsWith('DatasetRefreshRequest') && Object.keys(body ?? {}).length > 0
      const ref = wanted?.schema?.$ref
      if (ref && body !== undefined) {
        const said = against(ref, body, 'body')
        faults.push(...said.filter((text) => !(enhanced && text.includes("'notifyOption'"))))
      }
      return faults
    },
    response(method, path, status, body) {
      const { pathname } = new URL(path, 'https://api.powerbi.com')
      const found = operation(method, pathname)
      if (!found) return [`${method} ${pathname} is not in the contract`]
      const answer = found.responses[status]
      if (!answer) return [`${method} ${pathname} does not answer ${status}`]
      return answer.schema ? against(answer.schema.$ref, body, 'answer') : []
    },
  }
}

/** Remembers what the contract says against a client's requests, for a sandbox's `onRequest`. */
export function watchContract(): { onRequest(made: LoggedRequest): void; check(): void } {
  const contract = powerbiContract()
  const complaints = new Set<string>()
  return {
    onRequest(made) {
      for (const complaint of contract?.request(made) ?? []) complaints.add(`${made.method} ${made.path}: ${complaint}`)
    },
    /** Throws with all of it, where there is any. */
    check() {
      if (complaints.size > 0) throw new Error(`against the published contract: ${[...complaints].join('; ')}`)
    },
  }
}
