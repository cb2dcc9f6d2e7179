/** One field of an entity as the API's published contract describes it. */
export interface Field {
  readonly kind: 'text' | 'number' | 'integer' | 'boolean' | 'date' | 'choice' | 'list' | 'object'
  /** Length of a text, value of a number. */
  readonly min?: number
  readonly max?: number
  /** A text that is an address of e-mail, in small letters only. */
  readonly mail?: true
  /** Of a choice; where they are not named here, every text is taken. */
  readonly values?: readonly string[]
  /** What an object is, or each element of a list; a list without it is of texts. */
  readonly of?: Entity
  readonly required?: true
  readonly nullable?: true
}

/** Fields by their name. No entity of this API takes others. */
export type Entity = Readonly<Record<string, Field>>

/** A field that may be left out, or null; without lengths any text will do. */
export const text = (min?: number, max?: number): Field => ({
  kind: 'text',
  nullable: true,
  ...(min === undefined ? {} : { min }),
  ...(max === undefined ? {} : { max }),
})
export const mail = (min?: number, max?: number): Field => ({ ...text(min, max), mail: true })
export const number = (min?: number, max?: number): Field => ({ ...text(min, max), kind: 'number' })
export const integer = (min?: number, max?: number): Field => ({ ...text(min, max), kind: 'integer' })
export const yesNo: Field = { kind: 'boolean', nullable: true }
export const date: Field = { kind: 'date', nullable: true }
export const choice = (...values: string[]): Field => ({
  kind: 'choice',
  nullable: true,
  ...(values.length > 0 ? { values } : {}),
})
export const list = (of?: Entity): Field => ({ kind: 'list', nullable: true, ...(of ? { of } : {}) })
export const one = (of: Entity): Field => ({ kind: 'object', of })

/** The same field where it must be there and not be null. */
export const must = ({ nullable: _, ...field }: Field): Field => ({ ...field, required: true })
/** The same field where it may be left out but not be null. */
export const notNull = ({ nullable: _, ...field }: Field): Field => field

/** `text1` to `text10` and the like. */
export const numbered = (name: string, from: number, to: number, field: Field): Entity =>
  Object.fromEntries(Array.from({ length: to - from + 1 }, (_, k) => [`${name}${from + k}`, field]))

/** Several fields of one kind. */
export const named = (names: string, field: Field): Entity =>
  Object.fromEntries(names.split(' ').map((name) => [name, field]))
