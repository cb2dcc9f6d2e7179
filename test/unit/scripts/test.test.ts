import { deepStrictEqual, match, ok } from 'node:assert'
import { spawnSync } from 'node:child_process'
import { readFileSync } from 'node:fs'
import { delimiter } from 'node:path'
import { orderOf } from '../../../scripts/test.ts'

/** As a person types it: npm of the machine, without what an npm around this one has put into the path. */
function npmTest(...args: string[]): { readonly status: number | null; readonly out: string } {
  const { TIEOUT_STATEMENTS: _, ...rest } = process.env
  const PATH = (process.env.PATH ?? '')
    .split(delimiter)
    .filter((folder) => !folder.includes('node_modules'))
    .join(delimiter)
  const { status, stdout, stderr } = spawnSync('npm', ['test', '--', ...args], {
    env: { ...rest, PATH },
    encoding: 'utf8',
  })
  return { status, out: `${stdout}${stderr}` }
}

describe('npm test', () => {
  it('runs the one file that is named, on the Node of the package', () => {
    const { status, out } = npmTest('./test/unit/scripts/one.ts')
    deepStrictEqual(status, 0, out)
    const { devDependencies } = JSON.parse(readFileSync('package.json', 'utf8')) as {
      devDependencies: { node: string }
    }
    ok(out.includes(`runs on Node ${devDependencies.node}\n`), out)
    match(out, /^1 passed, 0 failed$/m)
  })

  it('does not run all tests for a name that is not there', () => {
    const { status, out } = npmTest('test/unit/no-such.test.ts')
    deepStrictEqual(status, 1)
    match(out, /No test files found/)
  })

  it('takes all tests without a name, and builds for those that load what was built', () => {
    const all = { tests: ['test/**/*.test.ts'], options: [], build: true }
    deepStrictEqual(orderOf([]), all)
    deepStrictEqual(orderOf(['-g', 'cents']), { ...all, options: ['-g', 'cents'] })
    deepStrictEqual(orderOf(['./test/unit/', 'test/contract/x3-client.test.ts', '--bail']), {
      tests: ['test/unit/**/*.test.ts', 'test/contract/x3-client.test.ts'],
      options: ['--bail'],
      build: false,
    })
    ok(orderOf(['test/unit', 'test/runtime/start.test.ts']).build)
  })
})
