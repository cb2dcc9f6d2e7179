/** sync-ledger: the durable record that the nodes of a sync share, and the engine on it. */
import { randomBytes } from 'node:crypto'
import { existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs'
import { dirname, isAbsolute, join } from 'node:path'
import type { NodeAPI } from 'node-red'
import { z } from 'zod'
import { serveCopies } from '../../backup/socket.ts'
import { openLedger } from '../../ledger/open.ts'
import type { Engine } from '../../sync/contract/engine.ts'
import { syncError } from '../../sync/contract/errors.ts'
import { budgetOf, createEngine } from '../../sync/create.ts'
import { tellHeldBefore } from '../../sync/run/told-before.ts'
import { whileBusy } from '../../watchdog/watchdog.ts'
import { defineLedger, field, keepHosts } from '../kit/kit.ts'
import { defineHealthRoutes } from './health.ts'
import { defineMonitorRoutes } from './monitor-routes.ts'
import { defineSyncRoutes } from './sync-routes.ts'

const config = z.object({
  file: field.optional(),
  retentionDays: field.number(90, 7, 3650),
  decisionYears: field.number(10, 1, 100),
})
// Trimmed, as in all versions: what is encrypted opens with the same key only.
const credentials = z.object({ key: field.optional() })

/** Below it batches are mostly overhead. */
const LEAST_MB = 16

const DAY = 24 * 3600 * 1000

/** MB of memory for records on their way, from TIEOUT_BUDGET_MB; undefined: the engine's default. */
function budgetMb(text = process.env.TIEOUT_BUDGET_MB): number | undefined {
  if (text === undefined || text.trim() === '') return undefined
  const megabytes = Number(text)
  if (Number.isInteger(megabytes) && megabytes >= LEAST_MB) return megabytes
  throw syncError(
    'config',
    'ledger.budget',
    `TIEOUT_BUDGET_MB: "${text}" is no whole number of MB from ${LEAST_MB} on.`,
    {
      hint: 'Take the variable away for the default, or correct it, and start again.',
    },
  )
}

export default function (RED: NodeAPI): void {
  const settings = RED.settings as { userDir?: string; credentialSecret?: unknown }
  const fileOf = ({ file }: z.output<typeof config>, id: string): string => {
    const home = settings.userDir ?? process.cwd()
    return file ? (isAbsolute(file) ? file : join(home, file)) : join(home, 'tieout', `${id}.db`)
  }

  /** Of all ledgers of the process. */
  let budget: ReturnType<typeof budgetOf> | undefined

  defineLedger(RED, {
    type: 'sync-ledger',
    version: 1,
    config,
    credentials,
    async open(own, { key }, { id, log }) {
      budget ??= budgetOf(budgetMb())
      const file = fileOf(own, id)
      const secret = key || derivedKey(settings.credentialSecret) || keyFile(file)
      const ledger = await whileBusy(() => openLedger({ file, key: secret, log }))
      await tellHeldBefore(ledger)
      const endCopies = await serveCopies(file, (copy) => whileBusy(() => ledger.copyTo(copy))).catch(
        (error: unknown) => {
          log.warn(`npm run ledger cannot copy this ledger while Tieout runs: ${String(error)}`)
        },
      )
      const tidy = (): void => {
        ledger
          .purge(own.retentionDays, own.decisionYears)
          .catch((error: unknown) => log.warn(`Old entries could not be removed: ${String(error)}`))
      }
      tidy()
      const daily = setInterval(tidy, DAY).unref()
      const forget = await keepHosts(ledger, (error) => log.warn(`A host could not be kept: ${String(error)}`))
      const engine = createEngine({ ledger, log, budget })
      return {
        ...engine,
        async close() {
          clearInterval(daily)
          forget()
          await endCopies?.()
          await engine.close()
        },
      } satisfies Engine
    },
    async test(own, _credentials, { id }) {
      const file = fileOf(own, id)
      return [
        {
          ok: true,
          text: existsSync(file) ? `The ledger is ${file}` : `The ledger will be made at the first start: ${file}`,
        },
      ]
    },
  })
  defineMonitorRoutes(RED)
  defineSyncRoutes(RED)
  defineHealthRoutes(RED)
}

/** Node-RED's own secret is the root of the ledger's: who may decrypt the one may decrypt the other. */
const derivedKey = (secret: unknown): string | undefined =>
  typeof secret === 'string' && secret !== '' ? `credentialSecret:${secret}` : undefined

/** A plain Node-RED without a secret of its own: a key beside the ledger, readable by its owner alone. */
function keyFile(ledger: string): string {
  const file = `${ledger}.key`
  if (existsSync(file)) return readFileSync(file, 'utf8').trim()
  const key = randomBytes(32).toString('hex')
  mkdirSync(dirname(file), { recursive: true })
  writeFileSync(file, `${key}\n`, { mode: 0o600, flag: 'wx' })
  return key
}
