/**
 * DuckDB takes names that differ in case only for one name, Snowflake does not. So every name is written in the engine
 * with its lower-case letters marked, which keeps apart what Snowflake keeps apart.
 */
export function engineName(name: string): string {
  return name.replace(/[a-z^.]/g, (char) => `^${char}`)
}

/** The name that `engineName` was made from. */
export function originalName(name: string): string {
  return name.replace(/\^(.)/gs, '$1')
}

/** A name as Snowflake shows it in a message: quoted where it has to be. */
export function displayed(engine: string): string {
  const name = originalName(engine)
  return /^[A-Z_][A-Z0-9_$]*$/.test(name) ? name : `"${name.replaceAll('"', '""')}"`
}

export function isPlain(name: string): boolean {
  return /^[A-Z_][A-Z0-9_$]*$/.test(name)
}

/** A name in up to three parts as Snowflake shows it. */
export function shown(...parts: string[]): string {
  return parts.map((part) => (isPlain(part) ? part : `"${part.replaceAll('"', '""')}"`)).join('.')
}
