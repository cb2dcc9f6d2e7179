/** A node's hold on a connection config node: counted, released after the node has drained. */
import type { NodeAPI } from 'node-red'
import { connectionHandle } from './members.ts'
import type { NodeContext } from './node.ts'

/**
 * The shared client behind a config field. Counts the node in at once, so that the config node's close waits for it;
 * throws a `config` error when the field names no such node.
 */
export function useConnection<Client>(
  context: Pick<NodeContext<unknown>, 'RED' | 'atClose'>,
  id: unknown,
  type: string,
  field = 'connection',
): () => Promise<Client> {
  const { client } = connectionHandle<Client>(context.RED, id, type, field)
  context.atClose(client.use())
  return () => client.get()
}

/** What a connection lacks is said at the deploy, not first by a run in the night: throws the `config` error of its field. */
export function checkConnection(RED: NodeAPI, id: unknown, type: string): void {
  connectionHandle(RED, id, type).values()
}
