import assert from 'node:assert/strict'
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { openRun } from '../../../support/engine-child.ts'
import { sums } from '../../../support/rig.ts'

const child = fileURLToPath(new URL('../../../support/engine-child.ts', import.meta.url))

describe('a run killed with -9', () => {
  let folder: string
  beforeEach(() => {
    folder = mkdtempSync(join(tmpdir(), 'tieout-kill-'))
  })
  afterEach(() => rmSync(folder, { recursive: true, force: true }))

  /** `cursor`: where the next run must go on, as far as that is certain. */
  const moments: { moment: string; time: number; what: string; cursor?: string | null }[] = [
    { moment: 'page', time: 1, what: 'before the first page came', cursor: null },
    { moment: 'page', time: 4, what: 'in the middle of reading' },
    { moment: 'send', time: 1, what: 'before the first write', cursor: null },
    { moment: 'committed', time: 1, what: 'when the target has a batch that the ledger does not know', cursor: null },
    { moment: 'settled', time: 1, what: 'after batch 1 was settled', cursor: 'erp|S09' },
    { moment: 'committed', time: 4, what: 'when the target is a batch ahead', cursor: 'erp|S29' },
    { moment: 'settled', time: 6, what: 'after the last batch was settled, before the mark' },
    { moment: 'mark', time: 1, what: 'before the mark was written' },
    { moment: 'marked', time: 1, what: 'after the mark was written, before the run ended' },
  ]
  for (const { moment, time, what, cursor } of moments)
    it(`${what}: the next run goes on in the same window, loses nothing and doubles nothing`, async () => {
      const running = spawn(process.execPath, [child, folder, moment, String(time)], { stdio: 'inherit' })
      const [, signal] = await once(running, 'close')
      assert.equal(signal, 'SIGKILL', 'the moment came')

      const r = await openRun(folder)
      const before = await r.ledger.position('s', 'supplier')
      r.source.clockIs('2026-03-01T12:00:00Z')
      const summary = await r.poll({ limits: { batchRows: 10 } })
      assert.equal(summary.state, 'done', JSON.stringify(summary.errors))
      if (before?.window) assert.equal(r.source.asked[0]?.bound, '2026-03-01T08:00:00Z', 'the window of the killed run')
      if (cursor !== undefined) assert.equal(r.source.asked[0]?.cursor, cursor)
      const target = r.target('supplier')
      const stored = [...target.stored].map(([key, { record }]) => [key, record.name]).sort()
      assert.deepEqual(stored, [...r.source.all('supplier')].map(([key, row]) => [key, row.name]).sort())
      const again = sums(summary, 'supplier')
      assert.equal(again.ties, true)
      // Of what was settled nothing is sent again.
      const killed = (await r.ledger.runs({})).find((run) => run.state === 'died')
      const settled = killed?.entities[0]?.delivered ?? 0
      assert.ok(settled + again.delivered <= 60, `${settled} and ${again.delivered}`)
      await r.close()
    })
})
