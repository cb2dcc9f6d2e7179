/** The config node that holds a ledger and its engine for all nodes that count there. */
import type { Node, NodeAPI, NodeDef } from 'node-red'
import type { z } from 'zod'
import type { Engine } from '../../sync/contract/engine.ts'
import type { ReportLine } from '../../vendor/report.ts'
import { type ConfigSpec, type Fields, readWhole, registration } from './config.ts'
import { testRoute } from './connection.ts'
import { asSyncError } from './errors.ts'
import type { Log } from './log.ts'
import { type LedgerHandle, ledgerHandle, offer } from './members.ts'
import { drainMs } from './node.ts'
import { shared } from './shared.ts'
import { environment, readSecrets, type Values } from './variables.ts'

export interface LedgerSpec<S extends Fields, K extends Fields> extends ConfigSpec<S> {
  readonly type: string
  readonly credentials: K
  /** Opens the ledger and makes its engine: once, on first use. */
  readonly open: (
    config: z.output<S>,
    credentials: z.output<K>,
    context: { readonly id: string; readonly log: Log },
  ) => Promise<Engine>
  /** What its dialog's button says of unsaved values. */
  readonly test: (
    config: z.output<S>,
    credentials: z.output<K>,
    context: { readonly id: string },
  ) => Promise<readonly ReportLine[]>
}

/** Registers the ledger's config node. The engine is opened on first use and closed last: after every node that counts there has drained. */
export function defineLedger<S extends Fields, K extends Fields>(RED: NodeAPI, spec: LedgerSpec<S, K>): void {
  RED.nodes.registerType(
    spec.type,
    function (this: Node<Record<string, string>>, stored: NodeDef) {
      RED.nodes.createNode(this, stored)
      const log: Log = {
        debug: (text) => this.debug(text),
        info: (text) => this.log(text),
        warn: (text) => this.warn(text),
        error: (text) => this.error(text),
      }
      const engine = shared<Engine>(
        () => {
          const lookup = environment(RED, this)
          const values = stored as unknown as Values
          const secrets = readSecrets(Object.keys(spec.credentials.shape), values, this.credentials ?? {}, lookup)
          const { config, credentials } = readWhole(spec, spec.credentials, values, secrets, lookup)
          return spec.open(config, credentials, { id: this.id, log })
        },
        (value) => value.close(),
      )
      offer(this, { kind: 'ledger', engine, members: new Map() } satisfies LedgerHandle)
      this.on('close', (_removed: boolean, done: () => void) => {
        // A second more than connections get: a sink's last settlement is written after its driver is done.
        void engine
          .close(drainMs(RED) + 1250)
          .catch((error: unknown) => log.error(asSyncError(error).message))
          .finally(done)
      })
    },
    registration(spec, Object.keys(spec.credentials.shape)),
  )
  testRoute(RED, spec, spec.credentials, spec.test)
}

/** The live ledgers, by id; none is opened. */
export function ledgersOf(RED: NodeAPI, type: string): Map<string, LedgerHandle> {
  const found = new Map<string, LedgerHandle>()
  RED.nodes.eachNode((node) => {
    if (node.type !== type) return
    try {
      found.set(node.id, ledgerHandle(RED, node.id))
    } catch {
      // Disabled, or in a subflow that has no instance.
    }
  })
  return found
}
