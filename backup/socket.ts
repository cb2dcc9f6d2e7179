/**
 * A ledger is open in one process alone. Whoever wants a copy of it asks that process, over a socket beside the file that only
 * its owner may use.
 */
import { once } from 'node:events'
import { rmSync } from 'node:fs'
import { connect, createServer, type Socket } from 'node:net'
import { text } from 'node:stream/consumers'
import { z } from 'zod'
import { syncError } from '../sync/contract/errors.ts'

/** Addresses of sockets end here on most systems. */
const LONGEST = 100

const answer = z.union([z.object({ copy: z.string() }), z.object({ problem: z.string() })])

export const socketOf = (ledger: string): string => `${ledger}.sock`

/** Answers whoever asks with the name of a new copy, which is his to take away. `copyTo`: as `Copies`. Resolves to what ends it. */
export async function serveCopies(
  ledger: string,
  copyTo: (file: string) => Promise<void>,
): Promise<() => Promise<void>> {
  const address = socketOf(ledger)
  if (Buffer.byteLength(address) > LONGEST || process.platform === 'win32') return async () => undefined
  // One that a killed process left behind.
  rmSync(address, { force: true })
  let made = 0
  const tell = async (socket: Socket): Promise<void> => {
    const copy = `${ledger}.copy-${process.pid}-${++made}`
    try {
      await copyTo(copy)
      socket.end(JSON.stringify({ copy }))
    } catch (error) {
      rmSync(copy, { force: true })
      socket.end(JSON.stringify({ problem: (error as Error).message }))
    }
  }
  const server = createServer((socket) => {
    socket.on('error', () => socket.destroy())
    void tell(socket)
  })
  const before = process.umask(0o077)
  server.listen(address)
  process.umask(before)
  await once(server, 'listening')
  server.unref()
  return async () => {
    await new Promise((resolve) => server.close(resolve))
  }
}

/** The new copy that the process made which has the ledger open; undefined: none answers. Throws with its words where it could not. */
export async function askForCopy(ledger: string): Promise<string | undefined> {
  const socket = connect(socketOf(ledger))
  try {
    await once(socket, 'connect')
  } catch (error) {
    if (['ENOENT', 'ECONNREFUSED', 'EINVAL'].includes((error as { code?: string }).code ?? '')) return undefined
    throw error
  }
  const told = answer.parse(JSON.parse(await text(socket)))
  if ('copy' in told) return told.copy
  throw syncError('config', 'ledger.copy', `${ledger} could not be copied: ${told.problem}`, {
    hint: 'See that the disk has room for a second one.',
  })
}
