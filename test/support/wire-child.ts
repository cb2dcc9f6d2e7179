/** One question of each client in a process of its own: NODE_EXTRA_CA_CERTS is read when a process starts. */
import { text } from 'node:stream/consumers'
import { askOnce, CLIENTS, type To } from './wire-clients.ts'

const tos = JSON.parse(await text(process.stdin)) as To[]
const codes: (readonly [client: string, codes: readonly (string | undefined)[]])[] = []
for (const client of Object.keys(CLIENTS)) {
  const found: (string | undefined)[] = []
  for (const to of tos) found.push((await askOnce(client, to))?.code)
  codes.push([client, found])
}
process.stdout.write(JSON.stringify(codes))
