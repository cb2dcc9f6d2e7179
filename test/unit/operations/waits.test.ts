import { deepEqual } from 'node:assert/strict'
import type { NodeAPI } from 'node-red'
import type { LedgerHandle, Member } from '../../../nodes/kit/kit.ts'
import { longWaits, lookAtWaits } from '../../../nodes/operations/waits.ts'
import type { Engine, Wait } from '../../../sync/contract/engine.ts'
import { type LedgerFolder, ledgerFolder, summaryOf } from '../../support/ledger.ts'

const start = Date.parse('2026-11-30T08:00:00Z')
const at = (minutes: number): string => new Date(start + minutes * 60_000).toISOString()
const wait = (what: string, more: Partial<Wait> = {}): Wait => ({ what, since: at(0), entity: 'supplier', ...more })

describe('a wait that becomes an alert', () => {
  const long = (minutes: number, what: string, limit = 10): boolean =>
    longWaits([wait(what)], limit, start + minutes * 60_000).length > 0

  it('lasts Alert after, and a warehouse that starts at least 15 minutes', () => {
    deepEqual(
      [9.9, 10].map((minutes) => long(minutes, 'X3 cannot be reached, trying again, 5 s left')),
      [false, true],
    )
    deepEqual(
      [14.9, 15].map((minutes) => long(minutes, 'warehouse is starting, 5 s left')),
      [false, true],
    )
    deepEqual(
      [29.9, 30].map((minutes) => long(minutes, 'warehouse is starting, 5 s left', 30)),
      [false, true],
    )
  })

  it('is no work, and no turn', () => {
    for (const what of [
      'looks at what databricks://host/t holds',
      'compared 4000 keys',
      'waiting for other writes to the same table',
    ])
      deepEqual(long(100, what), false, what)
  })

  describe('in the ledger', () => {
    let folder: LedgerFolder
    afterEach(() => folder.remove())

    it('is raised under its connection, for each entity, and over with the next success alone', async () => {
      folder = ledgerFolder()
      let now = start
      const ledger = await folder.open({ now: () => now })
      const running = [
        {
          sync: 'books',
          waits: [
            wait('X3 cannot be reached, 5 s left'),
            wait('throttled, 5 s left', { entity: 'gl_entry', sink: 'warehouse' }),
          ],
        },
        { sync: 'others', waits: [wait('X3 cannot be reached, 5 s left')] },
      ]
      const engine = { ledger, running: () => running } as unknown as Engine
      const member = (kind: Member['kind'], id: string, name: string, syncName?: string) =>
        [id, { kind, ref: { id, name }, syncName }] as const
      const members = new Map([member('source', 's', 'Read', 'books'), member('sink', 'w', 'warehouse')])
      const config: Record<string, string> = { s: 'C', w: 'D' }
      const RED = {
        nodes: {
          eachNode: (each: (node: object) => void) => {
            for (const [id, connection] of Object.entries(config)) each({ id, connection })
          },
          getNode: (id: string) => ({ name: id === 'C' ? 'Sage X3' : '', type: 'databricks-connection' }),
        },
      } as unknown as NodeAPI
      const look = () =>
        lookAtWaits(
          RED,
          { members } as unknown as LedgerHandle,
          engine,
          (sync) => (sync === 'books' ? 10 : undefined),
          now,
        )
      const open = async () =>
        (await ledger.alerts({ open: true })).map(({ sync, entity, message, cause }) => [
          sync,
          entity,
          message,
          cause?.connection,
        ])
      await look()
      deepEqual(await open(), [])
      now = start + 11 * 60_000
      await look()
      await look()
      const both = [
        ['books', 'supplier', `supplier waits since ${at(0)}: X3 cannot be reached.`, 'Sage X3'],
        ['books', 'gl_entry', `gl_entry waits at warehouse since ${at(0)}: throttled.`, 'databricks-connection'],
      ]
      deepEqual(await open(), both)
      running.length = 0
      await look()
      deepEqual(await open(), both, 'a run that ended without success clears nothing')
      now = start + 20 * 60_000
      const run = { ...summaryOf('r1'), sync: 'books', mode: 'poll', state: 'done', ended: at(20) } as const
      await ledger.beginRun({ id: 'r1', sync: 'books', mode: 'poll', at: at(12) })
      await ledger.endRun(run)
      await look()
      deepEqual(await open(), [])
    })
  })
})
