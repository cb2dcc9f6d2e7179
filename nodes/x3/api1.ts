/** What an x3-connection sets up for REST api1. */
import { readFile } from 'node:fs/promises'
import { wrongField } from '../kit/kit.ts'
import type { Api1Settings } from './client/api1/door.ts'
import { API1_ENTITIES, api1File } from './client/api1/entities.ts'
import type { Published } from './client/api1/resolve.ts'
import { apiUrlOf } from './client/http.ts'
import type { Config } from './config.ts'

/** Classes as typed, names as built in or in the customer's file. Throws the `config` error of a wrong field. */
export async function api1Settings(values: Config): Promise<Api1Settings> {
  const { api1PageSize: pageSize, api1Sessions: sessions, dateDays } = values
  const entities = { ...API1_ENTITIES, ...(values.fieldsFile ? await entitiesIn(values.fieldsFile) : {}) }
  return {
    ...{ url: apiUrlOf(values.url).href, classes: classesIn(values.classes), entities },
    pageSize,
    sessions,
    dateDays,
  }
}

/** `supplier = BPSUPPLIER.YBPS`, a line each; what is watched besides as `supplier.joined`. */
function classesIn(text: string): Record<string, Published> {
  const found: Record<string, Published> = {}
  for (const line of text.split(/[\n,;]/).map((one) => one.trim())) {
    if (line === '' || line.startsWith('#')) continue
    const [, slot = '', name = '', representation = ''] = /^([a-z_]+(?:\.[a-z]+)?)\s*=\s*(\w+)\.(\w+)$/.exec(line) ?? []
    if (slot === '')
      throw wrongField('classes', `"${line.slice(0, 100)}" is not of the form supplier = CLASS.REPRESENTATION`)
    found[slot] = { name, representation }
  }
  return found
}

async function entitiesIn(file: string): Promise<typeof API1_ENTITIES> {
  const text = await readFile(file, 'utf8').catch((error: Error) => {
    throw wrongField('fieldsFile', `${file} cannot be read: ${error.message}`)
  })
  let value: unknown
  try {
    value = JSON.parse(text)
  } catch {
    throw wrongField('fieldsFile', `${file} is no JSON`)
  }
  const parsed = api1File.safeParse(value)
  if (parsed.success) return parsed.data
  const [issue] = parsed.error.issues
  throw wrongField('fieldsFile', `${file}: ${issue?.path.join('.') ?? ''}: ${issue?.message ?? 'not valid'}`)
}
