/** The types of nodes that are installed, read from their html without starting anything. */
import { existsSync, globSync, readFileSync } from 'node:fs'
import { createRequire } from 'node:module'
import { dirname, join } from 'node:path'

interface Manifest {
  readonly 'node-red'?: { readonly nodes?: Readonly<Record<string, string>> }
}

/** By type the names of its secrets: of Tieout's own nodes, of Node-RED's, and of those in a user directory. */
export function installedTypes(own: string, userDir: string): Map<string, string[]> {
  const types = new Map<string, string[]>()
  for (const file of [...ofPackage(own), ...ofNodeRed(), ...ofUser(userDir)]) {
    const html = readFileSync(file, 'utf8')
    const secrets = [...html.matchAll(/(\w+):\s*\{\s*type:\s*["']password["']/g)].map(([, name = '']) => name)
    for (const [, type = ''] of html.matchAll(/registerType\(\s*["']([^"']+)["']/g)) types.set(type, secrets)
  }
  return types
}

/** The html of the nodes that a package names. */
function ofPackage(folder: string): string[] {
  const { 'node-red': red } = JSON.parse(readFileSync(join(folder, 'package.json'), 'utf8')) as Manifest
  return Object.values(red?.nodes ?? {})
    .map((file) => join(folder, file.replace(/\.c?js$/, '.html')))
    .filter((file) => existsSync(file))
}

function ofNodeRed(): string[] {
  const red = createRequire(createRequire(import.meta.url).resolve('node-red/package.json'))
  const folder = dirname(red.resolve('@node-red/nodes/package.json'))
  return globSync('core/**/*.html', { cwd: folder, exclude: ['**/locales/**'] }).map((file) => join(folder, file))
}

const ofUser = (userDir: string): string[] =>
  globSync('node_modules/{*,@*/*}/package.json', { cwd: userDir }).flatMap((file) =>
    ofPackage(join(userDir, dirname(file))),
  )
