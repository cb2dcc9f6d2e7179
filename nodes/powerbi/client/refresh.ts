/** A refresh of a dataset that stands on a warehouse: started, and followed to its end. */
import { z } from 'zod'
import { isSyncError, type SyncError, syncError } from '../../../sync/contract/errors.ts'
import type { WriteContext } from '../../../sync/contract/target.ts'
import { timeText, waitSaying } from '../../../sync/contract/wait.ts'
import type { Connection } from './connection.ts'
import { datasetPath } from './datasets.ts'

const entry = z.object({
  requestId: z.string().default(''),
  status: z.string().default('Unknown'),
  extendedStatus: z.string().optional(),
  startTime: z.string().default(''),
  endTime: z.string().optional(),
  serviceExceptionJson: z.string().optional(),
})
type Entry = z.output<typeof entry>
// a sample of the documentation is a bare array; recordings have `value`
const history = z
  .union([z.object({ value: z.array(entry) }), z.array(entry)])
  .transform((list) => ('value' in list ? list.value : list))

export interface RefreshOptions {
  readonly workspace: string
  readonly dataset: string
  /** Between two looks at it. */
  readonly pollMs: number
  /** After this the node no longer waits; the refresh itself goes on. */
  readonly longestMs: number
}

/** `msg.refresh` of output 1. */
export interface RefreshResult {
  readonly dataset: string
  readonly requestId: string
  readonly status: 'Completed'
  readonly startTime: string
  readonly endTime?: string
}

const isOver = ({ status }: Entry): boolean => !['Unknown', 'InProgress', 'NotStarted'].includes(status)

/** Starts a refresh, behind one that is running, and resolves when it is done. Throws when it failed, was refused, or takes too long. */
export async function refreshDataset(
  connection: Connection,
  options: RefreshOptions,
  context: WriteContext,
): Promise<RefreshResult> {
  const { clock } = connection
  const path = `${datasetPath(options.workspace, options.dataset)}/refreshes`
  const until = clock.now() + options.longestMs
  const what = `Refresh of the dataset ${options.dataset}`
  const read = async (): Promise<readonly Entry[]> =>
    history.parse(await connection.json({ method: 'GET', path: `${path}?$top=10`, what, kind: 'call' }, context))
  const pause = async (why: string): Promise<void> => {
    if (clock.now() >= until)
      throw syncError('transient', 'powerbi.refresh-long', `${what}: not over after ${timeText(options.longestMs)}.`, {
        hint: 'It goes on by itself in Power BI; look at its refresh history, or allow more time in the node.',
      })
    await waitSaying(options.pollMs, why, context, clock)
  }

  let before = new Set((await read()).map(({ requestId }) => requestId))
  for (;;) {
    try {
      await connection.call(
        { method: 'POST', path, body: JSON.stringify({ notifyOption: 'NoNotification' }), what, kind: 'call' },
        context,
      )
      break
    } catch (error) {
      if (!isBusy(error)) throw error
      await pause('another refresh is running')
      before = new Set((await read()).map(({ requestId }) => requestId))
    }
  }
  for (;;) {
    // a standard refresh tells no id: it is the one that was not there before
    const mine = (await read()).find(({ requestId }) => !before.has(requestId))
    if (mine && isOver(mine)) {
      if (mine.status !== 'Completed') throw failed(what, mine)
      const { requestId, startTime, endTime } = mine
      return { dataset: options.dataset, requestId, status: 'Completed', startTime, ...(endTime ? { endTime } : {}) }
    }
    await pause('refreshing')
  }
}

/** "Already running" is 400 or 409, depending on the year of the documentation. */
const isBusy = (error: unknown): error is SyncError => {
  if (!isSyncError(error) || error.code === 'powerbi.refresh-cap') return false
  const { httpStatus, vendorText = '', vendorCode = '' } = error.cause
  if (httpStatus === 409) return true
  return (
    httpStatus === 400 &&
    /progress|running|already|another refresh|RefreshInProgress/i.test(`${vendorCode} ${vendorText}`)
  )
}

function failed(what: string, { status, serviceExceptionJson }: Entry): SyncError {
  let code = ''
  try {
    const json = JSON.parse(serviceExceptionJson ?? '{}') as { errorCode?: unknown; errorDescription?: unknown }
    code = [json.errorCode, json.errorDescription].filter((part) => typeof part === 'string' && part !== '').join(': ')
  } catch {
    code = (serviceExceptionJson ?? '').slice(0, 300)
  }
  return syncError('config', 'powerbi.refresh-failed', `${what}: ${status}${code ? ` (${code})` : ''}.`, {
    vendorCode: status,
    ...(code ? { vendorText: code } : {}),
    hint: "Open the dataset's refresh history in Power BI: often the credentials of its data source have to be entered again.",
  })
}
