import assert from 'node:assert/strict'
import type { LoggedRequest } from '../../sandbox/powerbi/api.ts'
import { type PowerbiCaller, startPowerbiCaller } from './powerbi-caller.ts'

export const code = (body: unknown): unknown => (body as { error?: { code?: unknown } }).error?.code

/** The sandbox, and in `requests` all that it is asked. */
export const startChecked = (requests: LoggedRequest[]): Promise<PowerbiCaller> =>
  startPowerbiCaller({
    workspaces: [{ name: 'Finance' }, { name: 'Hidden', role: 'none' }, { name: 'Read only', role: 'Viewer' }],
    onRequest: (made) => void requests.push(made),
  })

/** The published contract, or the end of the test with a line that says why. */
export function contractOr(test: Mocha.Context, { contract }: PowerbiCaller): NonNullable<PowerbiCaller['contract']> {
  if (contract) return contract
  console.log('      the published contract is not beside the project: nothing to check against')
  return test.skip()
}

/**
 * To be called last: a block of its own runs after the others, and everything that they sent is looked at,
 * more than `least` requests.
 */
export function checkRequests(bi: () => PowerbiCaller, requests: readonly LoggedRequest[], least: number): void {
  describe('the published contract', () => {
    it('allows every request that was taken', function () {
      const contract = contractOr(this, bi())
      const done = requests.filter(
        ({ status, path }) => status >= 200 && status < 300 && !path.includes('sequenceNumbers'),
      )
      const faults = done.flatMap((made) =>
        contract.request(made).map((fault) => `${made.method} ${made.path}: ${fault}`),
      )
      assert.deepEqual(faults, [])
      assert.ok(done.length > least, `${done.length} requests`)
      assert.notDeepEqual(
        contract.request({ method: 'POST', path: '/v1.0/myorg/groups/g/datasets', body: { tables: [] } }),
        [],
      )
      assert.notDeepEqual(
        contract.request({ method: 'GET', path: '/v1.0/myorg/groups?$orderby=name', body: undefined }),
        [],
      )
    })
  })
}
