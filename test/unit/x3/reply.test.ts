import assert from 'node:assert/strict'
import { readReply } from '../../../nodes/x3/client/reply.ts'
import type { SyncError } from '../../../sync/contract/errors.ts'

const reply = (text: string, exact = false, contentType = 'application/json') =>
  readReply({ status: 200, contentType, text }, exact, 'supplier')

describe('the body of a success of X3', () => {
  it('is data, or an error that is worth another attempt where it is cut or a web page', () => {
    assert.deepEqual(reply('{"data":{"a":1}}').data, { a: 1 })
    const isTransient = (error: SyncError): boolean => error.cause.class === 'transient'
    assert.throws(() => reply('{"data":{"x3Fin'), isTransient)
    assert.throws(() => reply('<html><title>Sign in</title></html>', false, 'text/html'), isTransient)
    assert.throws(() => reply('<!DOCTYPE html><title>Sign in</title>'), /answered with a web page/)
  })

  it('is an error where X3 complains beside the data, or gives none', () => {
    assert.throws(() => reply('{"data":{"a":1},"errors":[{"message":"Lock time-out"}]}'), /Lock time-out/)
    assert.throws(() => reply('{}'), /an answer without data/)
    assert.throws(() => reply('null'), /an answer without data/)
  })

  it('keeps every digit of a number where asked to', () => {
    const text = '{"data":{"amount":12345678901234567.89,"count":3}}'
    assert.deepEqual(reply(text, true).data, { amount: '12345678901234567.89', count: 3 })
    const more = '{"data":{"hidden":12345678901.00000001,"exponent":1e3,"whole":1000.0,"count":3.0}}'
    assert.deepEqual(reply(more, true).data, { hidden: '12345678901.00000001', exponent: '1e3', whole: 1000, count: 3 })
  })
})
