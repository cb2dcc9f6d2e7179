/** Sinks that post or are followed and sources that answer, as the engine gets to know them while they are deployed. */
import { asSyncError, syncError } from '../../sync/contract/errors.ts'
import type { PostTarget } from '../../sync/contract/posting.ts'
import type { Source } from '../../sync/contract/source.ts'
import type { Target } from '../../sync/contract/target.ts'
import { type LedgerHandle, type Member, reachable } from './members.ts'
import type { NodeContext } from './node.ts'

/** What was posted by the node is looked after until it is closed, and a source that cannot be asked turns it red. */
export async function attendSink(
  context: NodeContext<unknown>,
  target: (entity: string) => Promise<Target | PostTarget>,
): Promise<void> {
  const { RED, id, name, status, log, signal } = context
  const check = (): void => {
    const deaf = deafSources(context, context.ledger())
    if (deaf.length === 0) return
    const error = noAnswers(deaf)
    status.failed(error)
    log.error(error.message)
  }
  RED.events.on('flows:started', check)
  context.atClose(() => void RED.events.off('flows:started', check))
  const engine = await context.engine()
  if (signal.aborted) return
  const posting = async (entity: string): Promise<PostTarget> => {
    const found = await target(entity)
    if (found.mode === 'post') return found
    throw syncError('config', 'tieout.posting', `${name} does not post ${entity}`)
  }
  context.atClose(engine.attendSink({ ref: { id, name }, target: posting }))
}

/** What the node's targets have accepted is followed until it is closed. */
export async function followResults(
  context: NodeContext<unknown>,
  target: (entity: string) => Promise<Target | PostTarget>,
): Promise<void> {
  const { id, name, signal } = context
  const engine = await context.engine()
  if (signal.aborted) return
  const following = async (entity: string): Promise<Target> => {
    const found = await target(entity)
    if (found.mode !== 'post') return found
    throw syncError('config', 'tieout.posting', `${name} posts ${entity}`)
  }
  context.atClose(engine.followResults({ ref: { id, name }, target: following }))
}

/** What the node's targets were sent before it was started, and nobody heard of, is asked about. */
export async function resumeAppends(
  context: NodeContext<unknown>,
  target: (entity: string) => Promise<Target | PostTarget | undefined>,
): Promise<void> {
  const { id, name, signal, log } = context
  try {
    const engine = await context.engine()
    if (!signal.aborted) await engine.resumeAppends({ ref: { id, name }, target, signal })
  } catch (error) {
    // The ledger cannot be opened, or was closed: the node says so where it needs it.
    if (!signal.aborted) log.warn(asSyncError(error).message)
  }
}

/** Throws where nothing behind a source that answers posts: what it takes over would be taken from everybody else. */
export function needsPosting(members: readonly Member[], name: string): void {
  if (members.some(({ kind, posts }) => kind === 'sink' && posts)) return
  throw syncError('config', 'sync.post-sink', `${name} reaches no node that posts, so that nothing is taken over`, {
    field: 'wires',
    hint: 'What it takes over must be posted and answered. Wire a node that posts, such as x3-post, to its first output, and deploy both.',
  })
}

/** Its documents are asked about and answered, with or without a run. */
export async function attendSource(
  context: NodeContext<unknown>,
  sync: string,
  open: (signal: AbortSignal) => Promise<Source>,
): Promise<void> {
  const engine = await context.engine()
  if (!context.signal.aborted) context.atClose(engine.attendSource({ sync, open }))
}

/** Sources whose records arrive at the node and that cannot be asked whether one still waits. */
function deafSources({ RED, id }: NodeContext<unknown>, handle: LedgerHandle): Member[] {
  return [...handle.members].flatMap(([place, member]) => {
    if (member.kind !== 'source' || member.answers) return []
    const behind = reachable(RED, handle, { place: place.split('/'), ports: [0] })
    return behind.some(({ ref }) => ref.id === id) ? [member] : []
  })
}

const noAnswers = (sources: readonly Member[]) =>
  syncError(
    'config',
    'sync.post-source',
    `${sources.map(({ ref }) => ref.name).join(', ')} cannot be asked whether a record still waits, so that nothing of it is posted`,
    {
      field: 'wires',
      hint: 'What is posted cannot be taken back. Wire this node behind a source that keeps its documents until they are answered, such as basware-poll.',
    },
  )
