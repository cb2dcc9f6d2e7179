import assert from 'node:assert/strict'
import { describe, it } from 'mocha'
import { toSyncError } from '../../../nodes/databricks/client/errors.ts'
import type { ErrorClass } from '../../../sync/contract/errors.ts'
import { readReason, retryAfterMs } from '../../../vendor/answers.ts'

const at = { what: 'MERGE into main.finance.gl_entry', phase: 'execute' } as const

/** As driver 2.1.0 gives a failed statement. */
const failed = (displayMessage: string, sqlState?: string) =>
  Object.assign(new Error(displayMessage), { errorCode: 'ERROR', response: { displayMessage, sqlState } })
/** As driver 2.1.0 gives an HTTP status that is not 200. */
const http = (statusCode: number, headers: Record<string, string> = {}, body = '') =>
  Object.assign(new Error('Received a response with a bad HTTP status code'), {
    statusCode,
    response: { headers: new Headers(headers), text: async () => body },
  })
/** The driver's StatusError is no Error. */
const status = (message: string) => ({ name: 'Status Error', message, code: -1 })
const network = (code: string) => Object.assign(new Error(`request failed, reason: ${code}`), { code })

const to = { url: 'https://127.0.0.1:1', route: {} }

const table: [name: string, error: unknown, cls: ErrorClass, code: string, says: RegExp][] = [
  [
    'concurrent append',
    failed('[DELTA_CONCURRENT_APPEND.ROW_LEVEL_CHANGES] Transaction conflict detected. SQLSTATE: 2D521', '2D521'),
    'transient',
    'databricks.2D521',
    /DELTA_CONCURRENT_APPEND/,
  ],
  [
    'metadata changed, without SQLSTATE',
    failed('[DELTA_METADATA_CHANGED] MetadataChangedException'),
    'transient',
    'databricks.2D521',
    /nothing was written/,
  ],
  [
    'file being loaded twice',
    failed('[COPY_INTO_DUPLICATED_FILES_COPY_NOT_ALLOWED] Duplicated files'),
    'transient',
    'databricks.2D521',
    /COPY_INTO/,
  ],
  [
    'bad cast',
    failed(
      `[CAST_INVALID_INPUT] The value '12x' of the type "STRING" cannot be cast to "BIGINT". SQLSTATE: 22018`,
      '22018',
    ),
    'data',
    'databricks.22018',
    /cannot be cast/,
  ],
  [
    'overflow',
    failed('[NUMERIC_VALUE_OUT_OF_RANGE] 1e30 cannot be represented', '22003'),
    'data',
    'databricks.22003',
    /wider type/,
  ],
  [
    'not null',
    failed('[DELTA_NOT_NULL_CONSTRAINT_VIOLATED] NOT NULL constraint violated for column: code', '23502'),
    'data',
    'databricks.23502',
    /constraint/,
  ],
  [
    'unknown table',
    failed('[TABLE_OR_VIEW_NOT_FOUND] The table or view `main`.`f`.`x` cannot be found. SQLSTATE: 42P01'),
    'config',
    'databricks.42P01',
    /Check catalog/,
  ],
  [
    'unknown schema',
    failed('[SCHEMA_NOT_FOUND] The schema `main.nope` cannot be found. SQLSTATE: 42704', '42704'),
    'config',
    'databricks.42704',
    /CREATE SCHEMA/,
  ],
  [
    'syntax',
    failed('[PARSE_SYNTAX_ERROR] Syntax error at or near', '42601'),
    'config',
    'databricks.42601',
    /report it/,
  ],
  [
    'missing right',
    failed(
      "[INSUFFICIENT_PERMISSIONS] Insufficient privileges: User does not have MODIFY on Table 'main.finance.gl_entry'. SQLSTATE: 42501",
      '42501',
    ),
    'config',
    'databricks.42501',
    /GRANT MODIFY ON TABLE main\.finance\.gl_entry/,
  ],
  [
    'missing right, old text',
    failed("PERMISSION_DENIED: User does not have USE CATALOG on Catalog 'main'."),
    'config',
    'databricks.42501',
    /GRANT USE CATALOG ON CATALOG main/,
  ],
  [
    'duplicate source rows',
    failed('[DELTA_MULTIPLE_SOURCE_ROW_MATCHING_TARGET_ROW_IN_MERGE] Cannot perform Merge', '21506'),
    'config',
    'databricks.21506',
    /two rows with one key|fault of Tieout/i,
  ],
  [
    'busy',
    failed('The background threadpool cannot accept new task for execution, please retry the operation'),
    'throttled',
    'databricks.busy',
    /cannot accept/,
  ],
  ['anything unknown', failed('something new'), 'transient', 'databricks.error', /something new/],
  [
    'session not initialised',
    status('requirement failed: Session handle 01ee has not been initialized or had already closed.'),
    'transient',
    'databricks.session',
    /session is gone/,
  ],
  [
    'invalid handle',
    status('Invalid SessionHandle: SessionHandle [01ee]'),
    'transient',
    'databricks.session',
    /session is gone/,
  ],
  [
    'cold disk',
    status("Couldn't create directory /local_disk0/tmp"),
    'transient',
    'databricks.session',
    /session is gone/,
  ],
  [
    'class in a status error',
    status('[TABLE_OR_VIEW_NOT_FOUND] no table. SQLSTATE: 42P01'),
    'config',
    'databricks.42P01',
    /no table/,
  ],
  ['429', http(429, { 'retry-after': '7' }), 'throttled', 'databricks.http429', /HTTP 429/],
  [
    '503',
    http(503, { 'x-thriftserver-error-message': 'TEMPORARILY_UNAVAILABLE' }),
    'transient',
    'databricks.http503',
    /TEMPORARILY_UNAVAILABLE/,
  ],
  ['401', http(401), 'auth', 'databricks.http401', /client id and secret/],
  [
    '403',
    http(403, {}, '{"error_code":"PERMISSION_DENIED","message":"no access to the endpoint"}'),
    'auth',
    'databricks.http403',
    /CAN USE/,
  ],
  ['404', http(404), 'config', 'databricks.http404', /HTTP path/],
  [
    'real-time warehouse',
    http(400, { 'x-thriftserver-error-message': 'KP001: not supported on this warehouse' }),
    'config',
    'databricks.KP001',
    /real-time/,
  ],
  [
    'too many parameters',
    http(400, {}, '{"message":"339 parameters were given but the limit is 256"}'),
    'config',
    'databricks.http400',
    /limit is 256/,
  ],
  ['500 after the statement was sent', http(500), 'unknown-outcome', 'databricks.http500', /not known/],
  [
    'reset after the statement was sent',
    network('ECONNRESET'),
    'unknown-outcome',
    'databricks.ECONNRESET',
    /not known/,
  ],
  [
    'time-out after the statement was sent',
    Object.assign(new Error('Request timed out'), { type: 7 }),
    'unknown-outcome',
    'databricks.timeout',
    /time limit/,
  ],
  [
    'polls used up',
    new Error('Hive driver: Error when connecting to resource. Max retry count exceeded.'),
    'unknown-outcome',
    'databricks.retries',
    /Max retry/,
  ],
  ['refused connection', network('ECONNREFUSED'), 'transient', 'databricks.connect', /firewall/],
  ['unknown host', network('ENOTFOUND'), 'transient', 'databricks.dns', /host name/],
  ['untrusted certificate', network('SELF_SIGNED_CERT_IN_CHAIN'), 'config', 'databricks.tls', /CA/],
]

describe('databricks errors', () => {
  for (const [name, error, cls, code, says] of table) {
    it(`${name}: ${cls}`, async () => {
      const made = await toSyncError(error, at, to)
      assert.equal(made.cause.class, cls)
      assert.equal(made.code, code)
      assert.match(made.message, says)
      assert.match(made.message, /^MERGE into main\.finance\.gl_entry: /)
      assert.ok(made.cause.hint, 'says what to do next')
    })
  }

  it('takes a lost connection before anything was sent, or while reading, for passing', async () => {
    for (const where of [
      { what: 'x', phase: 'open' },
      { what: 'x', phase: 'execute', reads: true },
    ] as const) {
      assert.equal((await toSyncError(network('ECONNRESET'), where, to)).cause.class, 'transient')
      assert.equal((await toSyncError(http(500), where, to)).cause.class, 'transient')
    }
  })

  it('does not repeat the value of a refused record, which may be a bank account', async () => {
    const made = await toSyncError(
      failed(`[CAST_INVALID_INPUT] The value 'DE89 3704' cannot be cast. SQLSTATE: 22018`, '22018'),
      at,
      to,
    )
    assert.doesNotMatch(JSON.stringify([made.message, made.cause]), /DE89/)
  })

  it('reads Retry-After as seconds or as a date', () => {
    assert.equal(retryAfterMs('7'), 7000)
    assert.equal(retryAfterMs('Tue, 10 Mar 2026 09:00:30 GMT', Date.parse('2026-03-10T09:00:00Z')), 30_000)
    assert.equal(retryAfterMs('soon'), undefined)
  })

  it('makes one line of an HTML page and of a long text', () => {
    assert.equal(readReason('<html><style>b{}</style><h1>Login</h1>\n<p>here</p>'), 'Login here')
    assert.ok(readReason('x'.repeat(10_000)).length <= 400)
  })
})
