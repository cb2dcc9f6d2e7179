import { deepStrictEqual, strictEqual, throws } from 'node:assert'
import type { Node } from 'node-red'
import { z } from 'zod'
import { field, migrate, readConfig, readWhole } from '../../../nodes/kit/config.ts'
import { fillEnv, leftVariables, readSecrets, type Values } from '../../../nodes/kit/variables.ts'
import { isSyncError } from '../../../sync/contract/errors.ts'
import { util } from '../../support/util.ts'

const fault = (work: () => unknown): { message: string; field: string | undefined; code: string } => {
  try {
    work()
  } catch (error) {
    if (isSyncError(error)) return { message: error.message, field: error.cause.field, code: error.code }
    throw error
  }
  throw new Error('nothing was refused')
}

describe('config', () => {
  describe('migrations', () => {
    const spec = {
      version: 3,
      config: z.object({ host: field.text(), minutes: field.number(1, 1, 60) }),
      migrations: {
        1: ({ server, ...rest }: Values) => ({ ...rest, host: server }),
        2: ({ seconds, ...rest }: Values) => ({ ...rest, minutes: Number(seconds) / 60 }),
      },
    }

    it('step old values up, one version after the other; values without a version are of the first', () => {
      deepStrictEqual(readConfig(spec, { server: 'h', seconds: 120 }), { host: 'h', minutes: 2 })
      deepStrictEqual(readConfig(spec, { version: 2, host: 'h', seconds: '60' }), { host: 'h', minutes: 1 })
      deepStrictEqual(readConfig(spec, { version: 3, host: 'h', minutes: '5' }), { host: 'h', minutes: 5 })
    })

    it('leave what they were given as it is', () => {
      const stored = Object.freeze({ version: 1, server: 'h', seconds: 60 })
      strictEqual(migrate(spec, stored).version, 3)
      deepStrictEqual(stored, { version: 1, server: 'h', seconds: 60 })
    })

    it('refuse what a newer version saved, and what is no version', () => {
      strictEqual(fault(() => readConfig(spec, { version: 4, host: 'h' })).code, 'tieout.version')
      strictEqual(fault(() => readConfig(spec, { version: 'x', host: 'h' })).code, 'tieout.version')
    })
  })

  describe('environment', () => {
    it('is filled in only where it is the whole text, at any depth', () => {
      const lookup = (name: string): string | undefined => ({ A: 'a' })[name]
      deepStrictEqual(fillEnv({ x: `\${A}`, y: [{ z: `\${A}` }], part: `x-\${A}`, unset: `\${B}`, n: 1 }, lookup), {
        x: 'a',
        y: [{ z: 'a' }],
        part: `x-\${A}`,
        unset: `\${B}`,
        n: 1,
      })
    })

    it('is what Node-RED itself puts in for it', () => {
      const node = { _flow: { getSetting: (name: string) => ({ A: 'a', N: '5' })[name] } } as unknown as Node
      const lookup = (name: string): unknown => util.getSetting(node, name) || undefined
      for (const name of ['A', 'N', 'UNSET'])
        strictEqual(fillEnv(`\${${name}}`, lookup), util.evaluateNodeProperty(name, 'env', node, {}) || `\${${name}}`)
    })

    it('that is left over is refused with the names of field and variable, also inside a table', () => {
      deepStrictEqual(
        leftVariables({ ok: 'x', rows: [{ to: `\${B}` }], url: `https://\${H}/x` }).map((one) => [
          one.cause.field,
          one.message,
        ]),
        [
          ['rows', 'Field rows: the environment variable B is not set'],
          ['url', `Field url: \${H} stands inside a longer text, where Node-RED does not replace it`],
        ],
      )
    })

    it('may stand in a field whose text has its own meaning for it', () => {
      deepStrictEqual(leftVariables({ rules: [`\${x}`] }, ['rules']), [])
    })
  })

  describe('everything that is wrong', () => {
    const spec = {
      version: 1,
      config: z.object({
        host: field.text('Host is missing'),
        login: field.choice(['secret', 'token']),
        minutes: field.number(1, 1, 60),
        rows: z.array(z.object({ from: field.text('a code is missing') })).default([]),
      }),
      needs: ({ login }: { login?: 'secret' | 'token' }): Record<string, string> =>
        login === 'token' ? { token: 'Access token' } : { secret: 'Client secret' },
    }
    const credentials = z.object({ secret: field.secret(), token: field.secret(), pin: field.secret('Pin is missing') })
    const whole = (stored: Values, typed: Values = {}, variables: Record<string, string> = {}) =>
      readWhole(
        spec,
        credentials,
        stored,
        readSecrets(['secret', 'token', 'pin'], stored, typed, (name) => variables[name]),
      )

    it('is named at once, each field once, with what follows from the choice of a login', () => {
      const { message, field: named } = fault(() =>
        readConfig(spec, { minutes: 0, rows: [{ from: '' }, { from: '' }] }),
      )
      strictEqual(named, 'host')
      strictEqual(
        message,
        'Field host: Host is missing; field minutes: must be at least 1; field rows.0.from: a code is missing; field rows.1.from: a code is missing',
      )
      strictEqual(
        fault(() => whole({})).message,
        'Field host: Host is missing; field pin: Pin is missing; field secret: Client secret is missing',
      )
      strictEqual(
        fault(() => whole({ host: 'h', login: 'token' }, { pin: '1' })).message,
        'Field token: Access token is missing',
      )
    })

    it('is told of secrets and variables together with the fields, and of none twice', () => {
      strictEqual(
        fault(() => whole({ host: `\${H}`, secretFrom: 'NOBODY' }, { pin: '1' })).message,
        'Field secret: the environment variable NOBODY is not set; field host: the environment variable H is not set',
      )
    })

    it('is nothing where all is there', () => {
      deepStrictEqual(whole({ host: 'h', secretFrom: 'S' }, { pin: ' 1' }, { S: 's' }), {
        config: { host: 'h', login: 'secret', minutes: 1, rows: [] },
        credentials: { secret: 's', token: '', pin: ' 1' },
      })
    })
  })

  describe('fields', () => {
    const parse = (type: z.ZodType, value: unknown): unknown => z.object({ v: type }).parse({ v: value }).v
    const bad = (type: z.ZodType, value: unknown): void => throws(() => parse(type, value))

    it('number: text from a variable, empty is the default, bounds hold', () => {
      strictEqual(parse(field.number(7, 0, 10), '3'), 3)
      strictEqual(parse(field.number(7, 0, 10), ''), 7)
      strictEqual(parse(field.number(7, 0, 10), undefined), 7)
      for (const value of ['x', 11, -1, Number.NaN, 'Infinity', {}]) bad(field.number(7, 0, 10), value)
    })

    it('text: trimmed, codes stay text, nothing is not the word undefined', () => {
      strictEqual(parse(field.text(), ' a '), 'a')
      strictEqual(parse(field.text(), '00123'), '00123')
      strictEqual(parse(field.optional(), undefined), '')
      for (const value of ['', '  ', undefined, null, {}, []]) bad(field.text(), value)
    })

    it('flag: the words that people write', () => {
      for (const value of [true, 'true', 'YES', '1']) strictEqual(parse(field.flag(), value), true)
      for (const value of [false, 'false', 'off', '0', '', undefined]) strictEqual(parse(field.flag(), value), false)
      bad(field.flag(), 'maybe')
    })

    it('list and choice', () => {
      deepStrictEqual(parse(field.list(), 'a, b\nc,'), ['a', 'b', 'c'])
      deepStrictEqual(parse(field.list(), ['a']), ['a'])
      deepStrictEqual(parse(field.list(), ''), [])
      strictEqual(parse(field.choice(['every', 'one']), ''), 'every')
      bad(field.choice(['every', 'one']), 'none')
    })
  })
})
