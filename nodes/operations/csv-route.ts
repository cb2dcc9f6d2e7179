/** The guarded admin route that gives the sidebar's lists as a file: of one ledger, or of all. */
import type { NodeAPI } from 'node-red'
import { z } from 'zod'
import { syncError } from '../../sync/contract/errors.ts'
import { csvOf, fileAnswer, handle, ledgersOf } from '../kit/kit.ts'
import { text } from './asked.ts'
import { CSV_LISTS, type CsvList, type Wanted } from './csv-lists.ts'

type Name = keyof typeof CSV_LISTS
const names = Object.keys(CSV_LISTS) as [Name, ...Name[]]

export function defineCsvRoute(RED: NodeAPI): void {
  RED.httpAdmin.get(
    '/tieout/csv',
    RED.auth.needsPermission('tieout.read'),
    handle(
      z.object({ list: z.enum(names), ledger: text, sync: text, entity: text }),
      async ({ list, ledger, ...wanted }, { signal }) => {
        const csv = await listed(RED, list, ledger, { ...wanted, signal }).catch((error: unknown) => {
          if (!signal.aborted) throw error
          throw syncError('config', 'tieout.csv', 'There is more than can be read within a minute', {
            hint: 'Ask for one sync, or one entity.',
          })
        })
        return fileAnswer(`${list}-${new Date().toISOString().slice(0, 10)}.csv`, 'text/csv', csv)
      },
    ),
  )
}

async function listed(RED: NodeAPI, list: Name, ledger: string | undefined, wanted: Wanted): Promise<string> {
  const handles = ledgersOf(RED, 'sync-ledger')
  if (ledger !== undefined && !handles.has(ledger))
    throw syncError('config', 'tieout.ledger', `There is no sync-ledger ${ledger}`)
  const all: CsvList[] = []
  for (const [id, { engine }] of handles) {
    if (ledger !== undefined && id !== ledger) continue
    const own = await CSV_LISTS[list]((await engine.get()).ledger, wanted)
    const name = RED.nodes.getNode(id)?.name || id
    all.push({ ...own, lines: own.lines.map((line) => ({ ledger: name, ...line })) })
  }
  const together = (of: (one: CsvList) => readonly string[]): string[] => [...new Set(all.flatMap(of))]
  return csvOf(
    ['ledger', ...together(({ columns }) => columns)],
    all.flatMap(({ lines }) => lines),
    together(({ amounts }) => amounts),
  )
}
