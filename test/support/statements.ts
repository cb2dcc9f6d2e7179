import { mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import path from 'node:path'

/**
 * What the parser does not read although Snowflake documents it: several parameters at once, error logging (2026), grants and
 * the default collation of a table.
 */
const BEYOND_THE_PARSER: readonly RegExp[] = [
  /^ALTER SESSION SET \w+ = \S+ \w+ = /,
  /^CREATE OR REPLACE TABLE .*\) COPY GRANTS COMMENT = /s,
  /^CREATE TABLE .*\) DEFAULT_DDL_COLLATION = '[\w-]*'$/s,
  /^(?:CREATE|ALTER) TABLE .* ERROR_LOGGING = (?:TRUE|FALSE)$/s,
]

/**
 * Every sandbox of Snowflake that is started in this run, in this process or another, writes the statements that it took
 * into this folder; an independent parser reads them when all tests are over.
 */
const given = process.env.TIEOUT_STATEMENTS
const folder = given ?? mkdtempSync(path.join(tmpdir(), 'tieout-statements-'))
process.env.TIEOUT_STATEMENTS = folder

/** The distinct statements that the sandboxes of this run have taken so far. */
export function collected(): string[] {
  const lines = readdirSync(folder).flatMap((name) => readFileSync(path.join(folder, name), 'utf8').split('\n'))
  return [...new Set(lines.filter((line) => line !== '').map((line) => JSON.parse(line) as string))]
}

/** Those that the parser cannot read, each with its reason. */
export async function unreadable(statements: readonly string[]): Promise<string[]> {
  const { Dialect, init, parse } = await import('@polyglot-sql/sdk')
  await init()
  return statements.flatMap((text) => {
    if (BEYOND_THE_PARSER.some((known) => known.test(text))) return []
    const { success, error } = parse(text, Dialect.Snowflake)
    return success ? [] : [`${error}\n    ${text.slice(0, 2000)}`]
  })
}

export const mochaHooks = {
  async afterAll(): Promise<void> {
    const statements = collected()
    if (!given) rmSync(folder, { recursive: true, force: true })
    if (statements.length === 0) return
    const failed = await unreadable(statements)
    console.log(
      `\n  ${statements.length - failed.length} of ${statements.length} distinct Snowflake statements read by an independent parser`,
    )
    if (failed.length > 0) throw new Error(`no Snowflake SQL to an independent parser:\n  ${failed.join('\n  ')}`)
  },
}
