/**
 * The person of a flow that sends orders: takes the codes that records have in Basware already, and has what was held sent again, by
 * the guarded routes that a user has. Every answer is told with its reason, and counted.
 */
import type { Editor } from './editor.ts'
import type { Entrance, FlowNode } from './job.ts'
import { until } from './process.ts'

/** A record that Tieout holds. */
export interface Held {
  readonly id: string
  readonly entity: string
  readonly key: string
  readonly sync: string
  readonly cause: { readonly code: string; readonly message: string }
}

export interface Purchaser {
  /** Answers what is asked now; whether anything was. */
  attend(): Promise<boolean>
  /** What is held of this sync. */
  held(): Promise<readonly Held[]>
  readonly answers: Readonly<Record<string, number>>
}

/** What stands in Basware under another code. */
const KNOWN = 'basware.already-there'
/** What may be over when it is sent again: what Basware or P2P refused. A table of the node has to be changed for anything else. */
const REFUSED = [KNOWN, 'basware.refused', 'basware.not-processed', 'sync.skipped']
/** So often a record is sent again before it stays held. */
const TRIES = 3

export function createPurchaser(
  { editor, say }: { readonly editor: Pick<Editor, 'call'>; readonly say: (text: string) => void },
  flows: readonly FlowNode[],
  { ledger, sync }: Entrance,
): Purchaser {
  const answers: Record<string, number> = {}
  const tries = new Map<string, number>()
  const node = flows.find(({ type, syncName }) => type === 'replay' && syncName === sync)?.id
  const count = (kind: string, records: readonly Held[], reason: string): void => {
    answers[kind] = (answers[kind] ?? 0) + records.length
    for (const { entity, key } of records) say(`  person: ${kind}, ${entity} ${key}, since ${reason}`)
  }
  const held = async (): Promise<readonly Held[]> =>
    (await editor.call(
      'GET',
      `/tieout/held?ledger=${ledger}&sync=${encodeURIComponent(sync)}&limit=1000`,
    )) as readonly Held[]

  /** Sends records again and waits until they are through, or held anew. */
  async function replay(records: readonly Held[], reason: string): Promise<void> {
    const ids = records.map(({ id }) => id)
    await editor.call('POST', '/tieout/held/replay', { ids, node, reason })
    const settled = async () => ((await held()).some(({ id }) => ids.includes(id)) ? undefined : true)
    await until('what is sent again', settled, { seconds: 60, everyMs: 500 }).catch(() => undefined)
  }

  return {
    answers,
    held,
    async attend() {
      const open = await held()
      const known = open.filter(({ cause }) => cause.code === KNOWN)
      if (known.length > 0) {
        const reason = 'it is the same one, typed before there was an interface'
        await editor.call('POST', '/tieout/basware/use-code', { ledger, ids: known.map(({ id }) => id), reason })
        count('use that code', known, reason)
      }
      const again = open.filter(
        ({ entity, key, cause }) => REFUSED.includes(cause.code) && (tries.get(`${entity} ${key}`) ?? 0) < TRIES,
      )
      if (again.length === 0) return false
      for (const { entity, key } of again) tries.set(`${entity} ${key}`, (tries.get(`${entity} ${key}`) ?? 0) + 1)
      const reason = 'what it names may be there now'
      count('send again', again, reason)
      await replay(again, reason)
      return true
    },
  }
}
