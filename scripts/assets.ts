// Copies what tsc does not: html, icons and texts beside the nodes, data files beside the clients, and the templates to where Node-RED looks.
import { cpSync, existsSync, globSync, mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { dirname } from 'node:path'
import { withRows } from './include.ts'

for (const file of globSync('{nodes,sync,ledger,monitor}/**/*.{svg,json,graphql}')) cpSync(file, `dist/${file}`)
for (const file of globSync('{nodes,monitor}/**/*.html', { exclude: ['**/rows/**'] })) {
  mkdirSync(dirname(`dist/${file}`), { recursive: true })
  writeFileSync(`dist/${file}`, withRows(readFileSync(file, 'utf8')))
}
rmSync('examples', { recursive: true, force: true })
if (existsSync('flows')) cpSync('flows', 'examples', { recursive: true })
