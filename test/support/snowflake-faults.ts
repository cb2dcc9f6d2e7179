/** A sandbox of Snowflake in which something goes wrong, and what the tests of that have alike. */
import assert from 'node:assert/strict'
import { afterEach } from 'mocha'
import type { AuthOptions } from '../../nodes/snowflake/client/auth.ts'
import { createFaults, type FaultKind, type FaultPlan } from '../../sandbox/faults.ts'
import { SNOWFLAKE_SITES } from '../../sandbox/snowflake/server.ts'
import type { SyncError } from '../../sync/contract/errors.ts'
import type { SnowflakeFixture } from './snowflake.ts'
import { batchOf, entry, journal, two, writeContext } from './warehouse.ts'

/** A plan that plays only what is forced, quickly. */
export function plan(f: SnowflakeFixture, forced: [site: string, kind: FaultKind, times?: number][]): FaultPlan {
  const faults = createFaults('calm', 1, SNOWFLAKE_SITES, { timeoutMs: 2500, slowMs: 20, retryAfterSeconds: 0 })
  for (const [site, kind, times] of forced) faults.force(site, kind, times)
  f.sandbox.setFaults(faults)
  return faults
}

export const is = (cls: string, code: string, says: RegExp) => (error: SyncError) => {
  assert.equal(error.cause?.class, cls, error.message)
  assert.equal(error.code, code, error.message)
  assert.match(error.message, says)
  assert.doesNotMatch(JSON.stringify([error.message, error.cause]), /PRIVATE KEY|sandbox-secret|ETMsjLN/)
  return true
}

export const written = [['0.00000000', '2']]

/** To be called in a `describe`; each test starts the sandbox of its own. */
export function faultySnowflake() {
  const here = {} as { f: SnowflakeFixture }
  afterEach(() => here.f.close())

  /** Prepares and writes one journal, and tells what is stored. */
  async function writeOne(own: Parameters<SnowflakeFixture['connect']>[0] = {}, mode: 'merge' | 'append' = 'merge') {
    const context = writeContext()
    const target = here.f.target(here.f.connect(own), 'gl_entry', { mode, maxBindBytes: 0 })
    await target.prepare(journal, context)
    await target.write(batchOf('a', [entry('1', { read: 1, lines: two })]), context)
    return { context, rows: await stored(mode) }
  }
  const stored = (mode: 'merge' | 'append' = 'merge') =>
    here.f.rows(
      mode === 'merge'
        ? `SELECT CAST(SUM(AMOUNT) AS VARCHAR), COUNT(*) FROM ${here.f.sandbox.database}.${here.f.sandbox.schema}.GL_ENTRY_LINE`
        : `SELECT 'append', COUNT(*) FROM ${here.f.sandbox.database}.${here.f.sandbox.schema}.GL_ENTRY`,
    )
  const auth = (more: Partial<Extract<AuthOptions, { kind: 'keyPair' }>>): AuthOptions => ({
    kind: 'keyPair',
    user: here.f.sandbox.user,
    privateKey: here.f.sandbox.privateKeyPem,
    passphrase: here.f.sandbox.passphrase,
    ...more,
  })
  return Object.assign(here, { writeOne, stored, auth })
}
