import { deepStrictEqual, match, strictEqual } from 'node:assert'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { z } from 'zod'
import { field, readConfig, readWhole } from '../../../nodes/kit/config.ts'
import { fillEnv, secretsOf, type Values } from '../../../nodes/kit/variables.ts'
import { asSyncError } from '../../../sync/contract/errors.ts'

const lookupIn =
  (variables: Readonly<Record<string, string>>) =>
  (name: string): string | undefined =>
    variables[name]

describe('variables', () => {
  describe('with a default', () => {
    const spec = { version: 1, config: z.object({ host: field.optional(), rule: field.optional() }), literal: ['rule'] }
    const read = (variables: Readonly<Record<string, string>>, stored: Values): object =>
      readConfig(spec, stored, lookupIn(variables))

    it('may be unset or empty; what is set counts', () => {
      const stored = { host: `\${H:-api.example.com}`, rule: `\${x:-1}` }
      deepStrictEqual(read({}, stored), { host: 'api.example.com', rule: `\${x:-1}` })
      deepStrictEqual(read({ H: '' }, stored), { host: 'api.example.com', rule: `\${x:-1}` })
      deepStrictEqual(read({ H: 'other' }, stored), { host: 'other', rule: `\${x:-1}` })
      deepStrictEqual(read({}, { host: `\${H:-}` }), { host: '', rule: '' })
    })

    it('are filled in likewise for a dialog that is not saved yet', () => {
      deepStrictEqual(fillEnv({ a: `\${H:-}`, b: [`\${H:-x}`] }, lookupIn({})), { a: '', b: ['x'] })
    })
  })

  describe('of secrets', () => {
    const home = mkdtempSync(join(tmpdir(), 'tieout-variables-'))
    after(() => rmSync(home, { recursive: true }))
    const secret = (variables: Readonly<Record<string, string>>, stored: Values, typed: Values = {}): unknown =>
      secretsOf(['secret'], stored, typed, lookupIn(variables)).secret
    const fault = (variables: Readonly<Record<string, string>>, stored: Values, typed: Values = {}): string => {
      try {
        secret(variables, stored, typed)
      } catch (error) {
        return asSyncError(error).message
      }
      throw new Error('nothing was refused')
    }

    it('count before what was typed in', () => {
      strictEqual(secret({ X3_SECRET: 'of the variable' }, { secretFrom: 'X3_SECRET' }), 'of the variable')
      strictEqual(secret({ X3_SECRET: 'variable' }, { secretFrom: 'X3_SECRET' }, { secret: 'typed' }), 'variable')
      strictEqual(secret({ X3_SECRET: 'variable' }, { secretFrom: '' }, { secret: 'typed' }), 'typed')
      strictEqual(secret({}, {}), undefined)
    })

    it('may lie in a file, whose last line end is not theirs', () => {
      const file = join(home, 'secret')
      writeFileSync(file, ' of the file \n')
      strictEqual(secret({ X3_SECRET_FILE: file }, { secretFrom: 'X3_SECRET' }), ' of the file ')
      match(
        fault({ X3_SECRET_FILE: join(home, 'none') }, { secretFrom: 'X3_SECRET' }),
        /^Field secret: X3_SECRET_FILE names .*none, which cannot be read/,
      )
    })

    it('that are not set are named, also where another one was typed in', () => {
      const unset = 'Field secret: the environment variable X3_SECRET is not set'
      strictEqual(fault({}, { secretFrom: 'X3_SECRET' }, { secret: 'typed' }), unset)
      strictEqual(fault({ X3_SECRET: '' }, { secretFrom: 'X3_SECRET' }), unset)
      strictEqual(fault({}, {}, { secret: `\${X3_SECRET}` }), unset)
    })

    it('have names of their own, and none of Tieout', () => {
      const variables = { TIEOUT_CREDENTIAL_SECRET: 'key', lower: 'x', '9X': 'x', 'a b': 'x' }
      for (const name of Object.keys(variables)) match(fault(variables, { secretFrom: name }), /is no variable for a/)
    })

    it('that are typed in are taken as they are', () => {
      for (const text of [`Q7\${9x}kk!`, ' with blanks ', `\${9x}`, `a\${X}`, `\${X} `])
        strictEqual(secret({ X: 'no' }, {}, { secret: text }), text)
      const schema = z.object({ secret: field.secret('missing') })
      const secrets = { found: { secret: ` Q7\${9x} kk! ` }, faults: [] }
      const { credentials } = readWhole({ version: 1, config: z.object({}) }, schema, {}, secrets)
      strictEqual(credentials.secret, ` Q7\${9x} kk! `)
    })
  })
})
