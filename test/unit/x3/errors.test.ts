import assert from 'node:assert/strict'
import {
  type Answer,
  answerError,
  complaintError,
  complaintsOf,
  networkError,
  noticesOf,
} from '../../../nodes/x3/client/errors.ts'

const answer = (status: number, text: string, more: Partial<Answer> = {}): Answer => ({
  status,
  text,
  contentType: 'application/json',
  ...more,
})
const plain = (status: number, text: string): Answer => answer(status, text, { contentType: 'text/plain' })

describe('X3 errors in words', () => {
  const tokens: [string, string, RegExp][] = [
    ['21', 'auth', /clocks/],
    ['41', 'config', /client ID/],
    ['42', 'config', /allowed user/],
    ['45', 'config', /audience/],
    ['50', 'auth', /signature is wrong or the token has expired/],
  ]
  for (const [number, cls, words] of tokens) {
    it(`Error ${number} says what it means and what to do`, () => {
      const error = answerError(plain(401, `Error ${number}: Invalid token`), 'supplier')
      assert.equal(error.cause.class, cls)
      assert.equal(error.cause.code, `x3.${number}`)
      assert.equal(error.cause.vendorCode, `Error ${number}`)
      assert.match(error.message, words)
      assert.match(error.message, /^supplier: X3 refused the login \(Error/)
      assert.ok(error.cause.hint)
    })
  }

  it('offers all three choices for a wrong audience, and names the case of the user', () => {
    assert.match(
      answerError(plain(401, 'Error 45: Invalid token'), 'x').cause.hint ?? '',
      /registered.*empty.*fixed word/,
    )
    assert.match(answerError(plain(401, 'Error 42: Invalid token'), 'x').cause.hint ?? '', /upper and lower case/)
  })

  it('reads the bodies in the order of their precedence', () => {
    const diagnoses = [
      { severity: 1, message: 'just a notice' },
      { severity: 3, message: 'first line\nsecond line' },
      { severity: 4, message: 'worse' },
    ]
    const body = {
      errors: [{ message: 'outer', path: ['x3Finance', 'journalEntry', 'query'], extensions: { diagnoses } }],
      $diagnoses: [{ $severity: 'error', $message: 'no' }],
      message: 'no',
    }
    assert.deepEqual(complaintsOf(body), [
      { text: 'first line\nsecond line\nworse', path: ['x3Finance', 'journalEntry', 'query'] },
    ])
    assert.equal(
      complaintsOf({ errors: [{ message: 'outer', extensions: { diagnoses: [diagnoses[0]] } }] })[0]?.text,
      'outer',
    )
    assert.equal(
      complaintsOf({ $diagnoses: [{ $message: 'unauthorized: POST /api' }] })[0]?.text,
      'unauthorized: POST /api',
    )
    assert.equal(complaintsOf({ message: 'Unauthorised' })[0]?.text, 'Unauthorised')
    assert.equal(
      complaintsOf({ $severity: 'error', $dataCode: 'InternalServerError', $message: '' })[0]?.text,
      'InternalServerError',
    )
  })

  it('takes success notices for what they are', () => {
    const body = {
      data: { x: 1 },
      extensions: {
        diagnoses: [
          { severity: 2, message: 'Operation completed successfully.' },
          { severity: 1, message: 'quiet' },
        ],
      },
    }
    assert.deepEqual(complaintsOf(body), [])
    assert.deepEqual(noticesOf(body), ['Operation completed successfully.'])
  })

  it('a missing right names its node and the right to give', () => {
    const error = complaintError(
      [
        {
          text: 'JournalEntryLine: read access denied. The function JournalEntryLine.read is not authorized.',
          path: ['x3Finance', 'journalEntry', 'query', 'edges', '0', 'node', 'journalEntryLines'],
        },
      ],
      'gl_entry',
    )
    assert.equal(error.cause.class, 'config')
    assert.equal(error.code, 'x3.right')
    assert.equal(error.cause.field, 'journalEntryLines')
    assert.match(error.cause.hint ?? '', /JournalEntryLine\.read/)
  })

  it('an unknown field names the field; other errors are worth another attempt', () => {
    const unknown = answerError(
      answer(400, '{"errors":[{"message":"Cannot query field \\"x3XXXX\\" on type Query"}],"extensions":{}}'),
      'supplier',
    )
    assert.equal(unknown.cause.class, 'config')
    assert.equal(unknown.cause.field, 'x3XXXX')
    assert.equal(
      complaintError([{ text: 'Lock time-out on table GACCENTRY', path: [] }], 'gl_entry').cause.class,
      'transient',
    )
  })

  it('tells a web page from data, whatever its status', () => {
    const page = answer(200, '<!DOCTYPE html><html><head><title>Please <b> sign in</title></head></html>', {
      contentType: 'text/html',
    })
    const error = answerError({ ...page, status: 502 }, 'supplier')
    assert.equal(error.cause.class, 'transient')
    assert.ok(!error.message.includes('<'))
  })

  it('waits as long as X3 says, and tells wrong addresses from failures', () => {
    const throttled = answerError(answer(429, '{"message":"slow down"}', { retryAfterMs: 7000 }), 'supplier')
    assert.equal(throttled.cause.class, 'throttled')
    assert.equal(throttled.cause.retryAfterMs, 7000)
    assert.equal(answerError(answer(503, ''), 'supplier').cause.class, 'transient')
    assert.equal(answerError(answer(500, '{"$severity":"error"}'), 'supplier').cause.class, 'transient')
    assert.equal(answerError(plain(404, 'Not found'), 'supplier').cause.class, 'config')
    assert.match(answerError(plain(404, 'Not found'), 'supplier').message, /no X3 GraphQL service at this address/)
    assert.equal(answerError(plain(400, 'Unknown endpoint NOSUCH'), 'supplier').code, 'x3.folder')
  })

  it('says in words why a host cannot be reached', async () => {
    const at = { url: 'https://127.0.0.1:1', route: {}, what: 'supplier', timeoutMs: 1000 }
    const because = async (code: string) =>
      (await networkError(Object.assign(new Error('x'), { code }), at)) as Error & {
        cause: { class: string; hint: string }
      }
    assert.equal((await because('ECONNREFUSED')).cause.class, 'transient')
    assert.match((await because('ECONNREFUSED')).message, /nothing listens there/)
    assert.equal((await because('ECONNRESET')).cause.class, 'transient')
    assert.equal((await because('DEPTH_ZERO_SELF_SIGNED_CERT')).cause.class, 'config')
    assert.match((await because('SELF_SIGNED_CERT_IN_CHAIN')).cause.hint, /Own CA/)
    assert.match((await because('UND_ERR_HEADERS_TIMEOUT')).message, /127\.0\.0\.1:1 was silent for 1 s/)
  })
})
