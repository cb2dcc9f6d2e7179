import assert from 'node:assert/strict'
import { createPrivateKey, generateKeyPairSync } from 'node:crypto'
import { describe, it } from 'mocha'
import { wholePem } from '../../../nodes/snowflake/client/auth.ts'
import { createConnection } from '../../../nodes/snowflake/client/connection.ts'
import { costLines } from '../../../nodes/snowflake/client/cost.ts'
import { toSyncError } from '../../../nodes/snowflake/client/errors.ts'
import { sessionSettings, wrongSetting } from '../../../nodes/snowflake/client/session.ts'
import type { ErrorClass } from '../../../sync/contract/errors.ts'

const execute = { what: 'MERGE into FINANCE.ERP.GL_ENTRY', phase: 'execute' } as const
const login = { what: 'Login to MYORG-FIN', phase: 'login' } as const
const upload = { what: 'Upload of the rows', phase: 'upload' } as const
const failed = (code: string, sqlState: string, message: string) =>
  Object.assign(new Error(message), { name: 'OperationFailedError', code, sqlState })

describe('snowflake errors', () => {
  const table: [error: unknown, at: Parameters<typeof toSyncError>[1], cls: ErrorClass, code: string, says: RegExp][] =
    [
      [failed('000625', '57014', 'too many waiters'), execute, 'transient', 'snowflake.000625', /SHOW LOCKS/],
      [failed('000606', '57P03', 'No active warehouse'), execute, 'transient', 'snowflake.000606', /AUTO_RESUME/],
      [failed('000630', '57014', 'timeout'), execute, 'transient', 'snowflake.000630', /time limit/],
      [
        failed('002003', '02000', "Object 'X' does not exist or not authorized."),
        execute,
        'config',
        'snowflake.002003',
        /USAGE/,
      ],
      [
        failed('003001', '42501', "Insufficient privileges to operate on table 'GL_ENTRY'"),
        execute,
        'config',
        'snowflake.003001',
        /GRANT SELECT, INSERT, UPDATE, DELETE ON TABLE GL_ENTRY TO ROLE/,
      ],
      [failed('100038', '22018', "Numeric value 'DE89' is not recognized"), execute, 'data', 'snowflake.100038', /'…'/],
      [
        failed('100072', '22000', 'NULL result in a non-nullable column'),
        execute,
        'data',
        'snowflake.100072',
        /replay/,
      ],
      [failed('999999', '42000', 'odd'), execute, 'config', 'snowflake.999999', /rights of the role/],
      [failed('999999', '58000', 'odd'), execute, 'transient', 'snowflake.999999', /query history/],
      [failed('100090', '42P18', 'Duplicate row detected'), execute, 'config', 'snowflake.100090', /report it/],
      [
        Object.assign(new Error('terminated'), { code: 407002, isFatal: true }),
        execute,
        'transient',
        'snowflake.session',
        /session is gone/,
      ],
      [
        Object.assign(new Error('x'), { code: 401004, data: { code: '390104' } }),
        execute,
        'transient',
        'snowflake.session',
        /new one/,
      ],
      [
        Object.assign(new Error('Request failed.'), { code: 401002, response: { statusCode: 429 } }),
        execute,
        'throttled',
        'snowflake.http429',
        /Too many/,
      ],
      [
        Object.assign(new Error('Network error.'), {
          code: 401001,
          cause: { message: 'connect ECONNREFUSED', code: 'ECONNREFUSED' },
        }),
        login,
        'transient',
        'snowflake.connect',
        /firewall/,
      ],
      [
        Object.assign(new Error('Network error. Could not reach Snowflake.'), { code: 401001 }),
        execute,
        'unknown-outcome',
        'snowflake.network',
        /same request id/,
      ],
      [
        Object.assign(new Error('x'), { code: 401001, cause: { code: 'SELF_SIGNED_CERT_IN_CHAIN' } }),
        login,
        'config',
        'snowflake.tls',
        /CA/,
      ],
      [
        Object.assign(new Error('JWT token is invalid.'), { code: '390144' }),
        login,
        'auth',
        'snowflake.390144',
        /RSA_PUBLIC_KEY/,
      ],
      [new Error('error:1E08010C:DECODER routines::unsupported'), login, 'auth', 'snowflake.key', /passphrase/],
      [
        failed('100096', '22007', "Can't parse 'DE89' as date with format 'YYYY-MM-DD'"),
        execute,
        'data',
        'snowflake.100096',
        /Can't parse '…' as date/,
      ],
      [new Error('Request failed with status code 403'), upload, 'transient', 'snowflake.upload', /S3/],
    ]
  for (const [error, at, cls, code, says] of table)
    it(`${code}: ${cls}`, async () => {
      const found = await toSyncError(error, at, { url: 'https://127.0.0.1:1', route: {} })
      assert.equal(found.cause.class, cls)
      assert.equal(found.code, code)
      assert.match(found.message, says)
      assert.ok(found.message.startsWith(at.what))
      assert.doesNotMatch(found.message, /DE89/)
    })
})

describe('snowflake login', () => {
  const { privateKey } = generateKeyPairSync('rsa', { modulusLength: 2048 })
  const pem = privateKey
    .export({ type: 'pkcs8', format: 'pem', cipher: 'aes-256-cbc', passphrase: 'secret' })
    .toString()

  it('takes a key whose line ends were lost on the way, or written out', () => {
    for (const text of [pem, pem.replaceAll('\n', ' '), pem.replaceAll('\n', ''), pem.trim().replaceAll('\n', '\\n')]) {
      const whole = wholePem(text)
      assert.ok(whole.endsWith('-----END ENCRYPTED PRIVATE KEY-----'))
      assert.equal(createPrivateKey({ key: whole, passphrase: 'secret' }).asymmetricKeyType, 'rsa')
    }
    assert.throws(() => wholePem('no key'), /no key in PEM form/)
  })

  it('refuses an address that is no account and no host', () => {
    const auth = { kind: 'token', user: 'u', token: 't' } as const
    const options = { account: 'MYORG-FIN', auth, warehouse: 'W', role: '', database: 'D', schema: 'S' }
    assert.equal(createConnection(options).address, 'snowflake://MYORG-FIN')
    assert.throws(() => createConnection({ ...options, account: 'https://x.com' }), /Field account/)
    assert.throws(() => createConnection({ ...options, host: 'a b' }), /Field host/)
  })

  it('sets every session to all that a statement of ours, or the driver, could depend on', () => {
    const text = sessionSettings({ lockTimeoutSeconds: 20 })
    for (const part of [
      'AUTOCOMMIT = TRUE',
      'TRANSACTION_ABORT_ON_ERROR = FALSE',
      "TIMEZONE = 'UTC'",
      "TIMESTAMP_TYPE_MAPPING = 'TIMESTAMP_NTZ'",
      "DATE_INPUT_FORMAT = 'YYYY-MM-DD'",
      "DATE_OUTPUT_FORMAT = 'YYYY-MM-DD'",
      "TIMESTAMP_INPUT_FORMAT = 'AUTO'",
      "TIMESTAMP_NTZ_OUTPUT_FORMAT = 'YYYY-MM-DD HH24:MI:SS.FF3'",
      "BINARY_INPUT_FORMAT = 'HEX'",
      "BINARY_OUTPUT_FORMAT = 'HEX'",
      'JSON_INDENT = 0',
      'STRICT_JSON_OUTPUT = TRUE',
      'JS_TREAT_INTEGER_AS_BIGINT = FALSE',
      'QUOTED_IDENTIFIERS_IGNORE_CASE = FALSE',
      'ROWS_PER_RESULTSET = 0',
      'USE_CACHED_RESULT = FALSE',
      'MULTI_STATEMENT_COUNT = 1',
      'ERROR_ON_NONDETERMINISTIC_MERGE = TRUE',
      'LOCK_TIMEOUT = 20',
      'STATEMENT_TIMEOUT_IN_SECONDS = 1800',
      'STATEMENT_QUEUED_TIMEOUT_IN_SECONDS = 0',
    ])
      assert.ok(text.includes(part), part)
  })

  it('does not work in a session that is not as it was set, and names what differs', () => {
    const rows = (changed: Readonly<Record<string, string>>) =>
      Object.entries({ AUTOCOMMIT: 'true', TIMEZONE: 'UTC', LOCK_TIMEOUT: '60', QUERY_TAG: 'x', ...changed }).map(
        ([key, value]) => ({ key, value }),
      )
    assert.equal(wrongSetting(rows({}), {}), undefined)
    const wrong = wrongSetting(rows({ TIMEZONE: 'Europe/Zurich' }), {})
    assert.deepEqual([wrong?.cause.class, wrong?.code], ['config', 'snowflake.parameter'])
    assert.match(wrong?.message ?? '', /TIMEZONE is Europe\/Zurich although it was set to UTC/)
    assert.match(wrongSetting(rows({}), { lockTimeoutSeconds: 5 })?.message ?? '', /LOCK_TIMEOUT is 60/)
    assert.match(wrongSetting([], {})?.message ?? '', /AUTOCOMMIT is not listed/)
  })
})

describe('snowflake cost', () => {
  const usual = { everyMinutes: 240, rows: 5000, entities: 10, tables: 15, autoSuspendSeconds: 60, size: 'X-Small' }

  it('says how many statements a schedule comes to, and that the warehouse sleeps in between', () => {
    const [statements, awake, quiet] = costLines(usual)
    assert.match(statements ?? '', /^6 runs a day, each with 5,000 changed rows: about 750 statements a day\./)
    assert.match(awake ?? '', /woken up to 6 times a day and sleeps in between: awake about 31 min a day/)
    assert.match(quiet ?? '', /wakes nothing/)
  })

  it('says when it never sleeps, and what would cost less', () => {
    const text = costLines({ ...usual, everyMinutes: 5, autoSuspendSeconds: 600 }).join(' ')
    assert.match(text, /stays awake all day \(AUTO_SUSPEND 600 s\): about 24 credits a day/)
    assert.match(text, /AUTO_SUSPEND = 60/)
    assert.match(costLines({ ...usual, autoSuspendSeconds: 0, size: 'Small' }).join(' '), /48 credits/)
  })

  it('knows runs by hand, an unknown warehouse, and no change at all', () => {
    assert.match(costLines({ ...usual, everyMinutes: 0 }).join(' '), /^One run with 5,000 changed rows sends about 125/)
    assert.match(costLines({ ...usual, autoSuspendSeconds: undefined }).join(' '), /not known; 600 s is taken/)
    assert.deepEqual(costLines({ ...usual, rows: 0 }).length, 1)
  })
})
