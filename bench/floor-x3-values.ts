/** Values of X3's nodes as the floor writes them to staged rows. */

/** A node as it comes; every step may be null. */
export interface Raw {
  readonly [field: string]: Raw | null | undefined
}
type Maybe = Raw | null | undefined
/** A staged row: fields by position, as the warehouse's statements read them. */
export type StagedRow = Record<string, string | undefined>
/** Rows of one document by list; `''` is the header. */
export type Flat = Readonly<Record<string, readonly StagedRow[]>> & { readonly '': readonly [StagedRow] }
export type Flatten = (node: Raw) => Flat

export const text = (value: Maybe): string | undefined => {
  const found = value as unknown as string | null | undefined
  return found === '' || found === null ? undefined : found
}
export const plain = (value: Maybe): string | undefined =>
  value === null || value === undefined ? undefined : String(value as unknown)
/** X3 fills an empty date with one of these. */
export const date = (value: Maybe): string | undefined => {
  const found = text(value)
  return found?.startsWith('0000-') || found?.startsWith('1599-') ? undefined : found
}
export const signed = (value: Maybe, sign: Maybe): string | undefined => {
  const amount = text(value)
  if (amount === undefined || (sign as unknown) === 1) return amount
  return amount.startsWith('-') ? amount.slice(1) : `-${amount}`
}
export const elements = (collection: Maybe): readonly Raw[] =>
  ((collection?.query?.edges ?? []) as unknown as { node: Raw }[]).map(({ node }) => node)
