/** Sending a batch: posts within the limits, one after another, each confirmed before the next; what is in is never sent again. */
import type { WriteBatch, WriteContext } from '../../../sync/contract/target.ts'
import { waitSaying } from '../../../sync/contract/wait.ts'
import type { Connection } from './connection.ts'
import { tablePath } from './datasets.ts'
import { cutPost, type Post, type PostLimits } from './post.ts'
import { createProgress, createSentRuns } from './progress.ts'
import { type TableRows, versionOf } from './rows.ts'

export interface Poster {
  /** Sends what of the batch is not in yet; resolves when all of it is. */
  send(batch: WriteBatch, tables: readonly TableRows[], context: WriteContext): Promise<void>
  /** The post of the batch whose outcome is unknown. */
  pending(batchId: string): Post | undefined
  /** It came through after all. True when it was the batch's last. */
  confirm(batchId: string): boolean
  /** Nothing more is done for the batch. */
  forget(batchId: string): void
  /** Rows of a run that are in, by table. */
  sent(run: string): ReadonlyMap<string, number>
  /** Whether a run may have sent two versions of one record. */
  twice(run: string): boolean
}

export interface PosterDeps {
  readonly connection: Connection
  readonly workspace: string
  readonly dataset: () => string
  readonly limits: PostLimits
  /** Whether a table of the dataset has, or may have, so many rows that the slower limit holds. */
  readonly big: () => boolean
  readonly took: (table: string, rows: number) => void
}

export function createPoster(deps: PosterDeps): Poster {
  const progress = createProgress()
  const runs = createSentRuns()
  /** Posts without an answer, by batch. */
  const open = new Map<string, Post>()
  /** How many posts of lists a batch has had. */
  const numbers = new Map<string, number>()

  const advance = (batchId: string, post: Post): void => {
    progress.add(post)
    deps.took(post.table.name, post.rows)
    runs.add(post)
    open.delete(batchId)
  }
  const send = async (batchId: string, post: Post, context: WriteContext): Promise<void> => {
    open.set(batchId, post)
    try {
      await sendInTurn(deps, post, context)
    } catch (error) {
      // refused for certain: cut anew at the next attempt
      if (!isUnknown(error) && !context.signal.aborted) open.delete(batchId)
      throw error
    }
    advance(batchId, post)
  }
  const nextId = (batchId: string, isHeader: boolean): string => {
    if (isHeader) return batchId
    const number = numbers.get(batchId) ?? 0
    numbers.set(batchId, number + 1)
    return `${batchId}.${number}`
  }

  return {
    async send(batch, tables, context) {
      const again = open.get(batch.id)
      if (again) await send(batch.id, again, context)
      for (const table of tables) {
        const rest = progress.left(batch, table)
        for (let from = 0; from < rest.rows.length; ) {
          const { post, end } = cutPost(nextId(batch.id, table.table.list === ''), batch, rest, from, deps.limits)
          await send(batch.id, post, context)
          from = end
        }
      }
      numbers.delete(batch.id)
      progress.end(batch.records.map(versionOf))
    },
    pending: (batchId) => open.get(batchId),
    confirm(batchId) {
      const post = open.get(batchId)
      if (!post) return false
      advance(batchId, post)
      if (post.table.list !== '') return false
      numbers.delete(batchId)
      progress.end(post.parts.keys())
      return true
    },
    forget(batchId) {
      open.delete(batchId)
      numbers.delete(batchId)
    },
    sent: (run) => runs.rows(run),
    twice: (run) => runs.twice(run),
  }
}

/** One after the other for a dataset, and no faster than its quota. */
async function sendInTurn(
  { connection, workspace, dataset, big }: PosterDeps,
  { table, body, rows }: Post,
  context: WriteContext,
): Promise<void> {
  const id = dataset()
  const { fifo, quota } = connection.line(id)
  const call = {
    method: 'POST',
    path: `${tablePath(workspace, id, table.name)}/rows`,
    body,
    what: `Rows to ${table.name}`,
    kind: 'rows',
  } as const
  const send = async (): Promise<void> => {
    for (let pause = quota.pause(rows, big()); pause; pause = quota.pause(rows, big()))
      await waitSaying(pause.ms, pause.why, context, connection.clock)
    try {
      await connection.call(call, context)
    } finally {
      // also what was refused or lost may count in Power BI's own book
      quota.took(rows)
    }
  }
  await fifo.run(id, send, context.signal)
}

const isUnknown = (error: unknown): boolean =>
  (error as { cause?: { class?: unknown } } | undefined)?.cause?.class === 'unknown-outcome'
