/** The demo that stays up: what it sets for whoever imports a template, and what it says of it. */
import { readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { endsOf, FLOW_NAMES } from './ends/index.ts'
import { environmentOf } from './job.ts'
import { nextDayEnvironment } from './next-day.ts'
import type { Sandbox } from './sandbox.ts'

/** Variables of earlier demos, whose flows may still be there. */
const OLD = ['DATABRICKS_PORT', 'DATABRICKS_CA', 'SNOWFLAKE_PORT', 'POWERBI_CA']

/** What templates name, and the sandbox's authorities beside those that are trusted already. `home`: where files are put. */
export function stayEnvironment(home: string, sandbox: Sandbox): Record<string, string> {
  const ca = join(home, 'sandbox-ca.pem')
  const given = process.env.NODE_EXTRA_CA_CERTS
  const own = given && given !== ca ? readFileSync(given, 'utf8') : ''
  const sandboxes = Object.values(sandbox.addresses).map(({ caPem = '' }) => String(caPem))
  writeFileSync(ca, [own, ...new Set(sandboxes)].join('\n'))
  return {
    ...variablesOf(sandbox),
    ...nextDayEnvironment(sandbox),
    NODE_EXTRA_CA_CERTS: ca,
  }
}

const variablesOf = ({ addresses }: Sandbox): Record<string, string> =>
  Object.assign({}, ...FLOW_NAMES.map((name) => environmentOf(endsOf(name), addresses)))

/** The same as lines that a shell or an `--env-file` takes; what has several lines is put into files beside. */
export function variableLines(home: string, sandbox: Sandbox): string[] {
  const lines = Object.entries(variablesOf(sandbox))
    .filter(([name]) => !OLD.includes(name))
    .map(([name, value]) => {
      if (!value.includes('\n')) return `${name}=${value}`
      const file = join(home, name.toLowerCase().replaceAll('_', '-'))
      writeFileSync(file, value, { mode: 0o600 })
      return `${name}_FILE=${file}`
    })
  return [...lines, `NODE_EXTRA_CA_CERTS=${join(home, 'sandbox-ca.pem')}`]
}

/** Fails when a process of the demo ends that should not. */
export const watched = (what: string, { child }: Pick<Sandbox, 'child'>): Promise<never> =>
  new Promise((_, fail) => {
    child.process.once('exit', (code, signal) =>
      fail(new Error(`${what} has ended (${signal ?? code}). Start the demo again.\n${child.output().slice(-2000)}`)),
    )
  })
