/** `npm run flows -- check [FILE ...]`: whether flow files can be started with the variables that are set. */
import { readFileSync } from 'node:fs'
import { homedir } from 'node:os'
import { join, resolve } from 'node:path'
import { parseArgs, parseEnv } from 'node:util'
import { faultsOf } from './flows.ts'
import { installedTypes } from './types.ts'

const USAGE = `npm run flows -- check [FILE ...]   nodes known, names unique, variables set, no secret inside
                                    (flows.json in the user directory)
  --env FILE                        variables besides those of the environment: lines NAME=value
  --userDir DIR                     default: TIEOUT_USER_DIR, else ~/.node-red`

const say = (text: string): void => void process.stdout.write(`${text}\n`)

function main(): number {
  const { values, positionals } = parseArgs({
    allowPositionals: true,
    options: { userDir: { type: 'string' }, env: { type: 'string', multiple: true, default: [] } },
  })
  const [what, ...given] = positionals
  if (what !== 'check') throw new Error(USAGE)
  const userDir = resolve(values.userDir ?? process.env.TIEOUT_USER_DIR ?? join(homedir(), '.node-red'))
  const variables = Object.assign({ ...process.env }, ...values.env.map((file) => parseEnv(readFileSync(file, 'utf8'))))
  // The package: above its compiled code.
  const types = installedTypes(join(import.meta.dirname, '..', '..'), userDir)
  const files = given.length > 0 ? given : [join(userDir, 'flows.json')]
  let count = 0
  for (const file of files) {
    const faults = faultsOf(JSON.parse(readFileSync(file, 'utf8')), { types, variables })
    count += faults.length
    for (const fault of faults) say(`${file}: ${fault}`)
    if (faults.length === 0) say(`${file}: can be started`)
  }
  return count === 0 ? 0 : 1
}

try {
  process.exitCode = main()
} catch (error) {
  process.stderr.write(`${(error as Error).message}\n`)
  process.exitCode = 2
}
