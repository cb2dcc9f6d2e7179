import assert from 'node:assert/strict'
import { describe, it } from 'mocha'
import { errorCode, type Line, lineError } from '../../../sync/line.ts'

const LINE: Line = {
  prefix: 'erp',
  vendor: 'the ERP',
  addressHint: 'Check the address',
  refusedHint: 'Check the port.',
  slowHint: 'Choose smaller pages.',
  certificateHint: 'Give the CA.',
}
const at = { host: 'erp.example', what: 'supplier', timeoutMs: 2500 }
const because = (error: unknown) => {
  const found = lineError(error, LINE, at)
  return [found.cause.class, found.code, found.message, found.cause.hint]
}
const coded = (code: string) => Object.assign(new Error('x'), { code })

describe('a line to an ERP that fails', () => {
  it('says for each cause what is wrong and what to do', () => {
    assert.deepEqual(because(coded('ECONNREFUSED')), [
      'transient',
      'erp.ECONNREFUSED',
      'supplier: erp.example cannot be reached: nothing listens there',
      'Check the port.',
    ])
    assert.deepEqual(because(coded('ENOTFOUND')), [
      'config',
      'erp.ENOTFOUND',
      'supplier: erp.example cannot be reached: the host name is unknown',
      'Check the address and the DNS of this machine.',
    ])
    assert.deepEqual(because(new DOMException('x', 'TimeoutError')).slice(0, 2), ['transient', 'erp.timeout'])
    assert.deepEqual(because(coded('UND_ERR_BODY_TIMEOUT')).slice(2), [
      'supplier: no whole answer from erp.example within 3 s',
      'Choose smaller pages.',
    ])
    assert.deepEqual(because(coded('CERT_HAS_EXPIRED')).slice(0, 2), ['config', 'erp.tls'])
    assert.deepEqual(because(coded('ECONNRESET')).slice(0, 3), [
      'transient',
      'erp.network',
      'supplier: the connection to erp.example broke (ECONNRESET)',
    ])
  })

  it('finds the code in what caused it, and in the first of several', () => {
    assert.equal(errorCode(new Error('fetch failed', { cause: coded('EAI_AGAIN') })), 'EAI_AGAIN')
    assert.equal(errorCode(new AggregateError([coded('ECONNREFUSED'), coded('ENETUNREACH')])), 'ECONNREFUSED')
    assert.equal(errorCode('text'), '')
  })
})
