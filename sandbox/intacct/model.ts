/** One record of an object as a query finds it, without its fields: what there is of it in the index. */
export interface Entry {
  /** RECORDNO. */
  readonly no: number
  /** Key of the thing in the books from which it is made. */
  readonly key: string
  /** Which line of it; 0 for the thing itself. */
  readonly sub: number
  /** WHENMODIFIED in seconds since 1970; null where it is empty. */
  readonly modified: number | null
  /** The stamp of creation in seconds. */
  readonly created: number
  /** The entity that owns it; null for the top level. */
  readonly entity: string | null
  /** RECORDNO of the document it belongs to; 0 where it is none's. */
  readonly parent: number
  /** Not to be seen before this moment, in seconds. */
  readonly visible: number
}

export type DataType =
  | 'TEXT'
  | 'INTEGER'
  | 'BOOLEAN'
  | 'DATE'
  | 'TIMESTAMP'
  | 'ENUM'
  | 'DECIMAL'
  | 'CURRENCY'
  | 'PERCENT'
  | 'SEQUENCE'

/** What a row of an object is read from. */
export type Row = object

export interface Field {
  readonly id: string
  readonly label: string
  readonly type: DataType
  /** The value in the words of the books: dates `YYYY-MM-DD`, stamps ISO, null where it is empty. */
  get(row: Row): string | null
  readonly required: boolean
  readonly readOnly: boolean
  readonly custom: boolean
  /** Labels of an enumeration with the code that readByQuery wants. */
  readonly codes?: Readonly<Record<string, string>>
  /** Listed by lookup, refused by query. */
  readonly refused: boolean
  /** Where the index knows it. */
  readonly index?: 'no' | 'modified' | 'created' | 'entity' | 'parent'
}

export interface Relation {
  /** `VENDOR` in `VENDOR.NAME`. */
  readonly path: string
  readonly object: string
  /** The field here that holds the other's business key. */
  readonly by: string
}

/** An object of the company: how its records are found and what they hold. */
export interface ObjectSpec {
  /** As queries name it. */
  readonly name: string
  readonly label: string
  readonly fields: ReadonlyMap<string, Field>
  readonly relations: readonly Relation[]
  /** The field that holds the business key. */
  readonly keyField: string
  /** Records by RECORDNO, whatever their visibility. */
  entries(): readonly Entry[]
  /** Those of the documents with these numbers. */
  ofParents(parents: readonly number[]): readonly Entry[]
  /** Undefined where it has gone since. */
  load(entry: Entry): Row | undefined
  /** Owned lines, as `read` nests them: list element, line element, object. */
  readonly owned?: { readonly list: string; readonly line: string; readonly object: string }
  /** Rows of readByQuery in capitals, as some objects have them. */
  readonly upper: boolean
  /** What the API user may not read unless allowed. */
  readonly closed: boolean
  /** How AUDITHISTORY names a record: by RECORDNO, RECORDNO and a word, or the business key. */
  readonly auditKey: 'number' | 'number--rec' | 'business'
}

/** A field of an object that is made of `S`; see Field. `get` may give a boolean, a number or undefined too. */
export interface FieldHead {
  label?: string
  required?: boolean
  readOnly?: boolean
  custom?: boolean
  codes?: Readonly<Record<string, string>>
  refused?: boolean
  index?: NonNullable<Field['index']>
}

export type FieldList<S> = Readonly<
  Record<
    string,
    readonly [type: DataType, get: (source: S) => string | number | boolean | null | undefined, head?: FieldHead]
  >
>

/** `blank` names fields that the books have nothing for, as `NAME:TYPE` words or plain names of texts; they are empty. */
export function fieldsOf<S extends Row>(list: FieldList<S>, blank = ''): ReadonlyMap<string, Field> {
  const fields = new Map<string, Field>()
  const add = (id: string, type: DataType, get: Field['get'], head: FieldHead = {}): void => {
    fields.set(id, {
      id,
      label: head.label ?? id.charAt(0) + id.slice(1).toLowerCase().replaceAll('_', ' '),
      type,
      get,
      required: head.required ?? false,
      readOnly: head.readOnly ?? false,
      custom: head.custom ?? false,
      refused: head.refused ?? false,
      ...(head.codes ? { codes: head.codes } : {}),
      ...(head.index ? { index: head.index } : {}),
    })
  }
  for (const [id, [type, get, head]] of Object.entries(list)) {
    add(
      id,
      type,
      (row) => {
        const value = get(row as S)
        return value === null || value === undefined || value === '' ? null : String(value)
      },
      head,
    )
  }
  const nothing = (): null => null
  for (const word of blank.split(/\s+/).filter(Boolean)) {
    const [id = '', type = 'TEXT'] = word.split(':')
    add(id, type as DataType, nothing)
  }
  return fields
}

/** active and inactive, in readByQuery T and F. */
export const statusCodes = { active: 'T', inactive: 'F' } as const
