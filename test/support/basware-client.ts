/** The client of Basware against its sandbox, both under one clock. */
import { type BaswareConnection, createBaswareConnection } from '../../nodes/basware/client/connection.ts'
import type { BaswareOptions } from '../../nodes/basware/client/options.ts'
import type { BaswareOptions as SandboxOptions } from '../../sandbox/basware/server.ts'
import { type BaswareFixture, START, startBaswareFixture } from './basware.ts'

export interface BaswareRig extends BaswareFixture {
  readonly connection: BaswareConnection
  /** Another connection to the same tenant. */
  connect(more?: Partial<BaswareOptions>): BaswareConnection
  /** The options that it is made of. */
  options(more?: Partial<BaswareOptions>): BaswareOptions
  now(): number
}

export async function startBaswareRig(
  sandbox: Partial<SandboxOptions> = {},
  more: Partial<BaswareOptions> = {},
): Promise<BaswareRig> {
  let time = START
  const now = (): number => time
  const fixture = await startBaswareFixture({ clock: { now }, now, ...sandbox })
  const { url, clientId, clientSecret } = fixture.sandbox
  const options = (own: Partial<BaswareOptions> = {}): BaswareOptions => ({
    ...{ url, source: 'basware', redirectHosts: ['127.0.0.1'], now },
    auth: { kind: 'oauth', clientId, clientSecret },
    retry: { firstDelayMs: 1, totalMs: 2000 },
    ...more,
    ...own,
  })
  const connections: BaswareConnection[] = []
  const connect = (own: Partial<BaswareOptions> = {}): BaswareConnection => {
    const connection = createBaswareConnection(options(own))
    connections.push(connection)
    return connection
  }
  return {
    ...{ ...fixture, connect, options, now },
    connection: connect(),
    pass(ms) {
      time += ms
    },
    async close() {
      await Promise.all(connections.map((connection) => connection.close()))
      await fixture.close()
    },
  }
}
