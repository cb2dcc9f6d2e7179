import { equal } from 'node:assert/strict'
import { hostAnswered, isWrongHost } from '../../../vendor/hosts.ts'

describe('a host whose name is not found', () => {
  it('is wrong after a minute, in each run anew', () => {
    const host = 'never.example'
    equal(isWrongHost(host, 0), false)
    equal(isWrongHost(host, 59_000), false)
    equal(isWrongHost('NEVER.example', 60_000), true)
    equal(isWrongHost(host, 200_000), false, 'the next run looks for it again')
    equal(isWrongHost(host, 260_000), true)
  })

  it('is out where it has answered before, however long', () => {
    const host = 'once.example'
    equal(isWrongHost(host, 0), false)
    hostAnswered('Once.Example')
    equal(isWrongHost(host, 10), false)
    equal(isWrongHost(host, 80_000), false)
    equal(isWrongHost(host, 10_000_000), false)
  })
})
