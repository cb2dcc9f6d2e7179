import { strictEqual } from 'node:assert'
import { accessLine } from '../../../login/access-log.ts'

describe('the access log', () => {
  it('says who logged in, was refused and deployed, and nothing of the rest', () => {
    strictEqual(
      accessLine({ event: 'auth.login', username: 'anna', address: '1.2.3.4' }),
      '[tieout] "anna" logged in, from 1.2.3.4',
    )
    strictEqual(accessLine({ event: 'flows.set', user: { username: 'anna' } }), '[tieout] "anna" deployed')
    strictEqual(accessLine({ event: 'flows.get', user: { username: 'anna' } }), undefined)
  })

  it('is not broken by a name', () => {
    const line = accessLine({
      event: 'auth.login.fail.credentials',
      username: `x\n[tieout] "anna" logged in${'y'.repeat(500)}`,
      address: '::1',
    })
    strictEqual(line?.includes('\n'), false)
    strictEqual((line?.length ?? 0) < 200, true)
  })
})
