import assert from 'node:assert/strict'
import { describe, it } from 'mocha'
import { errorCode } from '../../../vendor/causes.ts'
import { MEGABYTE, overBytes, overDepth, overParts, overTime } from '../../../vendor/limits.ts'
import { type ConnectionWords, connectionError } from '../../../vendor/network-error.ts'

const LINE: ConnectionWords = {
  prefix: 'erp',
  vendor: 'the ERP',
  addressHint: 'Check the address',
  refusedHint: 'Check the port.',
  slowHint: 'Choose smaller pages.',
  sizeClass: 'config',
  sizeHint: 'Choose smaller pages.',
}
const at = { url: 'http://erp.example/api', route: {}, what: 'supplier', timeoutMs: 2500 }
const because = async (error: unknown) => {
  const found = await connectionError(error, LINE, at)
  return [found.cause.class, found.code, found.message, found.cause.hint]
}
const coded = (code: string) => Object.assign(new Error('x'), { code })

describe('a line to an ERP that fails', () => {
  it('says for each cause what is wrong and what to do', async () => {
    assert.deepEqual(await because(coded('ECONNREFUSED')), [
      'transient',
      'erp.ECONNREFUSED',
      'supplier: erp.example cannot be reached: nothing listens there',
      'Check the port.',
    ])
    assert.deepEqual(await because(coded('UND_ERR_BODY_TIMEOUT')), [
      'transient',
      'erp.timeout',
      'supplier: erp.example was silent for 3 s',
      'Choose smaller pages.',
    ])
    assert.deepEqual((await because(coded('HPE_INVALID_CONSTANT'))).slice(0, 3), [
      'transient',
      'erp.network',
      'supplier: the answer of erp.example is no HTTP (HPE_INVALID_CONSTANT)',
    ])
    assert.match((await because(coded('UND_ERR_HEADERS_OVERFLOW')))[2] ?? '', /has a head of more than 16 kB/)
    assert.deepEqual((await because(coded('ECONNRESET'))).slice(0, 3), [
      'transient',
      'erp.network',
      'supplier: the connection to erp.example broke (ECONNRESET)',
    ])
  })

  it('names the limit that an answer is over, and what to do about it', async () => {
    assert.deepEqual(await because(overBytes(64 * MEGABYTE)), [
      'config',
      'erp.too-large',
      'supplier: the answer of the ERP is greater than 64 MB and was not read to its end',
      'Choose smaller pages.',
    ])
    assert.deepEqual((await because(overDepth(100))).slice(0, 3), [
      'config',
      'erp.depth',
      'supplier: the answer of the ERP is nested deeper than 100 levels and was not taken apart',
    ])
    assert.deepEqual((await because(overParts(2_000_000))).slice(0, 3), [
      'config',
      'erp.too-large',
      'supplier: the answer of the ERP has more than 2,000,000 parts and was not taken apart',
    ])
    const [cls, code, message, hint] = await because(overTime(600_000))
    assert.deepEqual([cls, code], ['transient', 'erp.timeout'])
    assert.equal(message, 'supplier: the answer of the ERP did not come to its end within 600 s')
    assert.match(hint ?? '', /raise "Whole request at most" on the connection/)
  })

  it('finds the code in what caused it, and in the first of several', () => {
    assert.equal(errorCode(new Error('fetch failed', { cause: coded('EAI_AGAIN') })), 'EAI_AGAIN')
    assert.equal(errorCode(new AggregateError([coded('ECONNREFUSED'), coded('ENETUNREACH')])), 'ECONNREFUSED')
    assert.equal(errorCode('text'), '')
  })
})
