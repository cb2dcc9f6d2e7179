import { deepStrictEqual, match, ok } from 'node:assert'
import { spawnSync } from 'node:child_process'
import { readFileSync } from 'node:fs'
import { delimiter } from 'node:path'
import { closingLine, countedRun, orderOf } from '../../../scripts/test.ts'

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

  describe('a part of all tests', () => {
    const part = async (script: string) => {
      const lines: string[] = []
      const counts = await countedRun(['-e', script], (line) => lines.push(line), 500)
      return { counts, lines }
    }

    it('is told in full, failures too, and counted by its closing line', async () => {
      const script = `console.log('a failure'); console.error('a warning'); console.log('${closingLine([5, 2, 1])}'); process.exitCode = 2`
      const { counts, lines } = await part(script)
      deepStrictEqual(counts, [5, 2, 1])
      deepStrictEqual(lines.toSorted(), ['a failure', 'a warning'])
    })

    it('fails where it ends before it has counted, or badly without a failure', async () => {
      const killed = await part(`process.kill(process.pid, 'SIGKILL')`)
      deepStrictEqual(killed.counts, [0, 1, 0])
      match(killed.lines.join(), /ended with SIGKILL before it had counted/)
      const bad = await part(`console.log('${closingLine([5, 0, 0])}'); process.exitCode = 7`)
      deepStrictEqual(bad.counts, [5, 1, 0])
      match(bad.lines.join(), /ended with 7 and counts no failure/)
    })

    it('does not wait for a process that a test left behind', async () => {
      const left = `spawn(process.execPath, ['-e', 'setTimeout(() => {}, 60_000)'], { stdio: 'inherit', detached: true })`
      const { counts, lines } = await part(
        `const { spawn } = require('child_process'); const left = ${left}; console.log(left.pid); console.log('${closingLine([1, 0, 0])}'); process.exit()`,
      )
      process.kill(Number(lines[0]))
      deepStrictEqual(counts, [1, 0, 0])
    })
  })
})
