import assert from 'node:assert/strict'
import { setImmediate as turn } from 'node:timers/promises'
import { describe, it } from 'mocha'
import { openLedger } from '../../../ledger/open.ts'

describe('decisions in the log', () => {
  it('stand there in one line, with who, why and where they are found, and without any record', async () => {
    const lines: string[] = []
    const log = { info: (text: string) => void lines.push(text), warn: () => undefined, error: () => undefined }
    const ledger = await openLedger({ file: ':memory:', key: 'k', log })
    const about = { sync: 's', entity: 'gl_entry', sink: 'a', about: 'erp|1 EUR 5.00' }
    await ledger.decide({ by: 'jane', reason: 'seen\n2026-01-01 all is well', kind: 'in-doubt', ...about })
    await turn()
    const [decision] = await ledger.decisions({})
    assert.deepEqual(lines, [
      `decision in-doubt by "jane": "seen\\n2026-01-01 all is well" (sync "s", gl_entry, ${decision?.id})`,
    ])
    await ledger.close()
  })

  it('are kept for ten years, or as long as the setting says, whatever the retention of records', async () => {
    let now = Date.parse('2026-03-01T08:00:00Z')
    const ledger = await openLedger({ file: ':memory:', key: 'k', now: () => now })
    const about = { sync: 's', entity: 'gl_entry', sink: 'a', about: 'erp|1 EUR 5.00' }
    await ledger.decide({ by: 'jane', reason: 'seen', kind: 'in-doubt', ...about })
    const kept = async (year: string, years?: number) => {
      now = Date.parse(`${year}-02-20T08:00:00Z`)
      await ledger.purge(1, years)
      return (await ledger.decisions({})).length
    }
    assert.deepEqual([await kept('2036'), await kept('2033', 7), await kept('2037', 11)], [1, 1, 1])
    assert.equal(await kept('2037'), 0)
    await ledger.close()
  })
})
