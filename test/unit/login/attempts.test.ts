import { deepStrictEqual, strictEqual } from 'node:assert'
import { clientAddress, countAttempts, placeOf } from '../../../login/attempts.ts'

describe('attempts to log in', () => {
  it('are refused after ten wrong ones in ten minutes, for that name and address alone, and allowed again later', () => {
    let now = 0
    const attempts = countAttempts(() => now)
    const tried: boolean[] = []
    for (let i = 0; i < 11; i++) {
      tried.push(attempts.allowed('anna', '1.1.1.1'))
      if (tried.at(-1)) attempts.failed('anna', '1.1.1.1')
      now += 1000
    }
    deepStrictEqual(tried, [...Array(10).fill(true), false])
    strictEqual(attempts.allowed('anna', '2.2.2.2'), true)
    strictEqual(attempts.allowed('bert', '1.1.1.1'), true)
    now = 600_001
    strictEqual(attempts.allowed('anna', '1.1.1.1'), true, 'the first is ten minutes old')
  })

  it('are forgotten by a good one', () => {
    const attempts = countAttempts(() => 0)
    for (let i = 0; i < 9; i++) attempts.failed('anna', 'x')
    attempts.succeeded('anna', 'x')
    attempts.failed('anna', 'x')
    strictEqual(attempts.allowed('anna', 'x'), true)
  })

  it('of ever other names take no more memory than so much', () => {
    const attempts = countAttempts(() => 0)
    for (let n = 0; n < 10_001; n++) for (let i = 0; i < (n === 0 ? 10 : 1); i++) attempts.failed(`name ${n}`, 'x')
    strictEqual(attempts.allowed('name 0', 'x'), true, 'the oldest is forgotten')
  })

  it('from neighbours under IPv6 are from one place', () => {
    for (const address of ['2001:db8:1:2::1', '2001:db8:1:2:3:4:5:6', '2001:db8:1:2::'])
      strictEqual(placeOf(address), '2001:db8:1:2')
    strictEqual(placeOf('::1'), '0:0:0:0')
    strictEqual(placeOf('2001:db8::9:1:2:3:4'), '2001:db8:0:9')
    for (const address of ['10.1.2.3', '::ffff:10.1.2.3', '']) strictEqual(placeOf(address), address)
  })

  it('count by the address that the proxy in front saw, where there is said to be one', () => {
    const asked = { headers: { 'x-forwarded-for': '6.6.6.6, 7.7.7.7' }, socket: { remoteAddress: '10.0.0.1' } }
    strictEqual(clientAddress(asked, false), '10.0.0.1')
    strictEqual(clientAddress(asked, true), '7.7.7.7', 'what the client says itself comes first, and is not believed')
    strictEqual(clientAddress({ ...asked, headers: { 'x-forwarded-for': 'me' } }, true), '10.0.0.1')
    strictEqual(clientAddress({ ...asked, headers: {} }, true), '10.0.0.1')
  })
})
