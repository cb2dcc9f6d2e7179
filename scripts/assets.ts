// Copies what tsc does not: html, icons and texts beside the nodes, data files beside the clients, and the templates to where Node-RED looks.
import { cpSync, existsSync, globSync, rmSync } from 'node:fs'

for (const file of globSync('{nodes,sync,ledger,monitor}/**/*.{html,svg,json,graphql}')) cpSync(file, `dist/${file}`)
rmSync('examples', { recursive: true, force: true })
if (existsSync('flows')) cpSync('flows', 'examples', { recursive: true })
